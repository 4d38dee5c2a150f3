//! The service as a test holds it: started on a store, stopped in order or killed.
use crate::{FakeEngine, Manner, Script, Scripted};
use inkwire::{
    app::{App, EngineSetup, Setup},
    engine::Engine,
    intake::{
        Policy,
        access::{Access, AccessRules, Whom},
        facts::Terms,
        limits::{Rate, Rates},
        presets::{Model, Presets},
    },
    queue::RunningCaps,
    store::{Retention, Store},
    workflow::Library,
};
use inkwire_core::Rules;
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

const HOUR: Duration = Duration::from_hours(1);

pub struct Bridge {
    stop: oneshot::Sender<()>,
    app: JoinHandle<anyhow::Result<()>>,
    _blobs: TempDir,
}

impl Bridge {
    /// Starts the service with one scripted adapter per name and one engine with two seats.
    ///
    /// # Panics
    /// If the service cannot be built.
    pub async fn start<const N: usize>(
        store: Arc<dyn Store>,
        engine: Arc<FakeEngine>,
        adapters: [(&str, Manner); N],
    ) -> (Self, [Script; N]) {
        let blobs = TempDir::new().expect("a folder for blobs");
        let engine: Arc<dyn Engine> = engine;
        let mut setup = setup(store, vec![engine], &blobs);
        let scripts = adapters.map(|(id, manner)| {
            let (adapter, script) = Scripted::new(id, manner);
            setup.adapters.push(Box::new(adapter));
            script
        });
        (Self::run(setup, blobs).await, scripts)
    }

    /// Starts what a test has put together itself; see `setup`.
    ///
    /// # Panics
    /// If the service cannot be built.
    pub async fn run(setup: Setup, blobs: TempDir) -> Self {
        let (stop, stopped) = oneshot::channel();
        let app = App::build(setup).await.expect("a service");
        let app = tokio::spawn(app.run(async move { drop(stopped.await) }));
        Self { stop, app, _blobs: blobs }
    }

    /// # Panics
    /// If the service did not end in order.
    pub async fn stop(self) {
        self.stop.send(()).ok();
        assert!(matches!(self.app.await, Ok(Ok(()))), "stopped in order");
    }

    /// # Panics
    /// If it had ended before.
    pub async fn kill(self) {
        self.app.abort();
        assert!(self.app.await.is_err(), "killed");
        settle().await;
    }
}

/// A service with everything generous, on which tests change what they are about: the shipped
/// workflows, one model called `sketch` and one called `sdxl`, and `op` as admin everywhere.
///
/// # Panics
/// If the shipped workflows do not parse.
pub fn setup(store: Arc<dyn Store>, engines: Vec<Arc<dyn Engine>>, blobs: &TempDir) -> Setup {
    let (library, problems) = Library::shipped();
    assert!(problems.is_empty(), "{problems:?}");
    Setup {
        store,
        engines: engines.into_iter().map(seats).collect(),
        adapters: vec![],
        library,
        policy: policy(),
        rates: rates(100_000),
        triggers: Rules { prefixes: vec!["!".into()], ..Rules::default() },
        blobs: blobs.path().to_owned(),
        public_url: Some("http://127.0.0.1:8080".into()),
        keep: 24 * HOUR,
        retention: Retention {
            recipes: 180 * 24 * HOUR,
            most_bytes: 1 << 30,
            seen: 30 * 24 * HOUR,
            unclaimed: HOUR,
        },
        running: RunningCaps { per_person: 100, per_room: 100, all: 100 },
        log_prompts: false,
        webp_quality: 80,
        grace: Duration::from_secs(8),
        sweep_every: HOUR,
        reload: None,
        until_answered: None,
    }
}

fn seats(engine: Arc<dyn Engine>) -> EngineSetup {
    EngineSetup { engine, seats: 2, idle_unload: None }
}

pub fn rates(per_minute: u32) -> Rates {
    let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
    let each = Rate { per_minute, burst: per_minute };
    Rates { person: each, room: each, everybody: each }
}

/// # Panics
/// Never: the rules are constants.
pub fn policy() -> Policy {
    let admins = vec![Whom { adapter: None, id: "op".into() }];
    let rules = AccessRules { admins, ..AccessRules::default() };
    let mut terms = Terms::default();
    terms.caps.waiting_per_person = 100_000;
    terms.caps.waiting_per_room = 100_000;
    terms.caps.waiting = 100_000;
    Policy { presets: presets(), access: Access::build(rules).expect("constant"), terms }
}

fn presets() -> Presets {
    let model = |workflow: &str, checkpoint: &str| Model {
        workflow: workflow.into(),
        checkpoint: checkpoint.into(),
        ..Model::default()
    };
    let mut presets = Presets::default();
    presets.models.insert("sketch".into(), model("sketch", ""));
    presets.models.insert("sdxl".into(), model("sdxl", "sd_xl_base_1.0.safetensors"));
    presets.defaults.model = Some("sketch".into());
    presets
}

/// Lets everything run that can; the clock is paused in tests.
pub async fn settle() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}
