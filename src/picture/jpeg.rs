//! Walks the segments of a JPEG and keeps those that hold pixels.
//! Profiles, comments and whatever follows the end never reach a decoder.
use super::PictureError;

/// Far more than any encoder writes.
const MOST_SEGMENTS: usize = 1_024;
/// Every further scan is a pass over all pixels for a few bytes of file.
const MOST_SCANS: usize = 32;

const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// Width and height, unchecked.
pub(super) fn size(bytes: &[u8]) -> Result<(u32, u32), PictureError> {
    for segment in Segments::of(bytes) {
        let segment = segment?;
        match segment.marker {
            0xc0..=0xc2 => return segment.size().ok_or_else(|| broken("short header")),
            SCAN | END => break,
            _ => {}
        }
    }
    Err(broken("no header"))
}

/// The same picture without anything else; ends where the picture does.
pub(super) fn pixels_only(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(&[0xff, 0xd8]);
    let (mut headers, mut scans) = (0, 0);
    for segment in Segments::of(bytes) {
        let segment = segment?;
        match segment.marker {
            // Tables, restart intervals, and Adobe's word on the colour space.
            0xc4 | 0xdb | 0xdd | 0xee => {}
            0xc0..=0xc2 => headers += 1,
            SCAN => scans += 1,
            END if headers == 1 && scans > 0 => {
                kept.extend_from_slice(&[0xff, END]);
                return Ok(kept);
            }
            // Application data and comments.
            0xe0..=0xef | 0xfe => continue,
            _ => return Err(broken("unknown segment")),
        }
        if headers > 1 || scans > MOST_SCANS {
            return Err(PictureError::TooLarge("segments"));
        }
        kept.extend_from_slice(segment.whole);
    }
    Err(broken("cut short"))
}

struct Segment<'a> {
    marker: u8,
    data: &'a [u8],
    /// With its marker, and for a scan all that follows up to the next marker.
    whole: &'a [u8],
}

impl Segment<'_> {
    fn size(&self) -> Option<(u32, u32)> {
        match self.data {
            [8, h1, h2, w1, w2, ..] => {
                let side = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low]));
                Some((side(*w1, *w2), side(*h1, *h2)))
            }
            _ => None,
        }
    }
}

struct Segments<'a> {
    rest: &'a [u8],
    count: usize,
}

impl<'a> Segments<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes.strip_prefix(&[0xff, 0xd8]).unwrap_or_default(), count: 0 }
    }

    fn take(&mut self) -> Option<Segment<'a>> {
        // Any number of 0xff may stand before a marker.
        let fill = self.rest.iter().take_while(|byte| **byte == 0xff).count();
        let start = self.rest.get(fill.checked_sub(1)?..)?;
        let (&marker, after) = start.get(1..)?.split_first()?;
        if marker == END {
            self.rest = &[];
            return Some(Segment { marker, data: &[], whole: &[] });
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let data = after.get(2..length)?;
        let coded = if marker == SCAN { coded(after.get(length..)?)? } else { 0 };
        let (whole, rest) = start.split_at_checked(2 + length + coded)?;
        self.rest = rest;
        Some(Segment { marker, data, whole })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, PictureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.count += 1;
        let segment = if self.count > MOST_SEGMENTS {
            Err(PictureError::TooLarge("segments"))
        } else {
            self.take().ok_or_else(|| broken("cut short"))
        };
        if segment.is_err() {
            self.rest = &[];
        }
        Some(segment)
    }
}

/// How long the coded pixels are: up to a marker that is neither stuffing nor a restart.
fn coded(bytes: &[u8]) -> Option<usize> {
    bytes
        .array_windows()
        .position(|[mark, kind]| *mark == 0xff && !matches!(kind, 0 | 0xd0..=0xd7 | 0xff))
}

fn broken(why: &str) -> PictureError {
    PictureError::malformed(&format!("jpeg: {why}"))
}
