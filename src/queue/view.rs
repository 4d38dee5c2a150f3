//! The queue as one batch sees it: as it stands, plus what the batch has decided so far.
//! It only answers; what it is told is forgotten with it.
use super::{
    Queue,
    scheduler::Ahead,
    state::{Open, room_of},
};
use crate::store::{Change, IndexRow};
use inkwire_core::{AdapterId, JobId, Native, PersonId};
use std::{collections::BTreeSet, sync::OnceLock};

pub struct View<'a> {
    queue: &'a Queue,
    added: Vec<IndexRow>,
    cancelled: BTreeSet<JobId>,
    /// What is ahead of anybody who has nothing in line: looked up once, as it takes a walk along
    /// the whole line.
    ahead_of_anybody: OnceLock<Ahead>,
}

/// Where a job stands in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Jobs that begin before it, plus one.
    pub position: usize,
    /// What is painted before it, in microseconds of GPU time; running parts not counted.
    pub cost: u64,
}

/// An open job as listings show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub row: IndexRow,
    pub running: bool,
    /// Of it, in engines now.
    pub parts: usize,
    pub cancelling: bool,
    /// The engine of its newest part, while it runs.
    pub engine: Option<String>,
}

impl<'a> View<'a> {
    pub(super) fn new(queue: &'a Queue) -> Self {
        let ahead_of_anybody = OnceLock::new();
        Self { queue, added: vec![], cancelled: BTreeSet::new(), ahead_of_anybody }
    }

    /// Later decisions of the batch see this job.
    pub fn add(&mut self, row: IndexRow) {
        self.added.push(row);
    }

    pub fn change(&mut self, change: &Change) {
        if let Change::Cancel { job, .. } = change {
            self.added.retain(|row| row.job != *job);
            self.cancelled.insert(job.clone());
        }
    }

    /// The place that a new job of this person would have.
    pub fn place_of_new(&self, owner: &PersonId) -> Place {
        let ahead = self.ahead_of_new(owner);
        let added = self.added.iter().fold(0, |sum, row| sum + row.cost * u64::from(row.total));
        let jobs = usize::try_from(ahead.jobs).unwrap_or(usize::MAX) + self.added.len();
        place(jobs, ahead.cost + added)
    }

    fn ahead_of_new(&self, owner: &PersonId) -> Ahead {
        let state = self.queue.lock();
        let ahead = || state.fair.ahead_of_new(owner);
        if state.fair.knows(owner) { ahead() } else { *self.ahead_of_anybody.get_or_init(ahead) }
    }

    pub fn place(&self, job: &JobId) -> Option<Place> {
        let state = self.queue.lock();
        let open = state.open.get(job)?;
        let ahead = state.fair.ahead_of(&open.row.owner, job)?;
        let jobs = usize::try_from(ahead.jobs).unwrap_or(usize::MAX);
        Some(place(jobs, ahead.cost))
    }

    /// One open job.
    pub fn open(&self, job: &JobId) -> Option<Seen> {
        if self.cancelled.contains(job) {
            return None;
        }
        let added = self.added.iter().find(|row| row.job == *job);
        added.map(fresh).or_else(|| self.queue.lock().open.get(job).map(seen))
    }

    /// The open jobs of one person, newest first.
    pub fn owned(&self, owner: &PersonId) -> Vec<Seen> {
        let added = self.added.iter().rev().filter(|row| row.owner == *owner).map(fresh);
        let state = self.queue.lock();
        let older = state.owned.get(owner).into_iter().flatten().rev();
        let older = older.filter_map(|(_, job)| state.open.get(job)).map(seen);
        added.chain(older).filter(|seen| !self.cancelled.contains(&seen.row.job)).collect()
    }

    pub fn count_owned(&self, owner: &PersonId, running: bool) -> usize {
        let added = self.added.iter().filter(|row| !running && row.owner == *owner).count();
        let state = self.queue.lock();
        let all = state.owned.get(owner).into_iter().flatten();
        let kept = all.filter(|(_, job)| !self.cancelled.contains(job));
        let open = kept.filter_map(|(_, job)| state.open.get(job));
        open.filter(|job| job.is_running() == running).count() + added
    }

    /// Jobs that an engine has a part of.
    pub fn running_on(&self, engine: &str) -> usize {
        let state = self.queue.lock();
        let running = state.running.iter().filter_map(|job| state.open.get(job));
        running.filter(|open| open.running.values().any(|name| name == engine)).count()
    }

    /// All open jobs that match, in no particular order.
    pub fn matching(&self, matches: impl Fn(&IndexRow) -> bool) -> Vec<Seen> {
        let state = self.queue.lock();
        let all = state.open.values().map(seen).chain(self.added.iter().map(fresh));
        all.filter(|seen| matches(&seen.row) && !self.cancelled.contains(&seen.row.job)).collect()
    }

    /// The first waiting jobs in fair order, at most `limit`.
    pub fn waiting(&self, limit: usize) -> Vec<Seen> {
        let state = self.queue.lock();
        let first = state.fair.first(limit);
        let first = first.iter().filter_map(|job| state.open.get(job)).map(seen);
        let all = first.filter(|seen| !seen.running).chain(self.added.iter().map(fresh));
        all.filter(|seen| !self.cancelled.contains(&seen.row.job)).take(limit).collect()
    }

    pub fn running(&self) -> Vec<Seen> {
        let state = self.queue.lock();
        state.running.iter().filter_map(|job| state.open.get(job)).map(seen).collect()
    }

    /// Waiting and running jobs of everybody.
    pub fn totals(&self) -> (usize, usize) {
        let counts = self.queue.counts();
        (counts.waiting + self.added.len(), counts.running)
    }

    /// Jobs of a room that run, or that wait.
    pub fn in_room(&self, adapter: &AdapterId, room: &Native, running: bool) -> usize {
        let key = (adapter.clone(), room.clone());
        let state = self.queue.lock();
        let here = |job: &&JobId| state.open.get(*job).is_some_and(|o| room_of(&o.row) == key);
        let in_work = state.running.iter().filter(here).count();
        if running {
            return in_work;
        }
        let added = self.added.iter().filter(|row| room_of(row) == key).count();
        let waits = |job: &&JobId| !state.running.contains(*job);
        let cancelled = self.cancelled.iter().filter(waits).filter(here).count();
        let open = state.rooms.get(&key).copied().unwrap_or(0);
        (open + added).saturating_sub(in_work + cancelled)
    }

    pub fn is_paused(&self) -> bool {
        self.queue.lock().paused
    }
}

fn place(jobs: usize, cost: u64) -> Place {
    Place { position: jobs.saturating_add(1), cost }
}

fn seen(open: &Open) -> Seen {
    Seen {
        row: open.row.clone(),
        running: open.is_running(),
        parts: open.running.len(),
        cancelling: open.is_cancelled(),
        engine: open.running.values().next_back().cloned(),
    }
}

fn fresh(row: &IndexRow) -> Seen {
    Seen { row: row.clone(), running: false, parts: 0, cancelling: false, engine: None }
}
