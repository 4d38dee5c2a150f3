//! The one trait a new protocol implements, and all that it is given.
//! An adapter decides nothing about jobs: it hears, hands in, words and sends.
use crate::{AdapterId, Clock, Cursor, Inbox, Media, Native, Outbox, Reader, Surface, Tasks};
use async_trait::async_trait;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Small facts that an adapter keeps: committed with a batch, given back at start.
pub type Notes = BTreeMap<String, Value>;

#[async_trait]
pub trait Adapter: Send + Sync {
    fn id(&self) -> &AdapterId;
    fn capabilities(&self) -> Capabilities;
    /// One call per connection: `Ok` means the outbox closed, an `Err` asks to be reconnected.
    async fn run(&self, link: &mut Link) -> Result<(), AdapterError>;
    /// Opens a remote attachment; called only after its request was admitted.
    async fn fetch(&self, _native: &Native, _max_bytes: u64) -> Result<Reader, FetchError> {
        Err(FetchError::Gone)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    #[error("connection lost: {0}")]
    Disconnected(String),
    #[error("credentials refused: {0}")]
    Unauthorized(String),
    /// Reconnecting earlier than after `wait` makes it worse.
    #[error("sent away: {reason}")]
    SentAway { reason: String, wait: Duration },
}

impl AdapterError {
    /// The least time to wait before the next connection, where more than usual.
    pub fn retry_in(&self) -> Option<Duration> {
        match self {
            Self::Disconnected(_) => None,
            Self::Unauthorized(_) => Some(Duration::from_mins(15)),
            Self::SentAway { wait, .. } => Some(*wait),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("larger than {max} bytes")]
    TooLarge { max: u64 },
    #[error("no longer there")]
    Gone,
}

#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
#[derive(Debug, Clone, Default)]
pub struct Capabilities {
    pub edits: bool,
    pub threads: bool,
    pub reactions: bool,
    pub typing: bool,
    pub uploads: bool,
    /// Serves links alone: it hears nothing and sends nothing.
    pub links_only: bool,
    /// Nobody repeats to it what it did not hand in, so answers to mere questions are not stored
    /// for it: they come back from `deliver`, to be said at once or never.
    pub answers_at_once: bool,
    pub max_text: usize,
    pub update_interval: Duration,
}

/// Everything an adapter is given.
pub struct Link {
    pub inbox: Inbox,
    pub outbox: Outbox,
    pub media: Arc<dyn Media>,
    pub surface: watch::Receiver<Surface>,
    /// Where the last committed batch ended.
    pub resume: Option<Cursor>,
    pub notes: Notes,
    pub token: CancellationToken,
    pub health: HealthCell,
    pub tasks: Tasks,
    pub clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Starting,
    Up,
    /// Nothing more will be asked, answers are still wanted.
    InputEnded,
    Down(String),
}

/// How an adapter says how it is doing.
#[derive(Clone)]
pub struct HealthCell(Arc<watch::Sender<Health>>);

impl Default for HealthCell {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Health::Starting)))
    }
}

impl HealthCell {
    pub fn set(&self, health: Health) {
        self.0.send_replace(health);
    }

    pub fn get(&self) -> Health {
        self.0.borrow().clone()
    }

    /// For whoever waits for a change.
    pub fn subscribe(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }
}
