//! All that a decision may look at: handed in whole, so that deciding stays pure.
//! Nothing here waits, writes or draws at random except through what intake lends.
use super::{
    access::{Access, Rights},
    presets::{Known, Presets},
};
use crate::{
    engine::Status,
    job::Job,
    store::{IndexRow, JobRecord},
};
use inkwire_core::{
    AdapterId, Address, EngineHealth, Imagine, JobId, Native, PersonId, PlaceKind, Rejection,
    Request, Role, Time,
};
use std::time::Duration;

/// What one request is decided from.
pub struct Facts<'a> {
    pub request: &'a Request,
    pub person: &'a PersonId,
    pub rights: Rights,
    pub access: &'a Access,
    pub queue: &'a dyn QueueFacts,
    pub presets: &'a Presets,
    pub known: &'a Known,
    /// What this room paints with where a request does not say.
    pub room: &'a Imagine,
    pub fleet: &'a [EngineFacts],
    /// What `commands::subject` asked for.
    pub subject: Option<&'a JobRecord>,
    /// The person's newest jobs, newest first; for `me` alone.
    pub newest: &'a [JobId],
    /// The adapter can carry files.
    pub uploads: bool,
    pub terms: &'a Terms,
    pub now: Time,
}

/// What decisions take fresh: each call gives another one.
pub struct Fresh<'a> {
    pub id: &'a mut dyn FnMut() -> JobId,
    pub seed: &'a mut dyn FnMut() -> u64,
}

/// The queue as this batch sees it: as it stands, plus what the batch has decided so far.
pub trait QueueFacts {
    /// Where an open job stands; `None` for all others.
    fn standing(&self, job: &JobId) -> Option<Standing>;
    /// Where a job would stand that is not in it yet.
    fn forecast(&self, job: &Job) -> Standing;
    /// Open jobs of one person, newest first.
    fn owned(&self, person: &PersonId) -> Vec<IndexRow>;
    /// At most `most` open jobs: waiting ones in the order of painting.
    fn list(&self, phase: Phase, most: usize) -> Vec<(IndexRow, Option<Duration>)>;
    /// Jobs in this phase.
    fn count(&self, phase: Phase, whose: Whose<'_>) -> usize;
    /// Every open job for which `wanted` holds.
    fn select(&self, wanted: &dyn Fn(&IndexRow) -> bool) -> Vec<(JobId, Phase)>;
    fn paused(&self) -> bool;
    /// When a full queue will have room again.
    fn room_in(&self) -> Duration;
}

/// A job is running as soon as one of its parts was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Waiting,
    Running,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    Person(&'a PersonId),
    Room(&'a AdapterId, &'a Native),
    Everybody,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Images that are painted before it, plus one; `None` once it runs.
    pub position: Option<usize>,
    pub eta: Option<Duration>,
    /// Steps done and in all.
    pub progress: Option<(u32, u32)>,
}

/// One engine, as it said last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EngineFacts {
    pub name: String,
    pub status: Status,
    /// Prompts of ours in it.
    pub running: usize,
}

impl EngineFacts {
    pub fn works(&self) -> bool {
        matches!(self.status.health, EngineHealth::Up | EngineHealth::Degraded)
    }
}

/// What the operator grants.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// A job of which no part has begun is given up after this.
    pub max_wait: Duration,
    /// How long one image may run where its workflow does not say.
    pub time_limit: Duration,
    pub links: Duration,
    /// Life of links to private pictures, and of the pictures and their recipe.
    pub private: Duration,
    pub caps: Caps,
    pub messages_per_minute: u32,
    pub version: String,
    /// Where the source code is.
    pub source: String,
    pub up_since: Time,
}

/// Jobs at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    pub waiting_per_person: usize,
    pub waiting_per_room: usize,
    pub waiting: usize,
    pub running_per_person: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { waiting_per_person: 5, waiting_per_room: 20, waiting: 10_000, running_per_person: 2 }
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            max_wait: Duration::from_hours(1),
            time_limit: Duration::from_mins(10),
            links: Duration::from_hours(30 * 24),
            private: Duration::from_hours(24),
            caps: Caps::default(),
            messages_per_minute: 20,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source: String::new(),
            up_since: Time::default(),
        }
    }
}

impl Facts<'_> {
    pub(super) fn is_admin(&self) -> bool {
        self.rights.role == Role::Admin
    }

    /// The room that is spoken in; there is none where only one person listens.
    pub(super) fn group(&self) -> Result<&Address, Rejection> {
        let Request { reply_to, place, .. } = self.request;
        let group = place.kind == PlaceKind::Group;
        group.then_some(reply_to).ok_or(Rejection::NotAllowed)
    }

    /// The asker reads the words on this job where they ask now, so the next one is an answer.
    pub(super) fn will_hear_of(&self, row: &IndexRow) -> bool {
        let here = &self.request.reply_to;
        let inside = row.adapter == here.adapter && row.room == here.room;
        let told = !row.private || row.owner == *self.person;
        inside && told && self.now < Job::words_end(row.created)
    }

    /// Said to us alone, or where nobody else may read.
    pub(super) fn is_private_place(&self) -> bool {
        let place = self.request.place;
        place.encrypted || place.kind == PlaceKind::Direct
    }

    /// The job that was asked for, if the asker may see it.
    pub(super) fn visible(&self) -> Option<&JobRecord> {
        self.subject.filter(|record| self.may_see(&record.job))
    }

    /// The job that was asked for, if the asker may end it or take it back.
    pub(super) fn own(&self) -> Option<&JobRecord> {
        self.subject.filter(|record| self.is_admin() || record.job.owner == *self.person)
    }

    fn may_see(&self, job: &Job) -> bool {
        let Address { adapter, room, .. } = &job.reply_to;
        job.owner == *self.person || (!job.private && self.may_look_into(adapter, room))
    }

    pub(super) fn sees_owner(&self, row: &IndexRow) -> bool {
        let open = !row.private && self.may_look_into(&row.adapter, &row.room);
        row.owner == *self.person || open
    }

    /// The asker is in this room, or an admin. Callers that wait share no room with each other.
    fn may_look_into(&self, adapter: &AdapterId, room: &Native) -> bool {
        let Request { reply_to: here, place, .. } = self.request;
        let inside = here.adapter == *adapter && here.room == *room;
        self.is_admin() || (inside && place.kind != PlaceKind::Api)
    }
}
