//! Piped input: the service ends once its input has ended and everything asked is answered.
use super::Shared;
use inkwire_core::{AdapterId, Health};

impl Shared {
    /// Resolves when the adapter has no more input, no open job and nothing to send.
    pub(super) async fn answered(&self, adapter: Option<&AdapterId>) {
        let Some(adapter) = adapter else { return std::future::pending().await };
        let Some(health) = self.healths.get(adapter) else { return };
        // invariant: `self` holds the sender, so waiting cannot fail.
        drop(health.subscribe().wait_for(|health| *health == Health::InputEnded).await);
        let mut commits = self.board.commits();
        loop {
            commits.borrow_and_update();
            // A job may be committed and not yet queued: look at the queue once more.
            let idle = || self.queue.is_idle(adapter);
            if idle() && self.owes_nothing(adapter).await && idle() {
                return;
            }
            if commits.changed().await.is_err() {
                return;
            }
        }
    }

    async fn owes_nothing(&self, adapter: &AdapterId) -> bool {
        match self.store.stats().await {
            Ok(stats) => stats.outbox.iter().all(|(id, due)| id != adapter || *due == 0),
            Err(error) => {
                tracing::warn!(%error, "outbox not counted");
                false
            }
        }
    }
}
