//! The words "inkwire simulator" in small letters in a corner: no picture of the simulator
//! passes for the work of a model.
use super::canvas::Canvas;
use super::noise::real;

/// Each letter as five rows of three dots, the highest bit first.
const LETTERS: &[(char, [u8; 5])] = &[
    ('a', [0b010, 0b101, 0b111, 0b101, 0b101]),
    ('e', [0b111, 0b100, 0b110, 0b100, 0b111]),
    ('i', [0b111, 0b010, 0b010, 0b010, 0b111]),
    ('k', [0b101, 0b110, 0b100, 0b110, 0b101]),
    ('l', [0b100, 0b100, 0b100, 0b100, 0b111]),
    ('m', [0b101, 0b111, 0b111, 0b101, 0b101]),
    ('n', [0b110, 0b101, 0b101, 0b101, 0b101]),
    ('o', [0b010, 0b101, 0b101, 0b101, 0b010]),
    ('r', [0b110, 0b101, 0b110, 0b110, 0b101]),
    ('s', [0b011, 0b100, 0b010, 0b001, 0b110]),
    ('t', [0b111, 0b010, 0b010, 0b010, 0b010]),
    ('u', [0b101, 0b101, 0b101, 0b101, 0b111]),
    ('w', [0b101, 0b101, 0b111, 0b111, 0b101]),
];
const TEXT: &str = "inkwire simulator";

pub(super) fn draw(canvas: &mut Canvas) {
    let dot = (canvas.width.min(canvas.height) / 340).max(1);
    let (width, height) = (TEXT.len() * 4 * dot, 5 * dot);
    let (left, top) = (
        canvas.width.saturating_sub(width + 4 * dot),
        canvas.height.saturating_sub(height + 5 * dot),
    );
    for (place, letter) in TEXT.chars().enumerate() {
        let Some((_, rows)) = LETTERS.iter().find(|(name, _)| *name == letter) else { continue };
        for (y, row) in rows.iter().enumerate() {
            for x in (0..3).filter(|x| row >> (2 - x) & 1 == 1) {
                square(canvas, left + (place * 4 + x) * dot, top + y * dot, dot);
            }
        }
    }
}

fn square(canvas: &mut Canvas, x: usize, y: usize, size: usize) {
    let (from, down) = (real(x), real(y));
    let (to, low) = (real(x + size - 1), real(y + size - 1));
    canvas.shade((from, down), (to, low), [1.0, 1.0, 1.0], |_, _| 0.72);
}
