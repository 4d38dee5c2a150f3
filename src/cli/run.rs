//! `inkwire run`: the service on its configuration, until a signal ends it.
use super::{Failed, assemble, reload, socket, source::Sight};
use crate::{
    app::{App, Watch},
    config::{self, Config, Environment, load},
    store::sqlite::{OpenError, Options, SqliteStore},
    telemetry::{self, logging, metrics},
};
use inkwire_core::{Tasks, Time};
use std::{
    io,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

pub(super) const DATABASE: &str = "inkwire.db";
/// How long the listeners may take to end.
const LISTENERS: Duration = Duration::from_secs(2);

pub(super) async fn run(file: &Path) -> Result<ExitCode, Failed> {
    let config = read(file)?;
    start_logging(&config)?;
    let store = open_store(&config.state_dir)?;
    let up_since = now();
    let mut setup = assemble::setup(&config, store.clone(), up_since)?;
    setup.adapters = assemble::adapters(&config)?;
    setup.reload = Some(reload::reload(file.to_owned(), &config, up_since));
    let app = App::build(setup).await?;
    let beside = Beside::start(&config, app.watch(), store.clone()).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "inkwire runs");
    let ended = app.run(interrupted()).await;
    beside.end().await;
    store.close().await?;
    tracing::info!("inkwire stopped");
    ended?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn read(file: &Path) -> Result<Config, Failed> {
    let described = |error: config::ConfigError| {
        Failed::Config(error.problems.iter().map(ToString::to_string).collect())
    };
    load(Some(file), &Environment::of_process()).map_err(described)
}

pub(super) fn open_store(state_dir: &Path) -> Result<Arc<SqliteStore>, Failed> {
    let opened = SqliteStore::open(&state_dir.join(DATABASE), &Options::default());
    Ok(Arc::new(opened.map_err(|error: OpenError| anyhow::anyhow!(error))?))
}

/// SIGINT or SIGTERM. A second one ends the process at once, as an impatient operator wants.
pub(super) async fn interrupted() {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        tracing::error!("no signal handlers: stop with SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::warn!("second signal: stopping at once");
        std::process::exit(1);
    });
}

/// The one look at the wall clock here; the service counts on from its own.
pub(super) fn now() -> Time {
    SystemTime::UNIX_EPOCH.elapsed().map_or(Time::default(), |since| Time::default().after(since))
}

fn start_logging(config: &Config) -> Result<(), Failed> {
    let format = match config.log.format {
        config::Format::Auto => logging::Format::Auto,
        config::Format::Pretty => logging::Format::Pretty,
        config::Format::Json => logging::Format::Json,
    };
    Ok(logging::start(&format!("{:?}", config.log.level).to_lowercase(), format)?)
}

/// The listeners for operators, and SIGHUP.
struct Beside {
    tasks: Tasks,
    stop: CancellationToken,
}

impl Beside {
    async fn start(config: &Config, watch: Watch, store: Arc<SqliteStore>) -> Result<Self, Failed> {
        let (tasks, stop) = (Tasks::default(), CancellationToken::new());
        let listen = config.telemetry.listen;
        let listener = TcpListener::bind(listen).await.map_err(|error| taken(listen, &error))?;
        let sight = Arc::new(Sight::new(watch.clone()));
        let (handle, ended) = (metrics::start()?, stop.clone().cancelled_owned());
        let state_dir = config.state_dir.clone();
        tasks.spawn("telemetry".into(), async move {
            if let Err(error) = telemetry::serve(listener, sight, handle, state_dir, ended).await {
                tracing::error!(%error, "telemetry ended");
            }
        });
        let socket = socket::Server::bind(&config.state_dir, watch.clone(), store)?;
        tasks.spawn("admin socket".into(), socket.serve(stop.clone()));
        tasks.spawn("reload".into(), reload_on_hangup(watch, stop.clone()));
        Ok(Self { tasks, stop })
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.finish(LISTENERS).await;
    }
}

async fn reload_on_hangup(watch: Watch, stop: CancellationToken) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = hangup.recv() => drop(watch.desk.reload()),
        }
    }
}

fn taken(address: std::net::SocketAddr, error: &io::Error) -> anyhow::Error {
    anyhow::anyhow!(
        "cannot listen on {address}: {error}; stop what uses it or set `telemetry.listen`"
    )
}
