//! What every `ComfyUI` must do for our client, and our client with it: one list of scenarios over a
//! base address. Stock nodes only, so that no model is needed.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails loudly")]
use async_trait::async_trait;
use inkwire::{
    engine::{
        Engine, EngineError, EngineEvent, EventSink, Output, Task,
        comfyui::{ComfyConfig, ComfyUi, Times},
    },
    job::{Attempt, Render},
    workflow::Graph,
};
use inkwire_core::{ArtifactKind, EngineHealth, JobId};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// No scenario waits for longer: it is stuck.
pub(crate) const STUCK: Duration = Duration::from_mins(2);

/// A running engine under test; stops watching its server when dropped.
pub(crate) struct Bench {
    pub(crate) engine: Arc<ComfyUi>,
    _watching: DropGuard,
}

impl Bench {
    pub(crate) async fn new(url: &str) -> Self {
        Self::with(hurried(url)).await
    }

    pub(crate) async fn with(config: ComfyConfig) -> Self {
        let bench = Self::at_once(config);
        let mut status = bench.engine.status();
        let up = status.wait_for(|status| status.health == EngineHealth::Up);
        timeout(STUCK, up).await.expect("the engine comes up").expect("an engine");
        bench
    }

    /// Without waiting for the server.
    pub(crate) fn at_once(config: ComfyConfig) -> Self {
        let engine = Arc::new(ComfyUi::new(config).expect("a valid configuration"));
        let token = CancellationToken::new();
        let (watched, stop) = (engine.clone(), token.clone());
        tokio::spawn(async move { watched.run(stop).await });
        Self { engine, _watching: token.drop_guard() }
    }

    pub(crate) fn start(&self, task: &Task) -> Run {
        self.spawn(task, Begin::Render)
    }

    pub(crate) fn resume(&self, task: &Task) -> Run {
        self.spawn(task, Begin::Resume)
    }

    fn spawn(&self, task: &Task, begin: Begin) -> Run {
        let (events, cancel) = (Arc::new(Events::default()), CancellationToken::new());
        let (engine, sink, token, task) =
            (self.engine.clone(), events.clone(), cancel.clone(), task.clone());
        let work = tokio::spawn(async move {
            let work = match begin {
                Begin::Render => engine.render(&task, &*sink, token),
                Begin::Resume => engine.resume(&task, &*sink, token),
            };
            timeout(STUCK, work).await.expect("the engine is not stuck")
        });
        Run { events, cancel, work }
    }
}

/// Times in which a test does not get bored; the waits for people are as they are.
pub(crate) fn hurried(url: &str) -> ComfyConfig {
    let times = Times {
        beat: Duration::from_millis(300),
        poll: Duration::from_millis(500),
        poll_blind: Duration::from_millis(100),
        backoff: (Duration::from_millis(50), Duration::from_secs(1)),
        ..Times::default()
    };
    ComfyConfig { url: url.into(), times, ..ComfyConfig::default() }
}

enum Begin {
    Render,
    Resume,
}

/// One prompt under way.
pub(crate) struct Run {
    pub(crate) events: Arc<Events>,
    pub(crate) cancel: CancellationToken,
    work: JoinHandle<Result<Vec<Output>, EngineError>>,
}

impl Run {
    pub(crate) async fn end(self) -> Result<Vec<Output>, EngineError> {
        self.work.await.expect("no panic")
    }

    /// As a crash of ours would: the work stays in the engine.
    async fn abandon(self) {
        self.work.abort();
        assert!(self.work.await.expect_err("aborted").is_cancelled());
    }
}

/// Everything an engine said, in order.
#[derive(Default)]
pub(crate) struct Events {
    all: Mutex<Vec<EngineEvent>>,
    count: watch::Sender<usize>,
}

#[async_trait]
impl EventSink for Events {
    async fn event(&self, event: EngineEvent) {
        self.all.lock().expect("no panic").push(event);
        self.count.send_modify(|count| *count += 1);
    }
}

impl Events {
    pub(crate) fn all(&self) -> Vec<EngineEvent> {
        self.all.lock().expect("no panic").clone()
    }

    pub(crate) async fn wait_for(&self, wanted: impl Fn(&EngineEvent) -> bool) {
        let mut count = self.count.subscribe();
        let seen = count.wait_for(|_| self.all().iter().any(&wanted));
        timeout(STUCK, seen).await.expect("the event comes").expect("events");
    }
}

/// A task with a prompt id and, by its seed, a graph that no engine has cached.
pub(crate) fn task(graph: Value) -> Task {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let attempt = Attempt {
        job: JobId(format!("suite{}", COUNT.fetch_add(1, Ordering::Relaxed))),
        part: 0,
        run_no: 1,
        native: Some(uuid::Uuid::new_v4().to_string()),
    };
    let graph: Graph = serde_json::from_value(graph).expect("a graph");
    Task { attempt, render: Render::default(), graph }
}

fn colour() -> u32 {
    uuid::Uuid::new_v4().as_fields().0 & 0x00FF_FFFF
}

/// A plain picture, scaled and inverted.
pub(crate) fn quick() -> Value {
    json!({
        "1": {"class_type": "EmptyImage",
              "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": colour()}},
        "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0], "width": 96, "height": 80,
              "upscale_method": "nearest-exact", "crop": "disabled"}},
        "3": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
    })
}

/// Many scalings one after the other: seconds of work in steps that can be interrupted.
fn slow() -> Value {
    let mut graph = json!({
        "1": {"class_type": "EmptyImage",
              "inputs": {"width": 512, "height": 512, "batch_size": 1, "color": colour()}},
    });
    let nodes = graph.as_object_mut().expect("an object");
    for step in 2..60_u32 {
        let side = 1536 + step;
        nodes.insert(
            step.to_string(),
            json!({"class_type": "ImageScale", "inputs": {
            "image": [(step - 1).to_string(), 0], "width": side, "height": side,
            "upscale_method": "lanczos", "crop": "disabled"}}),
        );
    }
    nodes.insert(
        "99".into(),
        json!({"class_type": "PreviewImage", "inputs": {"images": ["59", 0]}}),
    );
    graph
}

pub(crate) async fn engine_suite(url: &str) {
    let bench = Bench::new(url).await;
    knows_what_it_has(&bench);
    renders_with_progress(&bench).await;
    two_in_a_row(&bench).await;
    refuses_nonsense(&bench).await;
    resumes_what_ended(&bench).await;
    knows_nothing_of_strangers(&bench).await;
    cancels_the_running(&bench).await;
    cancels_the_waiting(&bench).await;
    resumes_the_running(&bench).await;
    bench.engine.unload().await.expect("unloads");
    let still = bench.engine.status().borrow().clone();
    assert_eq!((still.health, still.foreign), (EngineHealth::Up, 0));
}

fn knows_what_it_has(bench: &Bench) {
    let status = bench.engine.status().borrow().clone();
    assert!(status.version.is_some(), "{status:?}");
    assert!(status.ram.is_some_and(|(free, all)| free <= all && all > 0), "{status:?}");
    assert!(status.catalog.nodes.classes.contains_key("ImageScale"));
    assert!(status.catalog.nodes.classes["PreviewImage"].is_output);
}

async fn renders_with_progress(bench: &Bench) {
    let run = bench.start(&task(quick()));
    let events = run.events.clone();
    is_picture(&run.end().await.expect("renders"));
    let events = events.all();
    assert!(matches!(events.first(), Some(EngineEvent::Submitted(_))), "{events:?}");
    assert!(events.contains(&EngineEvent::Started), "{events:?}");
    let mut before = 0.0;
    for event in &events {
        if let EngineEvent::Progress { done, total } = event {
            let share = f64::from(*done) / f64::from(*total);
            assert!((before..=1.0).contains(&share), "{events:?}");
            before = share;
        }
    }
}

async fn two_in_a_row(bench: &Bench) {
    let (first, second) = (bench.start(&task(quick())), bench.start(&task(quick())));
    is_picture(&first.end().await.expect("the first"));
    is_picture(&second.end().await.expect("the second"));
}

async fn refuses_nonsense(bench: &Bench) {
    let mut missing = quick();
    missing["2"]["inputs"]["upscale_method"] = "by-magic".into();
    let refused = bench.start(&task(missing)).end().await;
    let Err(EngineError::Invalid(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("by-magic") && why.len() < 300, "{why}");
    let mut unknown = quick();
    unknown["3"]["class_type"] = "NoSuchNode".into();
    let refused = bench.start(&task(unknown)).end().await;
    let Err(EngineError::Invalid(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("NoSuchNode"), "{why}");
}

async fn resumes_what_ended(bench: &Bench) {
    let task = task(quick());
    is_picture(&bench.start(&task).end().await.expect("renders"));
    is_picture(&bench.resume(&task).end().await.expect("is still known"));
}

async fn knows_nothing_of_strangers(bench: &Bench) {
    assert_eq!(bench.resume(&task(quick())).end().await.err(), Some(EngineError::Lost));
}

async fn cancels_the_running(bench: &Bench) {
    let run = bench.start(&task(slow()));
    run.events.wait_for(|event| *event == EngineEvent::Started).await;
    run.cancel.cancel();
    assert_eq!(run.end().await.err(), Some(EngineError::Cancelled));
    is_picture(&bench.start(&task(quick())).end().await.expect("the next one runs"));
}

async fn cancels_the_waiting(bench: &Bench) {
    let (first, waiting) = (task(slow()), task(slow()));
    let first = bench.start(&first);
    first.events.wait_for(|event| *event == EngineEvent::Started).await;
    let second = bench.start(&waiting);
    second.events.wait_for(|event| matches!(event, EngineEvent::Submitted(_))).await;
    second.cancel.cancel();
    let events = second.events.clone();
    assert_eq!(second.end().await.err(), Some(EngineError::Cancelled));
    assert!(!events.all().contains(&EngineEvent::Started), "it never ran");
    assert_eq!(bench.resume(&waiting).end().await.err(), Some(EngineError::Lost));
    first.cancel.cancel();
    assert_eq!(first.end().await.err(), Some(EngineError::Cancelled));
}

async fn resumes_the_running(bench: &Bench) {
    let task = task(slow());
    let run = bench.start(&task);
    run.events.wait_for(|event| *event == EngineEvent::Started).await;
    run.abandon().await;
    is_picture(&bench.resume(&task).end().await.expect("it went on without us"));
}

pub(crate) fn is_picture(outputs: &[Output]) {
    let [output] = outputs else { panic!("{} outputs", outputs.len()) };
    assert_eq!((output.kind, output.mime.as_str()), (ArtifactKind::Image, "image/png"));
    assert!(output.bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods, reason = "which server to test against is the tester's word")]
async fn a_real_server() {
    let Ok(url) = std::env::var("INKWIRE_TEST_COMFYUI") else {
        eprintln!("skipped: set INKWIRE_TEST_COMFYUI=http://host:port to test a real ComfyUI");
        return;
    };
    engine_suite(&url).await;
}
