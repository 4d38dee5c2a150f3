//! Durable state behind one port: every write is one whole business step.
//! It decides nothing but who came first; what follows from that it says in effects.
pub mod faulty;
mod ids;
mod link;
pub mod memory;
mod private;
mod sending;
pub mod sqlite;
mod standing;
#[cfg(test)]
mod suite;

pub use private::private_dir;

use crate::job::{Attempt, Draft, Ending, Job, JobState};
use async_trait::async_trait;
use inkwire_core::{
    AdapterId, Artifact, Cursor, Delivery, DeliveryId, EventKey, Failure, Imagine, JobId, Linked,
    MediaId, Native, Notes, Outcome, Parcel, PersonId, Posted, Receipt, SlotId, Time, Watch,
};
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("another instance holds this adapter")]
    Stale,
    /// Nothing was written; the same call may succeed once there is room.
    #[error("the disk is full")]
    Full,
    #[error("store: {0}")]
    Broken(String),
}

/// What one request changes. A batch's cursor is an admission of its own, without `seen`.
#[derive(Debug, Clone)]
pub struct Admission {
    pub adapter: AdapterId,
    pub epoch: u64,
    pub seen: Option<EventKey>,
    pub at: Time,
    pub changes: Vec<Change>,
    pub jobs: Vec<Job>,
    pub deliveries: Vec<Draft>,
    /// Kept with `seen`, so that a duplicate gets the same answer.
    pub outcome: Option<Outcome>,
    pub cursor: Option<Cursor>,
    pub notes: Notes,
}

impl Admission {
    pub fn empty(adapter: &AdapterId, epoch: u64, at: Time) -> Self {
        Self {
            adapter: adapter.clone(),
            epoch,
            seen: None,
            at,
            changes: vec![],
            jobs: vec![],
            deliveries: vec![],
            outcome: None,
            cursor: None,
            notes: Notes::new(),
        }
    }
}

/// Resolved before it is committed: a change names jobs, never "the last one".
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Waiting parts end in the commit itself; running ones by `Effect::Interrupt`.
    Cancel {
        job: JobId,
        by: PersonId,
    },
    /// Takes back an ended job's pictures (one image, or all): links die, blobs become free to
    /// sweep, and the slot is `Retracted` once nothing is left. A grid goes with any image of it.
    Delete {
        job: JobId,
        image: Option<u16>,
    },
    Pause(bool),
    /// Replaces all defaults of a room; an empty wish forgets them.
    Prefer {
        adapter: AdapterId,
        room: Native,
        defaults: Box<Imagine>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Done(Vec<Effect>),
    Duplicate { job: Option<JobId>, outcome: Option<Outcome> },
    Stale,
}

/// What memory must do after a commit, and again at start.
#[allow(clippy::large_enum_variant)] // nearly all are `Queued`, and none lives long
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Queued(IndexRow),
    Interrupt(JobId),
    /// With the state it ended in.
    Ended(JobId, JobState),
    Paused(bool),
}

impl Effect {
    pub fn queued(&self) -> Option<&IndexRow> {
        match self {
            Self::Queued(row) => Some(row),
            _ => None,
        }
    }

    pub fn ended(&self) -> Option<&JobId> {
        match self {
            Self::Ended(job, _) => Some(job),
            _ => None,
        }
    }
}

/// All that memory holds of an open job.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexRow {
    pub job: JobId,
    pub owner: PersonId,
    /// Shown in queue listings.
    pub owner_name: String,
    pub adapter: AdapterId,
    pub room: Native,
    pub private: bool,
    pub model: String,
    pub checkpoint: String,
    pub workflow: String,
    /// Of one part, in microseconds of GPU time.
    pub cost: u64,
    pub created: Time,
    pub begin_by: Time,
    /// All parts of the job, ended ones too.
    pub total: u8,
    pub cancelling: bool,
    /// The open ones.
    pub parts: Vec<OpenPart>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OpenPart {
    pub part: u8,
    pub run_no: u32,
    /// The engine that has it: to be resumed there, not begun.
    pub claimed: Option<String>,
}

/// What a worker needs for one part.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    pub job: Job,
    /// `native` is what was stored by the claim or by `submitted`.
    pub attempt: Attempt,
}

/// The end of one part.
#[derive(Debug, Clone)]
pub struct Finish {
    pub attempt: Attempt,
    pub ending: Ending,
    /// Given once `Finished::WantsGrid` asked for it.
    pub grid: Option<Artifact>,
    /// Rows for the links that artifacts of this call carry.
    pub links: Vec<LinkRow>,
    pub at: Time,
    /// When pictures of this job are thrown away.
    pub keep_until: Time,
    /// What the part really took, in microseconds of GPU time.
    pub spent: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    Done(Vec<Effect>),
    /// This part is the last and several images were made: nothing is written yet, call again
    /// with a grid of these (or, if none can be made, with one of the images as it is).
    WantsGrid(Vec<Artifact>),
}

/// A link to one blob, of one job or of none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// 128 random bits in 22 symbols.
    pub id: String,
    pub media: MediaId,
    /// 0 for the grid, and for a text.
    pub image: u16,
    pub expires: Time,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRow {
    /// SHA-256 in hexadecimal.
    pub id: MediaId,
    pub mime: String,
    pub bytes: u64,
    /// Pixels; 0 for what is no picture.
    pub width: u32,
    /// Pixels; 0 for what is no picture.
    pub height: u32,
}

/// Everything about one job, open or ended.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    pub job: Job,
    pub state: JobState,
    /// The engine of the newest run.
    pub engine: Option<String>,
    /// What was made and is still there; the grid first.
    pub artifacts: Vec<Artifact>,
    pub failure: Option<Failure>,
    pub ended: Option<Time>,
    pub keep_until: Option<Time>,
}

/// What an adapter starts from; a new epoch makes every older one stale.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lease {
    pub epoch: u64,
    pub cursor: Option<Cursor>,
    pub notes: Notes,
}

/// Facts of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Random, made with the database: prompt ids are derived from it.
    pub install: Uuid,
    pub paused: bool,
}

/// What is kept for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    pub recipes: Duration,
    /// Of all blobs together; the oldest go first.
    pub most_bytes: u64,
    /// Keys of events already seen are forgotten after this.
    pub seen: Duration,
    /// A blob that no job names is somebody's work in progress for this long.
    pub unclaimed: Duration,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files that may be removed: no row names them any more.
    pub blobs: Vec<MediaId>,
    pub jobs: usize,
}

/// Numbers for `/metrics`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreStats {
    pub commits: u64,
    /// Commits that were forced to disk.
    pub fsyncs: u64,
    /// Deliveries not yet sent, by adapter.
    pub outbox: Vec<(AdapterId, u64)>,
    pub blob_bytes: u64,
    pub links: u64,
}

/// At most one row per slot.
#[derive(Debug, Default)]
pub struct Page {
    pub ready: Vec<Parcel>,
    pub wake_at: Option<Time>,
}

#[async_trait]
pub trait Store: Send + Sync {
    async fn settings(&self) -> Result<Settings, StoreError>;
    async fn lease(&self, adapter: &AdapterId) -> Result<Lease, StoreError>;
    /// Ids that no job has or ever had; each is handed out once.
    async fn fresh_ids(&self, count: usize) -> Result<Vec<JobId>, StoreError>;
    /// One verdict per admission, all in one commit that is forced to disk unless it has a cursor
    /// alone: what that skips is heard again and found to be known. `Broken`, with nothing
    /// written, where a job's id is taken.
    async fn admit(&self, admissions: Vec<Admission>) -> Result<Vec<Verdict>, StoreError>;
    async fn open_index(&self) -> Result<Vec<IndexRow>, StoreError>;
    /// What a room paints with where a request does not say: a wish without a prompt.
    async fn room(&self, adapter: &AdapterId, room: &Native) -> Result<Imagine, StoreError>;

    /// Takes a part for an engine and writes `Started`. `attempt.native` is stored as what we
    /// intend to submit. `None`: no longer wanted. A part already claimed with this `run_no`
    /// gives its payload again to the same engine.
    async fn claim(
        &self,
        attempt: &Attempt,
        engine: &str,
        at: Time,
    ) -> Result<Option<Payload>, StoreError>;
    async fn submitted(&self, attempt: &Attempt, native: &str) -> Result<(), StoreError>;
    /// Gives a part back to be run again under the next `run_no`, and writes `Retrying`; of a
    /// job that is being cancelled it ends instead. One that was never claimed is queued as it is.
    async fn release(
        &self,
        attempt: &Attempt,
        reason: Failure,
        at: Time,
    ) -> Result<Vec<Effect>, StoreError>;
    /// The end of the last part writes the job's last word and its links in the same step, forced
    /// to disk. A stale attempt writes nothing.
    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError>;
    /// Ends those of the jobs of which no part runs or has ended; a part that an engine lost
    /// waits again.
    async fn expire(&self, jobs: &[JobId], at: Time) -> Result<Vec<Effect>, StoreError>;

    async fn due(
        &self,
        adapter: &AdapterId,
        epoch: u64,
        now: Time,
        limit: usize,
    ) -> Result<Page, StoreError>;
    /// `Stale` once another epoch holds the adapter or a newer word replaced this one: do not send.
    async fn begin(&self, id: &DeliveryId, epoch: u64) -> Result<(), StoreError>;
    async fn checkpoint(&self, id: &DeliveryId, epoch: u64, v: Value) -> Result<(), StoreError>;
    /// What is known to be unsent backs off (1 s to 1 min, or as the receipt says); what was
    /// dropped after it began does so in doubt. A private result that is too large is replaced by
    /// `Failed(TooLarge)`.
    async fn record(
        &self,
        id: &DeliveryId,
        epoch: u64,
        receipt: Receipt,
        now: Time,
    ) -> Result<(), StoreError>;
    async fn shown(&self, slot: &SlotId) -> Result<Vec<Posted>, StoreError>;
    /// In the order of their commit, superseded ones too; a page at a time.
    async fn since(&self, watch: &Watch, after: u64) -> Result<Vec<Delivery>, StoreError>;

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError>;
    /// The newest jobs of one person, newest first.
    async fn newest(&self, owner: &PersonId, limit: usize) -> Result<Vec<JobId>, StoreError>;
    /// Which job, and which image of it, a message shows.
    async fn posted(
        &self,
        adapter: &AdapterId,
        room: &Native,
        native: &Native,
    ) -> Result<Option<(JobId, Option<MediaId>)>, StoreError>;

    async fn keep_blob(&self, blob: &BlobRow, at: Time) -> Result<(), StoreError>;
    async fn blob(&self, id: &MediaId) -> Result<Option<BlobRow>, StoreError>;
    /// A link that no job made, forced to disk: its blob is kept until it expires.
    async fn keep_link(&self, link: &LinkRow) -> Result<(), StoreError>;
    /// `None` for unknown, expired and revoked links alike.
    async fn link(&self, id: &str, now: Time) -> Result<Option<Linked>, StoreError>;
    /// Durable on return, so that the files may go.
    async fn sweep(&self, retention: &Retention, now: Time) -> Result<Swept, StoreError>;
    async fn stats(&self) -> Result<StoreStats, StoreError>;
}
