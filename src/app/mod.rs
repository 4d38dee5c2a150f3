//! Composition root: builds every stage, wires the channels, stops them in flow order.
//! Which adapters, engines and store there are is handed in.
mod desk;
mod drain;
mod fleet;
mod known;
mod supervise;
mod sweep;

use crate::{
    board::Board,
    engine::Engine,
    intake::{
        Fleet, Intake, MOST_TOGETHER, Policy, commands,
        facts::EngineFacts,
        limits::{Limits, Rates},
    },
    job::Attempt,
    media::{FileMedia, PreviewLimits},
    outbox::StoreLane,
    picture::Studio,
    queue::{Queue, RunningCaps},
    store::{Effect, IndexRow, OpenPart, Retention, Settings, Store, StoreError},
    worker::{self, Seat, Tools},
    workflow::Library,
};
use futures_util::future::join_all;
use inkwire_core::{
    Adapter, AdapterId, CatalogueNames, Clock, EngineHealth, Failure, HealthCell, Inbox, Link,
    Media, Outbox, Role, Rules, Submission, Surface, Tasks, Time, TokioClock,
};
use std::{
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Submissions that wait for intake; when full, `deliver` waits and then says saturated.
const INBOX: usize = MOST_TOGETHER;
/// Engines that answer later are "not up" to the first requests.
const FIRST_LOOK: Duration = Duration::from_millis(500);
/// All lines of piped input are first requests.
const PIPED_LOOK: Duration = Duration::from_secs(5);

pub use desk::{Desk, Reload, Reloaded};

/// Everything the service is made of, chosen by configuration or by a test.
pub struct Setup {
    pub store: Arc<dyn Store>,
    pub engines: Vec<EngineSetup>,
    pub adapters: Vec<Box<dyn Adapter>>,
    pub library: Library,
    pub policy: Policy,
    pub rates: Rates,
    pub triggers: Rules,
    /// Where blobs lie.
    pub blobs: PathBuf,
    pub public_url: Option<String>,
    pub keep: Duration,
    pub retention: Retention,
    pub running: RunningCaps,
    /// Whether what people ask for may be logged.
    pub log_prompts: bool,
    /// Of pictures as they are posted, from 1 to 100.
    pub webp_quality: u8,
    /// How long running parts may go on after the stop.
    pub grace: Duration,
    pub sweep_every: Duration,
    /// Reads the configuration again.
    pub reload: Option<Reload>,
    /// Stop once this adapter has no more input and all of its jobs are answered.
    pub until_answered: Option<AdapterId>,
}

pub struct EngineSetup {
    pub engine: Arc<dyn Engine>,
    pub seats: usize,
    pub idle_unload: Option<Duration>,
}

/// What can be seen of the service from outside while it runs.
#[derive(Clone)]
pub struct Watch {
    pub store: Arc<dyn Store>,
    pub queue: Arc<Queue>,
    pub fleet: watch::Receiver<Arc<Fleet>>,
    pub adapters: Vec<(AdapterId, HealthCell)>,
    /// Those of them that serve links alone.
    pub links_only: Vec<AdapterId>,
    pub desk: Arc<Desk>,
}

pub struct App {
    setup: Setup,
    shared: Shared,
}

/// What the stages share.
struct Shared {
    store: Arc<dyn Store>,
    board: Arc<Board>,
    queue: Arc<Queue>,
    media: Arc<FileMedia>,
    studio: Studio,
    clock: Arc<dyn Clock>,
    desk: Arc<Desk>,
    fleet: watch::Sender<Arc<Fleet>>,
    settings: Settings,
    healths: BTreeMap<AdapterId, HealthCell>,
    stopping: CancellationToken,
    closing: CancellationToken,
    /// Adapters and their receipts; the stages have their own.
    edge: Tasks,
}

impl App {
    /// Opens what lasts and rebuilds the queue; nothing runs yet.
    pub async fn build(mut setup: Setup) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(wall_time()));
        let settings = setup.store.settings().await?;
        let queue = Arc::new(Queue::new(setup.running));
        give_back_strangers(&setup, clock.now()).await?;
        let index = setup.store.open_index().await?;
        queue.apply([Effect::Paused(settings.paused)]);
        queue.apply(index.into_iter().map(Effect::Queued));
        let seats = std::thread::available_parallelism().map_or(1, Into::into);
        let (store, limits) = (setup.store.clone(), PreviewLimits::default());
        let studio = Studio::new(seats, setup.webp_quality);
        let media = FileMedia::new(&setup.blobs, store, clock.clone(), studio.clone(), limits)?;
        let ids: Vec<_> = setup.adapters.iter().map(|adapter| adapter.id().clone()).collect();
        let engines = setup.engines.iter().map(|engine| engine.engine.clone()).collect();
        let shared = Shared {
            store: setup.store.clone(),
            board: Arc::new(Board::new(ids.iter().cloned())),
            queue,
            media: Arc::new(media.reached_at(setup.public_url.clone())),
            studio,
            clock,
            desk: Arc::new(Desk::new(&mut setup, engines)),
            fleet: watch::Sender::default(),
            settings,
            healths: ids.into_iter().map(|id| (id, HealthCell::default())).collect(),
            stopping: CancellationToken::new(),
            closing: CancellationToken::new(),
            edge: Tasks::default(),
        };
        Ok(Self { setup, shared })
    }

    pub fn watch(&self) -> Watch {
        let shared = &self.shared;
        let adapters = self.setup.adapters.iter();
        let links_only = adapters.filter(|adapter| adapter.capabilities().links_only);
        Watch {
            store: shared.store.clone(),
            queue: shared.queue.clone(),
            fleet: shared.fleet.subscribe(),
            adapters: shared.healths.clone().into_iter().collect(),
            links_only: links_only.map(|adapter| adapter.id().clone()).collect(),
            desk: shared.desk.clone(),
        }
    }

    /// Runs until `stop` resolves, then ends the stages in flow order. Dropping it is a crash.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { mut setup, shared } = self;
        let (intake, workers, engines) = (Tasks::default(), Tasks::default(), Tasks::default());
        let _crash = [intake.guard(), workers.guard(), engines.guard(), shared.edge.guard()];

        shared.spawn_engines(&setup, &engines);
        let tools = Arc::new(shared.tools(&setup, &workers));
        for EngineSetup { engine, seats, idle_unload } in &setup.engines {
            for number in 0..*seats {
                let (tools, engine) = (tools.clone(), engine.clone());
                let name = format!("seat {} {number}", engine.id());
                let seat = Seat { tools, engine, idle_unload: *idle_unload };
                workers.spawn(name, seat.run());
            }
        }
        workers.spawn("expiry".into(), worker::expire(tools.clone()));
        shared.first_look(&setup).await;
        let (inbox, submissions) = mpsc::channel(INBOX);
        intake.spawn("intake".into(), shared.intake(&setup).run(submissions));
        for adapter in std::mem::take(&mut setup.adapters) {
            let link = shared.link(adapter.as_ref(), inbox.clone()).await?;
            let name = format!("adapter {}", adapter.id());
            shared.edge.spawn(name, supervise::keep_running(adapter, link));
        }
        engines.spawn("sweep".into(), shared.sweep(&setup));

        tokio::select! {
            () = stop => {}
            () = shared.answered(setup.until_answered.as_ref()) => {}
        }
        shared.stop(setup.grace, [intake, workers, engines]).await;
        Ok(())
    }
}

impl Shared {
    /// Flow order: no more requests, no more work, no more deliveries, no more connections.
    async fn stop(&self, grace: Duration, [intake, workers, engines]: [Tasks; 3]) {
        tracing::info!("stopping");
        self.stopping.cancel();
        intake.finish(grace).await;
        self.queue.close();
        workers.finish(grace * 2).await;
        self.closing.cancel();
        self.edge.finish(grace).await;
        engines.finish(grace).await;
    }

    fn spawn_engines(&self, setup: &Setup, engines: &Tasks) {
        for EngineSetup { engine, .. } in &setup.engines {
            let (engine, stopping) = (engine.clone(), self.closing.clone());
            let name = format!("engine {}", engine.id());
            engines.spawn(name, async move { engine.run(stopping).await });
        }
        let (desk, seen, closing) = (self.desk.clone(), self.fleet.clone(), self.closing.clone());
        engines.spawn("fleet".into(), async move {
            closing.run_until_cancelled(fleet::follow(desk, seen)).await;
        });
    }

    /// Lets engines say how they are before the first request is told that none is up.
    async fn first_look(&self, setup: &Setup) {
        let statuses = setup.engines.iter().map(|engine| engine.engine.status());
        let known = join_all(statuses.map(|mut status| async move {
            drop(status.wait_for(|status| status.health != EngineHealth::Starting).await);
        }));
        let mut fleet = self.fleet.subscribe();
        let seen = async {
            known.await;
            let told = |fleet: &Arc<Fleet>| {
                let starting = |e: &EngineFacts| e.status.health == EngineHealth::Starting;
                !fleet.engines.is_empty() && !fleet.engines.iter().any(starting)
            };
            drop(fleet.wait_for(told).await);
        };
        let patience = if setup.until_answered.is_some() { PIPED_LOOK } else { FIRST_LOOK };
        if tokio::time::timeout(patience, seen).await.is_err() {
            tracing::debug!("engines have not answered yet");
        }
    }

    fn tools(&self, setup: &Setup, workers: &Tasks) -> Tools {
        Tools {
            queue: self.queue.clone(),
            store: self.store.clone(),
            board: self.board.clone(),
            media: self.media.clone(),
            studio: self.studio.clone(),
            library: self.desk.library(),
            clock: self.clock.clone(),
            install: self.settings.install,
            public_url: setup.public_url.clone(),
            keep: setup.keep,
            stopping: self.stopping.clone(),
            grace: setup.grace,
            tasks: workers.clone(),
        }
    }

    fn intake(&self, setup: &Setup) -> Intake {
        let capabilities = |adapter: &dyn Adapter| (adapter.id().clone(), adapter.capabilities());
        Intake {
            queue: self.queue.clone(),
            store: self.store.clone(),
            board: self.board.clone(),
            clock: self.clock.clone(),
            policy: self.desk.policy(),
            fleet: self.fleet.subscribe(),
            capabilities: setup.adapters.iter().map(|it| capabilities(it.as_ref())).collect(),
            limits: Limits::new(&setup.rates, self.clock.clone()),
            operator: self.desk.clone(),
            log_prompts: setup.log_prompts,
            stopping: self.stopping.clone(),
        }
    }

    async fn link(
        &self,
        adapter: &dyn Adapter,
        inbox: mpsc::Sender<Submission>,
    ) -> anyhow::Result<Link> {
        let id = adapter.id().clone();
        let lease = self.store.lease(&id).await?;
        let lane = StoreLane {
            adapter: id.clone(),
            epoch: lease.epoch,
            store: self.store.clone(),
            board: self.board.clone(),
            clock: self.clock.clone(),
            tasks: self.edge.clone(),
            closing: self.closing.clone(),
            taken: Arc::default(),
        };
        let media: Arc<dyn Media> = self.media.clone();
        Ok(Link {
            inbox: Inbox::new(id.clone(), lease.epoch, inbox),
            outbox: Outbox::new(Arc::new(lane)),
            media,
            surface: self.desk.surface(),
            resume: lease.cursor,
            notes: lease.notes,
            token: self.stopping.clone(),
            health: self.healths.get(&id).cloned().unwrap_or_default(),
            tasks: self.edge.clone(),
            clock: self.clock.clone(),
        })
    }
}

/// Parts in engines that are no longer configured run again elsewhere, or end if cancelled.
async fn give_back_strangers(setup: &Setup, now: Time) -> Result<(), StoreError> {
    let known = |name: &str| setup.engines.iter().any(|engine| engine.engine.id() == name);
    for IndexRow { job, parts, .. } in setup.store.open_index().await? {
        for OpenPart { part, run_no, claimed } in parts {
            if claimed.as_deref().is_some_and(|engine| !known(engine)) {
                let attempt = Attempt { job: job.clone(), part, run_no, native: None };
                setup.store.release(&attempt, Failure::EngineUnavailable, now).await?;
            }
        }
    }
    Ok(())
}

/// The one look at the wall clock; from here on it is counted.
fn wall_time() -> Time {
    SystemTime::UNIX_EPOCH.elapsed().map_or(Time::default(), |since| Time::default().after(since))
}

/// A surface for what is configured and known.
fn surface(triggers: &Rules, policy: &Policy, library: &Library) -> Surface {
    Surface {
        triggers: triggers.clone(),
        commands: commands::specs(Role::Admin.into()),
        names: CatalogueNames {
            models: policy.presets.models.keys().cloned().collect(),
            workflows: library.iter().map(|workflow| workflow.name.clone()).collect(),
            styles: policy.presets.styles.keys().cloned().collect(),
        },
    }
}
