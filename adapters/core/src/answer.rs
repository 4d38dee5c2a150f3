//! Answers to questions: facts for tables and lists, in no protocol's form.
use crate::{Artifact, JobId, JobStateName, Note, Recipe, Spec, Time};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The commands this asker may use.
    Help(Vec<Spec>),
    Topic(Box<Spec>),
    /// The flags of `imagine`.
    Flags(Vec<FlagHelp>),
    Queue(QueueReport),
    Status(JobReport),
    Info(Box<JobInfo>),
    Models(Vec<ModelLine>),
    Workflows(Vec<WorkflowLine>),
    Styles(Vec<StyleLine>),
    Me(PersonReport),
    About(About),
    Cancelling(Vec<JobId>),
    Deleted {
        job: JobId,
        /// Only this one, counted from 1.
        image: Option<u16>,
        /// The grid showed it, so its link is gone too.
        grid: bool,
    },
    Flushed {
        waiting: usize,
        running: usize,
    },
    /// What is painted with in this room where a request does not say.
    Room(Vec<RoomDefault>),
    /// What a change of this room's defaults made different.
    RoomChanged {
        now: Vec<RoomDefault>,
        notes: Vec<Note>,
    },
    Paused,
    Resumed,
    Engines(Vec<EngineLine>),
    EngineModels(Vec<EngineModels>),
    Unloading(Vec<String>),
    /// What a reload changed, and what needs a restart.
    Reloaded {
        changed: Vec<String>,
        needs_restart: Vec<String>,
    },
    /// The old configuration stays; each problem is one line.
    ReloadFailed(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlagHelp {
    /// Such as `--width/-w`.
    pub flag: String,
    /// Such as `PIXELS`; empty for a switch.
    pub value: String,
    pub summary: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueReport {
    pub running: Vec<QueueLine>,
    /// In the order in which they will be painted.
    pub waiting: Vec<QueueLine>,
    /// More wait than are listed.
    pub waiting_total: usize,
    pub paused: bool,
    pub engines_up: usize,
    pub engines: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueLine {
    pub job: JobId,
    /// Whose; `None` where that is not for this asker.
    pub owner: Option<String>,
    pub mine: bool,
    pub images: u8,
    pub eta: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    pub job: JobId,
    pub state: JobStateName,
    pub position: Option<usize>,
    pub eta: Option<Duration>,
    pub engine: Option<String>,
    /// Steps done and in all.
    pub progress: Option<(u32, u32)>,
    pub links: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobInfo {
    pub job: JobId,
    pub state: JobStateName,
    pub recipe: Recipe,
    pub artifacts: Vec<Artifact>,
    pub asked_by: String,
    pub asked_at: Time,
    pub took: Option<Duration>,
    /// When the pictures are thrown away.
    pub expires: Option<Time>,
    pub engine: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelLine {
    pub name: String,
    pub summary: Option<String>,
    pub workflow: String,
    pub width: u32,
    pub height: u32,
    pub steps: u32,
    pub is_default: bool,
    /// Some engine that is up has it.
    pub available: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkflowLine {
    pub name: String,
    pub title: String,
    pub needs_picture: bool,
    pub available: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StyleLine {
    pub name: String,
    pub summary: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonReport {
    pub name: String,
    pub waiting: usize,
    pub max_waiting: usize,
    pub running: usize,
    pub max_running: usize,
    pub messages_per_minute: u32,
    pub admin: bool,
    pub newest: Vec<JobId>,
}

/// A value for one flag of `imagine`, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomDefault {
    /// The flag's name, such as `steps`.
    pub flag: String,
    /// As it would be typed.
    pub value: String,
    pub from: Origin,
    /// It can be painted with now; otherwise what follows it holds.
    pub available: bool,
}

/// Who says what is painted with where a request does not; the first that speaks is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Room,
    Model,
    /// The operator's configuration.
    Operator,
    Workflow,
    /// Nobody, so the service itself.
    Service,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub version: String,
    pub engines: Vec<String>,
    pub up_for: Duration,
    pub source: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineLine {
    pub name: String,
    pub health: EngineHealth,
    /// Why, where it is not up.
    pub reason: Option<String>,
    pub version: Option<String>,
    pub device: Option<String>,
    /// Bytes free and in all.
    pub vram: Option<(u64, u64)>,
    pub running: usize,
    /// Prompts that are not ours.
    pub foreign: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineHealth {
    #[default]
    Starting,
    Up,
    /// Works, by polling alone.
    Degraded,
    /// Answers and does not work.
    Stalled,
    Down,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineModels {
    pub engine: String,
    pub up: bool,
    /// Files that are there.
    pub installed: Vec<String>,
    /// Configured models whose file is there.
    pub configured: Vec<String>,
    /// Configured models whose file is not.
    pub missing: Vec<String>,
    /// Seen in use since its start or the last unload.
    pub loaded: Vec<String>,
    pub loras: Vec<String>,
}
