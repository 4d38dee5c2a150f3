//! Blobs by id, and the links that lead to them from outside.
//! Where they lie and how they are re-encoded is the service's business.
use crate::{JobId, MediaId, Time};
use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt};

pub type Reader = Box<dyn AsyncRead + Send + Unpin>;

#[async_trait]
pub trait Media: Send + Sync {
    async fn open(&self, id: &MediaId) -> Option<Reader>;
    /// The same picture, re-encoded down the ladder until it has at most `max` bytes in one of
    /// `formats` (MIME types); `None` if nothing fits.
    async fn open_within(&self, id: &MediaId, max: u64, formats: &[&str]) -> Option<Reader>;
    async fn put(&self, reader: Reader, mime: &str) -> std::io::Result<MediaId>;
    /// Keeps a text for a day and gives the address of a page that shows it, the same text a new one
    /// each time. `None` for more than 256 KiB, where links have no public address, and where it
    /// cannot be kept. It is forced to disk first: only for what is too long to be said. Whoever has
    /// the address can read it, so nothing of a private job is published.
    async fn publish(&self, text: &str) -> Option<String>;
    /// What a link leads to; `None` for unknown, expired and revoked ones alike.
    async fn resolve(&self, link: &str) -> Option<Linked>;
}

/// The far end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    pub media: MediaId,
    pub mime: String,
    pub bytes: u64,
    pub width: u32,
    pub height: u32,
    /// Whose picture it is; `None` for a published text.
    pub job: Option<JobId>,
    /// The prompt; `None` for private jobs and texts.
    pub title: Option<String>,
    /// What a file manager should call it.
    pub file_name: String,
    pub expires: Option<Time>,
}

/// Reads at most `max` bytes; more is an error.
pub async fn read_all(reader: Reader, max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(max + 1).read_to_end(&mut bytes).await?;
    match u64::try_from(bytes.len()) {
        Ok(read) if read <= max => Ok(bytes),
        _ => Err(std::io::ErrorKind::FileTooLarge.into()),
    }
}
