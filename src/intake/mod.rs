//! Stage 1: drains its inbox, decides in order, commits once, then lets memory follow.
//! It never waits for an adapter, an engine or a worker.
pub mod access;
mod batch;
pub mod commands;
pub mod facts;
pub mod identity;
pub mod limits;
pub mod parse;
pub mod presets;
mod queued;
pub mod resolve;
pub mod spelling;
pub mod weights;

use crate::{
    board::Board,
    queue::Queue,
    store::{Admission, Effect, Store, StoreError, Verdict},
};
use access::Access;
use async_trait::async_trait;
use batch::Pending;
use facts::{EngineFacts, Terms};
use futures_util::FutureExt;
use inkwire_core::{AdapterId, Admitted, Answer, Capabilities, Clock, JobId, Refused, Submission};
use limits::Limits;
use presets::{Known, Presets};
use std::{
    collections::{BTreeMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::Arc,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Submissions that one commit takes.
pub const MOST_TOGETHER: usize = 256;

/// What operators decide about requests; replaced as a whole by a reload.
#[derive(Debug, Clone)]
pub struct Policy {
    pub presets: Presets,
    pub access: Access,
    pub terms: Terms,
}

/// Engines and what they offer, as far as is known now.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    pub engines: Vec<EngineFacts>,
    pub known: Known,
}

/// What an admin's words set in motion outside the store.
#[async_trait]
pub trait Operator: Send + Sync {
    async fn reload(&self) -> Answer;
    /// Tells engines by name to free their memory; returns at once.
    fn unload(&self, engines: &[String]);
}

pub struct Intake {
    pub queue: Arc<Queue>,
    pub store: Arc<dyn Store>,
    pub board: Arc<Board>,
    pub clock: Arc<dyn Clock>,
    pub policy: watch::Receiver<Arc<Policy>>,
    pub fleet: watch::Receiver<Arc<Fleet>>,
    pub capabilities: BTreeMap<AdapterId, Capabilities>,
    pub limits: Limits,
    pub operator: Arc<dyn Operator>,
    /// Whether what people ask for may be logged.
    pub log_prompts: bool,
    pub stopping: CancellationToken,
}

type Done = oneshot::Sender<Result<Vec<Admitted>, Refused>>;

impl Intake {
    pub async fn run(self, mut inbox: mpsc::Receiver<Submission>) {
        let mut spare = VecDeque::new();
        loop {
            let mut together = vec![];
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return,
                count = inbox.recv_many(&mut together, MOST_TOGETHER) => if count == 0 { return },
            }
            let admitted = AssertUnwindSafe(self.admit(together, &mut spare)).catch_unwind().await;
            if admitted.is_err() {
                let error_id = format!("{:08x}", rand::random::<u32>());
                tracing::error!(%error_id, "a batch panicked and was dropped");
            }
        }
    }

    /// Decide, commit, then publish. `spare` are ids that no job has yet.
    async fn admit(&self, submissions: Vec<Submission>, spare: &mut VecDeque<JobId>) {
        let decided = match self.decide_all(&submissions, spare).await {
            Ok(decided) => decided,
            Err(error) => return refuse(submissions, &error),
        };
        let verdicts = match self.commit(decided.admissions).await {
            Ok(verdicts) => VecDeque::from(verdicts),
            Err(error) => return refuse(submissions, &error),
        };
        self.publish(submissions, decided.pending, verdicts);
        self.operator.unload(&decided.unload);
    }

    async fn commit(&self, admissions: Vec<Admission>) -> Result<Vec<Verdict>, StoreError> {
        if admissions.is_empty() { Ok(vec![]) } else { self.store.admit(admissions).await }
    }

    fn publish(
        &self,
        submissions: Vec<Submission>,
        pending: Vec<Vec<Pending>>,
        mut verdicts: VecDeque<Verdict>,
    ) {
        let mut effects = vec![];
        for (submission, pending) in submissions.into_iter().zip(pending) {
            // Every verdict is taken, also after a stale one: the next submission has its own.
            let settled: Vec<_> =
                pending.into_iter().map(|p| settle(p, &mut verdicts, &mut effects)).collect();
            let stale = batch::has_cursor(&submission.batch)
                && !matches!(verdicts.pop_front(), Some(Verdict::Done(_)));
            let settled: Option<Vec<_>> = settled.into_iter().collect();
            reply(submission.done, settled.filter(|_| !stale).ok_or(Refused::Stopping));
        }
        // After the replies: whoever asked hears "queued" before a worker says "started".
        effects.iter().filter_map(Effect::ended).for_each(|job| self.board.ended(job));
        self.queue.apply(effects);
        self.board.poke();
    }
}

/// `None`: another instance speaks for this adapter now.
fn settle(
    pending: Pending,
    verdicts: &mut VecDeque<Verdict>,
    effects: &mut Vec<Effect>,
) -> Option<Admitted> {
    let Pending { admitted, stored } = pending;
    if !stored {
        return Some(admitted);
    }
    match verdicts.pop_front()? {
        Verdict::Done(more) => {
            effects.extend(more);
            Some(admitted)
        }
        Verdict::Duplicate { job, outcome } => {
            Some(Admitted { job, outcome, duplicate: true, ..admitted })
        }
        Verdict::Stale => None,
    }
}

fn refuse(submissions: Vec<Submission>, error: &StoreError) {
    tracing::error!(%error, "batch not committed");
    metrics::counter!("inkwire_batches_refused_total").increment(1);
    for submission in submissions {
        reply(submission.done, Err(Refused::Storage));
    }
}

/// An adapter that no longer listens has lost its connection; the commit stands.
fn reply(done: Done, answer: Result<Vec<Admitted>, Refused>) {
    if done.send(answer).is_err() {
        tracing::debug!("nobody waits for this batch");
    }
}

/// The admission of a batch's own cursor and notes, if it has any.
fn cursor_of(submission: &Submission, blank: Admission) -> Option<Admission> {
    batch::has_cursor(&submission.batch).then(|| Admission {
        cursor: submission.batch.cursor.clone(),
        notes: submission.batch.notes.clone(),
        ..blank
    })
}
