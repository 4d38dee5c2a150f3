//! Where pictures are worked on: a bounded number at a time, away from the tasks that talk.
//! What a codec does to its thread stays there: a panic is an error like others.
use super::{Limits, PictureError, Processed, compose, decode, fit, process, size};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Of pixels that are being worked on, together.
const MEMORY_MIB: u32 = 256;
const BYTES_PER_PIXEL: u64 = 4;

/// Cheap to clone; all clones share the same bounds.
#[derive(Clone)]
pub struct Studio {
    seats: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    /// Of lossy pictures, from 1 to 100.
    quality: f32,
}

impl Studio {
    /// `seats` is how many pictures are worked on at a time; one per core is best. `quality` is
    /// that of lossy pictures, from 1 to 100.
    pub fn new(seats: usize, quality: u8) -> Self {
        let memory = usize::try_from(MEMORY_MIB).unwrap_or(usize::MAX);
        Self {
            seats: Arc::new(Semaphore::new(seats.max(1))),
            memory: Arc::new(Semaphore::new(memory)),
            quality: f32::from(quality.clamp(1, 100)),
        }
    }

    /// One output of an engine, ready to be kept.
    pub async fn process(&self, bytes: Bytes) -> Result<Processed, PictureError> {
        let quality = self.quality;
        count(match need(std::slice::from_ref(&bytes)) {
            Ok(need) => self.work(need, move || process(&bytes, quality)).await,
            Err(refused) => Err(refused),
        })
    }

    /// Several pictures as one with numbers, from 1.
    pub async fn grid(&self, parts: Vec<Bytes>) -> Result<Processed, PictureError> {
        let quality = self.quality;
        count(match need(&parts) {
            Ok(need) => self.work(need, move || compose(&parts, quality)).await,
            Err(refused) => Err(refused),
        })
    }

    /// Down the ladder: at most `max` bytes in one of `formats`; `None` where nothing fits.
    pub async fn fit(
        &self,
        bytes: Bytes,
        max: u64,
        formats: &[&str],
    ) -> Result<Option<(&'static str, Vec<u8>)>, PictureError> {
        let formats: Vec<String> = formats.iter().map(ToString::to_string).collect();
        let need = need(std::slice::from_ref(&bytes))?;
        let work = move || {
            let formats: Vec<&str> = formats.iter().map(String::as_str).collect();
            Ok(fit(&decode(&bytes, &Limits::default())?, max, &formats))
        };
        self.work(need, work).await
    }

    pub(super) async fn work<T: Send + 'static>(
        &self,
        need: u32,
        work: impl FnOnce() -> Result<T, PictureError> + Send + 'static,
    ) -> Result<T, PictureError> {
        // Neither semaphore is ever closed. The permits go with the work, not with the caller,
        // who may be gone before it ends.
        let memory = self.memory.clone().acquire_many_owned(need).await;
        let seat = self.seats.clone().acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (memory, seat);
            work()
        });
        done.await.unwrap_or(Err(PictureError::Panicked))
    }
}

/// In MiB, for the largest part and what becomes of all; never more than there is, or it would
/// wait for ever.
pub(super) fn need(parts: &[Bytes]) -> Result<u32, PictureError> {
    let limits = Limits::default();
    let (mut largest, mut all) = (0, 0);
    for part in parts {
        let (width, height) = size(part, &limits)?;
        let pixels = u64::from(width) * u64::from(height);
        largest = pixels.max(largest);
        all += pixels;
    }
    let bytes = BYTES_PER_PIXEL * (largest + all.min(limits.pixels));
    let mebibytes = u32::try_from(bytes >> 20).unwrap_or(MEMORY_MIB);
    Ok((mebibytes + 1).min(MEMORY_MIB))
}

fn count(result: Result<Processed, PictureError>) -> Result<Processed, PictureError> {
    let label = match &result {
        Ok(made) if made.blank => "blank",
        Ok(_) => "made",
        Err(PictureError::Panicked) => "panicked",
        Err(_) => "refused",
    };
    metrics::counter!("inkwire_pictures_total", "result" => label).increment(1);
    result
}
