//! A `ComfyUI` server as an engine. Truth is asked of its `/history` and `/queue`; its socket only says
//! when to look. It never touches other people's prompts.
//!
//! ```text
//! render: submit -> follow (feeds <- socket, else the clock) -> reconcile -> fetch
//! run:    socket (frames -> feeds)  and  health (probes -> status, tidies up)
//! ```
mod cancel;
mod catalog;
mod config;
mod errors;
mod events;
mod feeds;
mod fetch;
mod follow;
mod health;
mod history;
mod http;
mod lenient;
mod progress;
mod reconcile;
mod socket;
mod submit;
#[cfg(test)]
mod tests;
mod tls;

pub use config::{ComfyConfig, ConfigError, Limits, Times};

use self::{
    fetch::picture_kind,
    follow::{Follower, Origin},
    health::Breaker,
};
use super::{Engine, EngineError, EngineEvent, EventSink, Output, Status, Task};
use async_trait::async_trait;
use inkwire_core::EngineHealth;
use rand::Rng;
use reqwest::header::HeaderMap;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Model files that are remembered as loaded.
const MOST_LOADED: usize = 8;
/// Before an unknown prompt is given up: its POST may have been on the way when we stopped.
const SECOND_LOOK: Duration = Duration::from_millis(500);

pub struct ComfyUi {
    name: String,
    api: http::Api,
    headers: HeaderMap,
    tls: Arc<rustls::ClientConfig>,
    previews: bool,
    times: Times,
    limits: Limits,
    feeds: feeds::Feeds,
    line: socket::Line,
    status: watch::Sender<Status>,
    breaker: Mutex<Breaker>,
    refresh: Notify,
}

impl ComfyUi {
    pub fn new(config: ComfyConfig) -> Result<Self, ConfigError> {
        let tls = tls::client_config(&config)?;
        Ok(Self {
            api: http::Api::new(&config, tls.clone())?,
            headers: config.header_map()?,
            tls: Arc::new(tls),
            feeds: feeds::Feeds::default(),
            line: socket::Line::default(),
            status: watch::Sender::default(),
            breaker: Mutex::new(Breaker::new(config.limits.failures)),
            refresh: Notify::new(),
            name: config.name,
            previews: config.previews,
            times: config.times,
            limits: config.limits,
        })
    }

    /// One look at the server, with or without `run`: its version, memory and catalogue.
    pub async fn inspect(&self) -> Result<Status, EngineError> {
        let mut status = Status { health: EngineHealth::Up, ..Status::default() };
        catalog::describe(&self.api.system_stats().await?, &mut status);
        status.catalog = Arc::new(catalog::catalog(self.api.object_info().await?));
        Ok(status)
    }

    /// Probes the server now and reads its catalogue again.
    pub fn refresh(&self) {
        self.refresh.notify_one();
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn submit_and_follow(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: &CancellationToken,
    ) -> Result<Vec<Output>, EngineError> {
        if self.breaker().is_open() {
            return Err(EngineError::Unavailable("it is down".into()));
        }
        let intended = match task.attempt.native.clone() {
            Some(id) => id,
            None => announced(events).await,
        };
        let mut feed = self.feeds.follow(&intended, &task.graph);
        let heard = self.line.heard();
        let client = self.line.client().unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        let id = self.submit(&intended, &client, task, cancel).await?;
        if id != intended {
            feed = self.feeds.follow(&id, &task.graph);
        }
        events.event(EngineEvent::Submitted(id.clone())).await;
        let origin = Origin::Ours { client, heard };
        Follower { engine: self, id: &id, feed, events, cancel, origin }.outputs().await
    }

    async fn attach(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: &CancellationToken,
    ) -> Result<Vec<Output>, EngineError> {
        let id = task.attempt.native.as_deref().ok_or(EngineError::Lost)?;
        let feed = self.feeds.follow(id, &task.graph);
        if let Ok(reconcile::Place::Absent) = self.locate(id).await {
            cancel.run_until_cancelled(sleep(SECOND_LOOK)).await;
        }
        let origin = Origin::Earlier;
        Follower { engine: self, id, feed, events, cancel, origin }.outputs().await
    }

    /// Keeps count of errors and of what the server has in memory.
    fn settle(&self, task: &Task, ended: &Result<Vec<Output>, EngineError>) {
        match ended {
            Ok(_) => self.status.send_modify(|status| remember(status, &task.render.checkpoint)),
            Err(EngineError::Cancelled) => {}
            Err(error) => {
                self.count_error(label(error));
                match error {
                    // Most likely it was restarted.
                    EngineError::Lost => self.status.send_modify(|status| status.loaded.clear()),
                    // Perhaps it has lost a model since its catalogue was read.
                    EngineError::Invalid(_) => self.refresh(),
                    _ => {}
                }
            }
        }
    }

    fn count_error(&self, class: &'static str) {
        let engine = self.name.clone();
        metrics::counter!("inkwire_engine_errors_total", "engine" => engine, "class" => class)
            .increment(1);
    }
}

#[async_trait]
impl Engine for ComfyUi {
    fn id(&self) -> &str {
        &self.name
    }

    fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Stop it after the last render was kept: in its end it wipes their history.
    async fn run(&self, token: CancellationToken) {
        tokio::join!(socket::keep(self, &token), health::watch(self, &token));
    }

    async fn render(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: CancellationToken,
    ) -> Result<Vec<Output>, EngineError> {
        let ended = self.submit_and_follow(task, events, &cancel).await;
        self.settle(task, &ended);
        ended
    }

    async fn resume(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: CancellationToken,
    ) -> Result<Vec<Output>, EngineError> {
        let ended = self.attach(task, events, &cancel).await;
        self.settle(task, &ended);
        ended
    }

    async fn unload(&self) -> Result<(), EngineError> {
        self.api.free().await?;
        self.status.send_modify(|status| status.loaded.clear());
        Ok(())
    }
}

fn label(error: &EngineError) -> &'static str {
    match error {
        EngineError::Invalid(_) => "invalid",
        EngineError::OutOfMemory => "out_of_memory",
        EngineError::Node { .. } => "node",
        EngineError::Unavailable(_) => "unavailable",
        EngineError::Stalled => "stalled",
        EngineError::Lost => "lost",
        EngineError::Interrupted => "interrupted",
        EngineError::Cancelled => "cancelled",
        EngineError::TimedOut => "timed_out",
        EngineError::Empty => "empty",
        EngineError::BadOutput(_) => "bad_output",
    }
}

fn remember(status: &mut Status, file: &str) {
    status.loaded.retain(|other| other != file);
    if !file.is_empty() {
        status.loaded.push(file.to_owned());
    }
    let surplus = status.loaded.len().saturating_sub(MOST_LOADED);
    status.loaded.drain(..surplus);
}

/// An id of our own for a task that has none, durable before it is used.
async fn announced(events: &dyn EventSink) -> String {
    let id = Uuid::new_v4().to_string();
    events.event(EngineEvent::Submitted(id.clone())).await;
    id
}

/// Doubles with each failure, from the first bound to the second; half of it is chance, so that
/// several of us do not knock at once.
fn backoff((least, most): (Duration, Duration), failures: u32) -> Duration {
    let doubled = least.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
    doubled.min(most).mul_f64(rand::rng().random_range(0.5..=1.0))
}
