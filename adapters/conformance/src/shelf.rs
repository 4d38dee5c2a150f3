//! A shelf with one picture and one text on it, each with the link that leads to it.
//! It stores nothing that is put.
use async_trait::async_trait;
use inkwire_core::{Linked, Media, MediaId, Reader, Time};
use std::io::Cursor;

/// Not a picture that opens; adapters carry bytes and do not look at them.
pub const PICTURE: &[u8] =
    b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";
/// The id in the one link that leads somewhere.
pub const LINK_ID: &str = "Xk3vQ9pLm2RtYw7ZbN4cJd";
pub(crate) const MEDIA_ID: &str = "9f2c";
/// Hostile to whoever takes it for a page.
pub const TEXT: &str = "<!doctype html><script>alert('x')</script>\n\u{2014} a list\n";
/// The id in the link of the text, which every published text is given.
pub const TEXT_LINK_ID: &str = "Tq8sW1eRt5YuIo2PaS6dFg";
const TEXT_ID: &str = "7a1e";
const LONGEST_TEXT: usize = 256 << 10;
const MIME: &str = "image/webp";

pub struct Shelf;

#[async_trait]
impl Media for Shelf {
    async fn open(&self, id: &MediaId) -> Option<Reader> {
        match id.0.as_str() {
            MEDIA_ID => Some(Box::new(Cursor::new(PICTURE))),
            TEXT_ID => Some(Box::new(Cursor::new(TEXT))),
            _ => None,
        }
    }

    async fn open_within(&self, id: &MediaId, max: u64, formats: &[&str]) -> Option<Reader> {
        let fits = u64::try_from(PICTURE.len()).is_ok_and(|bytes| bytes <= max);
        if fits && formats.contains(&MIME) { self.open(id).await } else { None }
    }

    async fn put(&self, _reader: Reader, _mime: &str) -> std::io::Result<MediaId> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    async fn publish(&self, text: &str) -> Option<String> {
        (text.len() <= LONGEST_TEXT).then(|| format!("https://pics.example/i/{TEXT_LINK_ID}"))
    }

    async fn resolve(&self, link: &str) -> Option<Linked> {
        match link {
            LINK_ID => Some(picture()),
            TEXT_LINK_ID => Some(text()),
            _ => None,
        }
    }
}

fn picture() -> Linked {
    Linked {
        media: MEDIA_ID.into(),
        mime: MIME.to_owned(),
        bytes: u64::try_from(PICTURE.len()).unwrap_or(0),
        width: 1024,
        height: 1024,
        job: Some("k7f".into()),
        title: Some("a red fox".to_owned()),
        file_name: "2026-11-20-k7f-a-red-fox.webp".to_owned(),
        expires: Some(Time(u64::MAX / 2)),
    }
}

fn text() -> Linked {
    Linked {
        media: TEXT_ID.into(),
        mime: "text/plain".to_owned(),
        bytes: u64::try_from(TEXT.len()).unwrap_or(0),
        width: 0,
        height: 0,
        job: None,
        title: None,
        file_name: "text.txt".to_owned(),
        ..picture()
    }
}
