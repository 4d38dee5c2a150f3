//! PNG files with text in them, as ComfyUI writes them; and the careful reading of uploads.
use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageReader, Limits, RgbImage};

/// Bytes before the first chunk that may be text: signature and header.
const HEAD: usize = 8 + 25;

/// A picture with these texts; `None` if it has no pixels.
pub(super) fn encode(picture: &RgbImage, texts: &[(String, String)]) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    let encoder =
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    let (width, height) = picture.dimensions();
    encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8).ok()?;
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let texts: Vec<u8> = texts.iter().flat_map(|(name, text)| chunk(name, text)).collect();
    Some([head, &texts, rest].concat())
}

/// A picture out of bytes that a stranger sent.
pub(super) fn decode(bytes: &[u8]) -> Option<RgbImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(8192);
    limits.max_image_height = Some(8192);
    limits.max_alloc = Some(256 << 20);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.limits(limits);
    Some(reader.decode().ok()?.into_rgb8())
}

/// A `tEXt` chunk; what is not Latin-1 is escaped as in JSON.
fn chunk(name: &str, text: &str) -> Vec<u8> {
    let mut body = b"tEXt".to_vec();
    body.extend(name.bytes().filter(u8::is_ascii_graphic));
    body.push(0);
    let mut units = [0; 2];
    for letter in text.chars() {
        match u8::try_from(letter) {
            Ok(byte) if byte.is_ascii() => body.push(byte),
            _ => letter.encode_utf16(&mut units).iter().for_each(|unit| {
                body.extend(format!("\\u{unit:04x}").bytes());
            }),
        }
    }
    let length = u32::try_from(body.len() - 4).unwrap_or_default();
    [&length.to_be_bytes(), body.as_slice(), &checksum(&body).to_be_bytes()].concat()
}

/// CRC-32 as PNG wants it.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { 0xEDB8_8320 ^ (sum >> 1) } else { sum >> 1 };
    !bytes
        .iter()
        .fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

/// A PNG of a few bytes that claims more pixels than fit in memory.
pub(super) fn bomb() -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(30_000_u32.to_be_bytes());
    header.extend(30_000_u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let sum = checksum(&header).to_be_bytes();
    let end = [&[0, 0, 0, 0], b"IEND".as_slice(), &checksum(b"IEND").to_be_bytes()].concat();
    [b"\x89PNG\r\n\x1a\n".as_slice(), &13_u32.to_be_bytes(), &header, &sum, &end].concat()
}
