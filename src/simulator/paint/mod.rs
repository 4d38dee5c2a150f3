//! Pictures out of a prompt and a seed: a calm landscape whose colours and subjects follow the
//! words. The same order gives the same picture, and every picture says in its corner that no
//! model painted it.
mod canvas;
mod land;
mod mark;
mod noise;
mod palette;
mod shapes;
mod sketch;
#[cfg(test)]
mod tests;

use image::RgbImage;

use canvas::Canvas;
use noise::{Dice, cloud, real, seed_of, smooth, step};
use palette::{Palette, Subjects, blend as mix};
pub(super) use sketch::{Sketch, blend, noisy};

/// Everything that is settled before the first stroke.
struct Scene {
    width: f32,
    height: f32,
    /// The shorter side: things keep their size on wide pictures.
    unit: f32,
    palette: Palette,
    subjects: Subjects,
    /// Where sky and land meet.
    horizon: f32,
    /// Centre and size of the sun or the moon.
    sun: (f32, f32),
    radius: f32,
    seed: u64,
}

impl Scene {
    fn new(prompt: &str, seed: u64, width: usize, height: usize) -> Self {
        let mut dice = Dice::new(seed_of(prompt) ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let palette = palette::palette(prompt, &mut dice);
        let subjects = palette::subjects(prompt, &mut dice);
        let (width, height) = (real(width), real(height));
        let unit = width.min(height);
        let horizon = height * dice.between(0.58, 0.68);
        let left = dice.roll() < 0.5;
        let aside = dice.between(0.08, 0.26);
        let x = width * if left { 0.5 - aside } else { 0.5 + aside };
        // A large disc behind an animal sets it off.
        let (radius, rise) = if subjects.animal {
            (dice.between(0.17, 0.22), dice.between(0.05, 0.12))
        } else {
            let low = if subjects.peaks { 0.3 } else { 0.1 };
            (dice.between(0.05, 0.11), dice.between(low, 0.38))
        };
        let sun = (x, horizon - unit * (rise + radius * 0.6));
        let radius = unit * radius;
        Self { width, height, unit, palette, subjects, horizon, sun, radius, seed: dice.seed() }
    }
}

/// Paints a picture of this size.
pub(super) fn paint(prompt: &str, seed: u64, width: u32, height: u32) -> RgbImage {
    let size = |length: u32| usize::try_from(length).unwrap_or_default();
    let (width, height) = (size(width).max(1), size(height).max(1));
    let scene = Scene::new(prompt, seed, width, height);
    let mut canvas = sky(&scene, width, height);
    stars(&scene, &mut canvas);
    sun(&scene, &mut canvas);
    land::draw(&scene, &mut canvas);
    mark::draw(&mut canvas);
    canvas.finish()
}

/// The ground: a gradient from the zenith down, light around the sun, clouds in its colours.
fn sky(scene: &Scene, width: usize, height: usize) -> Canvas {
    let Palette { zenith, middle, horizon, light, .. } = scene.palette;
    let seed = scene.seed;
    // At night the light would only turn the sky grey.
    let glow = 0.62 - 0.34 * scene.palette.stars;
    Canvas::spread(width, height, 112, |x, y| {
        let down = (y * scene.height / scene.horizon).min(1.0);
        let color = if down < 0.6 {
            mix(zenith, middle, smooth(down / 0.6))
        } else {
            mix(middle, horizon, smooth((down - 0.6) / 0.4))
        };
        let (across, over) = (x * scene.width - scene.sun.0, y * scene.height - scene.sun.1);
        let distance = across.hypot(over) / scene.unit;
        let color = mix(color, light, glow * (-distance * distance * 9.0).exp());
        let band = step(0.05, 0.5, down) * (1.0 - step(0.86, 1.0, down));
        if band == 0.0 {
            return color;
        }
        let (wide, high) = (x * scene.width / scene.unit, y * scene.height / scene.unit);
        let streak = cloud(seed, wide * 2.2 + high, high * 9.0);
        let cover = step(0.46, 0.72, streak) * band * 0.55;
        let lit = mix(mix(middle, light, 0.35), light, (-distance * 3.2).exp());
        mix(color, lit, cover)
    })
}

fn stars(scene: &Scene, canvas: &mut Canvas) {
    let mut dice = Dice::new(scene.seed ^ 1);
    let count = 260.0 * scene.palette.stars * scene.width / scene.unit;
    let size = scene.unit / 1024.0;
    for _ in 0..noise::whole(count) {
        let (x, y) = (dice.roll() * scene.width, dice.roll().powf(1.4) * scene.horizon);
        let (bright, large) = (dice.roll(), size * dice.between(0.7, 1.9));
        let fade = 1.0 - step(0.35, 0.95, y / scene.horizon);
        let color = mix([1.0, 1.0, 1.0], scene.palette.light, dice.roll());
        canvas.shade((x - 3.0, y - 3.0), (x + 3.0, y + 3.0), color, |px, py| {
            fade * (0.3 + 0.7 * bright) * (1.0 - (px - x).hypot(py - y) / large.max(0.9))
        });
    }
}

/// The disc; a low one sinks into the haze at its lower edge.
fn sun(scene: &Scene, canvas: &mut Canvas) {
    let ((x, y), radius) = (scene.sun, scene.radius);
    let color = mix(scene.palette.light, [1.0, 1.0, 1.0], 0.35);
    let haze = 0.55 * (1.0 - step(0.0, 0.2, (scene.horizon - y - radius) / scene.unit));
    let low = (x + radius + 1.0, (y + radius + 1.0).min(scene.horizon));
    canvas.shade((x - radius - 1.0, y - radius - 1.0), low, color, |px, py| {
        let edge = (radius - (px - x).hypot(py - y)).clamp(0.0, 1.0);
        edge * (0.96 - haze * step(0.1, 1.0, (py - y) / radius))
    });
}
