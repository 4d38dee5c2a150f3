//! The deciding half of a batch: each request in order, seeing what those before it decided.
//! It reads the store and changes nothing; what it decides, intake commits.
use super::{
    Intake, Policy,
    commands::{self, Act, Decision, Subject},
    cursor_of,
    facts::{EngineFacts, Facts, Fresh},
    identity,
    limits::Toll,
    parse,
    queued::Queued,
};
use crate::{
    intake::Fleet,
    job::{Draft, Job},
    queue::View,
    store::{Admission, JobRecord, StoreError},
};
use inkwire_core::{
    Admitted, Batch, Body, Command, JobId, Outcome, PersonId, PlaceKind, Rejection, Request, Role,
    Submission, Time,
};
use std::{collections::VecDeque, sync::Arc};

/// Jobs that `me` lists.
const NEWEST: usize = 5;
/// Ids are for ever, so only jobs use them up, and those fetched ahead are few.
const SPARE_IDS: usize = 16;

/// What will be answered for one request, once the commit has spoken.
pub(super) struct Pending {
    pub(super) admitted: Admitted,
    /// `false`: a question that nobody replays, so nothing is stored.
    pub(super) stored: bool,
}

#[derive(Default)]
pub(super) struct Decided {
    pub(super) admissions: Vec<Admission>,
    /// By submission.
    pub(super) pending: Vec<Vec<Pending>>,
    /// Engines to free.
    pub(super) unload: Vec<String>,
}

pub(super) fn has_cursor(batch: &Batch) -> bool {
    batch.cursor.is_some() || !batch.notes.is_empty()
}

/// A word on the job that was made, or the answer to a request that made none.
fn word(job: Option<&Job>, request: &Request, outcome: Outcome, private: bool) -> Draft {
    if let Some(job) = job {
        return job.say(outcome);
    }
    let draft = Draft::answer(request, outcome);
    Draft { private: draft.private || private, ..draft }
}

/// What stays the same for a whole batch.
struct Round<'a> {
    intake: &'a Intake,
    policy: Arc<Policy>,
    fleet: Arc<Fleet>,
    view: View<'a>,
    ids: &'a mut VecDeque<JobId>,
    now: Time,
    decided: Decided,
}

/// Who asks, and what for.
struct Asked {
    person: PersonId,
    role: Role,
    command: Command,
}

impl Intake {
    fn log(&self, job: &Job) {
        let prompt = self.log_prompts.then_some(job.render.prompt.as_str());
        let (id, adapter) = (&job.id, &job.reply_to.adapter);
        tracing::info!(job = %id, %adapter, model = job.render.model, parts = job.parts, prompt, "job decided");
        metrics::counter!("inkwire_jobs_total", "state" => "accepted").increment(1);
    }

    pub(super) async fn decide_all(
        &self,
        submissions: &[Submission],
        ids: &mut VecDeque<JobId>,
    ) -> Result<Decided, StoreError> {
        let requests = submissions.iter().map(|submission| submission.batch.requests.len()).sum();
        if ids.len() < requests {
            ids.extend(self.store.fresh_ids(requests.max(SPARE_IDS) - ids.len()).await?);
        }
        let mut round = Round {
            intake: self,
            policy: self.policy.borrow().clone(),
            fleet: self.fleet.borrow().clone(),
            view: self.queue.view(),
            ids,
            now: self.clock.now(),
            decided: Decided::default(),
        };
        for submission in submissions {
            let mut pending = vec![];
            for request in &submission.batch.requests {
                pending.push(round.take(submission, request).await?);
            }
            round.decided.pending.push(pending);
            let blank = Admission::empty(&submission.adapter, submission.epoch, round.now);
            round.decided.admissions.extend(cursor_of(submission, blank));
        }
        Ok(round.decided)
    }
}

impl Round<'_> {
    async fn take(
        &mut self,
        submission: &Submission,
        request: &Request,
    ) -> Result<Pending, StoreError> {
        let decision = self.decide(submission, request).await?;
        decision.jobs.iter().for_each(|job| self.view.add(super::queued::row(job)));
        decision.changes.iter().for_each(|change| self.view.change(change));
        let Decision { outcome, changes, jobs, acts, private } = decision;
        for job in &jobs {
            self.intake.log(job);
        }
        self.decided.unload.extend(acts.into_iter().flat_map(Act::engines));
        let admitted = Admitted {
            request: request.id.clone(),
            job: jobs.first().map(|job| job.id.clone()),
            outcome: outcome.clone(),
            duplicate: false,
        };
        let api = request.place.kind == PlaceKind::Api;
        let idle = jobs.is_empty() && changes.is_empty();
        let stored = !(idle && (api || outcome.is_none()));
        if stored {
            let told = outcome.clone().filter(|_| !api);
            let draft = |outcome| word(jobs.first(), request, outcome, private);
            self.decided.admissions.push(Admission {
                seen: Some(request.id.clone()),
                deliveries: told.map(draft).into_iter().collect(),
                changes,
                jobs,
                outcome,
                ..Admission::empty(&submission.adapter, submission.epoch, self.now)
            });
        }
        Ok(Pending { admitted, stored })
    }

    async fn decide(
        &mut self,
        submission: &Submission,
        request: &Request,
    ) -> Result<Decision, StoreError> {
        let adapter = &submission.adapter;
        if request.from.adapter != *adapter || request.reply_to.adapter != *adapter {
            return Ok(Decision::say(Outcome::Rejected(Rejection::NotAllowed)));
        }
        let asked = match self.understand(request) {
            Ok(Some(asked)) => asked,
            Ok(None) => return Ok(Decision::default()),
            Err(rejection) => return Ok(Decision::say(Outcome::Rejected(rejection))),
        };
        let (subject, newest) = self.load(&asked).await?;
        let decision = self.ask(request, &asked, subject.as_ref(), &newest);
        if decision.acts.contains(&Act::Reload) {
            let answer = self.intake.operator.reload().await;
            return Ok(Decision::say(Outcome::Answer(answer)));
        }
        Ok(decision)
    }

    /// `None`: nobody answers.
    fn understand(&self, request: &Request) -> Result<Option<Asked>, Rejection> {
        let person = identity::person(&request.from);
        let Policy { access, presets, .. } = &*self.policy;
        let limits = &self.intake.limits;
        if access.is_banned(&request.from) {
            return Ok(None);
        }
        match limits.check(&person, request) {
            Toll::Pass => {}
            Toll::Refuse(rejection) => return Err(rejection),
            Toll::Silence => return Ok(None),
        }
        let role = access.role(request);
        let parsed = match &request.body {
            Body::Command(command) => Ok(Some(command.clone())),
            Body::Text(text) => parse::parse(text, request.heard, role, &presets.ceilings),
            Body::Reaction { .. } | Body::Edited { .. } | Body::Redacted { .. } => Ok(None),
        };
        let api = request.place.kind == PlaceKind::Api;
        match parsed {
            Err(Rejection::UnknownCommand { .. }) if !api && !limits.may_hint(&person) => Ok(None),
            Err(rejection) => Err(rejection),
            Ok(command) => Ok(command.map(|command| Asked { person, role, command })),
        }
    }

    /// What the decision needs from the store.
    async fn load(&self, asked: &Asked) -> Result<(Option<JobRecord>, Vec<JobId>), StoreError> {
        let store = &self.intake.store;
        match commands::subject(&asked.command) {
            Subject::None => Ok((None, vec![])),
            Subject::Job(id) => Ok((store.job(&id).await?, vec![])),
            Subject::NewestIds => Ok((None, store.newest(&asked.person, NEWEST).await?)),
            Subject::Newest => match store.newest(&asked.person, 1).await?.first() {
                Some(id) => Ok((store.job(id).await?, vec![])),
                None => Ok((None, vec![])),
            },
        }
    }

    fn ask(
        &mut self,
        request: &Request,
        asked: &Asked,
        subject: Option<&JobRecord>,
        newest: &[JobId],
    ) -> Decision {
        let engines = self.engines();
        let queue = Queued { view: &self.view, board: &self.intake.board, engines: &engines };
        let facts = Facts {
            request,
            person: &asked.person,
            role: asked.role,
            access: &self.policy.access,
            queue: &queue,
            presets: &self.policy.presets,
            known: &self.fleet.known,
            fleet: &engines,
            subject,
            newest,
            uploads: self.intake.uploads.get(&request.reply_to.adapter).copied().unwrap_or(false),
            terms: &self.policy.terms,
            now: self.now,
        };
        let ids = &mut *self.ids;
        let mut id = || ids.pop_front().unwrap_or_else(|| JobId(String::new()));
        let mut seed = || u64::from(rand::random::<u32>());
        let mut fresh = Fresh { id: &mut id, seed: &mut seed };
        let decision = commands::decide(&facts, &mut fresh, asked.command.clone());
        let private = subject.is_some_and(|record| record.job.private);
        Decision { private, ..decision }
    }

    fn engines(&self) -> Vec<EngineFacts> {
        let fleet = self.fleet.engines.iter().cloned();
        fleet.map(|e| EngineFacts { running: self.view.running_on(&e.name), ..e }).collect()
    }
}
