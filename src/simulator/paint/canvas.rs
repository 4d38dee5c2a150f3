//! A picture that is drawn on: soft dots and fills, never out of bounds.
use image::{DynamicImage, RgbImage, imageops::FilterType};

use super::noise::{byte, real, whole};
use super::palette::Color;

pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    raw: Vec<u8>,
}

impl Canvas {
    /// A canvas with a soft ground: `color` is asked on a small grid, and spread out smoothly.
    pub(super) fn spread(
        width: usize,
        height: usize,
        grid: usize,
        color: impl Fn(f32, f32) -> Color,
    ) -> Self {
        let cells = |length: usize| length.div_ceil((width.max(height) / grid).max(1)).max(2);
        let (columns, rows) = (cells(width), cells(height));
        let mut small = Vec::with_capacity(columns * rows * 3);
        for y in 0..rows {
            for x in 0..columns {
                let part = |at: usize, count: usize| (real(at) + 0.5) / real(count);
                small.extend(color(part(x, columns), part(y, rows)).map(byte));
            }
        }
        let size = |length: usize| u32::try_from(length).unwrap_or(1);
        let small = RgbImage::from_raw(size(columns), size(rows), small).unwrap_or_default();
        let large = DynamicImage::from(small).resize_exact(
            size(width),
            size(height),
            FilterType::CatmullRom,
        );
        Self { width, height, raw: large.into_rgb8().into_raw() }
    }

    pub(super) fn finish(self) -> RgbImage {
        let size = |length: usize| u32::try_from(length).unwrap_or(0);
        RgbImage::from_raw(size(self.width), size(self.height), self.raw).unwrap_or_default()
    }

    fn pixel(&mut self, x: usize, y: usize) -> Option<&mut [u8]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let at = (y * self.width + x) * 3;
        self.raw.get_mut(at..at + 3)
    }

    /// Lets a color through to a pixel: 0 changes nothing, 1 covers.
    pub(super) fn tint(&mut self, x: usize, y: usize, color: Color, cover: f32) {
        let Some(pixel) = self.pixel(x, y) else { return };
        for (old, new) in pixel.iter_mut().zip(color) {
            let before = f32::from(*old) / 255.0;
            *old = byte(before + (new - before) * cover);
        }
    }

    /// Fills a column from the edge `top`, which may lie between two pixels, to `bottom`, with
    /// the color of each row.
    pub(super) fn column(&mut self, x: usize, top: f32, bottom: usize, rows: &[[u8; 3]]) {
        let first = whole(top);
        let cover = 1.0 - (top - real(first));
        if let Some(color) = rows.get(first) {
            self.tint(x, first, color.map(|part| f32::from(part) / 255.0), cover);
        }
        let bottom = bottom.min(self.height);
        let stride = self.width * 3;
        let start = ((first + 1) * self.width + x) * 3;
        let colors = rows.get(first + 1..bottom).unwrap_or_default();
        let pixels = self.raw.get_mut(start..).unwrap_or_default().chunks_mut(stride);
        for (pixel, color) in pixels.zip(colors) {
            if let Some(pixel) = pixel.get_mut(..3) {
                pixel.copy_from_slice(color);
            }
        }
    }

    /// Replaces a row by another one, seen in moving water: shifted, darkened and tinted.
    pub(super) fn mirror(&mut self, row: usize, from: usize, shift: f32, tint: Color, cover: f32) {
        let stride = self.width * 3;
        let Some(source) = self.raw.get(from * stride..(from + 1) * stride) else { return };
        let moved = whole(shift.abs()).min(self.width.saturating_sub(1)) * 3;
        let source = if shift < 0.0 {
            let (kept, _) = source.split_at(stride - moved);
            [kept.get(..3).unwrap_or_default().repeat(moved / 3), kept.to_vec()].concat()
        } else {
            let (_, kept) = source.split_at(moved);
            [kept.to_vec(), kept.get(kept.len() - 3..).unwrap_or_default().repeat(moved / 3)]
                .concat()
        };
        let keep = [0, 1, 2].map(|_| 1.0 - cover);
        let table = tables(tint, keep);
        let Some(target) = self.raw.get_mut(row * stride..(row + 1) * stride) else { return };
        for (pixel, old) in target.chunks_exact_mut(3).zip(source.chunks_exact(3)) {
            for ((new, old), table) in pixel.iter_mut().zip(old).zip(&table) {
                *new = table.get(usize::from(*old)).copied().unwrap_or_default();
            }
        }
    }

    /// Tints every pixel inside of a box by how much `cover` says.
    pub(super) fn shade(
        &mut self,
        (left, top): (f32, f32),
        (right, bottom): (f32, f32),
        color: Color,
        cover: impl Fn(f32, f32) -> f32,
    ) {
        let (right, bottom) = (whole(right + 1.0).min(self.width), whole(bottom + 1.0));
        for y in whole(top)..bottom.min(self.height) {
            for x in whole(left)..right {
                let cover = cover(real(x) + 0.5, real(y) + 0.5);
                if cover > 0.0 {
                    self.tint(x, y, color, cover.min(1.0));
                }
            }
        }
    }
}

/// What each byte becomes when it is kept in part and tinted for the rest, by channel.
fn tables(tint: Color, keep: Color) -> Vec<Vec<u8>> {
    let table = |(tint, keep): (f32, f32)| {
        (0..=u8::MAX).map(|old| byte(f32::from(old) / 255.0 * keep + tint * (1.0 - keep))).collect()
    };
    tint.into_iter().zip(keep).map(table).collect()
}
