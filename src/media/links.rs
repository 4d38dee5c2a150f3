//! Links and the texts behind them. Those of pictures are committed with the end of their job,
//! which is not done here.
use super::FileMedia;
use crate::store::LinkRow;
use bytes::Bytes;
use rand::Rng as _;
use std::{io, time::Duration};

/// 128 bits in 22 symbols.
const SYMBOLS: usize = 22;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LONGEST_TEXT: usize = 256 << 10;
const TEXT_LIFE: Duration = Duration::from_hours(24);

/// A fresh one that nobody can guess.
pub fn link_id() -> String {
    let mut random = rand::rng();
    let symbol = |_| char::from(*ALPHABET.get(random.random_range(0..62)).unwrap_or(&b'0'));
    (0..SYMBOLS).map(symbol).collect()
}

impl FileMedia {
    /// The file, its row, then the link: a crash between them leaves what a sweep removes.
    pub(super) async fn keep_text(&self, text: &str) -> io::Result<Option<String>> {
        let Some(base) = self.public_url.as_ref().filter(|_| text.len() <= LONGEST_TEXT) else {
            return Ok(None);
        };
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let media = self.put_bytes(bytes, "text/plain", 0, 0).await?.id;
        let (id, expires) = (link_id(), self.clock.now().after(TEXT_LIFE));
        let address = format!("{base}/i/{id}");
        let row = LinkRow { id, media, image: 0, expires };
        self.store.keep_link(&row).await.map_err(super::io_error)?;
        Ok(Some(address))
    }
}
