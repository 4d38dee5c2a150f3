//! What stands for a picture before it is there, and pictures that show nothing.
use super::{Picture, PictureError, resize::thumbnail};

/// More detail than a blurhash can hold, in pixels.
const SKETCH: u32 = 64;

/// 4x3 components.
pub fn blurhash(picture: &Picture) -> Result<String, PictureError> {
    let small = thumbnail(picture, SKETCH)?;
    let small = small.flat([255; 3]);
    let (pixels, _) = small.pixels.as_chunks::<3>();
    let rgba: Vec<u8> = pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    blurhash::encode(4, 3, small.width, small.height, &rgba)
        .map_err(|error| PictureError::malformed(&error))
}

/// One colour all over: what an engine makes of numbers that overflowed.
pub fn blank(picture: &Picture) -> bool {
    let pixels = picture.pixels.as_slice();
    let before = pixels.len().saturating_sub(picture.channels());
    // Every pixel is like the one before it.
    pixels.get(picture.channels()..) == pixels.get(..before)
}
