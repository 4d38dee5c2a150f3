//! What the service hands back: facts, never prose. `render` words them, adapters give them form.
use crate::{
    Address, Answer, Author, DeliveryId, EventKey, JobId, MediaId, PersonId, SlotId, Time,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One fact on its way to one place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub to: Address,
    pub asker: Author,
    pub answers: Option<EventKey>,
    pub slot: SlotId,
    /// Given by the store in the commit; grows over the whole store, hence in every slot.
    pub seq: u64,
    pub job: Option<JobId>,
    /// For the asker's eyes: not for the room, and not for a gallery.
    pub private: bool,
    /// Not worth sending after this.
    pub expires: Option<Time>,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Accepted {
        /// Images that are painted before this one, plus one.
        position: Option<usize>,
        eta: Option<Duration>,
        seed: u64,
        notes: Vec<Note>,
    },
    Started {
        engine: String,
    },
    /// `done` and `total` are steps over all images of the job.
    Progress {
        done: u32,
        total: u32,
        label: Option<String>,
    },
    Preview(MediaId),
    /// `attempt` is the run that begins now, from 2.
    Retrying {
        reason: Failure,
        attempt: u32,
    },
    Cancelling,
    Finished {
        artifacts: Vec<Artifact>,
        recipe: Box<Recipe>,
        took: Duration,
    },
    Failed(Failure),
    Cancelled {
        by: PersonId,
    },
    /// Nobody could paint it in the time a job may wait.
    Expired,
    Rejected(Rejection),
    Answer(Answer),
    Retracted,
}

impl Outcome {
    /// After a terminal outcome only `Retracted` may follow in its slot.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Finished { .. } | Self::Failed(_) | Self::Cancelled { .. } | Self::Expired
        )
    }
}

/// Something about a request that was accepted, which its author did not ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// A number was brought into the allowed range.
    Clamped { flag: String, asked: String, given: String },
    /// No engine is up: the job waits, at most this long.
    NoEngine { at_most: Duration },
    /// The operator has paused the queue.
    Paused,
    /// A default of the room, such as `--model fox`, which nobody has now; it is left out.
    Unavailable { flag: String, value: String },
}

/// A file that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    pub media: MediaId,
    pub kind: ArtifactKind,
    /// Images count from 1, in the order of their seeds; a grid is 0.
    pub index: u16,
    pub mime: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    pub bytes: u64,
    pub thumbnail: Option<MediaId>,
    /// 4x3 components.
    pub blurhash: Option<String>,
    /// A page of its own, for protocols without uploads.
    pub link: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    Image,
    Grid,
    Video,
    Audio,
    Text,
}

/// Enough to make it again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// As typed.
    pub prompt: String,
    /// As sent, where an enhancer changed it.
    pub revised: Option<String>,
    pub negative: String,
    pub model: String,
    pub workflow: String,
    pub style: Option<String>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    pub steps: u32,
    pub cfg: f64,
    pub sampler: String,
    pub scheduler: String,
    pub denoise: Option<f64>,
    /// Of the first image; image n has `seed + n - 1`.
    pub seed: u64,
    pub count: u8,
}

/// Why work failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No engine answers, or none that can do this.
    EngineUnavailable,
    /// It ran for longer than its workflow allows, and was stopped.
    TimedOut,
    /// The engine refused it; the text is scrubbed of paths.
    Invalid(String),
    OutOfMemory,
    /// A node of the workflow failed; the message is scrubbed of paths.
    Node {
        node: String,
        message: String,
    },
    /// The engine forgot it more often than we ask again.
    Lost,
    /// Somebody at the engine stopped it.
    Interrupted,
    /// The engine made nothing.
    Empty,
    /// What the engine made is no picture that we dare to open.
    BadPicture,
    /// We could not keep the picture.
    Storage,
    /// Larger than this protocol takes, and a link would break privacy.
    TooLarge,
    /// Our own fault; the number finds it in the log.
    Internal {
        error_id: String,
    },
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    NotAllowed,
    /// Also for jobs of others and of other rooms: whether they exist is not told.
    NoSuchJob,
    /// Known, but not in a state in which this can be done.
    NotNow {
        job: JobId,
        state: JobStateName,
    },
    UnknownCommand {
        word: String,
        nearest: Option<String>,
    },
    /// A known command with words it does not take.
    Usage {
        usage: String,
    },
    EmptyPrompt,
    /// In characters.
    PromptTooLong {
        max: usize,
    },
    UnknownFlag {
        flag: String,
        nearest: Option<String>,
    },
    MissingValue {
        flag: String,
        allowed: Allowed,
    },
    BadValue {
        flag: String,
        value: String,
        allowed: Allowed,
        nearest: Option<String>,
    },
    /// A flag given twice, with different values.
    Repeated {
        flag: String,
    },
    /// Flags that exclude each other, or that this workflow does not take.
    Conflict {
        flag: String,
        with: String,
    },
    /// Nothing of that name; `kind` is a key such as `model`.
    UnknownName {
        kind: String,
        value: String,
        nearest: Vec<String>,
    },
    /// A prompt's tag that would load a file, such as `lora:detail`.
    Tag {
        tag: String,
    },
    /// Refused by the operator's word list.
    Blocked,
    RateLimited {
        scope: LimitScope,
        retry_in: Duration,
    },
    TooManyJobs {
        scope: LimitScope,
        max: usize,
    },
    QueueFull {
        retry_in: Duration,
    },
    /// Whoever speaks through a bridge can be told nothing in private.
    NoPrivacy,
    /// The pictures are gone and so is their recipe.
    Gone,
    Internal {
        error_id: String,
    },
}

/// What a flag takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    Integer {
        min: u64,
        max: u64,
    },
    Decimal {
        min: f64,
        max: f64,
    },
    /// `WIDTHxHEIGHT` in pixels.
    Size,
    /// `WIDTH:HEIGHT`.
    Aspect,
    OneOf(Vec<String>),
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitScope {
    Person,
    Room,
    Everybody,
}

/// The states of a job, as people see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStateName {
    Waiting,
    Running,
    Cancelling,
    Finished,
    Failed,
    Cancelled,
    Expired,
}
