//! The service as it runs for people: the whole ring, the SQLite store on a real disk, the real
//! ComfyUI client with one seat. Only the adapter is a script.
use crate::engine::Engine;
use anyhow::Context;
use inkwire::{
    app::{App, EngineSetup},
    engine::{
        Engine as _,
        comfyui::{ComfyConfig, ComfyUi},
    },
    store::{
        Store,
        sqlite::{Options, SqliteStore},
    },
};
use inkwire_core::{Adapter, EngineHealth};
use inkwire_testkit::setup;
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

const READY_WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Service {
    pub(crate) store: Arc<SqliteStore>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
    _state: TempDir,
}

impl Service {
    /// Returns once its engine is up.
    pub(crate) async fn start(
        engine: &Engine,
        dir: &Path,
        adapter: impl Adapter + 'static,
    ) -> anyhow::Result<Self> {
        let state = TempDir::new_in(dir)?;
        let database = state.path().join("inkwire.db");
        let store = Arc::new(SqliteStore::open(&database, &Options::default())?);
        let url = format!("http://{}", engine.address);
        let comfy = Arc::new(ComfyUi::new(ComfyConfig { url, ..ComfyConfig::default() })?);
        let mut status = comfy.status();
        let mut setup = setup(store.clone(), vec![], &state);
        setup.engines = vec![EngineSetup { engine: comfy, seats: 1, idle_unload: None }];
        setup.adapters = vec![Box::new(adapter)];
        let app = App::build(setup).await?;
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run(async move { drop(stopped.await) }));
        let up = status.wait_for(|status| status.health == EngineHealth::Up);
        timeout(READY_WITHIN, up).await.context("the engine is not up")??;
        Ok(Self { store, stop, running, _state: state })
    }

    pub(crate) async fn fsyncs(&self) -> anyhow::Result<u64> {
        Ok(self.store.stats().await?.fsyncs)
    }

    /// Commits so far, and those of them that were forced to disk.
    pub(crate) async fn store_counts(&self) -> anyhow::Result<(f64, f64)> {
        let stats = self.store.stats().await?;
        let number = |count: u64| u32::try_from(count).map(f64::from);
        Ok((number(stats.commits)?, number(stats.fsyncs)?))
    }

    pub(crate) async fn end(self) -> anyhow::Result<()> {
        // It may have ended by itself, which the join tells.
        self.stop.send(()).ok();
        self.running.await??;
        Ok(self.store.close().await?)
    }
}
