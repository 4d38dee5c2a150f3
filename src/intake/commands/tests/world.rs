//! A small world to decide in: one asker, one queue, two engines.
use crate::{
    engine::{Catalog, Status},
    intake::{
        access::{Access, AccessRules, Rights},
        commands::{Decision, decide},
        facts::{EngineFacts, Facts, Fresh, Phase, QueueFacts, Standing, Terms, Whose},
        presets::{Known, Model, Presets, Style, WorkflowFacts},
    },
    job::{Job, JobState, LinkPolicy, Render},
    store::{IndexRow, JobRecord},
};
use inkwire_core::{
    AdapterId, Address, Artifact, ArtifactKind, Author, Body, Command, EngineHealth, EventKey,
    Heard, Imagine, JobId, Native, PersonId, Place, PlaceKind, Powers, Request, Role, Time, Trust,
};
use std::{sync::Arc, time::Duration};

#[derive(Default)]
pub(super) struct Line {
    pub(super) rows: Vec<(IndexRow, Phase)>,
    pub(super) paused: bool,
}

impl QueueFacts for Line {
    fn standing(&self, job: &JobId) -> Option<Standing> {
        let at = self.rows.iter().position(|(row, _)| row.job == *job)?;
        Some(Standing { position: Some(at + 1), eta: None, progress: None })
    }

    fn forecast(&self, job: &Job) -> Standing {
        let eta = Some(Duration::from_micros(job.cost));
        Standing { position: Some(self.rows.len() + 1), eta, progress: None }
    }

    fn owned(&self, person: &PersonId) -> Vec<IndexRow> {
        let mine = self.rows.iter().filter(|(row, _)| row.owner == *person);
        mine.rev().map(|(row, _)| row.clone()).collect()
    }

    fn list(&self, phase: Phase, most: usize) -> Vec<(IndexRow, Option<Duration>)> {
        let rows = self.rows.iter().filter(|(_, is)| *is == phase);
        rows.take(most).map(|(row, _)| (row.clone(), None)).collect()
    }

    fn count(&self, phase: Phase, whose: Whose<'_>) -> usize {
        let whose = |row: &IndexRow| match whose {
            Whose::Person(person) => row.owner == *person,
            Whose::Room(adapter, room) => row.adapter == *adapter && row.room == *room,
            Whose::Everybody => true,
        };
        self.rows.iter().filter(|(row, is)| *is == phase && whose(row)).count()
    }

    fn select(&self, wanted: &dyn Fn(&IndexRow) -> bool) -> Vec<(JobId, Phase)> {
        let rows = self.rows.iter().filter(|(row, _)| wanted(row));
        rows.map(|(row, phase)| (row.job.clone(), *phase)).collect()
    }

    fn paused(&self) -> bool {
        self.paused
    }

    fn room_in(&self) -> Duration {
        Duration::from_secs(90)
    }
}

pub(super) struct World {
    pub(super) request: Request,
    pub(super) rights: Rights,
    pub(super) room: Imagine,
    pub(super) access: Access,
    pub(super) line: Line,
    pub(super) presets: Presets,
    pub(super) known: Known,
    pub(super) fleet: Vec<EngineFacts>,
    pub(super) subject: Option<JobRecord>,
    pub(super) uploads: bool,
    pub(super) terms: Terms,
    pub(super) now: Time,
}

pub(super) fn ann() -> PersonId {
    "irc/ann".into()
}

/// Ann, in `#art`, with a model and an engine that works.
pub(super) fn world() -> World {
    let parameters = ["prompt", "negative", "checkpoint", "width", "height", "steps", "seed"];
    let workflow = WorkflowFacts {
        title: "SDXL".into(),
        parameters: parameters.map(str::to_owned).into(),
        available: true,
        time_limit: Some(Duration::from_secs(99)),
        ..WorkflowFacts::default()
    };
    let model = Model {
        checkpoint: "sdxl.safetensors".into(),
        workflow: "sdxl".into(),
        ..Model::default()
    };
    World {
        request: request(),
        rights: Role::Everybody.into(),
        room: Imagine::default(),
        access: Access::build(AccessRules {
            blocked: vec!["gore".into()],
            ..AccessRules::default()
        })
        .unwrap(),
        line: Line::default(),
        presets: Presets {
            models: [("sdxl".to_owned(), model)].into(),
            styles: [("film".to_owned(), Style::default())].into(),
            ..Presets::default()
        },
        known: Known {
            models: Some(["sdxl".to_owned()].into()),
            workflows: [("sdxl".to_owned(), workflow)].into(),
            ..Known::default()
        },
        fleet: vec![engine("gpu1", EngineHealth::Up), engine("gpu2", EngineHealth::Down)],
        subject: None,
        uploads: false,
        terms: Terms { source: "https://example.org".into(), ..Terms::default() },
        now: Time(5000),
    }
}

impl World {
    pub(super) fn decide(&self, command: Command) -> Decision {
        let newest = [JobId::from("k7f")];
        let facts = Facts {
            request: &self.request,
            person: &ann(),
            rights: self.rights,
            access: &self.access,
            queue: &self.line,
            presets: &self.presets,
            known: &self.known,
            room: &self.room,
            fleet: &self.fleet,
            subject: self.subject.as_ref(),
            newest: &newest,
            uploads: self.uploads,
            terms: &self.terms,
            now: self.now,
        };
        let mut fresh = Fresh { id: &mut || "new".into(), seed: &mut || 4242 };
        decide(&facts, &mut fresh, command)
    }

    pub(super) fn admin(mut self) -> Self {
        self.rights = Role::Admin.into();
        self
    }

    pub(super) fn operator(mut self) -> Self {
        self.rights = Role::RoomOperator.into();
        self
    }

    pub(super) fn about(mut self, record: JobRecord) -> Self {
        self.subject = Some(record);
        self
    }

    pub(super) fn with(mut self, rows: &[(IndexRow, Phase)]) -> Self {
        self.line.rows.extend_from_slice(rows);
        self
    }
}

fn author(id: &str) -> Author {
    Author {
        adapter: "irc".into(),
        id: id.into(),
        name: id.into(),
        trust: Trust::Account,
        powers: Powers::default(),
    }
}

fn address(room: &str) -> Address {
    Address { adapter: "irc".into(), room: room.into(), message: None, thread: None }
}

fn request() -> Request {
    Request {
        id: EventKey::from("1"),
        from: author("ann"),
        reply_to: address("#art"),
        place: Place { kind: PlaceKind::Group, encrypted: false },
        heard: Heard::Prefix,
        about: None,
        body: Body::Command(Command::Queue),
        attachments: vec![],
        patience: None,
        sent_at: Time(0),
    }
}

fn engine(name: &str, health: EngineHealth) -> EngineFacts {
    let catalog = Catalog {
        checkpoints: vec!["other.safetensors".into()],
        loras: vec!["detail.safetensors".into()],
        ..Catalog::default()
    };
    let status = Status { health, catalog: Arc::new(catalog), ..Status::default() };
    EngineFacts { name: name.into(), status, running: 0 }
}

/// An open job of somebody in `#art`.
pub(super) fn row(job: &str, owner: &str) -> IndexRow {
    IndexRow {
        job: job.into(),
        owner: PersonId(format!("irc/{owner}")),
        owner_name: owner.into(),
        adapter: AdapterId::from("irc"),
        room: Native::from("#art"),
        private: false,
        model: "sdxl".into(),
        checkpoint: "sdxl.safetensors".into(),
        workflow: "sdxl".into(),
        cost: 1,
        created: Time(0),
        begin_by: Time(0),
        total: 1,
        cancelling: false,
        parts: vec![],
    }
}

/// Two pictures that somebody asked for in `#art`.
pub(super) fn record(owner: &str, state: JobState) -> JobRecord {
    let artifact = |index: u16| Artifact {
        media: "m".into(),
        kind: ArtifactKind::Image,
        index,
        mime: "image/webp".into(),
        width: 64,
        height: 64,
        bytes: 9,
        thumbnail: None,
        blurhash: None,
        link: Some(format!("https://example.org/i/{index}")),
    };
    let done = state == JobState::Finished;
    JobRecord {
        job: Job {
            id: "k7f".into(),
            owner: PersonId(format!("irc/{owner}")),
            asker: author(owner),
            answers: EventKey::from("0"),
            place: Place { kind: PlaceKind::Group, encrypted: false },
            reply_to: address("#art"),
            render: Render { prompt: "a fox".into(), seed: 10, ..Render::default() },
            parts: 2,
            private: false,
            links: LinkPolicy::For(Duration::from_hours(1)),
            keep: None,
            cost: 1,
            created: Time(1000),
            begin_by: Time(0),
            time_limit: Duration::from_secs(9),
        },
        state,
        engine: Some("gpu1".into()),
        artifacts: if done { vec![artifact(1), artifact(2)] } else { vec![] },
        failure: None,
        ended: done.then_some(Time(3000)),
        keep_until: done.then_some(Time(9000)),
    }
}
