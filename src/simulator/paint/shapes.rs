//! Figures as outlines, in a box from 0 to 1.
use super::Scene;
use super::canvas::Canvas;
use super::noise::{Dice, real, whole};
use super::palette::{Color, blend as mix};

type Point = (f32, f32);

/// A fox that sits and looks to the right: back, head with ears, chest, paws and the brush.
const FOX: &[Point] = &[
    (0.60, 0.00),
    (0.645, 0.105),
    (0.69, 0.115),
    (0.745, 0.02),
    (0.775, 0.15),
    (0.81, 0.215),
    (0.93, 0.285),
    (0.945, 0.31),
    (0.90, 0.345),
    (0.79, 0.375),
    (0.755, 0.42),
    (0.765, 0.52),
    (0.75, 0.66),
    (0.735, 0.80),
    (0.74, 0.93),
    (0.79, 0.965),
    (0.785, 1.00),
    (0.62, 1.00),
    (0.60, 0.97),
    (0.47, 1.00),
    (0.28, 1.00),
    (0.14, 0.985),
    (0.05, 0.93),
    (0.01, 0.84),
    (0.03, 0.72),
    (0.10, 0.64),
    (0.16, 0.70),
    (0.17, 0.79),
    (0.23, 0.85),
    (0.28, 0.84),
    (0.29, 0.74),
    (0.34, 0.62),
    (0.42, 0.50),
    (0.50, 0.42),
    (0.55, 0.34),
    (0.565, 0.22),
    (0.575, 0.12),
];

/// A boat with two sails.
const BOAT: &[Point] = &[
    (0.50, 0.00),
    (0.53, 0.10),
    (0.66, 0.38),
    (0.88, 0.70),
    (0.54, 0.71),
    (0.54, 0.78),
    (0.96, 0.77),
    (0.90, 0.90),
    (0.80, 1.00),
    (0.24, 1.00),
    (0.12, 0.90),
    (0.05, 0.77),
    (0.49, 0.78),
    (0.49, 0.72),
    (0.20, 0.71),
    (0.36, 0.42),
    (0.47, 0.12),
];

/// A fox on the ground, before the sun.
pub(super) fn fox(scene: &Scene, canvas: &mut Canvas, ground: &[f32]) {
    let size = scene.unit * 0.42;
    let left = scene.sun.0 - size * 0.52;
    let feet = |x: f32| ground.get(whole(x)).copied().unwrap_or(scene.height);
    let foot = feet(left + size * 0.25).max(feet(left + size * 0.75)) + size * 0.02;
    let color = mix(scene.palette.near, [0.0, 0.0, 0.0], 0.25);
    figure(canvas, &rounded(FOX), (left, foot - size), size, color);
}

/// A boat on the water, off the path of light.
pub(super) fn boat(scene: &Scene, canvas: &mut Canvas, line: f32) {
    let size = scene.unit * 0.13;
    let foot = line + scene.height * 0.07;
    let left = (scene.width - scene.sun.0) * 0.9 - size * 0.5;
    let color = mix(scene.palette.near, [0.0, 0.0, 0.0], 0.2);
    figure(canvas, &rounded(BOAT), (left, foot - size), size, color);
    canvas.shade((left, foot), (left + size, foot + size * 0.5), color, |x, y| {
        let (across, down) = ((x - left) / size - 0.5, (y - foot) / size);
        0.5 * (1.0 - down * 2.0) * (1.0 - across.abs() * 2.2 - down * 0.6).clamp(0.0, 1.0)
    });
}

/// A smooth line through the points of an outline.
fn rounded(outline: &[Point]) -> Vec<Point> {
    let at = |place: usize| outline.get(place % outline.len()).copied().unwrap_or_default();
    let curve = |a: f32, b: f32, c: f32, d: f32, t: f32| {
        // A cardinal spline of little tension: soft, yet ears stay pointed.
        let (before, after) = (0.3 * (c - a), 0.3 * (d - b));
        let (square, cube) = (t * t, t * t * t);
        (2.0 * cube - 3.0 * square + 1.0) * b
            + (cube - 2.0 * square + t) * before
            + (3.0 * square - 2.0 * cube) * c
            + (cube - square) * after
    };
    (0..outline.len())
        .flat_map(|place| [0.0, 0.25, 0.5, 0.75].map(|t| (place, t)))
        .map(|(place, t)| {
            let [a, b, c, d] = [0, 1, 2, 3].map(|next| at(place + next));
            (curve(a.0, b.0, c.0, d.0, t), curve(a.1, b.1, c.1, d.1, t))
        })
        .collect()
}

/// Fills an outline line by line, two lines to a row of pixels to keep its edges soft.
fn figure(canvas: &mut Canvas, outline: &[Point], (x, y): Point, size: f32, color: Color) {
    for row in whole(y)..whole(y + size + 1.0).min(canvas.height) {
        for part in [0.25, 0.75] {
            let crossed = crossings(outline, (real(row) + part - y) / size);
            for (from, to) in crossed.iter().zip(crossed.iter().skip(1)).step_by(2) {
                let (from, to) = (x + from * size, x + to * size);
                for column in whole(from)..whole(to + 1.0).min(canvas.width) {
                    let inside = (to.min(real(column + 1)) - from.max(real(column))).max(0.0);
                    // The second line covers half of what the first one left.
                    let cover = if part < 0.5 { 0.5 } else { 1.0 };
                    canvas.tint(column, row, color, cover * inside);
                }
            }
        }
    }
}

/// Where a horizontal line meets the outline, from left to right.
fn crossings(outline: &[Point], y: f32) -> Vec<f32> {
    let next = outline.iter().cycle().skip(1);
    let mut crossed: Vec<f32> = outline
        .iter()
        .zip(next)
        .filter(|((_, a), (_, b))| (*a > y) != (*b > y))
        .map(|((ax, ay), (bx, by))| (bx - ax) * (y - ay) / (by - ay) + ax)
        .collect();
    crossed.sort_by(f32::total_cmp);
    crossed
}

/// A few birds far off.
pub(super) fn birds(scene: &Scene, canvas: &mut Canvas) {
    let mut dice = Dice::new(scene.seed ^ 6);
    let color = mix(scene.palette.near, scene.palette.middle, 0.25);
    let (x, y) = (scene.width * dice.between(0.2, 0.8), scene.horizon * dice.between(0.25, 0.5));
    for _ in 0..whole(dice.between(3.0, 8.0)) {
        let x = x + scene.unit * dice.between(-0.12, 0.12);
        let y = y + scene.unit * dice.between(-0.05, 0.05);
        let wing = scene.unit * dice.between(0.008, 0.017);
        let thick = (scene.unit / 700.0).max(0.8);
        canvas.shade((x - wing, y - wing), (x + wing, y + wing), color, |px, py| {
            let out = (px - x).abs() / wing;
            let line = y - wing * 0.55 * (out * (1.9 - out * 1.1)) + wing * 0.2;
            (1.0 - (py - line).abs() / thick) * (1.0 - out * 0.5)
        });
    }
}
