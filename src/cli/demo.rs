//! `inkwire demo`: the whole service with nothing configured. A console to type into, a link
//! server, and a ComfyUI: the one on this machine if there is one, else the simulator.
//! With piped input it answers every line, waits for its jobs and ends.
use super::{
    Failed, assemble,
    painter::Painter,
    print::say,
    run::{interrupted, now, open_store},
};
use crate::{
    app::{App, Setup},
    config::{Config, Environment, load},
    engine::Status,
    telemetry::logging,
    workflow::offers,
};
use anyhow::Context;
use std::{
    fs,
    io::{self, IsTerminal},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A ComfyUI to use; by default the one on port 8188 of this machine, else a simulated one.
    #[arg(long, value_name = "URL")]
    engine: Option<String>,
    /// Port of the link server; by default any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How much to log.
    #[arg(long, default_value = "error")]
    log: String,
}

pub(super) async fn demo(options: Options) -> Result<ExitCode, Failed> {
    logging::start(&options.log, logging::Format::Auto)?;
    let home = Home::make()?;
    let painter = Painter::find(options.engine).await?;
    let mut config = configure(&home, &painter.url, options.port)?;
    choose_model(&mut config, &painter.status)?;
    say(&greeting(&painter, &config));
    let store = open_store(&config.state_dir)?;
    let setup = Setup {
        adapters: assemble::adapters(&config)?,
        until_answered: (!io::stdin().is_terminal()).then(|| "console".into()),
        ..assemble::setup(&config, store.clone(), now())?
    };
    App::build(setup).await?.run(left()).await?;
    store.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// A signal, or the terminal is closed: what the demo made goes with it.
async fn left() {
    let Ok(mut closed) = signal(SignalKind::hangup()) else { return interrupted().await };
    tokio::select! {
        () = interrupted() => {}
        _ = closed.recv() => {}
    }
}

/// Where the demo keeps its state while it runs.
struct Home(PathBuf);

impl Home {
    fn make() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("inkwire-demo-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn greeting(painter: &Painter, config: &Config) -> String {
    let (who, model) = (&painter.introduction, &config.models.defaults.model);
    format!(
        "inkwire demo. {who}\nThe model is {model}. Try:  !imagine a red fox --count 2   or  !help   (Ctrl-D ends)"
    )
}

fn configure(home: &Home, engine: &str, port: u16) -> anyhow::Result<Config> {
    let mut config = load(None, &Environment::default())?;
    let port = if port == 0 { free_port()? } else { port };
    config.state_dir.clone_from(&home.0);
    config.console = true;
    // Whoever tries it out is alone, and may hand in a whole file of lines.
    config.limits.per_user = config.limits.everybody;
    config.media.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    config.media.public_url = Some(format!("http://{}/", config.media.listen).parse()?);
    let first = config.engines.first_mut().context("the defaults name an engine")?;
    first.url = engine.parse().with_context(|| format!("{engine} is no address"))?;
    Ok(config)
}

/// The link server must be named in links before it listens.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The configured default if the engine has it, else the first model that it has.
fn choose_model(config: &mut Config, status: &Status) -> Result<(), Failed> {
    let library = assemble::library(config)?;
    let has = |name: &String| {
        let Some(model) = config.models.models.get(name) else { return false };
        let workflow = library.get(&model.workflow);
        workflow.is_some_and(|it| offers(it, &model.checkpoint, &status.catalog.nodes))
    };
    let default = config.models.defaults.model.clone();
    let mut candidates = std::iter::once(&default).chain(config.models.models.keys());
    let chosen = candidates.find(|name| has(name)).cloned();
    config.models.defaults.model =
        chosen.context("this ComfyUI has none of the shipped models, nor the stock nodes")?;
    Ok(())
}
