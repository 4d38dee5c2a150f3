//! The queue under its lock: open jobs by id, fair order of what waits, what engines hold.
//! Every method is short and none waits.
use super::{
    Asker, Patience, RunningCaps, Work,
    scheduler::{Scheduler, Ticket},
    ticket,
};
use crate::{
    job::Attempt,
    store::{IndexRow, OpenPart},
};
use inkwire_core::{AdapterId, JobId, Native, PersonId, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

pub(super) struct State {
    pub(super) open: BTreeMap<JobId, Open>,
    arrivals: u64,
    /// Open jobs of each person, oldest first.
    pub(super) owned: BTreeMap<PersonId, BTreeSet<(u64, JobId)>>,
    /// Open jobs in each room.
    pub(super) rooms: BTreeMap<(AdapterId, Native), usize>,
    pub(super) fair: Scheduler,
    /// Parts that an engine holds from an earlier process: they go back to it, first.
    resumed: Vec<(String, Attempt)>,
    /// Engines that take work now, by name.
    pub(super) ready: BTreeMap<String, Arc<dyn Asker>>,
    /// Jobs of which no part has begun, by when they must have.
    deadlines: BTreeSet<(Time, JobId)>,
    /// Jobs of which an engine has a part; as many as engines have seats, at most.
    pub(super) running: BTreeSet<JobId>,
    caps: RunningCaps,
    pub(super) paused: bool,
    pub(super) closed: bool,
}

pub(super) struct Open {
    pub(super) row: IndexRow,
    /// Order of arrival in this process.
    pub(super) arrival: u64,
    /// Cancels every part that runs.
    token: CancellationToken,
    /// Parts taken by an engine and not given back, with the engine's name.
    pub(super) running: BTreeMap<u8, String>,
    deadline: Option<Time>,
}

impl Open {
    pub(super) fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }
}

impl State {
    pub(super) fn new(caps: RunningCaps) -> Self {
        Self {
            open: BTreeMap::new(),
            arrivals: 0,
            owned: BTreeMap::new(),
            rooms: BTreeMap::new(),
            fair: Scheduler::default(),
            resumed: vec![],
            ready: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            running: BTreeSet::new(),
            caps,
            paused: false,
            closed: false,
        }
    }

    pub(super) fn queue(&mut self, row: &IndexRow) {
        if !self.open.contains_key(&row.job) {
            self.admit(row);
        }
        let Some(open) = self.open.get_mut(&row.job) else { return };
        if row.cancelling {
            open.token.cancel();
        }
        for OpenPart { part, run_no, claimed } in &row.parts {
            open.running.remove(part);
            if open.running.is_empty() {
                self.running.remove(&row.job);
            }
            match claimed {
                Some(engine) => {
                    let attempt = Attempt {
                        job: row.job.clone(),
                        part: *part,
                        run_no: *run_no,
                        native: None,
                    };
                    self.resumed.push((engine.clone(), attempt));
                }
                None => self.fair.push(&row.owner, ticket(row, *part, *run_no)),
            }
        }
        if row.parts.iter().all(|part| part.claimed.is_none()) && !open.is_running() {
            self.due(&row.job, Some(row.begin_by));
        }
    }

    /// Of a job none of whose parts is in an engine.
    fn due(&mut self, job: &JobId, by: Option<Time>) {
        let Some(open) = self.open.get_mut(job) else { return };
        if let Some(old) = std::mem::replace(&mut open.deadline, by) {
            self.deadlines.remove(&(old, job.clone()));
        }
        if let Some(by) = by {
            self.deadlines.insert((by, job.clone()));
        }
    }

    pub(super) fn done(&mut self, attempt: &Attempt, begin_by: Time) {
        let Some(open) = self.open.get_mut(&attempt.job) else { return };
        open.running.remove(&attempt.part);
        if open.running.is_empty() {
            self.running.remove(&attempt.job);
            self.due(&attempt.job, Some(begin_by));
        }
    }

    pub(super) fn stranded(&mut self, patience: Patience) -> Vec<Attempt> {
        let Self { resumed, ready, open, .. } = self;
        let is_stranded = |(engine, attempt): &mut (String, Attempt)| {
            let cancelled = open.get(&attempt.job).is_none_or(Open::is_cancelled);
            !ready.contains_key(engine) && (cancelled || patience == Patience::Over)
        };
        resumed.extract_if(.., is_stranded).map(|(_, attempt)| attempt).collect()
    }

    fn admit(&mut self, row: &IndexRow) {
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.owned.entry(row.owner.clone()).or_default().insert((arrival, row.job.clone()));
        *self.rooms.entry(room_of(row)).or_default() += 1;
        let open = Open {
            row: IndexRow { parts: vec![], ..row.clone() },
            arrival,
            token: CancellationToken::new(),
            running: BTreeMap::new(),
            deadline: None,
        };
        self.open.insert(row.job.clone(), open);
    }

    fn forget(&mut self, open: &Open) {
        let row = &open.row;
        self.running.remove(&row.job);
        if let Some(by) = open.deadline {
            self.deadlines.remove(&(by, row.job.clone()));
        }
        if let Some(owned) = self.owned.get_mut(&row.owner) {
            owned.remove(&(open.arrival, row.job.clone()));
            if owned.is_empty() {
                self.owned.remove(&row.owner);
            }
        }
        let room = room_of(row);
        if let Some(count) = self.rooms.get_mut(&room) {
            *count -= 1;
            if *count == 0 {
                self.rooms.remove(&room);
            }
        }
    }

    pub(super) fn interrupt(&mut self, job: &JobId) {
        let Some(open) = self.open.get(job) else { return };
        open.token.cancel();
        let owner = open.row.owner.clone();
        self.fair.cancel(&owner, job);
    }

    pub(super) fn end(&mut self, job: &JobId) {
        self.interrupt(job);
        self.resumed.retain(|(_, attempt)| attempt.job != *job);
        if let Some(open) = self.open.remove(job) {
            self.forget(&open);
        }
    }

    pub(super) fn pick(&mut self, asker: &dyn Asker) -> Option<Work> {
        if let Some(at) = self.resumed.iter().position(|(engine, _)| engine == asker.name()) {
            let (engine, attempt) = self.resumed.swap_remove(at);
            return Some(self.hand_out(attempt, &engine, true));
        }
        if self.paused {
            return None;
        }
        let Self { open, fair, ready, running, caps, .. } = self;
        let in_work: Vec<&IndexRow> =
            running.iter().filter_map(|job| open.get(job)).map(|open| &open.row).collect();
        let can = |ticket: &Ticket| {
            let Some(found) = open.get(&ticket.job) else { return false };
            if ticket.avoid.as_deref() == Some(asker.name()) {
                let mut others = ready.iter().filter(|(name, _)| *name != asker.name());
                if others.any(|(_, other)| other.can(&found.row)) {
                    return false;
                }
            }
            let seat = found.is_running() || caps.leave_room(&found.row, &in_work);
            seat && asker.can(&found.row)
        };
        let (_, Ticket { job, part, run_no, .. }) = fair.pick(can)?;
        let attempt = Attempt { job, part, run_no, native: None };
        Some(self.hand_out(attempt, asker.name(), false))
    }

    fn hand_out(&mut self, attempt: Attempt, engine: &str, resume: bool) -> Work {
        let Some(open) = self.open.get_mut(&attempt.job) else {
            return Work { attempt, resume, token: CancellationToken::new(), cost: 0 };
        };
        open.running.insert(attempt.part, engine.to_owned());
        self.running.insert(attempt.job.clone());
        let work = Work { resume, token: open.token.clone(), cost: open.row.cost, attempt };
        let job = work.attempt.job.clone();
        self.due(&job, None);
        work
    }

    pub(super) fn avoid(&mut self, row: &IndexRow, engine: &str) {
        for OpenPart { part, .. } in &row.parts {
            self.fair.avoid(&row.owner, &row.job, *part, engine);
        }
    }

    pub(super) fn settle(&mut self, job: &JobId, charged: u64, spent: u64) {
        if let Some(open) = self.open.get(job) {
            self.fair.settle(&open.row.owner, charged, spent);
        }
    }

    pub(super) fn overdue(&mut self, now: Time) -> Vec<JobId> {
        let overdue = self.deadlines.iter().take_while(|(by, _)| *by <= now);
        let overdue: Vec<JobId> = overdue.map(|(_, job)| job.clone()).collect();
        for job in &overdue {
            self.due(job, None);
        }
        overdue
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(by, _)| *by)
    }
}

impl RunningCaps {
    /// Whether one more job of this owner and room may run beside these.
    fn leave_room(&self, job: &IndexRow, in_work: &[&IndexRow]) -> bool {
        let of_person = in_work.iter().filter(|row| row.owner == job.owner).count();
        let in_room = in_work.iter().filter(|row| room_of(row) == room_of(job)).count();
        in_work.len() < self.all && of_person < self.per_person && in_room < self.per_room
    }
}

pub(super) fn room_of(row: &IndexRow) -> (AdapterId, Native) {
    (row.adapter.clone(), row.room.clone())
}
