//! How fast we may speak: one bucket for the connection, one for each target.
//! Servers kill, and rooms ban, who is faster.
use crate::config::Flood;
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

#[derive(Debug, Clone)]
struct Bucket {
    burst: u32,
    interval: Duration,
    /// When the bucket will be full again; each line moves it on by one interval.
    full_at: Instant,
}

impl Bucket {
    fn new(burst: u32, interval_ms: u64) -> Self {
        let interval = Duration::from_millis(interval_ms);
        Self { burst, interval, full_at: Instant::now() }
    }

    fn ready_at(&self) -> Instant {
        let slack = self.interval * self.burst.saturating_sub(1);
        self.full_at.checked_sub(slack).unwrap_or(self.full_at)
    }

    fn take(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now) + self.interval;
    }
}

pub(crate) struct Limits {
    config: Flood,
    connection: Bucket,
    targets: HashMap<String, Bucket>,
}

impl Limits {
    pub(crate) fn new(config: &Flood) -> Self {
        Self {
            config: config.clone(),
            connection: Bucket::new(config.burst, config.interval_ms),
            targets: HashMap::new(),
        }
    }

    /// The earliest moment for a line to this target; `target` is folded.
    pub(crate) fn ready_at(&self, target: &str) -> Instant {
        if !self.config.enabled {
            return Instant::now();
        }
        let connection = self.connection.ready_at();
        self.targets.get(target).map_or(connection, |bucket| bucket.ready_at().max(connection))
    }

    pub(crate) fn take(&mut self, target: &str) {
        let now = Instant::now();
        self.targets.retain(|_, bucket| bucket.full_at > now);
        self.connection.take(now);
        let (burst, interval) = (self.config.target_burst, self.config.target_interval_ms);
        let bucket = self.targets.entry(target.to_owned());
        bucket.or_insert_with(|| Bucket::new(burst, interval)).take(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole seconds at which each of these lines may go.
    async fn check(config: Flood, targets: &[&str], expected: &[u64]) {
        let (start, mut limits) = (Instant::now(), Limits::new(&config));
        let mut times = vec![];
        for target in targets {
            tokio::time::sleep_until(limits.ready_at(target)).await;
            limits.take(target);
            times.push(start.elapsed().as_secs());
        }
        assert_eq!(times, expected, "{targets:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_then_one_an_interval() {
        check(Flood::default(), &["a", "b", "c", "d", "e", "f"], &[0, 0, 0, 0, 2, 4]).await;
        check(Flood::default(), &["a", "a", "a", "b", "a"], &[0, 0, 2, 2, 4]).await;
        check(Flood::off(), &["a"; 8], &[0; 8]).await;
    }
}
