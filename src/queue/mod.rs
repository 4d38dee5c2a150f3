//! Stage 2: what waits and what runs, in memory: follows the store, commit by commit.
//! It answers at once and stores nothing; after a restart it is rebuilt from the open index.
pub mod scheduler;
mod state;
mod view;

pub use view::{Place, Seen, View};

use crate::{
    job::Attempt,
    store::{Effect, IndexRow},
};
use inkwire_core::{JobId, Time};
use scheduler::Ticket;
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub struct Queue {
    state: Mutex<State>,
    /// Counts changes: waiters subscribe first and look then, so none is missed.
    changes: watch::Sender<u64>,
}

/// Jobs that may run at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunningCaps {
    pub per_person: usize,
    pub per_room: usize,
    pub all: usize,
}

/// One part, handed to a worker.
#[derive(Debug)]
pub struct Work {
    pub attempt: Attempt,
    /// With an engine already: to be taken up there.
    pub resume: bool,
    /// Cancelled when the job is.
    pub token: CancellationToken,
    /// What was charged for it, in microseconds of GPU time.
    pub cost: u64,
}

/// The engine that asks for work.
pub trait Asker: Send + Sync {
    fn name(&self) -> &str;
    /// Whether it has what a job needs.
    fn can(&self, job: &IndexRow) -> bool;
}

impl Queue {
    pub fn new(caps: RunningCaps) -> Self {
        Self { state: Mutex::new(State::new(caps)), changes: watch::Sender::default() }
    }

    /// Does in memory what was committed.
    pub fn apply(&self, effects: impl IntoIterator<Item = Effect>) {
        self.change(|state| {
            for effect in effects {
                match effect {
                    Effect::Queued(row) => state.queue(&row),
                    Effect::Interrupt(job) => state.interrupt(&job),
                    Effect::Ended(job, how) => {
                        let how = how.as_str();
                        metrics::counter!("inkwire_jobs_total", "state" => how).increment(1);
                        state.end(&job);
                    }
                    Effect::Paused(paused) => state.paused = paused,
                }
            }
        });
    }

    /// Does in memory what gave parts back: of a job that has ended meanwhile nothing comes back.
    /// `engine` has failed on them, so others that can do them go first.
    pub fn again(&self, effects: impl IntoIterator<Item = Effect>, engine: Option<&str>) {
        let open = |effect: &Effect| match effect {
            Effect::Queued(row) => self.lock().open.contains_key(&row.job),
            _ => true,
        };
        let effects: Vec<Effect> = effects.into_iter().filter(open).collect();
        let rows: Vec<IndexRow> = effects.iter().filter_map(Effect::queued).cloned().collect();
        self.apply(effects);
        if let Some(engine) = engine {
            self.change(|state| rows.iter().for_each(|row| state.avoid(row, engine)));
        }
    }

    /// A part has left its engine, for whatever reason. What else of the job waits must begin
    /// by then.
    pub fn done(&self, attempt: &Attempt, begin_by: Time) {
        self.change(|state| state.done(attempt, begin_by));
    }

    /// The next part for an engine, in fair order; `None` once closed, whatever still waits.
    /// Dropping the future loses nothing.
    pub async fn next(&self, asker: &dyn Asker) -> Option<Work> {
        let mut changes = self.changes.subscribe();
        loop {
            {
                let mut state = self.lock();
                if state.closed {
                    return None;
                }
                if let Some(work) = state.pick(asker) {
                    drop(state);
                    self.changes.send_modify(|count| *count = count.wrapping_add(1));
                    return Some(work);
                }
            }
            changes.changed().await.ok()?;
        }
    }

    /// Corrects what was charged for a part by what it took.
    pub fn settle(&self, job: &JobId, charged: u64, spent: u64) {
        self.change(|state| state.settle(job, charged, spent));
    }

    /// An engine takes work now, and this is what it can do.
    pub fn open_for(&self, asker: Arc<dyn Asker>) {
        self.change(|state| {
            state.ready.insert(asker.name().to_owned(), asker);
        });
    }

    pub fn closed_for(&self, engine: &str) {
        self.change(|state| state.ready.remove(engine));
    }

    /// Parts that an earlier process left in an engine which does not take work: at once those of
    /// cancelled jobs, the others once `patience` is over. They are the caller's to give back.
    pub fn stranded(&self, patience: Patience) -> Vec<Attempt> {
        self.lock().stranded(patience)
    }

    /// Takes the jobs of which no part has begun although one should have.
    pub fn overdue(&self, now: Time) -> Vec<JobId> {
        self.lock().overdue(now)
    }

    /// When the next job becomes overdue.
    pub fn next_deadline(&self) -> Option<Time> {
        self.lock().next_deadline()
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What one batch decides by; see `View`.
    pub fn view(&self) -> View<'_> {
        View::new(self)
    }

    /// Whether every job of this adapter has ended.
    pub fn is_idle(&self, adapter: &inkwire_core::AdapterId) -> bool {
        self.lock().open.values().all(|open| open.row.adapter != *adapter)
    }

    pub fn counts(&self) -> Counts {
        let state = self.lock();
        let running = state.running.len();
        Counts { waiting: state.open.len() - running, running, paused: state.paused }
    }

    pub fn close(&self) {
        self.change(|state| state.closed = true);
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) {
        act(&mut self.lock());
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether engines may still come back for what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    Left,
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub waiting: usize,
    pub running: usize,
    pub paused: bool,
}

fn ticket(row: &IndexRow, part: u8, run_no: u32) -> Ticket {
    Ticket { job: row.job.clone(), part, run_no, cost: row.cost, avoid: None }
}
