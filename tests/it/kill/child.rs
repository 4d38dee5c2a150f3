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
use inkwire_core::Adapter;
use inkwire_testkit::{
    setup,
    wire::{Wire, die},
};
use serde_json::Value;
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

/// Holds its orders; without it the test below has nothing to do.
const ORDERS: &str = "INKWIRE_TEST_KILL";

/// `{"home": …, "engine": …, "point": "Admit"…, "side": "Before"…, "skip": 0}`; with `"irc": PORT`
/// it is on that server until its input ends, else on the wire until the other end has gone.
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
    let (adapter, stop) = adapter(&orders, &home);
    let engine = ComfyUi::new(hurried(orders["engine"].as_str().unwrap())).unwrap();
    let setup = Setup {
        adapters: vec![adapter],
        blobs: home.join("blobs"),
        ..setup(Arc::new(store), vec![Arc::new(engine)], &tempfile::TempDir::new().unwrap())
    };
    App::build(setup).await.unwrap().run(stop).await.unwrap();
    inner.close().await.unwrap();
}

type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

fn adapter(orders: &Value, home: &Path) -> (Box<dyn Adapter>, Stop) {
    #[cfg(feature = "irc")]
    if let Some(port) = orders["irc"].as_u64() {
        let irc = super::irc::adapter(u16::try_from(port).unwrap());
        let mut input = tokio::io::stdin();
        let stop = async move { drop(input.read_to_end(&mut vec![]).await) };
        return (Box::new(irc), Box::pin(stop));
    }
    let (wire, mut over) = Wire::new("wire", home.join("wire"));
    (Box::new(wire), Box::pin(async move { drop(over.wait_for(|over| *over).await) }))
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

/// Runs this test again as a process of its own; its input ends with the handle.
pub(super) fn spawn(home: &Path, orders: &Value) -> Child {
    let log = File::options().create(true).append(true).open(home.join("log")).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kill::child::serves_until_it_is_killed", "--nocapture"]);
    command.env(ORDERS, orders.to_string()).current_dir(home).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap()
}

/// Of the last child.
pub(super) fn log(home: &Path) -> String {
    let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
    log.rsplit_once("running 1 test").map(|(_, log)| log.to_owned()).unwrap_or_default()
}

pub(super) async fn kill(child: &mut Child) -> io::Result<ExitStatus> {
    child.start_kill()?;
    child.wait().await
}
