//! The one connection that writes and checkpoints, on a thread of its own.
//! Whatever waits is committed together: the commit before is the batching window.
use super::open::Opened;
use crate::store::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};
use tokio::sync::{mpsc, oneshot};

/// Steps in one commit.
const MOST_STEPS: usize = 512;
/// Steps that may wait; beyond it callers wait.
const MOST_WAITING: usize = 1024;

/// `Forced`: not acknowledged before it is on the disk itself. `Lazy` survives the end of the
/// process, and is lost by a power cut only together with everything after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    Forced,
    Lazy,
}

pub(super) struct Writer {
    work: mpsc::Sender<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) commits: AtomicU64,
    pub(super) fsyncs: AtomicU64,
}

enum Work {
    Step(Box<dyn Step>),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// One caller's business step.
trait Step: Send {
    fn durability(&self) -> Durability;
    /// Runs once. `Err`: nothing of this step is to be kept.
    fn run(&mut self, tx: &Connection) -> Result<(), StoreError>;
    /// Answers the caller.
    fn settle(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Call<T, F> {
    durability: Durability,
    work: Option<F>,
    done: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Step for Call<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, tx: &Connection) -> Result<(), StoreError> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let done = work(tx);
        let outcome = done.as_ref().map(|_| ()).map_err(StoreError::clone);
        self.done = Some(done);
        outcome
    }

    fn settle(self: Box<Self>, committed: Result<(), StoreError>) {
        let done = match committed {
            Ok(()) => self.done.unwrap_or_else(|| Err(gone())),
            Err(error) => Err(error),
        };
        // The caller may have gone; what it asked is committed all the same.
        drop(self.reply.send(done));
    }
}

fn gone() -> StoreError {
    StoreError::Broken("the store is closed".to_owned())
}

impl Writer {
    pub(super) fn start(opened: Opened) -> std::io::Result<Self> {
        let (work, waiting) = mpsc::channel(MOST_WAITING);
        let counts = Arc::new(Counts::default());
        let desk = Desk { opened, forced: None, failing: false, counts: counts.clone() };
        let thread = thread::Builder::new().name("store".into()).spawn(|| desk.run(waiting))?;
        Ok(Self { work, thread: Mutex::new(Some(thread)), counts })
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// `Ok` means committed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let call = Call { durability, work: Some(work), done: None, reply };
        self.work.send(Work::Step(Box::new(call))).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// After what waits already; a second call is an error.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.work.send(Work::Close(reply)).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Writer {
    /// Without `close` this is a crash, but one whose file may be opened again at once.
    fn drop(&mut self) {
        self.work = mpsc::channel(1).0;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("store thread panicked");
        }
    }
}

/// A third of a small step's time would go into parsing this anew.
fn mark(tx: &Connection, sql: &str) -> rusqlite::Result<usize> {
    tx.prepare_cached(sql)?.execute([])
}

/// What the thread owns.
struct Desk {
    opened: Opened,
    /// How the connection was last told to commit.
    forced: Option<Durability>,
    /// Said once, not for every commit.
    failing: bool,
    counts: Arc<Counts>,
}

impl Desk {
    fn run(mut self, mut waiting: mpsc::Receiver<Work>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut steps = vec![];
            let mut next = Some(first);
            while let Some(work) = next.take() {
                match work {
                    Work::Step(step) => steps.push(step),
                    Work::Close(reply) => {
                        self.commit(steps);
                        // The caller may have gone; closed is closed.
                        drop(reply.send(self.opened.close()));
                        return;
                    }
                }
                if steps.len() < MOST_STEPS {
                    next = waiting.try_recv().ok();
                }
            }
            self.commit(steps);
        }
    }

    fn commit(&mut self, mut steps: Vec<Box<dyn Step>>) {
        if steps.is_empty() {
            return;
        }
        let started = Instant::now();
        let before = self.opened.conn.total_changes();
        let forced = steps.iter().any(|step| step.durability() == Durability::Forced);
        let committed = self.transact(&mut steps, forced);
        if committed.is_ok() && self.opened.conn.total_changes() > before {
            self.count(forced, started);
        }
        self.tell(committed.as_ref().err());
        for step in steps {
            step.settle(committed.clone());
        }
    }

    fn transact(&mut self, steps: &mut [Box<dyn Step>], forced: bool) -> Result<(), StoreError> {
        self.force(if forced { Durability::Forced } else { Durability::Lazy })?;
        let conn = &mut self.opened.conn;
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for step in steps {
            mark(&tx, "SAVEPOINT step")?;
            if let Err(error) = step.run(&tx) {
                // A full disk may have undone the whole transaction, not this step alone.
                if tx.is_autocommit() {
                    return Err(error);
                }
                mark(&tx, "ROLLBACK TO step")?;
            }
            mark(&tx, "RELEASE step")?;
        }
        Ok(tx.commit()?)
    }

    fn force(&mut self, durability: Durability) -> Result<(), StoreError> {
        if self.forced != Some(durability) {
            let mode = if durability == Durability::Forced { "FULL" } else { "NORMAL" };
            self.opened.conn.pragma_update(None, "synchronous", mode)?;
            self.forced = Some(durability);
        }
        Ok(())
    }

    fn tell(&mut self, error: Option<&StoreError>) {
        match error {
            Some(error) if !self.failing => tracing::error!(%error, "commits fail"),
            None if self.failing => tracing::info!("commits work again"),
            _ => {}
        }
        self.failing = error.is_some();
    }

    fn count(&self, forced: bool, started: Instant) {
        self.counts.commits.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("inkwire_store_commits_total").increment(1);
        metrics::histogram!("inkwire_store_commit_seconds").record(started.elapsed());
        if forced {
            self.counts.fsyncs.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("inkwire_store_fsyncs_total").increment(1);
        }
    }
}
