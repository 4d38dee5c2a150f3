//! Pictures on their way: previews out of noise, and a picture laid over another one.
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, Rgb, RgbImage};

use super::noise::{Dice, byte};

/// The longer side of a preview in pixels.
const SIDE: u32 = 256;

/// A small copy of a picture, from which its previews are made.
pub(in super::super) struct Sketch(RgbImage);

impl Sketch {
    pub(in super::super) fn new(picture: &RgbImage) -> Self {
        let (width, height) = picture.dimensions();
        let longer = width.max(height).max(1);
        let side = |length: u32| (length * SIDE / longer).max(1);
        let small = DynamicImage::from(picture.clone()).thumbnail_exact(side(width), side(height));
        Self(small.into_rgb8())
    }

    /// The preview at a step, as JPEG: coarse and noisy first, clear at the end.
    pub(in super::super) fn at(&self, step: u64, steps: u64, seed: u64) -> Vec<u8> {
        let left = u16::try_from(steps.saturating_sub(step)).unwrap_or(u16::MAX);
        let noise = f32::from(left) / f32::from(u16::try_from(steps).unwrap_or(u16::MAX).max(1));
        let (width, height) = self.0.dimensions();
        let cell = 1 + u32::from(left.min(12));
        let cells = |length: u32| (length / cell).max(1);
        let mut small = DynamicImage::from(self.0.clone())
            .thumbnail_exact(cells(width), cells(height))
            .into_rgb8();
        let mut dice = Dice::new(seed ^ step);
        for part in small.iter_mut() {
            let old = f32::from(*part) / 255.0;
            *part = byte(old + (dice.roll() - 0.5 + (0.5 - old) * 0.8) * noise);
        }
        let large = DynamicImage::from(small).resize_exact(width, height, FilterType::Triangle);
        let mut jpeg = vec![];
        match large.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 85)) {
            Ok(()) => jpeg,
            Err(_) => vec![],
        }
    }
}

/// A new picture over an old one, which shows through the less the stronger the change is.
pub(in super::super) fn blend(old: &RgbImage, new: &RgbImage, strength: f64) -> RgbImage {
    let (width, height) = new.dimensions();
    let old = DynamicImage::from(old.clone()).resize_exact(width, height, FilterType::Triangle);
    let mut mixed = old.into_rgb8();
    // Whole steps of 1/256 are fine enough, and fast.
    let share = (0..=256_u16).rev().find(|n| f64::from(*n) / 256.0 <= strength).unwrap_or(0);
    for (old, new) in mixed.iter_mut().zip(new.iter()) {
        let sum = u32::from(*old) * u32::from(256 - share) + u32::from(*new) * u32::from(share);
        *old = u8::try_from(sum / 256).unwrap_or(u8::MAX);
    }
    mixed
}

/// A picture with even noise over it, the same for the same seed; `strength` from 0 to 1.
pub(in super::super) fn noisy(picture: &RgbImage, seed: u64, strength: f64) -> RgbImage {
    let mut dice = Dice::new(seed);
    let noise = RgbImage::from_fn(picture.width(), picture.height(), |_, _| {
        Rgb([byte(dice.roll()), byte(dice.roll()), byte(dice.roll())])
    });
    blend(picture, &noise, strength)
}
