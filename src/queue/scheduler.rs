//! Fair order as a pure data structure: no I/O, no clock, no lock.
//!
//! Start-time fair queueing between people (Goyal, Vin and Cheng, 1996): each person has a start
//! tag, the smallest is served, and service moves it on by the GPU time it costs. A person who
//! comes back starts at the present and neither owes nor is owed for the time away; only debt
//! that is still ahead of the present is remembered.
use inkwire_core::{JobId, PersonId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One part that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    pub job: JobId,
    pub part: u8,
    pub run_no: u32,
    /// Microseconds of GPU time.
    pub cost: u64,
    /// Engine on which it failed last: another goes first.
    pub avoid: Option<String>,
}

#[derive(Debug, Default)]
pub struct Scheduler {
    /// Virtual time: the start tag of the newest service.
    now: u64,
    flows: BTreeMap<PersonId, Flow>,
    /// People with something to do, by start tag and then by who came first.
    order: BTreeSet<(u64, u64, PersonId)>,
    arrivals: u64,
}

#[derive(Debug)]
struct Flow {
    start: u64,
    arrival: u64,
    waiting: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    ticket: Ticket,
    /// Cost of everything this person queued before it; grows along the flow.
    cost_before: u64,
    /// Jobs, likewise.
    jobs_before: u64,
}

/// What is served before a place in the order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ahead {
    pub jobs: u64,
    /// Microseconds of GPU time.
    pub cost: u64,
}

/// People in debt that are remembered while they have nothing queued.
const MOST_DEBTORS: usize = 4096;

impl Scheduler {
    pub fn push(&mut self, owner: &PersonId, ticket: Ticket) {
        self.arrivals += 1;
        let (now, arrival) = (self.now, self.arrivals);
        let fresh = || Flow { start: now, arrival, waiting: VecDeque::new() };
        let flow = self.flows.entry(owner.clone()).or_insert_with(fresh);
        if flow.waiting.is_empty() {
            flow.start = flow.start.max(now);
            flow.arrival = arrival;
            self.order.insert((flow.start, arrival, owner.clone()));
        }
        flow.push(ticket);
    }

    /// The next part that `can` be done, in fair order. Within one person's line, a part that
    /// cannot be done here lets later ones pass.
    pub fn pick(&mut self, can: impl Fn(&Ticket) -> bool) -> Option<(PersonId, Ticket)> {
        let (key, at) = self.order.iter().find_map(|key| {
            let flow = self.flows.get(&key.2)?;
            Some((key.clone(), flow.waiting.iter().position(|entry| can(&entry.ticket))?))
        })?;
        let owner = key.2.clone();
        let flow = self.flows.get_mut(&owner)?;
        self.order.remove(&key);
        self.now = self.now.max(flow.start);
        let ticket = flow.take(at)?;
        if !flow.waiting.is_empty() {
            self.order.insert((flow.start, flow.arrival, owner.clone()));
        }
        self.forget_the_even();
        Some((owner, ticket))
    }

    /// Corrects what was charged when a part was picked by what it took.
    pub fn settle(&mut self, owner: &PersonId, charged: u64, spent: u64) {
        let Some(flow) = self.flows.get_mut(owner) else { return };
        let queued = self.order.remove(&(flow.start, flow.arrival, owner.clone()));
        flow.start = flow.start.saturating_sub(charged).saturating_add(spent);
        if queued {
            self.order.insert((flow.start, flow.arrival, owner.clone()));
        }
    }

    /// Lets other engines go first for a part that one has failed on.
    pub fn avoid(&mut self, owner: &PersonId, job: &JobId, part: u8, engine: &str) {
        let Some(flow) = self.flows.get_mut(owner) else { return };
        for entry in flow.waiting.iter_mut().map(|entry| &mut entry.ticket) {
            if entry.job == *job && entry.part == part {
                entry.avoid = Some(engine.to_owned());
            }
        }
    }

    /// Forgets what of a job waits.
    pub fn cancel(&mut self, owner: &PersonId, job: &JobId) {
        let Some(flow) = self.flows.get_mut(owner) else { return };
        flow.waiting.retain(|entry| entry.ticket.job != *job);
        flow.renumber();
        if flow.waiting.is_empty() {
            self.order.remove(&(flow.start, flow.arrival, owner.clone()));
            self.forget_the_even();
        }
    }

    /// Whether this person has something in line, or had and may be in debt for it.
    pub fn knows(&self, owner: &PersonId) -> bool {
        self.flows.contains_key(owner)
    }

    /// What would be served before a new part of this person; takes as long as the line is, in
    /// people.
    pub fn ahead_of_new(&self, owner: &PersonId) -> Ahead {
        let (tag, arrival) = match self.flows.get(owner) {
            Some(flow) if !flow.waiting.is_empty() => (flow.end(), flow.arrival),
            Some(flow) => (flow.start.max(self.now), self.arrivals + 1),
            None => (self.now, self.arrivals + 1),
        };
        self.ahead(tag, arrival)
    }

    /// What is served before the first waiting part of a job.
    pub fn ahead_of(&self, owner: &PersonId, job: &JobId) -> Option<Ahead> {
        let flow = self.flows.get(owner)?;
        let entry = flow.waiting.iter().find(|entry| entry.ticket.job == *job)?;
        Some(self.ahead(flow.tag(entry), flow.arrival))
    }

    /// Jobs in the order in which their first waiting parts will be picked, at most `limit`.
    pub fn first(&self, limit: usize) -> Vec<JobId> {
        let mut firsts: Vec<_> =
            self.flows.values().flat_map(|flow| flow.first_parts().take(limit)).collect();
        firsts.sort_unstable();
        firsts.into_iter().take(limit).map(|(_, _, job)| job.clone()).collect()
    }

    fn ahead(&self, tag: u64, arrival: u64) -> Ahead {
        let before = self.order.iter().take_while(|(start, ..)| *start <= tag);
        before.filter_map(|(.., owner)| self.flows.get(owner)).fold(
            Ahead::default(),
            |sum, flow| {
                let ahead = flow.ahead(tag, arrival);
                Ahead { jobs: sum.jobs + ahead.jobs, cost: sum.cost.saturating_add(ahead.cost) }
            },
        )
    }

    /// An empty line whose tag the present has passed is as good as none.
    fn forget_the_even(&mut self) {
        if self.flows.len() > self.order.len() + MOST_DEBTORS {
            let now = self.now;
            self.flows.retain(|_, flow| !flow.waiting.is_empty() || flow.start > now);
        }
    }
}

impl Flow {
    /// A part that runs again goes before what its owner asked for later.
    fn push(&mut self, ticket: Ticket) {
        if ticket.run_no > 1 {
            self.waiting.push_front(Entry { ticket, cost_before: 0, jobs_before: 0 });
            return self.renumber();
        }
        let (cost_before, jobs_before) = match self.waiting.back() {
            Some(last) => {
                let new_job = u64::from(last.ticket.job != ticket.job);
                (last.cost_before + last.ticket.cost.max(1), last.jobs_before + new_job)
            }
            None => (0, 0),
        };
        self.waiting.push_back(Entry { ticket, cost_before, jobs_before });
    }

    fn take(&mut self, at: usize) -> Option<Ticket> {
        let entry = self.waiting.remove(at)?;
        if at > 0 {
            self.renumber();
        }
        self.start = self.start.saturating_add(entry.ticket.cost);
        Some(entry.ticket)
    }

    fn renumber(&mut self) {
        let (mut cost, mut jobs) = (0, 0);
        let mut last: Option<&JobId> = None;
        for entry in &mut self.waiting {
            jobs += u64::from(last.is_some_and(|last| *last != entry.ticket.job));
            (entry.cost_before, entry.jobs_before) = (cost, jobs);
            cost += entry.ticket.cost.max(1);
            last = Some(&entry.ticket.job);
        }
    }

    /// Tag, arrival and job of every part that is the first of its job in this line.
    fn first_parts(&self) -> impl Iterator<Item = (u64, u64, &JobId)> {
        let mut last = None;
        self.waiting.iter().filter_map(move |entry| {
            let job = &entry.ticket.job;
            (last.replace(job) != Some(job)).then(|| (self.tag(entry), self.arrival, job))
        })
    }

    fn tag(&self, entry: &Entry) -> u64 {
        let front = self.waiting.front().map_or(0, |front| front.cost_before);
        self.start.saturating_add(entry.cost_before - front)
    }

    /// The tag that one more part would have.
    fn end(&self) -> u64 {
        let last = self.waiting.back();
        last.map_or(self.start, |last| self.tag(last).saturating_add(last.ticket.cost.max(1)))
    }

    fn ahead(&self, tag: u64, arrival: u64) -> Ahead {
        let earlier = |entry: &Entry| (self.tag(entry), self.arrival) < (tag, arrival);
        let count = self.waiting.partition_point(earlier);
        let last = count.checked_sub(1).and_then(|at| self.waiting.get(at));
        let (Some(front), Some(last)) = (self.waiting.front(), last) else {
            return Ahead::default();
        };
        Ahead {
            jobs: last.jobs_before - front.jobs_before + 1,
            cost: last.cost_before - front.cost_before + last.ticket.cost,
        }
    }
}

#[cfg(test)]
mod tests;
