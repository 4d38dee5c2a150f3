//! What the socket has to say about the prompts we follow: one latest view for each, so that the
//! reader never waits for a follower and nothing piles up. Also the ids that need care later.
use super::{events::Frame, progress::Gauge};
use crate::workflow::Graph;
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Ids that wait for a server out of reach; beyond it the oldest are left alone.
const MOST_LEFT_BEHIND: usize = 256;
/// After this, a prompt that was given up is not going to appear any more.
const WATCHED_FOR: Duration = Duration::from_mins(10);

/// All that was heard of one prompt.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) started: bool,
    /// How often an end was announced.
    pub(super) ends: u32,
    pub(super) gauge: Gauge,
    pub(super) preview: Option<(&'static str, Bytes)>,
    /// Grows with each preview.
    pub(super) previews: u32,
}

impl View {
    fn apply(&mut self, frame: Frame) {
        match frame {
            Frame::Started { .. } => self.started = true,
            Frame::Cached { nodes, .. } => self.gauge.cached(&nodes),
            Frame::Executing { node, .. } => self.gauge.executing(&node),
            Frame::Nodes { nodes, .. } => self.gauge.steps(&nodes),
            Frame::Ended { .. } => self.ends = self.ends.wrapping_add(1),
            Frame::Preview { mime, bytes, .. } => {
                self.preview = Some((mime, bytes));
                self.previews = self.previews.wrapping_add(1);
            }
            Frame::Other => {}
        }
    }
}

#[derive(Default)]
struct Ids {
    followed: BTreeMap<String, watch::Sender<View>>,
    /// To be wiped from the history after this moment.
    ended: Vec<(Instant, String)>,
    /// Given up while they may still wait or run: to be stopped when seen before this moment.
    abandoned: Vec<(Instant, String)>,
}

#[derive(Default)]
pub(super) struct Feeds {
    ids: Mutex<Ids>,
    moved: AtomicU64,
}

/// Follows one prompt for as long as it lives.
pub(super) struct Feed<'a> {
    feeds: &'a Feeds,
    id: String,
    pub(super) views: watch::Receiver<View>,
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        let mut ids = self.feeds.lock();
        // Another follower may have taken over in the meantime.
        let is_ours = |sender: &watch::Sender<View>| sender.subscribe().same_channel(&self.views);
        if ids.followed.get(&self.id).is_some_and(is_ours) {
            ids.followed.remove(&self.id);
        }
    }
}

impl Feeds {
    pub(super) fn follow(&self, id: &str, graph: &Graph) -> Feed<'_> {
        let sender = watch::Sender::new(View { gauge: Gauge::new(graph), ..View::default() });
        let views = sender.subscribe();
        self.lock().followed.insert(id.to_owned(), sender);
        Feed { feeds: self, id: id.to_owned(), views }
    }

    /// Brings a frame to the follower of its prompt; frames of others' prompts fall away.
    pub(super) fn apply(&self, frame: Frame) {
        let Some(prompt) = frame.prompt() else { return };
        let ids = self.lock();
        if let Some(follower) = ids.followed.get(prompt) {
            self.moved.fetch_add(1, Ordering::Relaxed);
            follower.send_modify(|view| view.apply(frame));
        }
    }

    /// Grows whenever anything of ours moves.
    pub(super) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    pub(super) fn is_ours(&self, id: &str) -> bool {
        let ids = self.lock();
        ids.followed.contains_key(id) || ids.abandoned.iter().any(|(_, other)| other == id)
    }

    pub(super) fn ended(&self, id: &str, forget_at: Instant) {
        let mut ids = self.lock();
        ids.abandoned.retain(|(_, other)| other != id);
        ids.ended.push((forget_at, id.to_owned()));
        trim(&mut ids.ended);
    }

    pub(super) fn abandon(&self, id: &str) {
        let mut ids = self.lock();
        ids.abandoned.retain(|(_, other)| other != id);
        ids.abandoned.push((Instant::now() + WATCHED_FOR, id.to_owned()));
        trim(&mut ids.abandoned);
    }

    pub(super) fn abandoned(&self) -> Vec<(Instant, String)> {
        self.lock().abandoned.clone()
    }

    /// Takes the ids whose time in the history is over; all of them without a moment.
    pub(super) fn forgettable(&self, now: Option<Instant>) -> Vec<String> {
        let is_due = |at: &Instant| now.is_none_or(|now| *at <= now);
        let mut ids = self.lock();
        ids.ended.extract_if(.., |(at, _)| is_due(at)).map(|(_, id)| id).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Ids> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn trim<T>(list: &mut Vec<T>) {
    let surplus = list.len().saturating_sub(MOST_LEFT_BEHIND);
    list.drain(..surplus);
}
