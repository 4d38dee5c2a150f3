//! A ComfyUI that paints without a GPU: for the demo, for tests and for dry runs. It speaks the
//! HTTP and WebSocket protocol of ComfyUI 0.3.64 with wire types of its own, which it must never
//! share with the engine: a mistake on both sides would hide itself.
//!
//! ```text
//! http -> prompt -> graph, check -> queue -> worker, run -> perform -> paint
//!   \_ view, upload <-> files          socket <-/
//! ```
mod answer;
mod calendar;
mod catalogue;
mod check;
mod extras;
mod faults;
mod files;
mod graph;
mod http;
mod line;
mod log;
mod models;
mod nodes;
mod paint;
mod perform;
mod png;
mod prompt;
mod queue;
mod run;
mod sample;
mod socket;
#[cfg(test)]
mod tests;
mod upload;
mod values;
mod view;
mod worker;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

pub use faults::{Fault, Faults};
pub use log::Log;
pub use models::{Models, shipped};

/// How a simulator behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens.
    pub listen: IpAddr,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// What one sampler step takes.
    pub step_time: Duration,
    /// What loading a model takes when another one is in memory.
    pub load_time: Duration,
    /// The model files it pretends to have, by folder.
    pub models: Models,
    /// Refuses prompt ids that are no canonical UUIDs, as ComfyUI does from 0.25 on.
    pub strict_ids: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            step_time: Duration::ZERO,
            load_time: Duration::ZERO,
            models: shipped(),
            strict_ids: false,
        }
    }
}

/// A running simulator; dropping it ends it and all its connections.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    faults: Faults,
    log: Log,
    lines: line::Lines,
    server: Arc<Server>,
    tasks: [JoinHandle<()>; 2],
}

impl Simulator {
    /// Binds and serves until stopped or dropped. Errors: the port cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((options.listen, options.port)).await?;
        let address = listener.local_addr()?;
        let lines = line::Lines::default();
        let server = Arc::new(Server::new(options, address.port()));
        let app = http::router(server.clone()).into_make_service_with_connect_info::<line::Cut>();
        let door = line::Door { listener, lines: lines.clone() };
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(door, app).await {
                tracing::error!(%error, "simulator stopped serving");
            }
        });
        let working = tokio::spawn(worker::work(server.clone()));
        let (faults, log) = (server.faults.clone(), server.log.clone());
        tracing::info!(%address, "simulator listens");
        Ok(Self { address, faults, log, lines, server, tasks: [serving, working] })
    }

    /// The base address for clients, such as `http://127.0.0.1:8188`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handle that makes it misbehave.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// What was asked of it.
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Loses queue, history and sockets at once, as a killed and restarted process does.
    pub fn restart(&self) {
        self.server.restart();
    }

    /// Ends the worker, the server and every connection.
    pub async fn stop(mut self) {
        self.end();
        for task in &mut self.tasks {
            if let Err(error) = task.await
                && error.is_panic()
            {
                tracing::error!(%error, "simulator task panicked");
            }
        }
    }

    fn end(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.server.sockets.drop_all();
        self.lines.cut_all();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the routes and the worker share.
struct Server {
    options: Options,
    port: u16,
    faults: Faults,
    log: Log,
    queue: Mutex<queue::Queue>,
    /// There is something for the worker.
    wake: Notify,
    sockets: socket::Sockets,
    files: Mutex<files::Files>,
    /// The running prompt is to end.
    interrupt: watch::Sender<bool>,
    free: Mutex<Free>,
    /// Whose prompt runs, and at which node it is.
    running: Mutex<Option<(String, String)>>,
}

/// What `/free` asked for and the worker has not done yet.
#[derive(Debug, Default)]
struct Free {
    unload_models: bool,
    free_memory: bool,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Server {
    fn new(options: Options, port: u16) -> Self {
        let (faults, log) = (Faults::default(), Log::default());
        Self {
            options,
            port,
            sockets: socket::Sockets::new(faults.clone(), log.clone()),
            faults,
            log,
            queue: Mutex::default(),
            wake: Notify::new(),
            files: Mutex::default(),
            interrupt: watch::Sender::new(false),
            free: Mutex::default(),
            running: Mutex::default(),
        }
    }

    /// Tells every socket how much is left to do.
    fn status(&self) {
        let remaining = lock(&self.queue).remaining();
        let data = json!({"status": {"exec_info": {"queue_remaining": remaining}}});
        self.sockets.send(None, "status", &data);
    }

    /// A file as `LoadImage` names it.
    fn upload(&self, name: &str) -> Option<files::File> {
        lock(&self.files).get(&files::parse(name, "input")).cloned()
    }

    fn restart(&self) {
        lock(&self.queue).wipe();
        lock(&self.files).empty("temp");
        *lock(&self.running) = None;
        self.sockets.drop_all();
        self.interrupt.send_replace(true);
    }
}

/// The data behind a lock; a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time since 1970.
fn clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
