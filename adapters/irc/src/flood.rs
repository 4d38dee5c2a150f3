//! How fast we may speak: one bucket for the connection, one for each target.
//! Servers kill, and rooms ban, who is faster.
use crate::config::Flood;
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// A line of so many bytes costs as much as two short ones.
const LONG: usize = 256;
/// By how much a server that promises not to kill is trusted in rooms.
const RELAXED: u32 = 4;
/// Such a server holds lines back by itself, but its memory for them ends too.
const PACED: Duration = Duration::from_millis(500);

#[derive(Debug, Clone)]
struct Bucket {
    burst: u32,
    interval: Duration,
    /// When the bucket will be full again; each line moves it on.
    full_at: Instant,
}

impl Bucket {
    fn new(burst: u32, interval_ms: u64) -> Self {
        let interval = Duration::from_millis(interval_ms);
        Self { burst, interval, full_at: Instant::now() }
    }

    /// Earliest moment for a line of this cost.
    fn ready_at(&self, cost: u32) -> Instant {
        let slack = self.interval * self.burst.saturating_sub(cost);
        self.full_at.checked_sub(slack).unwrap_or(self.full_at)
    }

    fn take(&mut self, now: Instant, cost: u32) {
        self.full_at = self.full_at.max(now) + self.interval * cost;
    }
}

/// What a line of so many bytes costs; servers count them too.
pub(crate) fn cost(bytes: usize) -> u32 {
    u32::try_from(bytes / LONG).unwrap_or(u32::MAX).saturating_add(1)
}

pub(crate) struct Limits {
    config: Flood,
    /// The server paces us itself (`SAFERATE`).
    relaxed: bool,
    connection: Bucket,
    targets: HashMap<String, Bucket>,
}

impl Limits {
    pub(crate) fn new(config: &Flood) -> Self {
        Self {
            config: config.clone(),
            relaxed: false,
            connection: Bucket::new(config.burst, config.interval_ms),
            targets: HashMap::new(),
        }
    }

    /// Rooms need more care than the server: their channel modes ban whatever it promises.
    pub(crate) fn relax(&mut self, relaxed: bool) {
        self.relaxed = relaxed;
        let interval = Duration::from_millis(self.config.interval_ms);
        self.connection.interval = if relaxed { interval.min(PACED) } else { interval };
    }

    /// The earliest moment for lines that are nobody's business but the server's.
    pub(crate) fn control_at(&self) -> Instant {
        if self.config.enabled { self.connection.ready_at(1) } else { Instant::now() }
    }

    /// The earliest moment for a line to this target; `target` is folded.
    pub(crate) fn ready_at(&self, target: &str, cost: u32) -> Instant {
        if !self.config.enabled {
            return Instant::now();
        }
        let connection = self.connection.ready_at(cost);
        let target = self.targets.get(target).map(|bucket| bucket.ready_at(cost));
        target.map_or(connection, |target| target.max(connection))
    }

    /// The longer ago this target was spoken to, the smaller; for taking turns.
    pub(crate) fn spoken_to(&self, target: &str) -> Option<Instant> {
        let now = Instant::now();
        self.targets.get(target).map(|bucket| bucket.full_at).filter(|full_at| *full_at > now)
    }

    pub(crate) fn take_control(&mut self, cost: u32) {
        self.connection.take(Instant::now(), cost);
    }

    pub(crate) fn take(&mut self, target: &str, cost: u32) {
        let now = Instant::now();
        self.take_control(cost);
        self.targets.retain(|_, bucket| bucket.full_at > now);
        let (burst, mut interval) = (self.config.target_burst, self.config.target_interval_ms);
        if self.relaxed {
            interval /= u64::from(RELAXED);
        }
        let bucket = self.targets.entry(target.to_owned());
        bucket.or_insert_with(|| Bucket::new(burst, interval)).take(now, cost);
    }
}

#[cfg(test)]
mod tests;
