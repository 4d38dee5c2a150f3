//! The queue's view as decisions ask it, with progress from the board.
//! Nothing is decided here.
use super::facts::{EngineFacts, Phase, QueueFacts, Standing, Whose};
use crate::{
    board::Board,
    job::Job,
    queue::{Place, Seen, View},
    store::{IndexRow, OpenPart},
};
use inkwire_core::{JobId, PersonId};
use std::time::Duration;

/// A full queue is never worth asking again sooner.
const SHORTEST_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Queued<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) board: &'a Board,
    pub(super) engines: &'a [EngineFacts],
}

impl Queued<'_> {
    fn working(&self) -> usize {
        self.engines.iter().filter(|engine| engine.works()).count()
    }

    /// No engine, no time: nobody knows when it comes back. What runs is shared with what waits
    /// by all engines; the first image itself takes one of them.
    fn standing_at(&self, place: Place, own: u64) -> Standing {
        let engines = u64::try_from(self.working()).unwrap_or(1);
        let shared = (place.cost + self.left_to_run()).checked_div(engines);
        let eta = shared.filter(|_| !self.view.is_paused());
        let eta = eta.map(|shared| Duration::from_micros(shared + own));
        Standing { position: Some(place.position), eta, progress: None }
    }

    /// Of the parts that engines have now, in microseconds of GPU time.
    fn left_to_run(&self) -> u64 {
        let left = |seen: Seen| {
            let cost = seen.row.cost * u64::try_from(seen.parts).unwrap_or(1);
            let (done, total) =
                self.board.steps_of(&seen.row.job, seen.row.total).unwrap_or((0, 1));
            cost / u64::from(total.max(1)) * u64::from(total.saturating_sub(done))
        };
        self.view.running().into_iter().map(left).sum()
    }
}

impl QueueFacts for Queued<'_> {
    fn standing(&self, job: &JobId) -> Option<Standing> {
        let seen = self.view.open(job)?;
        if seen.running {
            let progress = self.board.steps_of(job, seen.row.total);
            return Some(Standing { progress, ..Standing::default() });
        }
        let place = self.view.place(job);
        Some(place.map(|place| self.standing_at(place, seen.row.cost)).unwrap_or_default())
    }

    fn forecast(&self, job: &Job) -> Standing {
        self.standing_at(self.view.place_of_new(&job.owner), job.cost)
    }

    fn owned(&self, person: &PersonId) -> Vec<IndexRow> {
        self.view.owned(person).into_iter().map(|seen| seen.row).collect()
    }

    fn list(&self, phase: Phase, most: usize) -> Vec<(IndexRow, Option<Duration>)> {
        let seen = match phase {
            Phase::Waiting => self.view.waiting(most),
            Phase::Running => self.view.running(),
        };
        let line = |seen: Seen| {
            let eta = self.standing(&seen.row.job).and_then(|standing| standing.eta);
            (seen.row, eta)
        };
        seen.into_iter().take(most).map(line).collect()
    }

    fn count(&self, phase: Phase, whose: Whose<'_>) -> usize {
        let running = phase == Phase::Running;
        match whose {
            Whose::Person(person) => self.view.count_owned(person, running),
            Whose::Room(adapter, room) => self.view.in_room(adapter, room, running),
            Whose::Everybody => {
                let (waiting, in_work) = self.view.totals();
                if running { in_work } else { waiting }
            }
        }
    }

    fn select(&self, wanted: &dyn Fn(&IndexRow) -> bool) -> Vec<(JobId, Phase)> {
        let phase = |running| if running { Phase::Running } else { Phase::Waiting };
        let found = self.view.matching(wanted).into_iter();
        found.map(|seen| (seen.row.job, phase(seen.running))).collect()
    }

    fn paused(&self) -> bool {
        self.view.is_paused()
    }

    fn room_in(&self) -> Duration {
        let first = self.view.waiting(1).into_iter().next();
        let cost = first.map_or(0, |seen| seen.row.cost * u64::from(seen.row.total));
        let engines = u64::try_from(self.working().max(1)).unwrap_or(1);
        Duration::from_micros(cost / engines).max(SHORTEST_WAIT)
    }
}

/// What the queue would hold of a job that was decided but is not committed.
pub(super) fn row(job: &Job) -> IndexRow {
    let part = |part| OpenPart { part, run_no: 1, claimed: None };
    IndexRow {
        job: job.id.clone(),
        owner: job.owner.clone(),
        owner_name: job.asker.name.clone(),
        adapter: job.reply_to.adapter.clone(),
        room: job.reply_to.room.clone(),
        private: job.private,
        model: job.render.model.clone(),
        checkpoint: job.render.checkpoint.clone(),
        workflow: job.render.workflow.clone(),
        cost: job.cost,
        created: job.created,
        begin_by: job.begin_by,
        total: job.parts,
        cancelling: false,
        parts: (0..job.parts).map(part).collect(),
    }
}
