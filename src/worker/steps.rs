//! The way of one part: claim, bind, render; what was made goes on to `finish`, and the seat is
//! free for the next part.
use super::{
    Seat, Tools,
    keep::Unkept,
    progress::Sink,
    retry::{self, Next},
};
use crate::{
    engine::{EngineError, Output, Task},
    job::{Attempt, Ending, Job},
    queue::Work,
    store::Payload,
    workflow::bind,
};
use futures_util::FutureExt;
use inkwire_core::{Failure, JobId};
use std::{future::Future, panic::AssertUnwindSafe, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// How long an engine may take to prove that it stopped.
const PROOF: Duration = Duration::from_mins(1);

/// One part in work.
pub(super) struct Run {
    pub(super) job: Job,
    pub(super) attempt: Attempt,
    /// Begun by an earlier process of ours.
    resumed: bool,
    /// What was charged for it, in microseconds.
    pub(super) charged: u64,
    pub(super) spent: Duration,
}

impl Seat {
    pub(super) async fn take(&self, work: Work, permit: OwnedSemaphorePermit) {
        let Some(payload) = self.claim(&work).await else {
            // Ended meanwhile, or the service stops.
            let now = self.tools.clock.now();
            return self.tools.queue.done(&work.attempt, now);
        };
        let Payload { job, attempt } = payload;
        self.tools.board.poke();
        let began = Instant::now();
        let rendered = AssertUnwindSafe(self.render(&job, &attempt, &work)).catch_unwind().await;
        let (resumed, charged) = (work.resume, work.cost);
        let run = Run { job, attempt, resumed, charged, spent: began.elapsed() };
        match rendered {
            // Left in the engine, to be resumed by the next start.
            Ok(None) => {}
            Ok(Some(Ok(outputs))) => self.finish_later(run, outputs, permit),
            Ok(Some(Err(error))) => self.fail(run, error).await,
            Err(_) => self.end(run, Ending::Failed(internal("render", &work.attempt.job))).await,
        }
    }

    async fn claim(&self, work: &Work) -> Option<Payload> {
        let tools = &self.tools;
        let native = Some(work.attempt.prompt_id(&tools.install));
        let attempt = Attempt { native, ..work.attempt.clone() };
        let claim = || tools.store.claim(&attempt, self.engine.id(), tools.clock.now());
        tools.insist("claim", claim).await.flatten()
    }

    async fn render(
        &self,
        job: &Job,
        attempt: &Attempt,
        work: &Work,
    ) -> Option<Result<Vec<Output>, EngineError>> {
        let task = match self.task(job, attempt) {
            Ok(task) => task,
            Err(error) => return Some(Err(error)),
        };
        let (started, starts) = watch::channel(false);
        let sink = Sink { tools: &self.tools, job, attempt, started };
        let token = work.token.child_token();
        let rendering = async {
            if work.resume {
                self.engine.resume(&task, &sink, token.clone()).await
            } else {
                self.engine.render(&task, &sink, token.clone()).await
            }
        };
        let limited = within(rendering, starts, &token, job.time_limit);
        tokio::select! {
            ended = limited => Some(ended),
            () = self.tools.out_of_time() => None,
        }
    }

    fn task(&self, job: &Job, attempt: &Attempt) -> Result<Task, EngineError> {
        let library = self.tools.library.borrow().clone();
        let name = &job.render.workflow;
        let workflow = library
            .get(name)
            .ok_or_else(|| EngineError::Invalid(format!("workflow {name} is gone")))?;
        let bound = bind(workflow, &job.render, attempt.part);
        let graph = bound.map_err(|error| EngineError::Invalid(error.to_string()))?;
        Ok(Task { attempt: attempt.clone(), render: job.render.clone(), graph })
    }

    /// Makes the pictures ready while the engine goes on with the next part.
    fn finish_later(&self, run: Run, outputs: Vec<Output>, permit: OwnedSemaphorePermit) {
        let (tools, name) = (self.tools.clone(), format!("finish {}", run.attempt.job));
        self.tools.tasks.spawn(name, async move {
            let made = AssertUnwindSafe(tools.keep(&run, outputs)).catch_unwind().await;
            let ending = match made {
                Ok(Ok(artifacts)) => Ending::Done(artifacts),
                Ok(Err(Unkept::Failed(failure))) => Ending::Failed(failure),
                Ok(Err(Unkept::Left)) => return,
                Err(_) => Ending::Failed(internal("finish", &run.job.id)),
            };
            tools.end(run, ending).await;
            drop(permit);
        });
    }

    async fn fail(&self, run: Run, error: EngineError) {
        let Attempt { job, part, run_no, .. } = &run.attempt;
        tracing::info!(%error, %job, part, run_no, engine = self.engine.id(), "part failed");
        if error == EngineError::OutOfMemory {
            self.unload().await;
        }
        match retry::after(error, *run_no, run.resumed) {
            Next::End(ending) => self.end(run, ending).await,
            Next::Again(reason) => self.again(run, reason).await,
        }
    }

    async fn end(&self, run: Run, ending: Ending) {
        self.tools.end(run, ending).await;
    }

    async fn again(&self, run: Run, reason: Failure) {
        let tools = &self.tools;
        metrics::counter!("inkwire_retries_total").increment(1);
        let now = tools.clock.now();
        let release = || tools.store.release(&run.attempt, reason.clone(), now);
        let Some(effects) = tools.insist("release", release).await else { return };
        tools.queue.settle(&run.job.id, run.charged, 0);
        tools.queue.done(&run.attempt, run.job.may_wait_until(now));
        tools.publish(effects, Some(self.engine.id()));
    }
}

impl Tools {
    async fn out_of_time(&self) {
        self.stopping.cancelled().await;
        tokio::time::sleep(self.grace).await;
    }
}

/// Stops what runs for too long, or was cancelled and does not prove that it stopped.
async fn within(
    rendering: impl Future<Output = Result<Vec<Output>, EngineError>>,
    starts: watch::Receiver<bool>,
    token: &CancellationToken,
    limit: Duration,
) -> Result<Vec<Output>, EngineError> {
    let mut rendering = std::pin::pin!(rendering);
    let timed_out = tokio::select! {
        ended = &mut rendering => return ended,
        () = token.cancelled() => false,
        () = over(starts, limit) => true,
    };
    token.cancel();
    let stopped = if timed_out { EngineError::TimedOut } else { EngineError::Cancelled };
    match tokio::time::timeout(PROOF, rendering).await {
        Ok(Ok(outputs)) if timed_out => Ok(outputs),
        Ok(Err(EngineError::Cancelled) | Ok(_)) | Err(_) => Err(stopped),
        Ok(Err(error)) => Err(error),
    }
}

async fn over(mut starts: watch::Receiver<bool>, limit: Duration) {
    if starts.wait_for(|started| *started).await.is_err() {
        return std::future::pending().await;
    }
    tokio::time::sleep(limit).await;
}

/// Something of ours broke; the number finds it in the log.
pub(super) fn internal(step: &str, job: &JobId) -> Failure {
    let error_id = format!("{:08x}", rand::random::<u32>());
    tracing::error!(%error_id, step, %job, "panicked");
    Failure::Internal { error_id }
}
