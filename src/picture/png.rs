//! Walks the chunks of a PNG and keeps those that hold pixels.
//! Colour profiles, texts and animations never reach a decoder: there they are bombs.
use super::PictureError;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Far more than any encoder writes.
const MOST_CHUNKS: usize = 16_384;

/// Width and height, unchecked.
pub(super) fn size(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    let header = Chunks::of(bytes).next().transpose()?.filter(|chunk| chunk.kind == *b"IHDR");
    header.and_then(|header| header.size()).ok_or_else(|| broken("no header"))
}

/// The same picture without anything else; ends where the picture does.
pub(super) fn pixels_only(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(SIGNATURE);
    for (count, chunk) in Chunks::of(bytes).enumerate() {
        let chunk = chunk?;
        if count > MOST_CHUNKS {
            return Err(PictureError::TooLarge("chunks"));
        }
        match &chunk.kind {
            b"IHDR" | b"IDAT" => kept.extend_from_slice(chunk.whole),
            b"PLTE" | b"tRNS" if chunk.data.len() <= 768 => kept.extend_from_slice(chunk.whole),
            b"IEND" => {
                kept.extend_from_slice(chunk.whole);
                return Ok(kept);
            }
            // A lower-case first letter marks what may be left out.
            [first, ..] if first.is_ascii_lowercase() => {}
            _ => return Err(broken("unknown chunk")),
        }
    }
    Err(broken("cut short"))
}

struct Chunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    /// With length, kind and check sum.
    whole: &'a [u8],
}

impl Chunk<'_> {
    fn size(&self) -> Option<(u32, u32)> {
        let (width, rest) = self.data.split_first_chunk()?;
        let height = rest.first_chunk()?;
        Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
    }
}

struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes.strip_prefix(SIGNATURE).unwrap_or_default() }
    }

    fn take(&mut self) -> Option<Chunk<'a>> {
        let (length, after) = self.rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (kind, after) = after.split_first_chunk()?;
        let data = after.get(..length)?;
        let (whole, rest) = self.rest.split_at_checked(length.checked_add(12)?)?;
        self.rest = rest;
        Some(Chunk { kind: *kind, data, whole })
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, PictureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = self.take().ok_or_else(|| broken("cut short"));
        if chunk.is_err() {
            self.rest = &[];
        }
        Some(chunk)
    }
}

fn broken(why: &str) -> PictureError {
    PictureError::malformed(&format!("png: {why}"))
}
