//! What was asked of a simulator, for tests: the requests, the graphs and the prompts run.
//! Bounded: the oldest entries go first.
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::watch;

use super::lock;

/// Lines that are kept of each kind.
const KEPT: usize = 16_384;
/// Graphs that are kept.
const GRAPHS: usize = 512;

/// A handle to the log of one simulator.
#[derive(Debug, Clone)]
pub struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    book: Mutex<Book>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Book {
    requests: VecDeque<String>,
    submitted: VecDeque<(String, Value)>,
    runs: VecDeque<String>,
    frames: BTreeMap<String, usize>,
    closed: BTreeMap<String, usize>,
}

impl Default for Log {
    fn default() -> Self {
        Self(Arc::new(Inner { book: Mutex::default(), changed: watch::Sender::new(()) }))
    }
}

impl Log {
    /// Every request as `METHOD /path?query`, oldest first.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.0.book).requests.iter().cloned().collect()
    }

    /// How many requests begin with this text, such as `POST /prompt`.
    pub fn count(&self, start: &str) -> usize {
        lock(&self.0.book).requests.iter().filter(|line| line.starts_with(start)).count()
    }

    /// Every graph that was queued, with its prompt id.
    pub fn submitted(&self) -> Vec<(String, Value)> {
        lock(&self.0.book).submitted.iter().cloned().collect()
    }

    /// The prompt ids that the worker started, in order; a prompt run twice stands here twice.
    pub fn runs(&self) -> Vec<String> {
        lock(&self.0.book).runs.iter().cloned().collect()
    }

    /// How many frames were sent to the sockets of this client.
    pub fn frames(&self, client: &str) -> usize {
        lock(&self.0.book).frames.get(client).copied().unwrap_or(0)
    }

    /// How many sockets of this client have ended.
    pub fn closed(&self, client: &str) -> usize {
        lock(&self.0.book).closed.get(client).copied().unwrap_or(0)
    }

    /// Waits until the log looks as wanted.
    pub async fn when(&self, fulfilled: impl Fn(&Self) -> bool) {
        let mut changed = self.0.changed.subscribe();
        while !fulfilled(self) && changed.changed().await.is_ok() {}
    }

    pub(super) fn request(&self, line: String) {
        self.write(|book| push(&mut book.requests, line, KEPT));
    }

    pub(super) fn submit(&self, id: &str, graph: &Value) {
        self.write(|book| push(&mut book.submitted, (id.to_owned(), graph.clone()), GRAPHS));
    }

    pub(super) fn frame(&self, client: &str) {
        self.write(|book| count(&mut book.frames, client));
    }

    pub(super) fn close(&self, client: &str) {
        self.write(|book| count(&mut book.closed, client));
    }

    pub(super) fn run(&self, id: &str) {
        self.write(|book| push(&mut book.runs, id.to_owned(), KEPT));
    }

    fn write(&self, entry: impl FnOnce(&mut Book)) {
        entry(&mut lock(&self.0.book));
        self.0.changed.send_replace(());
    }
}

fn push<T>(list: &mut VecDeque<T>, entry: T, kept: usize) {
    if list.len() == kept {
        list.pop_front();
    }
    list.push_back(entry);
}

fn count(counts: &mut BTreeMap<String, usize>, client: &str) {
    if counts.len() < KEPT || counts.contains_key(client) {
        *counts.entry(client.to_owned()).or_default() += 1;
    }
}
