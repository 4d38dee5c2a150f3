//! Stage 3: one loop per engine seat takes one part at a time through the engine.
//! It never speaks to an adapter: it commits, pins news to the board, and goes on.
mod bench;
mod expiry;
mod finish;
mod keep;
mod progress;
mod retry;
mod steps;

pub use expiry::expire;

use crate::{
    board::Board,
    engine::{Engine, Status},
    job::Job,
    media::FileMedia,
    picture::Studio,
    queue::Queue,
    store::{Effect, Store, StoreError},
    workflow::Library,
};
use bench::Bench;
use futures_util::FutureExt;
use inkwire_core::{Clock, EngineHealth, Tasks};
use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Pictures of one seat that may be made ready while the engine paints the next ones.
const MOST_FINISHING: usize = 2;
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// What every seat shares.
pub struct Tools {
    pub queue: Arc<Queue>,
    pub store: Arc<dyn Store>,
    pub board: Arc<Board>,
    pub media: Arc<FileMedia>,
    pub studio: Studio,
    pub library: watch::Receiver<Arc<Library>>,
    pub clock: Arc<dyn Clock>,
    /// Prompt ids are derived from it.
    pub install: Uuid,
    /// Links begin with it; none are made without.
    pub public_url: Option<String>,
    /// How long pictures are kept, unless their job says otherwise.
    pub keep: Duration,
    pub stopping: CancellationToken,
    /// How long a running part may go on after the stop.
    pub grace: Duration,
    pub tasks: Tasks,
}

/// One place for one prompt inside an engine.
pub struct Seat {
    pub tools: Arc<Tools>,
    pub engine: Arc<dyn Engine>,
    /// Models are unloaded when nothing was asked of the engine for this long.
    pub idle_unload: Option<Duration>,
}

impl Seat {
    pub async fn run(self) {
        let mut status = self.engine.status();
        let finishing = Arc::new(Semaphore::new(MOST_FINISHING));
        let mut idle = Idle::new(self.idle_unload);
        while let Some(bench) = self.ready(&mut status).await {
            let Ok(permit) = finishing.clone().acquire_owned().await else { break };
            let work = tokio::select! {
                biased;
                () = self.tools.stopping.cancelled() => break,
                work = self.tools.queue.next(bench.as_ref()) => work,
                changed = status.changed() => if changed.is_ok() { continue } else { break },
                () = idle.is_over() => {
                    self.unload().await;
                    idle.done();
                    continue;
                }
            };
            let Some(work) = work else { break };
            let job = work.attempt.job.clone();
            if AssertUnwindSafe(self.take(work, permit)).catch_unwind().await.is_err() {
                steps::internal("seat", &job);
            }
            idle = Idle::new(self.idle_unload);
        }
        self.tools.queue.closed_for(self.engine.id());
    }

    /// Waits until the engine takes work; `None` once the service stops.
    async fn ready(&self, status: &mut watch::Receiver<Status>) -> Option<Arc<Bench>> {
        while !self.tools.stopping.is_cancelled() {
            let health = status.borrow_and_update().health;
            if matches!(health, EngineHealth::Up | EngineHealth::Degraded) {
                let bench = Arc::new(self.bench(status));
                self.tools.queue.open_for(bench.clone());
                return Some(bench);
            }
            self.tools.queue.closed_for(self.engine.id());
            tokio::select! {
                () = self.tools.stopping.cancelled() => {}
                changed = status.changed() => changed.ok()?,
            }
        }
        None
    }

    fn bench(&self, status: &watch::Receiver<Status>) -> Bench {
        let library = self.tools.library.borrow().clone();
        Bench::new(self.engine.id(), library, status.borrow().catalog.clone())
    }

    async fn unload(&self) {
        if let Err(error) = self.engine.unload().await {
            tracing::warn!(%error, engine = self.engine.id(), "models not unloaded");
        }
    }
}

impl Tools {
    /// Lets memory follow a commit. `engine` has failed on the parts that come back.
    fn publish(&self, effects: Vec<Effect>, engine: Option<&str>) {
        for job in effects.iter().filter_map(Effect::ended) {
            self.board.ended(job);
            self.media.drop_preview(&Job::slot_of(job));
        }
        self.queue.again(effects, engine);
        self.board.poke();
    }

    /// Repeats a store step until it is done: what was painted is not thrown away because a disk
    /// is full. `None` if it is no longer ours, or the service stops first.
    async fn insist<T, F>(&self, step: &str, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        loop {
            match call().await {
                Ok(done) => return Some(done),
                Err(StoreError::Stale) => return None,
                Err(error) => tracing::error!(%error, step, "store step failed, trying again"),
            }
            tokio::select! {
                () = self.stopping.cancelled() => return None,
                () = tokio::time::sleep(STORE_AGAIN) => {}
            }
        }
    }
}

/// When to unload models; once until there is work again.
struct Idle {
    over_at: Option<Instant>,
}

impl Idle {
    fn new(after: Option<Duration>) -> Self {
        Self { over_at: after.map(|after| Instant::now() + after) }
    }

    async fn is_over(&self) {
        match self.over_at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    fn done(&mut self) {
        self.over_at = None;
    }
}
