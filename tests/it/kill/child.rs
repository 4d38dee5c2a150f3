//! The victim: the real service in a process of its own, which ends itself where it was told to.
//! The test binary runs itself again for that, with its orders in the environment.
use inkwire::{
    app::{App, Setup},
    engine::comfyui::{ComfyConfig, ComfyUi, Times},
    store::{
        faulty::{Fault, FaultyStore, Point, Side},
        sqlite::{self, SqliteStore},
    },
    telemetry::logging,
};
use inkwire_testkit::{
    setup,
    wire::{Wire, die},
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Holds its orders; without it the test below has nothing to do.
pub(super) const ORDERS: &str = "INKWIRE_TEST_KILL";

/// `{"home": …, "engine": …, "point": "Admit"…, "side": "Before"…, "skip": 0}`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_until_it_is_killed() {
    let Some(orders) = std::env::var_os(ORDERS) else { return };
    logging::start("info", logging::Format::Json).unwrap();
    let orders: Value = serde_json::from_str(orders.to_str().unwrap()).unwrap();
    let home = PathBuf::from(orders["home"].as_str().unwrap());
    let inner = SqliteStore::open(&home.join("inkwire.db"), &sqlite::Options::default()).unwrap();
    let inner = Arc::new(inner);
    let store = FaultyStore::new(inner.clone());
    if let Some((point, side)) = aim(&orders) {
        let skip = usize::try_from(orders["skip"].as_u64().unwrap()).unwrap();
        store.arm(point, side, skip, Fault::Call(Arc::new(die)));
    }
    let (wire, mut over) = Wire::new("wire", home.join("wire"));
    let engine = ComfyUi::new(hurried(orders["engine"].as_str().unwrap())).unwrap();
    let setup = Setup {
        adapters: vec![Box::new(wire)],
        blobs: home.join("blobs"),
        ..setup(Arc::new(store), vec![Arc::new(engine)], &tempfile::TempDir::new().unwrap())
    };
    let stop = async move { drop(over.wait_for(|over| *over).await) };
    App::build(setup).await.unwrap().run(stop).await.unwrap();
    inner.close().await.unwrap();
}

fn aim(orders: &Value) -> Option<(Point, Side)> {
    let (point, side) = (orders["point"].as_str()?, orders["side"].as_str()?);
    let point = Point::ALL.into_iter().find(|known| format!("{known:?}") == point)?;
    Some((point, if side == "Before" { Side::Before } else { Side::After }))
}

fn hurried(url: &str) -> ComfyConfig {
    let times = Times {
        beat: Duration::from_millis(300),
        poll: Duration::from_millis(100),
        poll_blind: Duration::from_millis(50),
        backoff: (Duration::from_millis(20), Duration::from_millis(200)),
        ..Times::default()
    };
    ComfyConfig {
        name: "sim".into(),
        url: url.into(),
        times,
        previews: false,
        ..ComfyConfig::default()
    }
}

/// Runs this test again as a process of its own.
pub(super) fn command(home: &Path, orders: &Value) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kill::child::serves_until_it_is_killed", "--nocapture"]);
    command.env(ORDERS, orders.to_string()).current_dir(home).kill_on_drop(true);
    command
}
