//! Every metric by name: the public contract behind `/metrics` and docs/telemetry.md.
//! Stages count through the `metrics` facade; labels never hold people, rooms or prompts.
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::{fmt::Write as _, sync::OnceLock};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    /// Separated by commas; empty for none.
    pub labels: &'static str,
    pub help: &'static str,
}

const fn row(name: &'static str, kind: Kind, labels: &'static str, help: &'static str) -> Metric {
    Metric { name, kind, labels, help }
}

use Kind::{Counter, Gauge, Histogram};

pub const METRICS: &[Metric] = &[
    row("inkwire_adapter_reconnects_total", Counter, "adapter", "runs of an adapter that ended"),
    row("inkwire_adapter_up", Gauge, "adapter", "1 while connected"),
    row("inkwire_batches_refused_total", Counter, "", "batches of requests not stored"),
    row("inkwire_blob_bytes", Gauge, "", "pictures on disk"),
    row("inkwire_build_info", Gauge, "version", "always 1"),
    row("inkwire_config_reloads_total", Counter, "result", "configurations read again"),
    row("inkwire_deliveries_total", Counter, "adapter, result", "answers handed to an adapter"),
    row("inkwire_disk_free_bytes", Gauge, "", "room left where the state lies"),
    row("inkwire_engine_errors_total", Counter, "engine, class", "errors of an engine"),
    row("inkwire_engine_health", Gauge, "engine, health", "1 for the health an engine has"),
    row("inkwire_engine_memory_bytes", Gauge, "engine, kind", "video and main memory of an engine"),
    row("inkwire_engine_memory_free_bytes", Gauge, "engine, kind", "of that, free"),
    row(
        "inkwire_engine_polled_completions_total",
        Counter,
        "engine",
        "ends that its socket did not tell",
    ),
    row("inkwire_engine_reconnects_total", Counter, "engine", "sockets that were lost"),
    row("inkwire_engine_running", Gauge, "engine", "our prompts in an engine"),
    row("inkwire_engine_up", Gauge, "engine", "1 while an engine takes work"),
    row("inkwire_http_requests_total", Counter, "route, status", "calls of the link server"),
    row("inkwire_irc_lag_seconds", Gauge, "adapter", "how long a server takes to answer"),
    row("inkwire_irc_lines_total", Counter, "direction", "lines read and written"),
    row("inkwire_irc_muted_total", Counter, "reason", "people who are not heard for a while"),
    row("inkwire_irc_overlong_total", Counter, "", "lines too long to be read"),
    row("inkwire_irc_reconnects_total", Counter, "", "connections tried again"),
    row("inkwire_irc_refused_total", Counter, "", "lines that a server did not take"),
    row("inkwire_irc_replays_total", Counter, "", "lines left out as said before"),
    row("inkwire_irc_requests_dropped_total", Counter, "", "requests beyond those that may wait"),
    row("inkwire_irc_stale_total", Counter, "", "news of jobs that came too late to be said"),
    row("inkwire_irc_unparsed_total", Counter, "", "lines that make no sense"),
    row("inkwire_job_seconds", Histogram, "", "from request to the last picture"),
    row("inkwire_jobs_running", Gauge, "", "jobs of which a part runs"),
    row("inkwire_jobs_total", Counter, "state", "jobs that were accepted or ended, by state"),
    row("inkwire_jobs_waiting", Gauge, "", "jobs of which no part runs"),
    row("inkwire_messages_limited_total", Counter, "scope", "messages over a rate limit"),
    row("inkwire_open_files", Gauge, "", "file descriptors of the process"),
    row("inkwire_outbox_due", Gauge, "adapter", "answers not yet sent"),
    row("inkwire_paused", Gauge, "", "1 while the queue is paused"),
    row("inkwire_pictures_total", Counter, "result", "pictures of engines, by what became of them"),
    row("inkwire_resident_bytes", Gauge, "", "main memory of the process"),
    row("inkwire_retries_total", Counter, "", "parts given back to run again"),
    row("inkwire_store_commit_seconds", Histogram, "", "what a transaction took"),
    row("inkwire_store_commits_total", Counter, "", "transactions of the store"),
    row("inkwire_store_fsyncs_total", Counter, "", "of those, forced to disk"),
    row("inkwire_wait_seconds", Histogram, "", "from request to the first part in an engine"),
];

/// In seconds.
const BUCKETS: [f64; 12] =
    [0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts counting for the whole process, once.
pub fn start() -> Result<PrometheusHandle, BuildError> {
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let buckets = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(buckets, &BUCKETS)?;
    let handle = builder.install_recorder()?;
    for metric in METRICS {
        match metric.kind {
            Counter => metrics::describe_counter!(metric.name, metric.help),
            Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
    metrics::gauge!("inkwire_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(RECORDER.get_or_init(|| handle).clone())
}

const INTRODUCTION: &str = "\
# Telemetry

`telemetry.listen` in the configuration is a loopback address and answers `GET` without a login:

| Path | Answer |
|---|---|
| `/livez` | 200 while the store answers, else 503: a restart may help. |
| `/readyz`, `/healthz` | 200 while the store and at least one engine and one adapter work, else 503; JSON with the state of each. |
| `/metrics` | The table below, in the text format of Prometheus. |

No label holds a person, a room or a prompt. This page is made from the table in
`src/telemetry/metrics.rs`; a test keeps page, table and code alike.

| Metric | Kind | Labels | What it says |
|---|---|---|---|
";

/// The page docs/telemetry.md.
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for Metric { name, kind, labels, help } in METRICS {
        let kind = format!("{kind:?}").to_lowercase();
        // invariant: writing to a String cannot fail.
        let _written = writeln!(page, "| `{name}` | {kind} | {labels} | {help} |");
    }
    page
}

/// Gauges are decimals; up to 4 TiB this is exact to the kibibyte.
pub fn bytes(count: u64) -> f64 {
    f64::from(u32::try_from(count >> 10).unwrap_or(u32::MAX)) * 1024.0
}

pub fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
