//! Housekeeping: what is kept for a time is thrown away in time.
use super::{Setup, Shared};
use std::future::Future;

impl Shared {
    pub(super) fn sweep(&self, setup: &Setup) -> impl Future<Output = ()> + Send + 'static {
        let (media, closing) = (self.media.clone(), self.closing.clone());
        let (retention, every) = (setup.retention.clone(), setup.sweep_every);
        async move {
            loop {
                match media.sweep(&retention).await {
                    Ok(swept) if swept.jobs > 0 || !swept.blobs.is_empty() => {
                        tracing::info!(blobs = swept.blobs.len(), jobs = swept.jobs, "swept");
                    }
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "not swept"),
                }
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep(every) => {}
                }
            }
        }
    }
}
