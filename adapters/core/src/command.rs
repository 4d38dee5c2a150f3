//! Everything a person can ask for, as data; how it is typed is none of its business.
use crate::JobId;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Imagine(Box<Imagine>),
    Cancel(JobSelector),
    Queue,
    /// Of one job, or of the asker's newest.
    Status(Option<JobId>),
    Info(JobRef),
    /// The same recipe with a fresh seed.
    Again(Option<JobRef>),
    /// Takes a finished picture back: blobs, links and what the protocol lets us redact.
    Delete(JobRef),
    Models,
    Workflows,
    Styles,
    Me,
    Help(Option<String>),
    About,
    Room(Room),
    Admin(Admin),
}

/// What can be asked about the room that is spoken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    /// What is painted with here where a request does not say.
    Show,
    /// A wish without a prompt: what it says becomes a default of this room.
    Set(Box<Imagine>),
    /// The default for one flag of `imagine`, such as `steps`, or all of them.
    Unset(Option<String>),
    Flush {
        running: bool,
    },
}

/// What an operator can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admin {
    Flush {
        scope: FlushScope,
        running: bool,
    },
    Models,
    Pause,
    Resume,
    Engines,
    /// Of one engine by name, or of all.
    Unload(Option<String>),
    Reload,
}

/// Whose waiting jobs a flush ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlushScope {
    All,
    /// A display name or author id.
    User(String),
    Room(String),
    Model(String),
}

/// A wish as typed: nothing is resolved, clamped or checked against a catalogue.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Imagine {
    pub prompt: String,
    pub negative: Option<String>,
    pub model: Option<String>,
    pub workflow: Option<String>,
    pub style: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Width to height, such as 16:9; the area is the model's.
    pub aspect: Option<(u32, u32)>,
    pub count: Option<u8>,
    pub seed: Option<u64>,
    pub steps: Option<u32>,
    pub cfg: Option<f64>,
    pub sampler: Option<String>,
    pub scheduler: Option<String>,
    /// 0 keeps the input picture, 1 ignores it.
    pub denoise: Option<f64>,
    pub private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobSelector {
    Last,
    Id(JobId),
    All,
}

/// A job or, as in `k7f.2`, one image of it; images count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRef {
    pub job: JobId,
    pub image: Option<u16>,
}
