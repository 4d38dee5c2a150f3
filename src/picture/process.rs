//! What becomes of an engine's output before it is kept.
//! Memory is bounded: of a grid's parts only one is decoded at a time.
use super::{
    Limits, Picture, PictureError, blank, blurhash, decode, encode_webp, grid::Sheet, size,
    thumbnail,
};
use bytes::Bytes;

const THUMBNAIL_QUALITY: f32 = 75.0;
/// In pixels; chats show previews at this size.
const THUMBNAIL_SIDE: u32 = 512;

/// A picture that is ready to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processed {
    /// Lossy WebP of the original size, without metadata.
    pub webp: Bytes,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    pub thumbnail: Thumbnail,
    /// 4x3 components.
    pub blurhash: String,
    /// One colour all over: most likely not what was asked for.
    pub blank: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Neither side above 512 pixels.
    pub webp: Bytes,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// One picture, as an engine made it.
pub fn process(bytes: &[u8], quality: f32) -> Result<Processed, PictureError> {
    finish(&decode(bytes, &Limits::default())?, quality)
}

/// Several pictures as a numbered grid.
///
/// # Errors
/// Where one of them cannot be decoded, or there are none.
pub fn compose(parts: &[Bytes], quality: f32) -> Result<Processed, PictureError> {
    let limits = Limits::default();
    let sizes = parts.iter().map(|part| size(part, &limits)).collect::<Result<Vec<_>, _>>()?;
    let mut sheet = Sheet::new(&sizes)?;
    for (number, part) in (1..).zip(parts) {
        sheet.place(number, &decode(part, &limits)?)?;
    }
    finish(&sheet.canvas, quality)
}

fn finish(picture: &Picture, quality: f32) -> Result<Processed, PictureError> {
    let small = thumbnail(picture, THUMBNAIL_SIDE)?;
    Ok(Processed {
        webp: encode_webp(picture, quality)?.into(),
        width: picture.width(),
        height: picture.height(),
        blurhash: blurhash(&small)?,
        blank: blank(picture),
        thumbnail: Thumbnail {
            webp: encode_webp(&small, THUMBNAIL_QUALITY)?.into(),
            width: small.width(),
            height: small.height(),
        },
    })
}
