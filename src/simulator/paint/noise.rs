//! Chance that is the same every time: hashes, smooth noise and a small random generator, with
//! the few number conversions that painting needs.

/// A small generator of the same numbers for the same seed.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0 up to 1.
    pub(super) fn roll(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        unit(mix(self.0))
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.roll()
    }

    pub(super) fn seed(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }
}

fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// A seed out of a text.
pub(super) fn seed_of(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// The upper bits of a number as a part of one.
fn unit(number: u64) -> f32 {
    let [high, low, ..] = number.to_be_bytes();
    f32::from(u16::from_be_bytes([high, low])) / 65_536.0
}

/// A fixed chance for a whole number.
pub(super) fn hash(seed: u64, at: i32) -> f32 {
    unit(mix(seed ^ u64::from(at.cast_unsigned()).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// Smooth noise along a line, from 0 to 1.
pub(super) fn wave(seed: u64, at: f32) -> f32 {
    let (cell, part) = split(at);
    lerp(hash(seed, cell), hash(seed, cell.wrapping_add(1)), smooth(part))
}

/// Several waves, each finer and weaker than the one before.
pub(super) fn waves(seed: u64, at: f32, octaves: u16) -> f32 {
    let (mut sum, mut weight, mut scale) = (0.0, 0.5, 1.0);
    for octave in 0..octaves {
        sum += weight * wave(seed ^ u64::from(octave), at * scale);
        (weight, scale) = (weight * 0.5, scale * 2.03);
    }
    sum
}

/// Smooth noise on a plane, in three octaves.
pub(super) fn cloud(seed: u64, x: f32, y: f32) -> f32 {
    let (mut sum, mut weight, mut scale) = (0.0, 0.5, 1.0);
    for octave in 0..4_u64 {
        let (row, part) = split(y * scale);
        let seed = seed ^ octave;
        let line = |row: i32| wave(seed ^ u64::from(row.cast_unsigned()) << 8, x * scale);
        sum += weight * lerp(line(row), line(row.wrapping_add(1)), smooth(part));
        (weight, scale) = (weight * 0.5, scale * 2.1);
    }
    sum
}

pub(super) fn lerp(from: f32, to: f32, part: f32) -> f32 {
    from + (to - from) * part
}

pub(super) fn smooth(part: f32) -> f32 {
    let part = part.clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

/// From 0 at `low` to 1 at `high`, softly.
pub(super) fn step(low: f32, high: f32, value: f32) -> f32 {
    smooth((value - low) / (high - low))
}

/// The whole number below, and the rest.
#[allow(clippy::as_conversions, clippy::cast_possible_truncation)] // there is no other way; the cast saturates
fn split(value: f32) -> (i32, f32) {
    let floor = value.floor();
    (floor as i32, value - floor)
}

/// A place in a picture as an index; below zero is zero.
#[allow(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // there is no other way; the cast saturates
pub(super) fn whole(value: f32) -> usize {
    value as usize
}

/// A share of light as a byte.
#[allow(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // there is no other way; the cast saturates
pub(super) fn byte(value: f32) -> u8 {
    (value * 255.0 + 0.5) as u8
}

/// A size or an index of a picture; those are far below the limit of exactness.
#[allow(clippy::as_conversions, clippy::cast_precision_loss)] // there is no other way; exact below 2^24
pub(super) fn real(value: usize) -> f32 {
    value as f32
}
