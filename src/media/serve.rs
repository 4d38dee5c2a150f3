//! What adapters see of blobs: opened, made to fit, put, published, and found by their links.
use super::FileMedia;
use crate::picture::{Limits, naming::file_name, size};
use async_trait::async_trait;
use bytes::Bytes;
use inkwire_core::{JobId, Linked, Media, MediaId, Reader, read_all};
use std::io::{self, Cursor};

/// The largest file that is taken from an adapter, or read whole.
const MOST_BYTES: u64 = 64 << 20;

#[async_trait]
impl Media for FileMedia {
    async fn open(&self, id: &MediaId) -> Option<Reader> {
        if let Some(preview) = self.previews().get(id) {
            return Some(Box::new(Cursor::new(preview.bytes)));
        }
        let path = self.files.path(id)?;
        Some(Box::new(tokio::fs::File::open(path).await.ok()?))
    }

    async fn open_within(&self, id: &MediaId, max: u64, formats: &[&str]) -> Option<Reader> {
        let preview = self.previews().get(id);
        let (mime, length) = match &preview {
            Some(preview) => (preview.mime.clone(), u64::try_from(preview.bytes.len()).ok()?),
            None => self.store.blob(id).await.ok()?.map(|row| (row.mime, row.bytes))?,
        };
        if length <= max && formats.contains(&mime.as_str()) {
            return self.open(id).await;
        }
        let bytes = self.read(id).await?;
        let (_, fitted) = self.studio.fit(bytes, max, formats).await.ok()??;
        Some(Box::new(Cursor::new(fitted)))
    }

    async fn put(&self, reader: Reader, mime: &str) -> io::Result<MediaId> {
        let bytes = read_all(reader, MOST_BYTES).await?;
        let (width, height) = size(&bytes, &Limits::default()).unwrap_or_default();
        Ok(self.put_bytes(bytes.into(), mime, width, height).await?.id)
    }

    async fn publish(&self, text: &str) -> Option<String> {
        self.keep_text(text).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "text not published");
            None
        })
    }

    async fn resolve(&self, link: &str) -> Option<Linked> {
        let linked = self.store.link(link, self.clock.now()).await.ok()??;
        let Some(job) = &linked.job else { return Some(linked) };
        let file_name = self.name(job, &linked).await;
        Some(Linked { file_name, ..linked })
    }
}

impl FileMedia {
    /// All of it; `None` where there is no such blob, or it cannot be read.
    pub async fn read(&self, id: &MediaId) -> Option<Bytes> {
        let bytes = read_all(self.open(id).await?, MOST_BYTES).await.ok()?;
        Some(bytes.into())
    }

    /// The store knows what a link leads to; how files are called is decided here.
    async fn name(&self, job: &JobId, linked: &Linked) -> String {
        let record = self.store.job(job).await.ok().flatten();
        let made = record.as_ref().map_or(self.clock.now(), |record| record.job.created);
        let image = record
            .and_then(|record| record.artifacts.into_iter().find(|a| a.media == linked.media))
            .map_or(0, |artifact| artifact.index);
        file_name(made, job, image, linked.title.as_deref(), &linked.mime)
    }
}
