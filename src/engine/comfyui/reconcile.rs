//! What is true of a prompt: asked of `/history`, then `/queue`, then `/history` again, so that one
//! which ends in between is not taken for lost.
use super::{ComfyUi, history::Queue, http::HttpError};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    Ended(Value),
    Running,
    Pending,
    /// Never arrived, deleted, or lost in a restart.
    Absent,
}

impl ComfyUi {
    pub(super) async fn locate(&self, id: &str) -> Result<Place, HttpError> {
        if let Some(entry) = self.api.entry(id).await? {
            return Ok(Place::Ended(entry));
        }
        let queue = Queue::read(&self.api.queue().await?);
        if queue.running.contains(id) {
            return Ok(Place::Running);
        }
        if queue.pending.contains(id) {
            return Ok(Place::Pending);
        }
        Ok(self.api.entry(id).await?.map_or(Place::Absent, Place::Ended))
    }
}
