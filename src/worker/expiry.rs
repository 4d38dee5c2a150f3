//! Ends jobs that nobody could begin in the time they may wait, and gives back parts that an
//! engine holds which is gone. It sleeps until there is something to do; it never touches a job
//! that an engine works on.
use super::Tools;
use crate::queue::Patience;
use inkwire_core::Failure;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};

/// How long an engine may take after our start to come back for what it holds.
const COME_BACK: Duration = Duration::from_mins(1);

pub async fn expire(tools: Arc<Tools>) {
    let mut queue = tools.queue.changes();
    let lost_at = Instant::now() + COME_BACK;
    loop {
        queue.borrow_and_update();
        if tools.give_back(lost_at).await.is_none() || tools.end_overdue().await.is_none() {
            return;
        }
        let deadline = async {
            match tools.queue.next_deadline() {
                Some(at) => tokio::time::sleep(tools.clock.now().until(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tools.stopping.cancelled() => return,
            () = deadline => {}
            () = sleep_until(lost_at), if Instant::now() < lost_at => {}
            changed = queue.changed() => if changed.is_err() { return },
        }
    }
}

impl Tools {
    async fn end_overdue(&self) -> Option<()> {
        let now = self.clock.now();
        let overdue = self.queue.overdue(now);
        if !overdue.is_empty() {
            let effects = self.insist("expire", || self.store.expire(&overdue, now)).await?;
            tracing::info!(jobs = overdue.len(), "jobs expired");
            self.publish(effects, None);
        }
        Some(())
    }

    /// Parts of an earlier process in an engine that does not take work: it may be gone for good.
    async fn give_back(&self, lost_at: Instant) -> Option<()> {
        let patience = if Instant::now() < lost_at { Patience::Left } else { Patience::Over };
        for attempt in self.queue.stranded(patience) {
            let now = self.clock.now();
            let release = || self.store.release(&attempt, Failure::EngineUnavailable, now);
            let effects = self.insist("release", release).await?;
            tracing::warn!(job = %attempt.job, part = attempt.part, "its engine is gone");
            self.publish(effects, None);
        }
        Some(())
    }
}
