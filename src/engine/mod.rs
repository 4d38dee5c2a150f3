//! Image back ends behind one port.
//! Cancelling the token interrupts the work; dropping the future leaves it in the engine.
pub mod comfyui;

use crate::{
    job::{Attempt, Render},
    workflow::{Graph, Nodes},
};
use async_trait::async_trait;
use bytes::Bytes;
use inkwire_core::{ArtifactKind, EngineHealth, Failure};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What an engine has, as it said last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    pub checkpoints: Vec<String>,
    pub loras: Vec<String>,
    pub samplers: Vec<String>,
    pub schedulers: Vec<String>,
    /// Node classes with their inputs; what a workflow is checked against.
    pub nodes: Nodes,
}

/// How an engine is doing; replaced as a whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    pub health: EngineHealth,
    /// Why, where it is not up.
    pub reason: Option<String>,
    pub version: Option<String>,
    pub device: Option<String>,
    /// Bytes free and in all.
    pub vram: Option<(u64, u64)>,
    /// Bytes free and in all.
    pub ram: Option<(u64, u64)>,
    /// Prompts in it that are not ours.
    pub foreign: usize,
    /// Files that it has in memory, as far as we know.
    pub loaded: Vec<String>,
    pub catalog: Arc<Catalog>,
}

/// One run of one part, with its parameters already bound into a graph.
#[derive(Debug, Clone)]
pub struct Task {
    /// `native` is the prompt id to submit under, and to look for.
    pub attempt: Attempt,
    pub render: Render,
    pub graph: Graph,
}

/// A file that an engine made, whole; the engine has limited its size.
#[derive(Debug, Clone)]
pub struct Output {
    pub kind: ArtifactKind,
    /// As the engine names it; not to be trusted.
    pub mime: String,
    pub bytes: Bytes,
}

#[derive(Debug, Clone, PartialEq)]
pub enum EngineEvent {
    /// Durable when the sink returns.
    Submitted(String),
    /// It left the engine's own queue.
    Started,
    /// Steps over the whole graph.
    Progress { done: u32, total: u32 },
    /// The newest look at the picture: JPEG or PNG as it came.
    Preview { mime: &'static str, bytes: Bytes },
    /// The engine was lost from sight and is looked for.
    Reconnecting,
}

/// Where an engine reports; the sink never makes it wait for people.
#[async_trait]
pub trait EventSink: Send + Sync {
    async fn event(&self, event: EngineEvent);
}

#[async_trait]
pub trait Engine: Send + Sync {
    fn id(&self) -> &str;
    fn status(&self) -> watch::Receiver<Status>;
    /// Watches its server and keeps `status` true until the token is cancelled.
    async fn run(&self, token: CancellationToken);
    async fn render(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: CancellationToken,
    ) -> Result<Vec<Output>, EngineError>;
    /// Takes up what an earlier process submitted or meant to; `Lost` if the engine knows nothing
    /// of it.
    async fn resume(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: CancellationToken,
    ) -> Result<Vec<Output>, EngineError>;
    /// Frees the memory that models hold.
    async fn unload(&self) -> Result<(), EngineError>;
}

/// Every text in here is scrubbed of paths and limited in length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("refused: {0}")]
    Invalid(String),
    #[error("out of memory")]
    OutOfMemory,
    #[error("node {node} failed: {message}")]
    Node { node: String, message: String },
    #[error("unavailable: {0}")]
    Unavailable(String),
    #[error("stalled")]
    Stalled,
    #[error("lost")]
    Lost,
    #[error("interrupted by somebody else")]
    Interrupted,
    #[error("cancelled")]
    Cancelled,
    /// Stopped by us because it ran for too long.
    #[error("timed out")]
    TimedOut,
    #[error("made nothing")]
    Empty,
    #[error("unusable output: {0}")]
    BadOutput(String),
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The request itself cannot be done: tell the asker.
    User,
    /// Try again, elsewhere if possible.
    Transient,
    /// This engine is at fault: try another, and think worse of this one.
    Backend,
}

impl EngineError {
    pub fn class(&self) -> Class {
        match self {
            Self::Invalid(_)
            | Self::Node { .. }
            | Self::Cancelled
            | Self::TimedOut
            | Self::Empty => Class::User,
            Self::Lost | Self::Interrupted | Self::OutOfMemory => Class::Transient,
            Self::Unavailable(_) | Self::Stalled | Self::BadOutput(_) => Class::Backend,
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Invalid(why) => Self::Invalid(why),
            EngineError::OutOfMemory => Self::OutOfMemory,
            EngineError::Node { node, message } => Self::Node { node, message },
            EngineError::Unavailable(_) | EngineError::Stalled => Self::EngineUnavailable,
            EngineError::Lost => Self::Lost,
            EngineError::Interrupted | EngineError::Cancelled => Self::Interrupted,
            EngineError::TimedOut => Self::TimedOut,
            EngineError::Empty => Self::Empty,
            EngineError::BadOutput(_) => Self::BadPicture,
        }
    }
}
