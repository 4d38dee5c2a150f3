//! Keeps one adapter connected: runs it again after an error or a panic, later and later.
//! It never gives up: what the adapter owes stays due in the store meanwhile.
use futures_util::FutureExt;
use inkwire_core::{Adapter, Health, Link};
use rand::Rng;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::time::Instant;

const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_mins(5);
const LEAST_WAIT: Duration = Duration::from_millis(500);
/// However often an adapter is sent away for longer.
const LONGEST_AWAY: Duration = Duration::from_hours(2);
/// A connection that lasted this long starts the waits anew.
const SETTLED: Duration = Duration::from_mins(5);

pub(super) async fn keep_running(adapter: Box<dyn Adapter>, mut link: Link) {
    let mut backoff = Backoff::default();
    loop {
        let began = Instant::now();
        let ended = AssertUnwindSafe(adapter.run(&mut link)).catch_unwind().await;
        let (why, asked) = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => (error.to_string(), error.retry_in()),
            Err(_) => ("it panicked".to_owned(), None),
        };
        if link.token.is_cancelled() {
            return;
        }
        let pause = backoff.next(began.elapsed(), asked, rand::rng().random());
        let adapter_id = adapter.id();
        tracing::warn!(error = why, adapter = %adapter_id, wait_secs = pause.as_secs(), "adapter disconnected");
        metrics::counter!("inkwire_adapter_reconnects_total", "adapter" => adapter_id.0.clone())
            .increment(1);
        link.health.set(Health::Down(why));
        tokio::select! {
            () = link.token.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// How often in a row it went wrong.
#[derive(Default)]
struct Backoff {
    failed: u32,
    sent_away: u32,
}

impl Backoff {
    /// The wait before the next connection, after one that lasted as long as this and may have
    /// asked for a longer wait. `luck`, from 0 to 1, spreads it: many services that lost the same
    /// server do not come back at once.
    fn next(&mut self, lasted: Duration, asked: Option<Duration>, luck: f64) -> Duration {
        if lasted >= SETTLED {
            *self = Self::default();
        }
        let spread = doubled(FIRST_WAIT, self.failed, LONGEST_WAIT).mul_f64(luck);
        self.failed += 1;
        let Some(least) = asked else { return spread.max(LEAST_WAIT) };
        let away = doubled(least, self.sent_away, LONGEST_AWAY.max(least));
        self.sent_away += 1;
        away + spread
    }
}

fn doubled(wait: Duration, times: u32, longest: Duration) -> Duration {
    wait.saturating_mul(2_u32.saturating_pow(times)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Duration = Duration::ZERO;

    /// Seconds of the waits, with this luck.
    fn check(failures: &[(Duration, Option<u64>)], luck: f64, expected: &[f64]) {
        let mut backoff = Backoff::default();
        let waits = failures.iter().map(|(lasted, asked)| {
            backoff.next(*lasted, asked.map(Duration::from_secs), luck).as_secs_f64()
        });
        assert_eq!(waits.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn waits_double_up_to_five_minutes_and_are_spread_down_to_nothing() {
        let failures = [(NONE, None); 9];
        check(&failures, 1.0, &[2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0]);
        check(&failures, 0.5, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 150.0]);
        check(&failures[..3], 0.0, &[0.5, 0.5, 0.5]);
        check(&[(NONE, None); 70], 0.0, &[0.5; 70]);
    }

    #[test]
    fn a_connection_that_lasted_starts_anew() {
        let lasted = |secs, asked| (Duration::from_secs(secs), asked);
        check(&[lasted(0, None), lasted(299, None), lasted(300, None)], 1.0, &[2.0, 4.0, 2.0]);
        let away = [lasted(0, Some(900)), lasted(1, Some(900)), lasted(300, Some(900))];
        check(&away, 0.0, &[900.0, 1800.0, 900.0]);
    }

    #[test]
    fn who_is_sent_away_stays_away_for_longer_each_time() {
        check(&[(NONE, Some(90)); 3], 1.0, &[92.0, 184.0, 368.0]);
        check(&[(NONE, Some(900)); 5], 0.0, &[900.0, 1800.0, 3600.0, 7200.0, 7200.0]);
        check(&[(NONE, Some(9000)); 2], 0.0, &[9000.0, 9000.0]);
    }
}
