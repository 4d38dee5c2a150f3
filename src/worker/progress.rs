//! What the engine reports while one part runs, on its way to store and board.
use super::Tools;
use crate::{
    engine::{EngineEvent, EventSink},
    job::{Attempt, Job},
};
use async_trait::async_trait;
use tokio::sync::watch;

pub(super) struct Sink<'a> {
    pub(super) tools: &'a Tools,
    pub(super) job: &'a Job,
    pub(super) attempt: &'a Attempt,
    /// Set when the part leaves the engine's own queue: its time limit counts from there.
    pub(super) started: watch::Sender<bool>,
}

#[async_trait]
impl EventSink for Sink<'_> {
    async fn event(&self, event: EngineEvent) {
        match event {
            EngineEvent::Submitted(native) => self.submitted(&native).await,
            EngineEvent::Started => {
                self.measure_wait();
                self.started.send_replace(true);
            }
            EngineEvent::Progress { done, total } => {
                self.tools.board.step(self.job, self.attempt.part, done, total);
            }
            EngineEvent::Preview { mime, bytes } => {
                let media = self.tools.media.put_preview(&self.job.slot(), mime, bytes);
                self.tools.board.preview(self.job, media);
            }
            EngineEvent::Reconnecting => {
                tracing::debug!(job = %self.job.id, "engine out of sight");
            }
        }
    }
}

impl Sink<'_> {
    fn measure_wait(&self) {
        if (self.attempt.part, self.attempt.run_no) == (0, 1) {
            let waited = self.job.created.until(self.tools.clock.now());
            metrics::histogram!("inkwire_wait_seconds").record(waited);
        }
    }

    async fn submitted(&self, native: &str) {
        let stored = self.tools.store.submitted(self.attempt, native).await;
        if let Err(error) = stored {
            tracing::warn!(%error, job = %self.job.id, "submission not recorded");
        }
    }
}
