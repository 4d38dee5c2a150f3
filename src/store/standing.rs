//! Where one job stands and how it moves on: the rules that every store shares.
//! Pure: a store loads a `Standing`, takes one step, and writes both down in one commit.
use super::{Effect, Finish, IndexRow, LinkRow, OpenPart, Payload};
use crate::job::{Attempt, Draft, Ending, Job, JobState};
use inkwire_core::{Artifact, ArtifactKind, Failure, Outcome, PersonId, Time};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub(super) job: Job,
    pub(super) state: JobState,
    pub(super) parts: Vec<Part>,
    pub(super) cancelled_by: Option<PersonId>,
    /// Of the newest run.
    pub(super) engine: Option<String>,
    pub(super) failure: Option<Failure>,
    pub(super) ended: Option<Time>,
    pub(super) keep_until: Option<Time>,
    pub(super) retracted: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Part {
    pub(super) run_no: u32,
    /// `None` while it waits.
    pub(super) engine: Option<String>,
    pub(super) native: Option<String>,
    pub(super) ending: Option<Ending>,
    /// Microseconds of GPU time.
    pub(super) spent: u64,
}

/// What has to be written beside the job itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Step {
    pub(super) effects: Vec<Effect>,
    pub(super) drafts: Vec<Draft>,
    pub(super) artifacts: Vec<Artifact>,
    pub(super) links: Vec<LinkRow>,
}

impl Step {
    fn say(draft: Draft) -> Self {
        Self { drafts: vec![draft], ..Self::default() }
    }
}

impl Part {
    fn is_waiting(&self) -> bool {
        self.ending.is_none() && self.engine.is_none()
    }

    fn is_running(&self) -> bool {
        self.ending.is_none() && self.engine.is_some()
    }

    fn made(&self) -> &[Artifact] {
        match &self.ending {
            Some(Ending::Done(made)) => made,
            _ => &[],
        }
    }
}

impl Standing {
    pub(super) fn new(job: Job) -> Self {
        let part = Part { run_no: 1, ..Part::default() };
        Self {
            parts: vec![part; usize::from(job.parts.max(1))],
            job,
            state: JobState::Waiting,
            cancelled_by: None,
            engine: None,
            failure: None,
            ended: None,
            keep_until: None,
            retracted: false,
        }
    }

    pub(super) fn index(&self) -> IndexRow {
        let open = (0u8..).zip(&self.parts).filter(|(_, part)| part.ending.is_none());
        IndexRow {
            job: self.job.id.clone(),
            owner: self.job.owner.clone(),
            owner_name: self.job.asker.name.clone(),
            adapter: self.job.reply_to.adapter.clone(),
            room: self.job.reply_to.room.clone(),
            private: self.job.private,
            model: self.job.render.model.clone(),
            checkpoint: self.job.render.checkpoint.clone(),
            workflow: self.job.render.workflow.clone(),
            cost: self.job.cost,
            created: self.job.created,
            begin_by: self.job.begin_by,
            total: self.job.parts.max(1),
            cancelling: self.cancelled_by.is_some(),
            parts: open
                .map(|(part, p)| OpenPart { part, run_no: p.run_no, claimed: p.engine.clone() })
                .collect(),
        }
    }

    pub(super) fn cancel(&mut self, by: &PersonId, at: Time) -> Step {
        if !self.state.is_open() {
            return Step::default();
        }
        let again = self.cancelled_by.is_some();
        self.cancelled_by.get_or_insert_with(|| by.clone());
        for part in self.parts.iter_mut().filter(|part| part.is_waiting()) {
            part.ending = Some(Ending::Cancelled);
        }
        if !self.has_open_parts() {
            return self.conclude(None, at);
        }
        self.state = JobState::Cancelling;
        let drafts = if again { vec![] } else { vec![self.job.say(Outcome::Cancelling)] };
        let effects = vec![Effect::Interrupt(self.job.id.clone())];
        Step { effects, drafts, ..Step::default() }
    }

    pub(super) fn claim(&mut self, attempt: &Attempt, engine: &str) -> Option<(Payload, Step)> {
        let was = self.state;
        let part = self.held(attempt)?;
        if part.is_running() {
            let same = part.engine.as_deref() == Some(engine);
            return same.then(|| (self.payload(attempt), Step::default()));
        }
        part.engine = Some(engine.to_owned());
        part.native.clone_from(&attempt.native);
        self.engine = Some(engine.to_owned());
        self.settle_state();
        let news = was == JobState::Waiting || attempt.run_no > 1;
        let started = || Step::say(self.job.say(Outcome::Started { engine: engine.to_owned() }));
        let step = if news { started() } else { Step::default() };
        Some((self.payload(attempt), step))
    }

    fn payload(&self, attempt: &Attempt) -> Payload {
        let part = self.parts.get(usize::from(attempt.part));
        let native = part.and_then(|part| part.native.clone());
        Payload { job: self.job.clone(), attempt: Attempt { native, ..attempt.clone() } }
    }

    pub(super) fn submitted(&mut self, attempt: &Attempt, native: &str) {
        if let Some(part) = self.held(attempt).filter(|part| part.is_running()) {
            part.native = Some(native.to_owned());
        }
    }

    pub(super) fn release(&mut self, attempt: &Attempt, reason: Failure, at: Time) -> Step {
        let cancelling = self.cancelled_by.is_some();
        let Some(part) = self.held(attempt) else { return Step::default() };
        if cancelling {
            part.ending = Some(Ending::Cancelled);
            return self.conclude_if_last(None, at);
        }
        let mut drafts = vec![];
        if part.is_running() {
            *part = Part { run_no: part.run_no + 1, ..Part::default() };
            let retrying = Outcome::Retrying { reason, attempt: part.run_no };
            drafts.push(self.job.say(retrying));
        }
        self.settle_state();
        let mut row = self.index();
        row.parts.retain(|open| open.part == attempt.part);
        Step { effects: vec![Effect::Queued(row)], drafts, ..Step::default() }
    }

    /// `Err`: nothing was changed, a grid of these is wanted.
    pub(super) fn finish(&mut self, finish: Finish) -> Result<Step, Vec<Artifact>> {
        let Finish { attempt, ending, grid, links, at, keep_until, spent } = finish;
        let before = self.clone();
        let Some(part) = self.held(&attempt) else { return Ok(Step::default()) };
        part.ending = Some(ending);
        part.spent = spent;
        let mut artifacts = part.made().to_vec();
        let images = self.images();
        let last = !self.has_open_parts();
        if last && images.len() > 1 && grid.is_none() {
            *self = before;
            return Err(images);
        }
        // One of the images may stand in for a grid that could not be made.
        let grid = grid.filter(|grid| last && !images.contains(grid));
        artifacts.extend(grid.clone());
        self.keep_until = Some(keep_until);
        let step = self.conclude_if_last(grid, at);
        Ok(Step { artifacts, links, ..step })
    }

    /// Only what waits can expire; a part that an engine lost waits again.
    pub(super) fn expire(&mut self, at: Time) -> Step {
        let open = matches!(self.state, JobState::Waiting | JobState::Running);
        if !open || self.parts.iter().any(Part::is_running) {
            return Step::default();
        }
        for part in self.parts.iter_mut().filter(|part| part.is_waiting()) {
            part.ending = Some(Ending::Failed(Failure::EngineUnavailable));
        }
        if self.state == JobState::Running {
            return self.conclude(None, at);
        }
        self.end(JobState::Expired, self.job.say(Outcome::Expired), at)
    }

    /// Called once none of an ended job's pictures is left.
    pub(super) fn retract(&mut self) -> Step {
        if self.state != JobState::Finished || self.retracted {
            return Step::default();
        }
        self.retracted = true;
        Step::say(self.job.say(Outcome::Retracted))
    }

    /// The part, if this attempt is its current run.
    fn held(&mut self, attempt: &Attempt) -> Option<&mut Part> {
        let part = self.parts.get_mut(usize::from(attempt.part))?;
        (part.ending.is_none() && part.run_no == attempt.run_no).then_some(part)
    }

    fn has_open_parts(&self) -> bool {
        self.parts.iter().any(|part| part.ending.is_none())
    }

    fn images(&self) -> Vec<Artifact> {
        let made = self.parts.iter().flat_map(Part::made);
        made.filter(|made| made.kind == ArtifactKind::Image).cloned().collect()
    }

    fn settle_state(&mut self) {
        self.state = if self.cancelled_by.is_some() {
            JobState::Cancelling
        } else if self.parts.iter().all(Part::is_waiting) {
            JobState::Waiting
        } else {
            JobState::Running
        };
    }

    fn conclude_if_last(&mut self, grid: Option<Artifact>, at: Time) -> Step {
        if self.has_open_parts() {
            self.settle_state();
            return Step::default();
        }
        self.conclude(grid, at)
    }

    fn conclude(&mut self, grid: Option<Artifact>, at: Time) -> Step {
        let endings: Vec<_> = self.parts.iter().filter_map(|part| part.ending.clone()).collect();
        let (state, draft) = self.job.conclude(&endings, grid, self.cancelled_by.as_ref(), at);
        if let Outcome::Failed(why) = &draft.outcome {
            self.failure = Some(why.clone());
        }
        self.end(state, draft, at)
    }

    fn end(&mut self, state: JobState, draft: Draft, at: Time) -> Step {
        self.state = state;
        self.ended = Some(at);
        let effects = vec![Effect::Ended(self.job.id.clone(), state)];
        Step { effects, drafts: vec![draft], ..Step::default() }
    }
}
