//! One adapter, running between its far end and a scripted service.
//! Cases drive both ends; every wait ends with the case's time-out.
use crate::{Peer, ScriptedLane, Shelf, Shown, facts};
use inkwire_core::{
    Adapter, AdapterError, Address, Admitted, Author, Batch, Delivery, DeliveryId, Health,
    HealthCell, Inbox, Link, Media, Notes, Outbox, Outcome, Parcel, Powers, Refused, Request,
    Submission, Surface, Tasks, Time, TokioClock, Trust,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

const NOW: Time = Time(1_795_161_900_000);

/// The service's side of one adapter, for tests that need more than the suite tries.
pub struct Service {
    pub lane: Arc<ScriptedLane>,
    pub submissions: mpsc::Receiver<Submission>,
    pub token: CancellationToken,
    pub health: HealthCell,
    /// Dropping it tells adapters that no newer surface will come.
    pub surface: watch::Sender<Surface>,
    pub tasks: Tasks,
}

impl Service {
    /// A service and the link to it.
    pub fn new(adapter: &dyn Adapter, media: Arc<dyn Media>) -> (Self, Link) {
        let (tx, submissions) = mpsc::channel(64);
        let service = Self {
            lane: Arc::default(),
            submissions,
            token: CancellationToken::new(),
            health: HealthCell::default(),
            surface: watch::Sender::new(facts::surface()),
            tasks: Tasks::default(),
        };
        let link = Link {
            inbox: Inbox::new(adapter.id().clone(), 1, tx),
            outbox: Outbox::new(service.lane.clone()),
            media,
            surface: service.surface.subscribe(),
            resume: None,
            notes: Notes::default(),
            token: service.token.clone(),
            health: service.health.clone(),
            tasks: service.tasks.clone(),
            clock: Arc::new(TokioClock::starting_at(NOW)),
        };
        (service, link)
    }
}

type Ended = (Result<(), AdapterError>, Link);

pub(crate) struct World {
    pub(crate) peer: Box<dyn Peer>,
    pub(crate) service: Service,
    adapter: Arc<dyn Adapter>,
    running: JoinHandle<Ended>,
    marks: u64,
}

impl World {
    pub(crate) async fn start(peer: Box<dyn Peer>) -> Result<Self, String> {
        let adapter = peer.adapter();
        let (service, link) = Service::new(adapter.as_ref(), Arc::new(Shelf));
        let running = spawn(adapter.clone(), link);
        let mut world = Self { peer, service, adapter, running, marks: 0 };
        world.up().await?;
        Ok(world)
    }

    async fn up(&mut self) -> Result<(), String> {
        let mut health = self.service.health.subscribe();
        let up = health.wait_for(|health| matches!(health, Health::Up | Health::InputEnded));
        tokio::select! {
            _ = up => {}
            ended = &mut self.running => {
                return Err(format!("run ended at start: {:?}", ended.map(|(result, _)| result)));
            }
        }
        self.peer.connected().await;
        Ok(())
    }

    /// The next request, admitted without a word.
    pub(crate) async fn hear(&mut self) -> Result<Request, String> {
        let held = self.hold().await?;
        let request = held.batch.requests.first().cloned().ok_or("an empty batch")?;
        admit(held, None)?;
        Ok(request)
    }

    /// The next batch, however much is in it, admitted without a word.
    pub(crate) async fn hear_all(&mut self) -> Result<Vec<Request>, String> {
        let held = self.service.submissions.recv().await.ok_or("the inbox closed")?;
        let requests = held.batch.requests.clone();
        admit(held, None)?;
        Ok(requests)
    }

    /// The next batch with a request in it, not yet answered; empty ones are committed at once.
    pub(crate) async fn hold(&mut self) -> Result<Submission, String> {
        loop {
            let held = self.service.submissions.recv().await.ok_or("the inbox closed")?;
            match held.batch.requests.len() {
                0 => admit(held, None)?,
                1 => return Ok(held),
                many => return Err(format!("{many} requests of one line")),
            }
        }
    }

    /// Sends an outcome to the room.
    pub(crate) fn push(&mut self, outcome: Outcome) -> DeliveryId {
        let parcel = self.parcel(outcome);
        let id = parcel.delivery.id.clone();
        self.service.lane.push(parcel);
        id
    }

    /// A parcel with a slot of its own.
    pub(crate) fn parcel(&mut self, outcome: Outcome) -> Parcel {
        self.marks += 1;
        let adapter = self.adapter.id().clone();
        let asker = Author {
            adapter: adapter.clone(),
            id: "ann".into(),
            name: "ann".to_owned(),
            trust: Trust::Account,
            powers: Powers::default(),
        };
        let delivery = Delivery {
            id: DeliveryId(format!("d{}", self.marks)),
            to: Address { adapter, room: self.peer.room(), message: None, thread: None },
            asker,
            answers: None,
            slot: format!("s{}", self.marks).as_str().into(),
            seq: self.marks,
            job: Some("k7f".into()),
            private: false,
            expires: None,
            outcome,
        };
        Parcel { delivery, at: NOW, shown: vec![], state: None, in_doubt: false }
    }

    /// Everything shown so far: a marked ending is sent, and what comes before it is returned.
    pub(crate) async fn shown(&mut self) -> Vec<Shown> {
        self.marks += 1;
        let mark = format!("mark{}", self.marks);
        self.push(facts::marked(&mark));
        let mut seen = vec![];
        loop {
            let shown = self.peer.shown().await;
            if shown.text.contains(&mark) {
                return seen;
            }
            seen.push(shown);
        }
    }

    /// What is shown of one outcome.
    pub(crate) async fn shown_of(&mut self, outcome: Outcome) -> Vec<Shown> {
        self.push(outcome);
        self.shown().await
    }

    /// Waits for `run` to end, then gives back how it did.
    pub(crate) async fn ended(&mut self) -> Result<Ended, String> {
        (&mut self.running).await.map_err(|error| format!("run did not end well: {error}"))
    }

    /// Runs again, as the service does after an `Err`.
    pub(crate) async fn run_again(&mut self, link: Link) -> Result<(), String> {
        self.service.health.set(Health::Starting);
        self.running = spawn(self.adapter.clone(), link);
        self.up().await
    }

    /// Nothing of a case may reach into the next one.
    pub(crate) async fn end(self) {
        self.service.token.cancel();
        self.service.lane.close();
        self.running.abort();
        self.service.tasks.finish(Duration::ZERO).await;
    }
}

/// Commits a batch; its request gets `outcome`.
pub(crate) fn admit(held: Submission, outcome: Option<&Outcome>) -> Result<(), String> {
    let Batch { requests, .. } = held.batch;
    let admitted = requests.into_iter().map(|request| Admitted {
        request: request.id,
        job: None,
        outcome: outcome.cloned(),
        duplicate: false,
        answer: None,
    });
    held.done.send(Ok(admitted.collect())).map_err(|_| "nobody waits for the commit".to_owned())
}

pub(crate) fn refuse(held: Submission, refused: Refused) -> Result<(), String> {
    held.done.send(Err(refused)).map_err(|_| "nobody waits for the commit".to_owned())
}

fn spawn(adapter: Arc<dyn Adapter>, mut link: Link) -> JoinHandle<Ended> {
    tokio::spawn(async move {
        let result = adapter.run(&mut link).await;
        (result, link)
    })
}
