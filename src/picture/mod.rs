//! Pictures: from bytes to bytes, with limits. Whatever comes in is taken for hostile.
//! Nothing here knows a job, a store or a protocol; [`Studio`] alone knows threads.
mod decode;
mod encode;
mod grid;
mod jpeg;
pub mod naming;
mod placeholder;
mod png;
mod process;
mod resize;
mod studio;
mod webp;

#[cfg(test)]
mod bombs;
#[cfg(test)]
mod tests;

pub use decode::{Limits, decode, size};
pub use encode::{encode_jpeg, encode_png, encode_webp, fit};
pub use grid::grid;
pub use placeholder::{blank, blurhash};
pub use process::{Processed, Thumbnail, compose, process};
pub use resize::{resize, thumbnail};
pub use studio::Studio;

use inkwire_core::Failure;
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("neither png nor jpeg nor webp")]
    Unknown,
    #[error("too large: {0}")]
    TooLarge(&'static str),
    #[error("malformed: {0}")]
    Malformed(String),
    #[error("a codec panicked")]
    Panicked,
}

impl PictureError {
    fn malformed(why: &(impl ToString + ?Sized)) -> Self {
        Self::Malformed(why.to_string())
    }
}

impl From<PictureError> for Failure {
    fn from(_: PictureError) -> Self {
        Self::BadPicture
    }
}

/// Rows from the top, without padding; 3 bytes a pixel (RGB), or 4 (RGBA) with `alpha`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    alpha: bool,
    pixels: Vec<u8>,
}

impl Picture {
    /// # Errors
    /// Where `pixels` is not exactly as long as width and height say, or there are none.
    pub fn new(
        width: u32,
        height: u32,
        alpha: bool,
        pixels: Vec<u8>,
    ) -> Result<Self, PictureError> {
        let picture = Self { width, height, alpha, pixels };
        let row = index(width).checked_mul(picture.channels());
        let wanted = row.and_then(|row| row.checked_mul(index(height)));
        if wanted == Some(picture.pixels.len()) && !picture.pixels.is_empty() {
            Ok(picture)
        } else {
            Err(PictureError::malformed("the pixels do not fill the picture"))
        }
    }

    /// One colour all over.
    fn plain(width: u32, height: u32, colour: [u8; 3]) -> Self {
        let count = index(width) * index(height);
        Self { width, height, alpha: false, pixels: colour.repeat(count) }
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    pub fn has_alpha(&self) -> bool {
        self.alpha
    }

    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    fn channels(&self) -> usize {
        if self.alpha { 4 } else { 3 }
    }

    /// Without alpha; what is transparent shows `backdrop`.
    fn flat(&self, backdrop: [u8; 3]) -> Cow<'_, Self> {
        if !self.alpha {
            return Cow::Borrowed(self);
        }
        let over = |(front, back): (u8, u8), alpha: u16| {
            let sum = u16::from(front) * alpha + u16::from(back) * (255 - alpha);
            u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
        };
        let (pixels, _) = self.pixels.as_chunks::<4>();
        let pixels = pixels.iter().flat_map(|&[r, g, b, a]| {
            let [back_r, back_g, back_b] = backdrop;
            [(r, back_r), (g, back_g), (b, back_b)].map(|pair| over(pair, u16::from(a)))
        });
        let pixels = pixels.collect();
        Cow::Owned(Self { width: self.width, height: self.height, alpha: false, pixels })
    }
}

/// A count of pixels as a place in memory.
fn index(pixels: u32) -> usize {
    usize::try_from(pixels).unwrap_or(usize::MAX)
}
