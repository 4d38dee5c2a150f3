//! Blobs: kept by the hash of their content, found by id, made smaller on demand.
//! Which of them are still wanted is the store's to say; nothing here knows a job's state.
mod files;
#[cfg(test)]
mod ledger;
mod links;
mod previews;
mod serve;
#[cfg(test)]
mod tests;

use crate::{
    picture::{Processed, Studio},
    store::{BlobRow, Retention, Store, StoreError, Swept},
};
use bytes::Bytes;
pub use files::path_of;
use files::{Files, Forced};
use inkwire_core::{Clock, MediaId, SlotId};
pub use links::link_id;
use previews::Previews;
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::RwLock;

/// How much may lie in memory for previews, all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviewLimits {
    pub count: usize,
    pub bytes: usize,
}

impl Default for PreviewLimits {
    fn default() -> Self {
        Self { count: 64, bytes: 16 << 20 }
    }
}

/// The blobs of one picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub picture: BlobRow,
    pub thumbnail: BlobRow,
}

/// Blobs in a folder of their own.
pub struct FileMedia {
    files: Arc<Files>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    studio: Studio,
    previews: Mutex<Previews>,
    /// What links begin with.
    public_url: Option<String>,
    /// Read by whoever writes a file and then its row; a sweep must not come between.
    sweeping: RwLock<()>,
}

impl FileMedia {
    /// Makes the folder where it is missing and throws away what an earlier process left half
    /// written. Blocks for some milliseconds.
    pub fn new(
        dir: &Path,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        studio: Studio,
        previews: PreviewLimits,
    ) -> io::Result<Self> {
        Ok(Self {
            files: Arc::new(Files::open(dir)?),
            store,
            clock,
            studio,
            previews: Mutex::new(Previews::new(previews)),
            public_url: None,
            sweeping: RwLock::new(()),
        })
    }

    /// Lets texts be published; `public_url` has no slash at its end.
    #[must_use]
    pub fn reached_at(self, public_url: Option<String>) -> Self {
        Self { public_url, ..self }
    }

    /// Durable on return. Width and height are 0 for what is no picture.
    ///
    /// # Errors
    /// `StorageFull` where the disk is full; nothing is left behind then.
    pub async fn put_bytes(
        &self,
        bytes: Bytes,
        mime: &str,
        width: u32,
        height: u32,
    ) -> io::Result<BlobRow> {
        self.keep(bytes, (mime, width, height), Forced::ToDisk).await
    }

    /// A picture, durable on return, and its thumbnail. That one can be made again, so it is not
    /// forced to disk and may be lost in a power cut.
    pub async fn put_picture(&self, made: Processed) -> io::Result<Kept> {
        let (small, mime) = (made.thumbnail, "image/webp");
        let details = (mime, small.width, small.height);
        let thumbnail = self.keep(small.webp, details, Forced::Later).await?;
        let picture = self.put_bytes(made.webp, mime, made.width, made.height).await?;
        Ok(Kept { picture, thumbnail })
    }

    /// The newest preview of a slot takes the place of the one before. An id may lead to nothing
    /// at any time.
    pub fn put_preview(&self, slot: &SlotId, mime: &str, bytes: Bytes) -> MediaId {
        self.previews().put(slot, mime, bytes)
    }

    pub fn drop_preview(&self, slot: &SlotId) {
        self.previews().remove(slot);
    }

    /// Lets the store forget what is no longer kept, and removes its files.
    pub async fn sweep(&self, retention: &Retention) -> Result<Swept, StoreError> {
        let held = self.sweeping.write().await;
        let swept = self.store.sweep(retention, self.clock.now()).await?;
        self.unlink(swept.blobs.clone()).await;
        drop(held);
        self.remove_orphans(retention.unclaimed).await?;
        let kept = self.store.stats().await?.blob_bytes;
        metrics::gauge!("inkwire_blob_bytes").set(kibibytes(kept) * 1024.0);
        Ok(swept)
    }

    /// Removes files whose rows are gone already.
    pub async fn remove(&self, ids: Vec<MediaId>) {
        let _held = self.sweeping.write().await;
        self.unlink(ids).await;
    }

    /// Files and their bytes, as they lie on disk.
    pub async fn usage(&self) -> io::Result<(usize, u64)> {
        let files = self.files.clone();
        blocking(move || files.usage()).await
    }

    async fn keep(
        &self,
        bytes: Bytes,
        (mime, width, height): (&str, u32, u32),
        forced: Forced,
    ) -> io::Result<BlobRow> {
        let length = u64::try_from(bytes.len()).map_err(io::Error::other)?;
        let _held = self.sweeping.read().await;
        let files = self.files.clone();
        let id = blocking(move || files.write(&bytes, forced)).await?;
        let row = BlobRow { id, mime: mime.to_owned(), bytes: length, width, height };
        self.store.keep_blob(&row, self.clock.now()).await.map_err(io_error)?;
        Ok(row)
    }

    async fn unlink(&self, ids: Vec<MediaId>) {
        let files = self.files.clone();
        let work = move || {
            for id in ids {
                if let Err(error) = files.remove(&id) {
                    tracing::warn!(blob = %id, %error, "blob not removed");
                }
            }
            Ok(())
        };
        if let Err(error) = blocking(work).await {
            tracing::error!(%error, "blobs not removed");
        }
    }

    /// A crash between a file and its row leaves one that nobody will ask for.
    async fn remove_orphans(&self, unclaimed: Duration) -> Result<(), StoreError> {
        let files = self.files.clone();
        let now = self.clock.now();
        let old = blocking(move || files.older_than(unclaimed, now)).await.unwrap_or_default();
        for id in old {
            if self.store.blob(&id).await?.is_some() {
                continue;
            }
            // Somebody may be about to keep it again: asked once more with the door shut.
            let _held = self.sweeping.write().await;
            if self.store.blob(&id).await?.is_none() {
                self.unlink(vec![id]).await;
            }
        }
        Ok(())
    }

    fn previews(&self) -> MutexGuard<'_, Previews> {
        self.previews.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs work that waits for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn io_error(error: StoreError) -> io::Error {
    match error {
        StoreError::Full => io::ErrorKind::StorageFull.into(),
        error => io::Error::other(error),
    }
}

/// As a number for a gauge, which counts exactly up to four tebibytes.
fn kibibytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX))
}
