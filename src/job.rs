//! One accepted request and how it ends. Pure: no clock, no store, no engine.
use inkwire_core::{
    Address, Artifact, Author, Delivery, DeliveryId, EventKey, Failure, JobId, JobStateName,
    Outcome, PersonId, Place, Recipe, Request, SlotId, Time,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// An answer to a question is not worth sending after this.
const ANSWER_LIFE: Duration = Duration::from_mins(10);
/// Nor a word on a job after this, as when a room is gone for good.
const WORD_LIFE: Duration = Duration::from_hours(7 * 24);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub owner: PersonId,
    pub asker: Author,
    pub answers: EventKey,
    pub place: Place,
    pub reply_to: Address,
    pub render: Render,
    /// Images; each is a part of its own, with a run of its own.
    pub parts: u8,
    pub private: bool,
    pub links: LinkPolicy,
    /// How long pictures and recipe are kept after the end; `None`: as long as everybody's.
    pub keep: Option<Duration>,
    /// Estimated GPU time of one part, in microseconds.
    pub cost: u64,
    pub created: Time,
    /// Given up if no part has begun by then.
    pub begin_by: Time,
    /// How long one part may run.
    pub time_limit: Duration,
}

/// Every parameter resolved and clamped; part `n` (from 0) is drawn with `seed + n`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Render {
    /// As typed.
    pub prompt: String,
    /// As sent: with what model and style add.
    pub positive: String,
    /// As sent.
    pub negative: String,
    /// The name that people use.
    pub model: String,
    /// The file that the engine loads; empty for workflows without a model.
    pub checkpoint: String,
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
    pub seed: u64,
}

/// Whether results get a link, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkPolicy {
    /// Uploads only.
    None,
    For(Duration),
}

/// One run of one part on an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub job: JobId,
    /// From 0.
    pub part: u8,
    /// From 1.
    pub run_no: u32,
    /// The engine's own name for it: what we intend, then what it answered.
    pub native: Option<String>,
}

impl Attempt {
    /// The prompt id that this run has on an engine: derived, so that a lost record of it can be
    /// made again. Lower-case and canonical, as newer `ComfyUI` demands.
    pub fn prompt_id(&self, install: &Uuid) -> String {
        let name = format!("{}/{}/{}", self.job, self.part, self.run_no);
        Uuid::new_v5(install, name.as_bytes()).to_string()
    }
}

/// How a part ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ending {
    Done(Vec<Artifact>),
    Failed(Failure),
    Cancelled,
}

/// Where a job stands. A job's end and its delivery's fate are separate states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobState {
    Waiting,
    Running,
    Cancelling,
    Finished,
    Failed,
    Cancelled,
    Expired,
}

impl JobState {
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Running,
        Self::Cancelling,
        Self::Finished,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The whole table of transitions.
    pub fn may_become(self, next: Self) -> bool {
        use JobState::{Cancelled, Cancelling, Expired, Failed, Finished, Running, Waiting};
        match self {
            // A part that an engine lost waits again.
            Waiting => matches!(next, Running | Cancelled | Expired | Failed),
            Running => matches!(next, Waiting | Cancelling | Finished | Failed),
            Cancelling => matches!(next, Cancelled | Finished | Failed),
            Finished | Failed | Cancelled | Expired => false,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Cancelling)
    }
}

impl From<JobState> for JobStateName {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Waiting => Self::Waiting,
            JobState::Running => Self::Running,
            JobState::Cancelling => Self::Cancelling,
            JobState::Finished => Self::Finished,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
            JobState::Expired => Self::Expired,
        }
    }
}

/// A delivery before the store gives it its id and its place in the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub to: Address,
    pub asker: Author,
    pub answers: Option<EventKey>,
    pub slot: SlotId,
    pub job: Option<JobId>,
    pub private: bool,
    pub expires: Option<Time>,
    pub outcome: Outcome,
}

impl Draft {
    /// A delivery that no store knows.
    pub fn unstored(self) -> Delivery {
        let Self { to, asker, answers, slot, job, private, expires, outcome } = self;
        let id = DeliveryId(slot.0.clone());
        Delivery { id, to, asker, answers, slot, seq: 0, job, private, expires, outcome }
    }

    /// The answer to a request that made no job.
    pub fn answer(request: &Request, outcome: Outcome) -> Self {
        Self {
            to: request.reply_to.clone(),
            asker: request.from.clone(),
            answers: Some(request.id.clone()),
            slot: SlotId(format!("req-{}-{}", request.reply_to.adapter, request.id)),
            job: None,
            private: request.place.encrypted,
            expires: Some(request.sent_at.after(ANSWER_LIFE)),
            outcome,
        }
    }
}

impl Job {
    pub fn slot(&self) -> SlotId {
        Self::slot_of(&self.id)
    }

    pub fn slot_of(job: &JobId) -> SlotId {
        SlotId(format!("job-{job}"))
    }

    /// A job that waits again, after its engine failed or some of its images are done, may wait
    /// as long as it might at first.
    pub fn may_wait_until(&self, now: Time) -> Time {
        self.begin_by.max(now.after(self.created.until(self.begin_by)))
    }

    /// A word on a job that was asked for then is not worth sending after this.
    pub fn words_end(created: Time) -> Time {
        created.after(WORD_LIFE)
    }

    pub fn say(&self, outcome: Outcome) -> Draft {
        Draft {
            to: self.reply_to.clone(),
            asker: self.asker.clone(),
            answers: Some(self.answers.clone()),
            slot: self.slot(),
            job: Some(self.id.clone()),
            private: self.private,
            expires: Some(Self::words_end(self.created)),
            outcome,
        }
    }

    /// The last word on a job whose parts have all ended, and the state it leaves the job in.
    /// What was painted before a cancel or a failure is still shown; `grid` stands before it.
    pub fn conclude(
        &self,
        endings: &[Ending],
        grid: Option<Artifact>,
        cancelled_by: Option<&PersonId>,
        at: Time,
    ) -> (JobState, Draft) {
        let mut artifacts: Vec<Artifact> = grid.into_iter().collect();
        let mut failure = None;
        for ending in endings {
            match ending {
                Ending::Done(made) => artifacts.extend(made.iter().cloned()),
                Ending::Failed(why) => failure = Some(why.clone()),
                Ending::Cancelled => {}
            }
        }
        let (state, outcome) = if !artifacts.is_empty() {
            let took = self.created.until(at);
            let recipe = Box::new(self.recipe());
            (JobState::Finished, Outcome::Finished { artifacts, recipe, took })
        } else if let Some(by) = cancelled_by {
            (JobState::Cancelled, Outcome::Cancelled { by: by.clone() })
        } else {
            (JobState::Failed, Outcome::Failed(failure.unwrap_or(Failure::Interrupted)))
        };
        (state, self.say(outcome))
    }

    pub fn recipe(&self) -> Recipe {
        let render = self.render.clone();
        Recipe {
            prompt: render.prompt,
            revised: None,
            negative: render.negative,
            model: render.model,
            workflow: render.workflow,
            style: render.style,
            width: render.width,
            height: render.height,
            steps: render.steps,
            cfg: render.cfg,
            sampler: render.sampler,
            scheduler: render.scheduler,
            denoise: render.denoise,
            seed: render.seed,
            count: self.parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_jobs_stay_ended_and_open_ones_can_end() {
        for from in JobState::ALL {
            let next: Vec<_> =
                JobState::ALL.into_iter().filter(|to| from.may_become(*to)).collect();
            assert_eq!(next.is_empty(), !from.is_open(), "{from:?} -> {next:?}");
            if from.is_open() {
                assert!(next.iter().any(|to| !to.is_open()), "{from:?} can end");
            }
        }
    }

    #[test]
    fn prompt_ids_are_derived_and_differ_by_run() {
        let attempt = |part, run_no| Attempt { job: "k7f".into(), part, run_no, native: None };
        let install = Uuid::from_u128(7);
        let first = attempt(0, 1).prompt_id(&install);
        assert_eq!(first, attempt(0, 1).prompt_id(&install));
        assert_ne!(first, attempt(0, 2).prompt_id(&install));
        assert_ne!(first, attempt(1, 1).prompt_id(&install));
        assert_eq!(first, first.to_lowercase());
    }
}
