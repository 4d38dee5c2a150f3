//! The program as an operator runs it: its commands, signals and listeners.
#![allow(clippy::indexing_slicing, reason = "a test fails loudly")]

use crate::{engine_suite::STUCK, house::simulator, network::Network};
use inkwire::{simulator::Simulator, telemetry::metrics::METRICS};
use inkwire_testkit::{Service, Wiring, web};
use std::{collections::BTreeSet, path::Path, process::Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::Command,
    time::timeout,
};

/// What is counted only once something goes wrong, or an operator does something.
const RARE: &[&str] = &[
    "inkwire_adapter_reconnects_total",
    "inkwire_batches_refused_total",
    "inkwire_config_reloads_total",
    "inkwire_engine_errors_total",
    "inkwire_engine_polled_completions_total",
    "inkwire_engine_reconnects_total",
    "inkwire_irc_lag_seconds",
    "inkwire_irc_muted_total",
    "inkwire_irc_overlong_total",
    "inkwire_irc_reconnects_total",
    "inkwire_irc_refused_total",
    "inkwire_irc_replays_total",
    "inkwire_irc_requests_dropped_total",
    "inkwire_irc_stale_total",
    "inkwire_irc_unparsed_total",
    "inkwire_messages_limited_total",
    "inkwire_retries_total",
];

/// The service on a network of one room, with a simulated engine.
struct Scene {
    simulator: Simulator,
    service: Service,
    door: TcpListener,
    network: Network,
}

impl Scene {
    async fn open() -> Self {
        let (simulator, door) =
            (simulator().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
        let irc = Some((door.local_addr().unwrap().port(), vec!["#art".to_owned()]));
        let engines = vec![simulator.url()];
        let wiring = Wiring { binary: program(), engines, irc, ..Wiring::default() };
        let mut service = Service::prepare(wiring).await.unwrap();
        service.spawn().unwrap();
        // Ready means that people can talk to it.
        let network = Network::welcome(&door, "").await;
        service.ready().await.unwrap();
        Self { simulator, service, door, network }
    }

    /// Asks for a picture and stops the engine in the midst of it.
    async fn ask_and_hold(&mut self) {
        self.simulator.faults().hold();
        self.network.send(":ann!a@h PRIVMSG #art :!imagine a red fox --size 64x64").await;
        self.network.heard("queued").await;
        let log = self.simulator.log();
        timeout(STUCK, log.when(|log| log.runs().len() == 1)).await.unwrap();
    }

    /// Starts it again, and lets the engine go on.
    async fn comes_back(&mut self) {
        self.service.spawn().unwrap();
        self.network = Network::welcome(&self.door, "").await;
        self.service.ready().await.unwrap();
        self.simulator.faults().release();
        let line = self.network.heard(" done in ").await;
        assert!(line.contains(&self.service.public_url), "{line}");
        assert_eq!(self.simulator.log().runs().len(), 1, "attached to the run of before");
    }
}

fn program() -> std::path::PathBuf {
    env!("CARGO_BIN_EXE_inkwire").into()
}

#[tokio::test]
async fn it_is_alive_and_ready_until_it_is_told_to_stop() {
    let mut scene = Scene::open().await;
    let at = scene.service.telemetry.clone();
    let alive = web::get(&format!("{at}/livez")).await.unwrap();
    assert_eq!((alive.status, alive.text().as_str()), (200, "ok\n"));
    let ready = web::get(&format!("{at}/readyz")).await.unwrap();
    let ready: serde_json::Value = serde_json::from_slice(&ready.body).unwrap();
    for component in ["adapter irc.test", "engine engine0", "store"] {
        assert_eq!(ready["components"][component], "up", "{ready}");
    }
    assert!(scene.service.stop().await.unwrap().success());
    assert!(web::get(&format!("{at}/livez")).await.is_err());
}

#[tokio::test]
async fn it_counts_what_the_table_of_metrics_promises() {
    let mut scene = Scene::open().await;
    scene.network.send(":ann!a@h PRIVMSG #art :!imagine a red fox --size 64x64").await;
    let line = scene.network.heard(" done in ").await;
    assert_eq!(web::get(line.rsplit(' ').next().unwrap()).await.unwrap().status, 200);
    let scrape = web::get(&format!("{}/metrics", scene.service.telemetry)).await.unwrap();
    assert!(scrape.header("content-type").starts_with("text/plain; version=0.0.4"));
    let scrape = scrape.text();
    let told = |line: &str| line.strip_prefix("# TYPE ").map(str::to_owned);
    let told: BTreeSet<_> = scrape.lines().filter_map(told).collect();
    let kind = |kind: &dyn std::fmt::Debug| format!("{kind:?}").to_lowercase();
    let table = METRICS.iter().map(|it| (it.name, format!("{} {}", it.name, kind(&it.kind))));
    let (rare, usual): (Vec<_>, Vec<_>) = table.partition(|(name, _)| RARE.contains(name));
    let usual: BTreeSet<_> = usual.into_iter().map(|(_, row)| row).collect();
    let rare: BTreeSet<_> = rare.into_iter().map(|(_, row)| row).collect();
    assert_eq!(usual.difference(&told).collect::<Vec<_>>(), [""; 0], "not told: {scrape}");
    assert_eq!(told.difference(&(&usual | &rare)).collect::<Vec<_>>(), [""; 0], "not in the table");
    assert!(!scrape.contains("ann") && !scrape.contains("fox") && !scrape.contains("#art"));
}

#[tokio::test]
async fn a_stop_leaves_what_runs_in_the_engine_and_the_next_start_goes_on_with_it() {
    let mut scene = Scene::open().await;
    scene.ask_and_hold().await;
    assert!(scene.service.stop().await.unwrap().success(), "while the engine still paints");
    assert_eq!(scene.simulator.log().count("POST /interrupt"), 0);
    scene.comes_back().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_loses_nothing() {
    let mut scene = Scene::open().await;
    scene.ask_and_hold().await;
    scene.service.terminate().unwrap();
    scene.service.logged("\"message\":\"stopping\"").await.unwrap();
    scene.service.terminate().unwrap();
    assert_eq!(scene.service.ended().await.unwrap().code(), Some(1));
    scene.service.logged("second signal").await.unwrap();
    scene.comes_back().await;
}

#[tokio::test]
async fn init_writes_a_configuration_once_and_check_takes_it() {
    let folder = TempDir::new().unwrap();
    let (code, said) = run(folder.path(), &["init"]).await;
    assert!(code == 0 && said.contains("inkwire.yaml written"), "{said}");
    let written = std::fs::read(folder.path().join("inkwire.yaml")).unwrap();
    let (code, said) = run(folder.path(), &["init"]).await;
    assert!(code == 1 && said.contains("exists"), "{said}");
    assert_eq!(std::fs::read(folder.path().join("inkwire.yaml")).unwrap(), written);
    let (code, said) = run(folder.path(), &["check"]).await;
    assert!(code == 0 && said.contains("inkwire.yaml is good"), "{said}");
}

#[tokio::test]
async fn doctor_finds_an_engine_that_works_and_one_that_does_not() {
    let simulator = simulator().await;
    let wiring = |engines| Wiring { binary: program(), engines, ..Wiring::default() };
    let good = Service::prepare(wiring(vec![simulator.url()])).await.unwrap();
    let found = good.tell("doctor").await.unwrap();
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.status.success() && said.contains("engine engine0"), "{said}");
    let down = simulator.url();
    simulator.stop().await;
    let bad = Service::prepare(wiring(vec![down])).await.unwrap();
    assert!(bad.tell("check").await.unwrap().status.success(), "check asks nobody");
    let found = bad.tell("doctor").await.unwrap();
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(!found.status.success() && said.contains("start ComfyUI"), "{said}");
}

/// The exit code, and all that was said.
async fn run(folder: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(program());
    let output = command.args(words).current_dir(folder).kill_on_drop(true).output();
    let output = timeout(STUCK, output).await.unwrap().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), said)
}

/// Nothing is configured; the first link is opened while more is still to be asked.
#[tokio::test]
async fn a_piped_demo_prints_links_that_open_and_ends_well() {
    let mut command = Command::new(program());
    command.arg("demo").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut demo = command.spawn().unwrap();
    let mut say = demo.stdin.take().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    say.write_all(b"!imagine a red fox --count 2 --size 256x256\n").await.unwrap();
    let link = loop {
        let line = timeout(STUCK, lines.next_line()).await.unwrap().unwrap().expect("a link");
        if line.starts_with("http://") {
            break line;
        }
    };
    let page = web::get(&link).await.unwrap();
    assert!(page.status == 200 && page.text().contains("a red fox"), "{link}");
    assert_eq!(
        web::get(&format!("{link}.webp")).await.unwrap().header("content-type"),
        "image/webp"
    );
    say.write_all(b"!imagine a boat --size 256x256\n!queue\n").await.unwrap();
    drop(say);
    let mut more = 0;
    while let Some(line) = timeout(STUCK, lines.next_line()).await.unwrap().unwrap() {
        more += usize::from(line.starts_with("http://127.0.0.1:") && !line.contains(' '));
    }
    assert!(more >= 1, "the boat is waited for");
    assert!(timeout(STUCK, demo.wait()).await.unwrap().unwrap().success());
}
