//! What the store knows of lines whose end is in doubt. A process that is killed leaves them to
//! the kernel, which still delivers them; a connection that breaks takes them with it. So the next
//! process says nothing twice, and the next connection of the same one does, once.
use inkwire_core::{Envelope, Stale};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// No two processes have the same.
static THIS_PROCESS: LazyLock<Value> = LazyLock::new(|| json!(rand::random::<u64>()));

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Note {
    /// Whose connection took all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) written_by: Option<Value>,
    /// It was written before: what ends a connection twice is not tried once more.
    pub(super) again: bool,
    /// As it was said: words may come out otherwise the next time.
    pub(super) texts: Vec<String>,
}

impl Note {
    pub(super) fn of(envelope: &Envelope) -> Self {
        let state = envelope.state.clone().filter(|_| envelope.in_doubt);
        state.and_then(|state| serde_json::from_value(state).ok()).unwrap_or_default()
    }

    /// Nothing of it is said once more.
    pub(super) fn is_final(&self) -> bool {
        let Some(process) = &self.written_by else { return false };
        if self.again {
            tracing::warn!("said twice and not confirmed; it counts as said");
        }
        self.again || *process != *THIS_PROCESS
    }

    /// Right after the write: between the two a crash repeats the lines.
    pub(super) fn written(self) -> Self {
        Self { written_by: Some(THIS_PROCESS.clone()), ..self }
    }

    /// Durable on return.
    pub(super) async fn keep(&self, envelope: &mut Envelope) -> Result<(), Stale> {
        envelope.checkpoint(json!(self)).await
    }
}
