//! Stopping a prompt for certain: what waits is deleted, what runs is interrupted by its id, and
//! both are repeated until it is gone, as early interrupts get lost.
use super::{ComfyUi, http::HttpError, reconcile::Place};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FIRST_CHECK: Duration = Duration::from_millis(50);

impl ComfyUi {
    /// Returns when the prompt neither waits nor runs, or when nobody could say so for too long:
    /// then the probes go on with it.
    pub(super) async fn withdraw(&self, id: &str) {
        // Whatever becomes of this call, the probes go on with it until it is seen to be gone.
        self.feeds.abandon(id);
        let give_up = Instant::now() + self.times.cancel;
        let mut reached = Instant::now();
        let mut interrupted: Option<Instant> = None;
        let mut pause = FIRST_CHECK;
        loop {
            let now = Instant::now();
            match self.stop_once(id, &mut interrupted).await {
                Ok(true) => {
                    self.feeds.ended(id, now + self.times.forget);
                    return;
                }
                Ok(false) => reached = now,
                Err(error) => tracing::debug!(engine = self.name, %error, "cannot cancel yet"),
            }
            if now >= give_up || now.duration_since(reached) >= self.times.unreachable {
                tracing::warn!(engine = self.name, "prompt could not be stopped yet");
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(self.times.interrupt);
        }
    }

    /// One look and one push; true when it is gone.
    pub(super) async fn stop_once(
        &self,
        id: &str,
        interrupted: &mut Option<Instant>,
    ) -> Result<bool, HttpError> {
        match self.locate(id).await? {
            Place::Ended(_) | Place::Absent => return Ok(true),
            Place::Pending => self.api.unqueue(id).await?,
            Place::Running => {
                let due = interrupted.is_none_or(|at| at.elapsed() >= self.times.interrupt);
                if due {
                    *interrupted = Some(Instant::now());
                    self.api.interrupt(id).await?;
                }
            }
        }
        Ok(false)
    }
}
