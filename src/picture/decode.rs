//! The only door for pictures: what passes fits the limits and holds nothing but pixels.
//! A decoder never sees a file as it came: the walkers hand it the few chunks that it needs.
use super::{Picture, PictureError, jpeg, png, webp};
use image::{
    DynamicImage, ImageDecoder, ImageResult,
    codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
};
use std::io::Cursor;

/// What a decoder may need beyond its pixels.
const WORKSPACE: u64 = 8 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of the file; the default leaves room for 16.7 megapixels of noise.
    pub bytes: usize,
    pub pixels: u64,
    /// Of width and of height, in pixels.
    pub side: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Limits {
    pub(super) const DEFAULT: Self = Self { bytes: 64 << 20, pixels: 1 << 24, side: 8192 };

    fn check(&self, (width, height): (u32, u32)) -> Result<(), PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::malformed("no pixels"));
        }
        if width > self.side || height > self.side {
            return Err(PictureError::TooLarge("side"));
        }
        if u64::from(width) * u64::from(height) > self.pixels {
            return Err(PictureError::TooLarge("pixels"));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Png,
    Jpeg,
    WebP,
}

impl Format {
    fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(png::SIGNATURE) {
            Some(Self::Png)
        } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else {
            None
        }
    }
}

/// Width and height in pixels, by the header alone.
pub fn size(bytes: &[u8], limits: &Limits) -> Result<(u32, u32), PictureError> {
    let format = open(bytes, limits)?;
    let size = match format {
        Format::Png => png::size(bytes)?,
        Format::Jpeg => jpeg::size(bytes)?,
        Format::WebP => webp::size(bytes)?,
    };
    limits.check(size)?;
    Ok(size)
}

/// The pixels of a PNG, JPEG or still WebP, taken for sRGB and as they lie in the file.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureError> {
    let expected = size(bytes, limits)?;
    match open(bytes, limits)? {
        Format::Png => {
            let plain = Cursor::new(png::pixels_only(bytes)?);
            read(PngDecoder::with_limits(plain, most(expected)), expected)
        }
        Format::Jpeg => read(JpegDecoder::new(Cursor::new(jpeg::pixels_only(bytes)?)), expected),
        Format::WebP => read(WebPDecoder::new(Cursor::new(webp::pixels_only(bytes)?)), expected),
    }
}

fn open(bytes: &[u8], limits: &Limits) -> Result<Format, PictureError> {
    if bytes.len() > limits.bytes {
        return Err(PictureError::TooLarge("file"));
    }
    Format::sniff(bytes).ok_or(PictureError::Unknown)
}

fn most((width, height): (u32, u32)) -> image::Limits {
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(width);
    limits.max_image_height = Some(height);
    limits.max_alloc = Some(4 * u64::from(width) * u64::from(height) + WORKSPACE);
    limits
}

fn read(
    decoder: ImageResult<impl ImageDecoder>,
    expected: (u32, u32),
) -> Result<Picture, PictureError> {
    let mut decoder = decoder.map_err(|error| PictureError::malformed(&error))?;
    if decoder.dimensions() != expected {
        return Err(PictureError::malformed("the headers disagree"));
    }
    let limits = most(expected);
    if limits.max_alloc.is_some_and(|most| decoder.total_bytes() > most) {
        return Err(PictureError::TooLarge("pixels"));
    }
    decoder.set_limits(limits).map_err(|error| PictureError::malformed(&error))?;
    let image =
        DynamicImage::from_decoder(decoder).map_err(|error| PictureError::malformed(&error))?;
    let (width, height, alpha) = (image.width(), image.height(), image.color().has_alpha());
    let pixels = if alpha { image.into_rgba8().into_raw() } else { image.into_rgb8().into_raw() };
    Picture::new(width, height, alpha, pixels)
}
