//! Keeps one adapter connected: runs it again after an error or a panic, later and later.
//! It never gives up: what the adapter owes stays due in the store meanwhile.
use futures_util::FutureExt;
use inkwire_core::{Adapter, Health, Link};
use rand::Rng;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::time::Instant;

const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// A connection that lasted this long starts the waits anew.
const SETTLED: Duration = Duration::from_mins(5);

pub(super) async fn keep_running(adapter: Box<dyn Adapter>, mut link: Link) {
    let mut wait = FIRST_WAIT;
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
        if began.elapsed() >= SETTLED {
            wait = FIRST_WAIT;
        }
        let pause = asked.map_or(jitter(wait), |least| least + jitter(wait));
        let adapter_id = adapter.id();
        tracing::warn!(error = why, adapter = %adapter_id, wait_secs = pause.as_secs(), "adapter disconnected");
        metrics::counter!("inkwire_adapter_reconnects_total", "adapter" => adapter_id.0.clone())
            .increment(1);
        link.health.set(Health::Down(why));
        tokio::select! {
            () = link.token.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Many services that lost the same server do not come back at once.
fn jitter(wait: Duration) -> Duration {
    wait.mul_f64(rand::rng().random_range(0.5..1.0))
}
