//! Pictures made smaller, by Lanczos3.
//! Sizes are worked out in whole numbers, so that equal inputs give equal pictures everywhere.
use super::{Picture, PictureError, index};
use fast_image_resize::{
    FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U8x3, U8x4},
};

/// The same picture with neither side above `max_side`; never larger than it was.
pub fn thumbnail(picture: &Picture, max_side: u32) -> Result<Picture, PictureError> {
    let (width, height) = (picture.width, picture.height);
    let (width, height) = within((width, height), (max_side, max_side));
    resize(picture, width, height)
}

/// Exactly this size, in pixels.
pub fn resize(picture: &Picture, width: u32, height: u32) -> Result<Picture, PictureError> {
    if (width, height) == (picture.width, picture.height) {
        return Ok(picture.clone());
    }
    let pixels = if picture.alpha {
        scale::<U8x4>(picture, width, height)?
    } else {
        scale::<U8x3>(picture, width, height)?
    };
    Picture::new(width, height, picture.alpha, pixels)
}

/// For one kind of pixels: chosen at run time, the kernels of all kinds would be linked, which is
/// a tenth of the whole program.
fn scale<P: PixelTrait>(
    picture: &Picture,
    width: u32,
    height: u32,
) -> Result<Vec<u8>, PictureError> {
    let source = TypedImageRef::<P>::from_buffer(picture.width, picture.height, &picture.pixels)
        .map_err(|error| PictureError::malformed(&error))?;
    let mut pixels = vec![0; index(width) * index(height) * picture.channels()];
    let mut target = TypedImage::<P>::from_buffer(width, height, &mut pixels)
        .map_err(|error| PictureError::malformed(&error))?;
    let filter = ResizeAlg::Convolution(FilterType::Lanczos3);
    Resizer::new()
        .resize_typed(&source, &mut target, &ResizeOptions::new().resize_alg(filter))
        .map_err(|error| PictureError::malformed(&error))?;
    Ok(pixels)
}

/// The largest size of the same shape that fits into a box; never larger than it was.
pub(super) fn within(
    (width, height): (u32, u32),
    (max_width, max_height): (u32, u32),
) -> (u32, u32) {
    let by_height = scaled(max_height, width, height);
    let new_width = width.min(max_width).min(by_height).max(1);
    let new_height = scaled(height, new_width, width).min(max_height).max(1);
    (new_width, new_height)
}

/// `n * up / down`, rounded down.
pub(super) fn scaled(n: u32, up: u32, down: u32) -> u32 {
    let scaled = u64::from(n) * u64::from(up) / u64::from(down.max(1));
    u32::try_from(scaled).unwrap_or(u32::MAX)
}
