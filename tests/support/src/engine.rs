//! An engine that counts steps; it can hang, and it can have lost what it was given.
use async_trait::async_trait;
use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};
use inkwire::{
    engine::{Catalog, Engine, EngineError, EngineEvent, EventSink, Output, Status, Task},
    workflow::{Input, InputKind, Library, NodeClass, Nodes},
};
use inkwire_core::{ArtifactKind, EngineHealth};
use serde_json::Value;
use std::{
    io::Cursor,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Works,
    Hangs,
    /// Hangs, and knows of nothing when asked to resume.
    Loses,
    /// Fails every run in the same way.
    Fails,
    /// Has a bug.
    Panics,
}

pub struct FakeEngine {
    name: String,
    pub steps: u32,
    mood: Mutex<Mood>,
    calls: Mutex<Vec<String>>,
    status: watch::Sender<Status>,
}

impl FakeEngine {
    pub fn new(steps: u32, mood: Mood) -> Self {
        Self::named("fake", steps, mood)
    }

    pub fn named(name: &str, steps: u32, mood: Mood) -> Self {
        let catalog = Arc::new(Catalog { nodes: all_nodes(), ..Catalog::default() });
        let status = Status { health: EngineHealth::Up, catalog, ..Status::default() };
        Self {
            name: name.to_owned(),
            steps,
            mood: Mutex::new(mood),
            calls: Mutex::default(),
            status: watch::Sender::new(status),
        }
    }

    pub fn become_(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    pub fn health(&self, health: EngineHealth) {
        self.status.send_modify(|status| status.health = health);
    }

    /// Changes what it says it has.
    pub fn catalog(&self, change: impl FnOnce(&mut Catalog)) {
        self.status.send_modify(|status| change(Arc::make_mut(&mut status.catalog)));
    }

    /// What was asked of it, as `verb prompt`.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, verb: &str, what: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(format!("{verb} {what}"));
    }

    async fn work(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: CancellationToken,
    ) -> Result<Vec<Output>, EngineError> {
        events.event(EngineEvent::Started).await;
        match self.mood() {
            Mood::Fails => return Err(EngineError::Stalled),
            Mood::Panics => panic!("as it was told"),
            _ => {}
        }
        for done in 1..=self.steps {
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    self.note("interrupt", &task.render.prompt);
                    return Err(EngineError::Cancelled);
                }
                () = self.step() => {}
            }
            events.event(EngineEvent::Progress { done, total: self.steps }).await;
        }
        Ok(vec![dot(task.render.seed + u64::from(task.attempt.part))])
    }

    async fn step(&self) {
        match self.mood() {
            Mood::Works | Mood::Fails | Mood::Panics => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Mood::Hangs | Mood::Loses => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Engine for FakeEngine {
    fn id(&self) -> &str {
        &self.name
    }

    fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    async fn run(&self, token: CancellationToken) {
        token.cancelled().await;
    }

    async fn render(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: CancellationToken,
    ) -> Result<Vec<Output>, EngineError> {
        self.note("render", &task.render.prompt);
        let native = task.attempt.native.clone().unwrap_or_default();
        events.event(EngineEvent::Submitted(native)).await;
        self.work(task, events, cancel).await
    }

    async fn resume(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: CancellationToken,
    ) -> Result<Vec<Output>, EngineError> {
        self.note("resume", &task.render.prompt);
        if task.attempt.native.is_none() || self.mood() == Mood::Loses {
            self.become_(Mood::Works);
            return Err(EngineError::Lost);
        }
        self.work(task, events, cancel).await
    }

    async fn unload(&self) -> Result<(), EngineError> {
        self.note("unload", &self.name);
        Ok(())
    }
}

/// A small picture, of a colour that the seed decides.
fn dot(seed: u64) -> Output {
    let [red, green, blue, ..] = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    let mut image = RgbImage::from_pixel(16, 16, Rgb([red, green, blue]));
    image.put_pixel(0, 0, Rgb([255, 255, 255]));
    let mut bytes = Cursor::new(vec![]);
    // A picture in memory can always be written; if not, the test sees an empty one.
    drop(image.write_to(&mut bytes, ImageFormat::Png));
    let bytes = Bytes::from(bytes.into_inner());
    Output { kind: ArtifactKind::Image, mime: "image/png".into(), bytes }
}

/// Every node that the shipped workflows name, taking whatever they give it.
fn all_nodes() -> Nodes {
    let (library, _) = Library::shipped();
    let mut nodes = Nodes::default();
    for workflow in library.iter() {
        for (id, class) in workflow.graph.classes() {
            let inputs = workflow.graph.inputs(id).into_iter().flatten();
            let class = nodes.classes.entry(class.to_owned()).or_insert_with(NodeClass::default);
            class.is_output = true;
            class.inputs.extend(inputs.map(|(name, value)| (name.clone(), input(value))));
        }
    }
    nodes
}

fn input(value: &Value) -> Input {
    let kind = match value {
        Value::String(_) => InputKind::Text,
        Value::Bool(_) => InputKind::Switch,
        Value::Array(_) => InputKind::Link("*".into()),
        _ => InputKind::Decimal { min: f64::MIN, max: f64::MAX },
    };
    Input { required: false, kind }
}
