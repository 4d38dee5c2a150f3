//! The service with the real engine client, on simulators: what a test opens, speaks to, closes.
use crate::engine_suite::{STUCK, hurried};
use inkwire::{
    app::{EngineSetup, Setup},
    engine::{
        Engine,
        comfyui::{ComfyConfig, ComfyUi},
    },
    simulator::{Log, Options, Simulator},
    store::Store,
};
use inkwire_core::{Admitted, EngineHealth, Outcome, Parcel};
use inkwire_testkit::{Bridge, Manner, Script, Scripted, setup};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::time::timeout;

pub(crate) struct House {
    pub(crate) bridge: Bridge,
    pub(crate) script: Script,
    pub(crate) store: Arc<dyn Store>,
    lines: usize,
}

pub(crate) async fn simulator() -> Simulator {
    Simulator::start(Options::default()).await.expect("a port")
}

/// The real client, in a hurry, with the one seat that it has in the service.
pub(crate) fn comfy(name: &str, url: &str) -> EngineSetup {
    let config = ComfyConfig { name: name.into(), ..hurried(url) };
    EngineSetup {
        engine: Arc::new(ComfyUi::new(config).expect("a valid configuration")),
        seats: 1,
        idle_unload: None,
    }
}

impl House {
    /// Opens it and waits for its engines to be up.
    pub(crate) async fn open(engines: Vec<EngineSetup>, change: impl FnOnce(&mut Setup)) -> Self {
        let ports: Vec<_> = engines.iter().map(|it| it.engine.clone()).collect();
        let house = Self::at_once(super::store(), engines, change).await;
        for engine in ports {
            up(engine.as_ref()).await;
        }
        house
    }

    /// Without waiting for any engine.
    pub(crate) async fn at_once(
        store: Arc<dyn Store>,
        engines: Vec<EngineSetup>,
        change: impl FnOnce(&mut Setup),
    ) -> Self {
        let blobs = TempDir::new().expect("a folder");
        let mut setup = setup(store.clone(), vec![], &blobs);
        setup.engines = engines;
        change(&mut setup);
        let (adapter, script) = Scripted::new("irc", Manner::Polite);
        setup.adapters.push(Box::new(adapter));
        Self { bridge: Bridge::run(setup, blobs).await, script, store, lines: 0 }
    }

    pub(crate) async fn ask(&mut self, nick: &str, text: &str) -> Admitted {
        self.lines += 1;
        let key = format!("e{}", self.lines);
        let said = self.script.say(&key, nick, text);
        timeout(STUCK, said).await.expect("it is committed").expect("it is taken").remove(0)
    }

    /// The next last word on a job.
    pub(crate) async fn ending(&mut self) -> Parcel {
        timeout(STUCK, self.script.ending()).await.expect("in time").expect("an ending")
    }

    /// Asks and waits for how it ends.
    pub(crate) async fn paint(&mut self, text: &str) -> Outcome {
        let asked = self.ask("ann", text).await;
        let end = self.ending().await.delivery;
        assert_eq!(
            (end.job.as_ref(), true),
            (asked.job.as_ref(), asked.job.is_some()),
            "{asked:?}"
        );
        end.outcome
    }
}

pub(crate) async fn up(engine: &dyn Engine) {
    let mut status = engine.status();
    let up = status.wait_for(|status| status.health == EngineHealth::Up);
    timeout(STUCK, up).await.expect("it comes up").expect("an engine");
}

/// Waits until a simulator was asked so many times.
pub(crate) async fn asked(simulator: &Simulator, call: &str, times: usize) {
    let log = simulator.log();
    let seen = log.when(|log: &Log| log.count(call) >= times);
    timeout(STUCK, seen).await.unwrap_or_else(|_| panic!("{call}: {:?}", log.requests()));
}

pub(crate) fn is_finished(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Finished { .. })
}
