//! Walks the chunks of a WebP and builds a file of its pixels alone.
//! Animations are refused; profiles, EXIF and XMP never reach a decoder.
use super::PictureError;

/// Far more than any encoder writes.
const MOST_CHUNKS: usize = 64;

/// Width and height, unchecked.
pub(super) fn size(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    Frame::of(bytes)?.size().ok_or_else(|| broken("no header"))
}

/// The same picture without anything else.
pub(super) fn pixels_only(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let frame = Frame::of(bytes)?;
    let size = frame.size().ok_or_else(|| broken("no header"))?;
    let mut body = Vec::with_capacity(bytes.len());
    body.extend_from_slice(b"WEBP");
    if let Some(alpha) = frame.alpha {
        push(&mut body, *b"VP8X", &canvas(size))?;
        push(&mut body, *b"ALPH", alpha)?;
    }
    push(&mut body, frame.kind, frame.data)?;
    let mut kept = Vec::with_capacity(body.len() + 8);
    push(&mut kept, *b"RIFF", &body)?;
    Ok(kept)
}

/// The one picture of a still file.
struct Frame<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    alpha: Option<&'a [u8]>,
}

impl<'a> Frame<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, PictureError> {
        let mut rest = bytes.get(12..).unwrap_or_default();
        let mut alpha = None;
        let mut claimed = None;
        for _ in 0..MOST_CHUNKS {
            let (kind, data) = take(&mut rest).ok_or_else(|| broken("cut short"))?;
            match &kind {
                b"VP8X" => claimed = Some(data),
                b"ALPH" => alpha = Some(data),
                b"ANIM" | b"ANMF" => return Err(broken("animated")),
                b"VP8 " | b"VP8L" => {
                    let alpha = alpha.filter(|_| kind == *b"VP8 ");
                    let frame = Self { kind, data, alpha };
                    return frame.confirm(claimed);
                }
                _ => {}
            }
        }
        Err(PictureError::TooLarge("chunks"))
    }

    fn confirm(self, claimed: Option<&[u8]>) -> Result<Self, PictureError> {
        let same = |claimed: &[u8]| {
            let size = self.size()?;
            Some(claimed.get(4..10)? == canvas(size).get(4..)?)
        };
        if claimed.is_none_or(|claimed| same(claimed) == Some(true)) {
            Ok(self)
        } else {
            Err(broken("the headers disagree"))
        }
    }

    fn size(&self) -> Option<(u32, u32)> {
        if self.kind == *b"VP8L" {
            let bits = match self.data {
                [0x2f, a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
                _ => return None,
            };
            return Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1));
        }
        match self.data {
            [_, _, _, 0x9d, 0x01, 0x2a, w1, w2, h1, h2, ..] => {
                let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
                Some((side(*w1, *w2), side(*h1, *h2)))
            }
            _ => None,
        }
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<([u8; 4], &'a [u8])> {
    let (kind, after) = rest.split_first_chunk()?;
    let (length, after) = after.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (data, after) = after.split_at_checked(length)?;
    *rest = after.get(length % 2..).unwrap_or_default();
    Some((*kind, data))
}

/// The header of a file with transparency.
fn canvas((width, height): (u32, u32)) -> [u8; 10] {
    let [w1, w2, w3, _] = width.saturating_sub(1).to_le_bytes();
    let [h1, h2, h3, _] = height.saturating_sub(1).to_le_bytes();
    [0x10, 0, 0, 0, w1, w2, w3, h1, h2, h3]
}

fn push(to: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) -> Result<(), PictureError> {
    let length = u32::try_from(data.len()).map_err(|_| PictureError::TooLarge("file"))?;
    to.extend_from_slice(&kind);
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(data);
    if !data.len().is_multiple_of(2) {
        to.push(0);
    }
    Ok(())
}

fn broken(why: &str) -> PictureError {
    PictureError::malformed(&format!("webp: {why}"))
}
