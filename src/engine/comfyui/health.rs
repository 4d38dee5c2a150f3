//! How a server is doing: a probe every few seconds, a breaker that opens after a few failures, and
//! a watch over a queue that stands still. It also tidies up what renders left behind.
use super::{ComfyUi, backoff, catalog, history::Queue, http::HttpError, socket::Hearing};
use crate::engine::{Catalog, Status};
use inkwire_core::EngineHealth;
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// For wiping our prompts from the history at the end.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Opens after `limit` failures in a row; while open, only probes go through, ever more rarely.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    limit: u32,
}

impl Breaker {
    pub(super) fn new(limit: u32) -> Self {
        Self { failures: 0, limit: limit.max(1) }
    }

    pub(super) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// True if it was open.
    pub(super) fn succeeded(&mut self) -> bool {
        let was_open = self.is_open();
        self.failures = 0;
        was_open
    }

    pub(super) fn is_open(&self) -> bool {
        self.failures >= self.limit
    }
}

/// Whether anything moves in a queue.
#[derive(Debug)]
pub(super) struct Stall {
    running: BTreeSet<String>,
    moved: u64,
    since: Instant,
}

impl Stall {
    fn new(now: Instant) -> Self {
        Self { running: BTreeSet::new(), moved: 0, since: now }
    }

    /// Why the server counts as stalled; `moved` grows with each sign of life.
    fn observe(
        &mut self,
        now: Instant,
        queue: &Queue,
        moved: u64,
        (idle, busy): (Duration, Duration),
    ) -> Option<&'static str> {
        let is_empty = queue.running.is_empty() && queue.pending.is_empty();
        if is_empty || self.running != queue.running || self.moved != moved {
            *self = Self { running: queue.running.clone(), moved, since: now };
        }
        let still = now.duration_since(self.since);
        match (is_empty, queue.running.is_empty()) {
            (false, true) if still >= idle => Some("prompts wait and none runs"),
            (false, false) if still >= busy => Some("its running prompt does not move"),
            _ => None,
        }
    }
}

/// What the watch remembers from beat to beat.
struct Pulse {
    stall: Stall,
    catalog_due: Instant,
    has_catalog: bool,
    interrupted: Option<Instant>,
}

/// Until the token is cancelled.
pub(super) async fn watch(engine: &ComfyUi, token: &CancellationToken) {
    let now = Instant::now();
    let mut pulse =
        Pulse { stall: Stall::new(now), catalog_due: now, has_catalog: false, interrupted: None };
    let mut line = engine.line.changes();
    while !token.is_cancelled() {
        token.run_until_cancelled(engine.beat(&mut pulse)).await;
        let pause = engine.until_next_probe();
        tokio::select! {
            () = token.cancelled() => {}
            () = sleep(pause) => {}
            () = engine.refresh.notified() => pulse.catalog_due = Instant::now(),
            // The sender lives as long as the engine.
            _ = line.changed() => {}
        }
    }
    // Whoever stops us does not wait for long.
    drop(timeout(LAST_WORD, engine.forget(None)).await);
}

/// What one probe found out.
struct Seen {
    stats: Option<Value>,
    catalog: Option<Catalog>,
    foreign: usize,
    health: EngineHealth,
    reason: Option<&'static str>,
}

impl ComfyUi {
    async fn beat(&self, pulse: &mut Pulse) {
        match self.examine(pulse).await {
            Ok(seen) => {
                if self.breaker().succeeded() {
                    tracing::info!(engine = self.name, "engine is back");
                    pulse.catalog_due = Instant::now();
                }
                self.status.send_modify(|status| seen.note(status));
                self.forget(Some(Instant::now())).await;
            }
            Err(error) => self.failed(&error),
        }
    }

    async fn examine(&self, pulse: &mut Pulse) -> Result<Seen, HttpError> {
        let remaining = self.api.remaining().await?;
        let stats = self.api.system_stats().await.ok();
        let catalog = self.read_catalog(pulse).await;
        let queue = match remaining {
            0 => Queue::default(),
            _ => Queue::read(&self.api.queue().await?),
        };
        let foreign = queue.ids().filter(|id| !self.feeds.is_ours(id)).count();
        self.stop_abandoned(&queue, pulse).await;
        let budgets = (self.times.idle_queue, self.times.no_progress);
        // Somebody else's long prompt is busy time, however still it looks.
        let ours =
            queue.running.is_empty() || queue.running.iter().any(|id| self.feeds.is_ours(id));
        let stalled = pulse.stall.observe(Instant::now(), &queue, self.feeds.moved(), budgets);
        let stalled = stalled.filter(|_| ours);
        let (health, reason) = judge(stalled, self.line.hearing(), pulse.has_catalog);
        Ok(Seen { stats, catalog, foreign, health, reason })
    }

    async fn read_catalog(&self, pulse: &mut Pulse) -> Option<Catalog> {
        let now = Instant::now();
        if now < pulse.catalog_due {
            return None;
        }
        match self.api.object_info().await {
            Ok(nodes) => {
                pulse.has_catalog = true;
                pulse.catalog_due = now + self.times.catalog;
                Some(catalog::catalog(nodes))
            }
            Err(error) => {
                tracing::warn!(engine = self.name, %error, "catalogue not read");
                pulse.catalog_due = now + backoff(self.times.backoff, 5);
                None
            }
        }
    }

    /// Prompts that we gave up while their server was out of reach must not paint for nobody.
    async fn stop_abandoned(&self, queue: &Queue, pulse: &mut Pulse) {
        for (watched_until, id) in self.feeds.abandoned() {
            let is_there = queue.ids().any(|other| *other == id);
            let is_gone = if is_there {
                self.stop_once(&id, &mut pulse.interrupted).await.unwrap_or(false)
            } else {
                watched_until <= Instant::now()
            };
            if is_gone {
                self.feeds.ended(&id, Instant::now());
            }
        }
    }

    /// Takes prompts and results out of the server's memory, where anybody could read them.
    async fn forget(&self, now: Option<Instant>) {
        let ids = self.feeds.forgettable(now);
        if ids.is_empty() {
            return;
        }
        if let Err(error) = self.api.forget(&ids).await {
            tracing::debug!(engine = self.name, %error, "history entries not deleted");
            let again = Instant::now() + self.times.forget;
            for id in &ids {
                self.feeds.ended(id, again);
            }
        }
    }

    /// Counts a failure; opens the breaker when there were too many.
    pub(super) fn failed(&self, error: &HttpError) {
        self.count_error(error.label());
        let mut breaker = self.breaker();
        let was_open = breaker.is_open();
        breaker.failed();
        if !breaker.is_open() {
            return;
        }
        drop(breaker);
        if !was_open {
            tracing::warn!(engine = self.name, %error, "engine is down");
        }
        self.status.send_modify(|status| {
            status.health = EngineHealth::Down;
            status.reason = Some(error.to_string());
            status.loaded.clear();
        });
    }

    /// Soon after a failure, ever later after more of them.
    fn until_next_probe(&self) -> Duration {
        match self.breaker().failures {
            0 => self.times.beat,
            failures => backoff(self.times.backoff, failures),
        }
    }
}

impl Seen {
    fn note(self, status: &mut Status) {
        if let Some(stats) = self.stats {
            catalog::describe(&stats, status);
        }
        if let Some(catalog) = self.catalog {
            status.catalog = Arc::new(catalog);
        }
        status.foreign = self.foreign;
        status.health = self.health;
        status.reason = self.reason.map(str::to_owned);
    }
}

fn judge(
    stalled: Option<&'static str>,
    hearing: Hearing,
    has_catalog: bool,
) -> (EngineHealth, Option<&'static str>) {
    match (stalled, hearing) {
        _ if !has_catalog => (EngineHealth::Starting, Some("its catalogue is not read yet")),
        (Some(why), _) => (EngineHealth::Stalled, Some(why)),
        (None, Hearing::Lost) => (EngineHealth::Degraded, Some("its socket is closed")),
        (None, Hearing::Deaf) => (EngineHealth::Degraded, Some("its socket is silent")),
        (None, Hearing::Untried | Hearing::Open) => (EngineHealth::Up, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(running: &[&str], pending: &[&str]) -> Queue {
        let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Queue { running: set(running), pending: set(pending) }
    }

    #[test]
    fn a_queue_that_stands_still_is_noticed() {
        let start = Instant::now();
        let mut stall = Stall::new(start);
        let budgets = (Duration::from_secs(30), Duration::from_mins(15));
        let mut check = |at: u64, queue: &Queue, moved: u64, expected: Option<&str>| {
            let now = start + Duration::from_secs(at);
            assert_eq!(stall.observe(now, queue, moved, budgets), expected, "at {at}");
        };
        let (idle, waiting) = (queue(&[], &[]), queue(&[], &["a", "b"]));
        check(100, &idle, 0, None);
        check(101, &waiting, 0, None);
        check(131, &waiting, 0, Some("prompts wait and none runs"));
        check(132, &queue(&["a"], &["b"]), 0, None);
        check(1000, &queue(&["a"], &["b"]), 1, None);
        check(1899, &queue(&["a"], &["b", "c"]), 1, None);
        check(1900, &queue(&["a"], &[]), 1, Some("its running prompt does not move"));
        check(1901, &queue(&["b"], &[]), 1, None);
        check(9000, &idle, 1, None);
        check(9001, &queue(&["b"], &[]), 1, None);
    }

    #[test]
    fn a_breaker_opens_after_its_limit_and_closes_at_once() {
        let mut breaker = Breaker::new(2);
        breaker.failed();
        assert!(!breaker.is_open());
        assert!(!breaker.succeeded());
        breaker.failed();
        breaker.failed();
        assert!(breaker.is_open());
        assert!(breaker.succeeded());
        assert!(!breaker.is_open());
    }

    #[test]
    fn health_says_why() {
        use EngineHealth::{Degraded, Stalled, Starting, Up};
        let check = |stalled, hearing, has_catalog, expected| {
            let (health, why) = judge(stalled, hearing, has_catalog);
            assert_eq!(health, expected);
            assert_eq!(why.is_some(), expected != Up);
        };
        check(None, Hearing::Open, false, Starting);
        check(None, Hearing::Open, true, Up);
        check(None, Hearing::Untried, true, Up);
        check(None, Hearing::Lost, true, Degraded);
        check(None, Hearing::Deaf, true, Degraded);
        check(Some("stuck"), Hearing::Deaf, true, Stalled);
    }
}
