//! Everything below the sky: ridges in haze, water that mirrors them, trees, roofs and whoever
//! sits in front.
use super::Scene;
use super::canvas::Canvas;
use super::noise::{Dice, byte, hash, lerp, real, smooth, step, wave, waves, whole};
use super::palette::{Color, blend as mix};
use super::shapes;

/// One ridge: the height of its edge at every column and the color of its rows.
struct Ridge {
    edge: Vec<f32>,
    rows: Vec<[u8; 3]>,
}

/// What grows or stands on an edge.
#[derive(Clone, Copy, PartialEq)]
enum Edge {
    Peaks,
    Hills,
    Trees,
    Roofs,
}

pub(super) fn draw(scene: &Scene, canvas: &mut Canvas) {
    let mut dice = Dice::new(scene.seed ^ 2);
    let water = scene.subjects.water.then_some(scene.horizon + scene.height * 0.03);
    fill(canvas, &back(scene, &mut dice, water), water);
    if scene.subjects.city {
        windows(scene, canvas, &mut dice);
    }
    if let Some(line) = water {
        reflect(scene, canvas, line);
        if scene.subjects.boat {
            shapes::boat(scene, canvas, line);
        }
    }
    let front = front(scene, &mut dice);
    let ground = front.edge.clone();
    fill(canvas, &[front], None);
    if scene.subjects.animal {
        shapes::fox(scene, canvas, &ground);
    } else {
        shapes::birds(scene, canvas);
    }
}

/// The ridges from the farthest to the nearest, each darker than the one behind it.
fn back(scene: &Scene, dice: &mut Dice, water: Option<f32>) -> Vec<Ridge> {
    let count: u16 = if water.is_some() { 4 } else { 6 };
    let bottom = water.unwrap_or(scene.height * 0.9);
    (0..count)
        .map(|number| {
            let near = f32::from(number) / f32::from(count - 1);
            let base = lerp(scene.horizon - scene.unit * 0.05, bottom, near * near);
            let base = if water.is_some() { base - scene.unit * 0.02 } else { base };
            let edge = match number {
                0 | 1 if scene.subjects.peaks => Edge::Peaks,
                _ if scene.subjects.city && near > 0.4 => Edge::Roofs,
                _ if scene.subjects.trees && near > 0.3 => Edge::Trees,
                _ => Edge::Hills,
            };
            let tall = scene.unit * if edge == Edge::Peaks { 0.30 } else { lerp(0.16, 0.10, near) };
            let color = mix(scene.palette.far, scene.palette.near, near.powf(1.3) * 0.85);
            let haze = mix(scene.palette.horizon, color, 0.35 + 0.4 * near);
            ridge(scene, dice.seed(), edge, (base, tall, near), (color, haze))
        })
        .collect()
}

/// The dark ground at the lower edge.
fn front(scene: &Scene, dice: &mut Dice) -> Ridge {
    let edge =
        if scene.subjects.trees && !scene.subjects.animal { Edge::Trees } else { Edge::Hills };
    let color = mix(scene.palette.near, [0.0, 0.0, 0.0], 0.25);
    let base = scene.height - scene.unit * if scene.subjects.animal { 0.07 } else { 0.05 };
    ridge(scene, dice.seed(), edge, (base, scene.unit * 0.1, 1.3), (color, color))
}

fn ridge(
    scene: &Scene,
    seed: u64,
    edge: Edge,
    (base, tall, near): (f32, f32, f32),
    (color, haze): (Color, Color),
) -> Ridge {
    let columns = 0..whole(scene.width);
    let edge: Vec<f32> = columns
        .map(|x| {
            let at = real(x) / scene.unit;
            let rise = match edge {
                Edge::Peaks => peaks(seed, at * 2.2),
                Edge::Hills => waves(seed, at * 2.4, 5),
                Edge::Trees => waves(seed, at * 1.9, 4) + trees(seed, at, 0.25 + 0.55 * near),
                Edge::Roofs => roofs(seed, at, 0.6 + near),
            };
            (base - tall * rise).max(0.0)
        })
        .collect();
    let top = edge.iter().copied().fold(base, f32::min);
    let rows = (0..whole(scene.height))
        .map(|y| {
            let depth = smooth((real(y) - top) / (base + tall * 0.5 - top));
            mix(color, haze, depth).map(byte)
        })
        .collect();
    Ridge { edge, rows }
}

/// Sharp crests: the noise is folded at its middle.
fn peaks(seed: u64, at: f32) -> f32 {
    let (mut sum, mut weight, mut scale) = (0.0, 0.62, 1.0);
    for octave in 0..6_u64 {
        let fold = 1.0 - (2.0 * wave(seed ^ octave, at * scale) - 1.0).abs();
        sum += weight * fold;
        (weight, scale) = (weight * 0.42, scale * 2.17);
    }
    sum
}

/// A row of firs: each column belongs to the tallest tree that reaches it.
fn trees(seed: u64, at: f32, size: f32) -> f32 {
    let width = 0.030 * size;
    let cell = (at / width).floor();
    let mut tall: f32 = 0.0;
    for side in [-1.0, 0.0, 1.0] {
        let number = cell + side;
        let index = i32::try_from(whole(number + 16.0)).unwrap_or_default();
        let chance = hash(seed, index);
        let centre = (number + 0.2 + 0.6 * hash(seed ^ 7, index)) * width;
        let height = 1.1 * size * (0.35 + 0.65 * chance);
        let away = (at - centre).abs() / (width * (0.55 + 0.35 * chance));
        let branches = 0.10 * ((1.0 - away) * 9.0).fract();
        tall = tall.max(height * (1.0 - away - branches * away).max(0.0));
    }
    tall
}

fn roofs(seed: u64, at: f32, size: f32) -> f32 {
    let index = |width: f32| i32::try_from(whole(at / width)).unwrap_or_default();
    let house = |width: f32, seed: u64| hash(seed, index(width));
    let wide = house(0.052 * size, seed);
    let slim = house(0.023 * size, seed ^ 3);
    let tower = if slim > 0.86 { 1.1 } else { 0.0 };
    0.4 + 1.2 * wide * wide + 0.35 * slim + tower
}

/// Fills ridges so that every pixel is written once, and edges stay soft.
fn fill(canvas: &mut Canvas, ridges: &[Ridge], floor: Option<f32>) {
    for x in 0..canvas.width {
        let mut limits = vec![];
        let mut limit = floor.unwrap_or(real(canvas.height));
        for ridge in ridges.iter().rev() {
            let edge = ridge.edge.get(x).copied().unwrap_or_default();
            limits.push((edge, limit, ridge));
            limit = limit.min(edge + 1.0);
        }
        for (edge, limit, ridge) in limits.into_iter().rev().filter(|(edge, limit, _)| edge < limit)
        {
            canvas.column(x, edge, whole(limit.ceil()), &ridge.rows);
        }
    }
}

/// Lit windows among the roofs.
fn windows(scene: &Scene, canvas: &mut Canvas, dice: &mut Dice) {
    let size = scene.unit / 1024.0;
    let count = whole(900.0 * scene.width / scene.unit);
    for _ in 0..count {
        let (x, y) =
            (dice.roll() * scene.width, scene.horizon + scene.unit * dice.between(-0.1, 0.16));
        let snap = |value: f32, grid: f32| (value / (grid * size)).floor() * grid * size;
        let (x, y) = (snap(x, 8.0), snap(y, 11.0));
        let warm = dice.roll();
        let color = mix([1.0, 0.86, 0.52], [0.55, 0.93, 1.0], if warm > 0.8 { 1.0 } else { 0.0 });
        let cover = dice.between(0.3, 0.95);
        canvas.shade((x, y), (x + 2.4 * size, y + 4.0 * size), color, |_, _| cover);
    }
}

/// The water: each row mirrors one above the line, trembling more the nearer it is.
fn reflect(scene: &Scene, canvas: &mut Canvas, line: f32) {
    let first = whole(line);
    let deep = mix(scene.palette.zenith, scene.palette.near, 0.45);
    for row in first..canvas.height {
        let depth = (real(row) - line) / (scene.height - line);
        let from = (line - 1.0 - (real(row) - line).max(0.0) * 1.25).max(0.0);
        let index = i32::try_from(row).unwrap_or_default();
        let tremble = (real(row) * 0.9).sin() + 2.0 * (hash(scene.seed ^ 5, index) - 0.5);
        let shift = tremble * scene.unit * 0.006 * (0.15 + depth);
        canvas.mirror(row, whole(from), shift, deep, 0.22 + 0.45 * depth);
    }
    glitter(scene, canvas, line);
}

/// The path of light below the sun.
fn glitter(scene: &Scene, canvas: &mut Canvas, line: f32) {
    let mut dice = Dice::new(scene.seed ^ 4);
    for _ in 0..220 {
        let depth = dice.roll().powf(1.6);
        let y = line + depth * (scene.height - line) * 0.9;
        let wide = scene.unit * (0.008 + 0.03 * depth) * dice.between(0.4, 1.3);
        let path = scene.radius * (0.5 + 1.1 * depth);
        let x = scene.sun.0 + path * (dice.roll() + dice.roll() - 1.0);
        let thick = scene.unit * 0.0011 * (1.0 + 2.0 * depth);
        let bright = 0.6 * dice.between(0.3, 1.0) * (1.0 - 0.6 * depth);
        canvas.shade(
            (x - wide, y - thick),
            (x + wide, y + thick),
            scene.palette.light,
            |px, py| {
                bright
                    * (1.0 - step(0.3, 1.0, (px - x).abs() / wide))
                    * (1.0 - (py - y).abs() / (thick + 1.0))
            },
        );
    }
}
