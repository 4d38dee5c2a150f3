//! Several pictures as one, each with its number, so that people can name the one they want.
//! Cells are equal and filled by whole rows; a part of another size stands in the middle of its own.
use super::{
    Limits, Picture, PictureError, index,
    resize::{resize, scaled, within},
};

/// Between cells, in pixels.
const GUTTER: u32 = 4;
/// Of gutters, empty places and the plates under numbers.
const WALL: [u8; 3] = [24, 24, 27];
const INK: [u8; 3] = [250, 250, 250];
/// What is made here can be decoded again.
const MOST: Limits = Limits::DEFAULT;
const MOST_PARTS: u32 = 64;
/// A badge is seven dots high; there are so many dots to the side of a cell.
const CELL_PER_DOT: u32 = 128;

/// Ten digits of 3x5 dots, a row in three bits.
const DIGITS: [[u8; 5]; 10] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b001, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
];

/// All parts in the order of their numbers, from the top left.
///
/// # Errors
/// Where there are no parts.
pub fn grid(parts: &[Picture]) -> Result<Picture, PictureError> {
    let sizes: Vec<_> = parts.iter().map(|part| (part.width, part.height)).collect();
    let mut sheet = Sheet::new(&sizes)?;
    for (number, part) in (1..).zip(parts) {
        sheet.place(number, part)?;
    }
    Ok(sheet.canvas)
}

/// Where everything lies; sizes in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    columns: u32,
    cell: (u32, u32),
    pub(super) size: (u32, u32),
}

impl Layout {
    /// For parts of these sizes.
    pub(super) fn of(sizes: &[(u32, u32)]) -> Result<Self, PictureError> {
        let width = sizes.iter().map(|size| size.0).max().unwrap_or(0);
        let height = sizes.iter().map(|size| size.1).max().unwrap_or(0);
        let count = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
        if count > MOST_PARTS {
            return Err(PictureError::TooLarge("parts"));
        }
        if width == 0 || height == 0 {
            return Err(PictureError::malformed("a grid of nothing"));
        }
        let columns = columns(count, width > height);
        let rows = count.div_ceil(columns);
        let cell = cell((width, height), (columns, rows));
        let side = |cells: u32, cell: u32| cells * cell + (cells - 1) * GUTTER;
        Ok(Self { columns, cell, size: (side(columns, cell.0), side(rows, cell.1)) })
    }

    /// The top left of a cell, counted from 0.
    fn corner(&self, cell: u32) -> (u32, u32) {
        let (column, row) = (cell % self.columns, cell / self.columns);
        (column * (self.cell.0 + GUTTER), row * (self.cell.1 + GUTTER))
    }
}

/// A grid that is being filled: one part at a time, so that the others need not be in memory.
pub(super) struct Sheet {
    pub(super) canvas: Picture,
    layout: Layout,
}

impl Sheet {
    /// For parts of these sizes.
    pub(super) fn new(sizes: &[(u32, u32)]) -> Result<Self, PictureError> {
        let layout = Layout::of(sizes)?;
        Ok(Self { canvas: Picture::plain(layout.size.0, layout.size.1, WALL), layout })
    }

    /// Part `number`, from 1.
    pub(super) fn place(&mut self, number: u32, part: &Picture) -> Result<(), PictureError> {
        let (cell_width, cell_height) = self.layout.cell;
        let (width, height) = within((part.width, part.height), (cell_width, cell_height));
        let part = resize(part, width, height)?;
        let (x, y) = self.layout.corner(number.saturating_sub(1));
        self.copy(x + (cell_width - width) / 2, y + (cell_height - height) / 2, &part.flat(WALL));
        self.badge(x, y, number);
        Ok(())
    }

    fn copy(&mut self, x: u32, y: u32, part: &Picture) {
        for (row, source) in (y..).zip(part.pixels.chunks_exact(3 * index(part.width))) {
            if let Some(target) = self.row(x, row, part.width) {
                target.copy_from_slice(source);
            }
        }
    }

    /// The number on a small plate in the cell's corner.
    fn badge(&mut self, x: u32, y: u32, number: u32) {
        let (width, height) = self.layout.cell;
        let dot = (width.min(height) / CELL_PER_DOT).max(2);
        let digits = number.to_string();
        let count = u32::try_from(digits.len()).unwrap_or(1);
        let (x, y) = (x + dot, y + dot);
        self.fill((x, y), ((4 * count + 1) * dot, 7 * dot), WALL);
        for (place, digit) in (0..).zip(digits.bytes()) {
            let dots = DIGITS.get(usize::from(digit - b'0')).copied().unwrap_or_default();
            for (row, bits) in (0..).zip(dots) {
                for column in (0..3).filter(|column| bits >> (2 - column) & 1 == 1) {
                    let left = x + (4 * place + 1 + column) * dot;
                    self.fill((left, y + (row + 1) * dot), (dot, dot), INK);
                }
            }
        }
    }

    fn fill(&mut self, (x, y): (u32, u32), (width, height): (u32, u32), colour: [u8; 3]) {
        for row in y..y + height {
            let Some(target) = self.row(x, row, width) else { return };
            target.as_chunks_mut().0.fill(colour);
        }
    }

    /// `None` where it does not lie in the canvas.
    fn row(&mut self, x: u32, y: u32, width: u32) -> Option<&mut [u8]> {
        if x + width > self.canvas.width {
            return None;
        }
        let start = 3 * (index(y) * index(self.canvas.width) + index(x));
        self.canvas.pixels.get_mut(start..start + 3 * index(width))
    }
}

/// Two landscapes stand one above the other.
fn columns(count: u32, landscape: bool) -> u32 {
    match count {
        0 | 1 => 1,
        2 if landscape => 1,
        2..=4 => 2,
        5..=9 => 3,
        _ => count.isqrt() + 1,
    }
}

/// The largest cell with which the whole stays within its limits.
fn cell((width, height): (u32, u32), (columns, rows): (u32, u32)) -> (u32, u32) {
    let gutters = |cells: u32| (cells - 1) * GUTTER;
    let most = ((MOST.side - gutters(columns)) / columns, (MOST.side - gutters(rows)) / rows);
    let cell = within((width, height), most);
    let walls = u64::from(GUTTER * MOST.side * (columns + rows - 2));
    let pixels = (MOST.pixels - walls) / u64::from(columns * rows);
    let by_pixels = (pixels * u64::from(cell.0) / u64::from(cell.1)).isqrt();
    let width = cell.0.min(u32::try_from(by_pixels).unwrap_or(u32::MAX)).max(1);
    (width, scaled(cell.1, width, cell.0).max(1))
}
