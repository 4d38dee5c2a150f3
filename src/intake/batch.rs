//! The deciding half of a batch: each request in order, seeing what those before it decided.
//! It reads the store and changes nothing; what it decides, intake commits.
use super::{
    Intake, Policy,
    access::Rights,
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
    store::{Admission, Change, JobRecord, StoreError},
};
use inkwire_core::{
    AdapterId, Address, Admitted, Batch, Body, Capabilities, Command, Heard, Imagine, JobId,
    Native, Outcome, PersonId, PlaceKind, Rejection, Request, Submission, Time,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

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

/// Where nobody else listens, a prefix is no more than a habit.
fn heard(request: &Request) -> Heard {
    match request.heard {
        Heard::Prefix if request.place.kind != PlaceKind::Group => Heard::Direct,
        heard => heard,
    }
}

/// What stays the same for a whole batch.
struct Round<'a> {
    intake: &'a Intake,
    policy: Arc<Policy>,
    fleet: Arc<Fleet>,
    view: View<'a>,
    ids: &'a mut VecDeque<JobId>,
    /// Defaults of rooms, as far as they were looked up or changed in this batch.
    rooms: BTreeMap<RoomKey, Imagine>,
    now: Time,
    decided: Decided,
}

/// Who asks, and what for.
struct Asked {
    person: PersonId,
    rights: Rights,
    command: Command,
}

/// What a decision needs from the store.
struct Loaded {
    subject: Option<JobRecord>,
    newest: Vec<JobId>,
    /// The defaults of the room that is spoken in.
    room: Imagine,
}

type RoomKey = (AdapterId, Native);

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
            rooms: BTreeMap::new(),
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
        decision.changes.iter().for_each(|change| self.foresee(change));
        let Decision { outcome, changes, jobs, acts, private, quiet } = decision;
        for job in &jobs {
            self.intake.log(job);
        }
        self.decided.unload.extend(acts.into_iter().flat_map(Act::engines));
        let api = request.place.kind == PlaceKind::Api;
        let idle = jobs.is_empty() && changes.is_empty();
        let at_once = self.capabilities(&submission.adapter, |can| can.answers_at_once);
        let stored = !(idle && (api || at_once || outcome.is_none()));
        let answer = outcome.clone().filter(|_| !stored && !api && !quiet);
        let answer = answer.map(|outcome| word(None, request, outcome, private).unstored());
        let admitted = Admitted {
            request: request.id.clone(),
            job: jobs.first().map(|job| job.id.clone()),
            outcome: outcome.clone(),
            duplicate: false,
            answer: answer.map(Box::new),
        };
        if stored {
            let told = outcome.clone().filter(|_| !api && !quiet);
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

    fn capabilities(&self, adapter: &AdapterId, can: fn(&Capabilities) -> bool) -> bool {
        self.intake.capabilities.get(adapter).is_some_and(can)
    }

    /// Later decisions of the batch see this change.
    fn foresee(&mut self, change: &Change) {
        self.view.change(change);
        if let Change::Prefer { adapter, room, defaults } = change {
            let key = (adapter.clone(), room.clone());
            self.rooms.insert(key, Imagine::clone(defaults));
        }
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
        let loaded = self.load(request, &asked).await?;
        let decision = self.ask(request, &asked, &loaded);
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
        let (rights, heard) = (access.rights(request), heard(request));
        if let Body::Text(text) = &request.body
            && !parse::is_for_us(text, heard, rights)
        {
            return Ok(None);
        }
        match limits.check(&person, request) {
            Toll::Pass => {}
            Toll::Refuse(rejection) => return Err(rejection),
            Toll::Silence => return Ok(None),
        }
        let parsed = match &request.body {
            Body::Command(command) => Ok(Some(command.clone())),
            Body::Text(text) => parse::parse(text, heard, rights, &presets.ceilings),
            Body::Reaction { .. } | Body::Edited { .. } | Body::Redacted { .. } => Ok(None),
        };
        let api = request.place.kind == PlaceKind::Api;
        match parsed {
            Err(Rejection::UnknownCommand { .. }) if !api && !limits.may_hint(&person) => Ok(None),
            Err(rejection) => Err(rejection),
            Ok(command) => Ok(command.map(|command| Asked { person, rights, command })),
        }
    }

    async fn load(&mut self, request: &Request, asked: &Asked) -> Result<Loaded, StoreError> {
        let store = &self.intake.store;
        let (subject, newest) = match commands::subject(&asked.command) {
            Subject::None => (None, vec![]),
            Subject::Job(id) => (store.job(&id).await?, vec![]),
            Subject::NewestIds => (None, store.newest(&asked.person, NEWEST).await?),
            Subject::Newest => match store.newest(&asked.person, 1).await?.first() {
                Some(id) => (store.job(id).await?, vec![]),
                None => (None, vec![]),
            },
        };
        let room = match &asked.command {
            Command::Imagine(_) | Command::Room(_) => self.room(request).await?,
            _ => Imagine::default(),
        };
        Ok(Loaded { subject, newest, room })
    }

    /// Looked up once a batch; only rooms of several people have a say of their own.
    async fn room(&mut self, request: &Request) -> Result<Imagine, StoreError> {
        if request.place.kind != PlaceKind::Group {
            return Ok(Imagine::default());
        }
        let Address { adapter, room, .. } = &request.reply_to;
        let key = (adapter.clone(), room.clone());
        if let Some(known) = self.rooms.get(&key) {
            return Ok(known.clone());
        }
        let found = self.intake.store.room(adapter, room).await?;
        self.rooms.insert(key, found.clone());
        Ok(found)
    }

    fn ask(&mut self, request: &Request, asked: &Asked, loaded: &Loaded) -> Decision {
        let engines = self.engines();
        let queue = Queued { view: &self.view, board: &self.intake.board, engines: &engines };
        let facts = Facts {
            request,
            person: &asked.person,
            rights: asked.rights,
            access: &self.policy.access,
            queue: &queue,
            presets: &self.policy.presets,
            known: &self.fleet.known,
            room: &loaded.room,
            fleet: &engines,
            subject: loaded.subject.as_ref(),
            newest: &loaded.newest,
            uploads: self.capabilities(&request.reply_to.adapter, |can| can.uploads),
            terms: &self.policy.terms,
            now: self.now,
        };
        let ids = &mut *self.ids;
        let mut id = || ids.pop_front().unwrap_or_else(|| JobId(String::new()));
        let mut seed = || u64::from(rand::random::<u32>());
        let mut fresh = Fresh { id: &mut id, seed: &mut seed };
        let decision = commands::decide(&facts, &mut fresh, asked.command.clone());
        let private = loaded.subject.as_ref().is_some_and(|record| record.job.private);
        Decision { private, ..decision }
    }

    fn engines(&self) -> Vec<EngineFacts> {
        let fleet = self.fleet.engines.iter().cloned();
        fleet.map(|e| EngineFacts { running: self.view.running_on(&e.name), ..e }).collect()
    }
}
