//! The prompts that wait, the one that runs and what became of those that ended. In memory
//! only, as in the real one: a restart loses it all.
use std::cmp::Ordering;

use serde_json::{Map, Value, json};

/// Ended prompts that are remembered; then the oldest goes.
const HISTORY: usize = 1000;
/// Prompts that may wait; the real one has no end.
const PENDING: usize = 10_000;

/// A prompt that was accepted.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Place in the queue, a lower one first; any number, as the client may choose it.
    pub(super) number: Value,
    pub(super) id: String,
    pub(super) graph: Value,
    pub(super) extra: Map<String, Value>,
    pub(super) outputs: Vec<String>,
}

impl Item {
    /// Who gets the frames of this prompt.
    pub(super) fn client(&self) -> Option<&str> {
        self.extra.get("client_id").and_then(Value::as_str)
    }

    fn as_json(&self) -> Value {
        json!([self.number, self.id, self.graph, self.extra, self.outputs])
    }

    fn before(&self, other: &Self) -> Ordering {
        let place = |item: &Self| item.number.as_f64().unwrap_or_default();
        place(self).total_cmp(&place(other)).then_with(|| self.id.cmp(&other.id))
    }
}

/// How a prompt ended, as `/history` tells it.
pub(super) struct Ending {
    pub(super) outputs: Map<String, Value>,
    pub(super) meta: Map<String, Value>,
    pub(super) messages: Vec<Value>,
    pub(super) success: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    counter: i64,
    pending: Vec<Item>,
    running: Option<Item>,
    history: Vec<(String, Value)>,
}

impl Queue {
    /// The next number; a rejected prompt uses one up too.
    pub(super) fn number(&mut self, front: bool) -> i64 {
        let number = if front { -self.counter } else { self.counter };
        self.counter += 1;
        number
    }

    /// Whether there was room for it.
    pub(super) fn put(&mut self, item: Item) -> bool {
        let room = self.pending.len() < PENDING;
        if room {
            self.pending.push(item);
        }
        room
    }

    /// Takes the next prompt and marks it as running.
    pub(super) fn take(&mut self) -> Option<Item> {
        let mut places = (0..).zip(&self.pending);
        let (at, _) = places.by_ref().min_by(|(_, a), (_, b)| a.before(b))?;
        let item = self.pending.swap_remove(at);
        self.running = Some(item.clone());
        Some(item)
    }

    /// Writes what became of the running prompt, unless a restart wiped it meanwhile.
    pub(super) fn done(&mut self, ending: &Ending) {
        let Some(mut item) = self.running.take() else { return };
        for secret in ["api_key_comfy_org", "auth_token_comfy_org"] {
            item.extra.remove(secret);
        }
        let word = if ending.success { "success" } else { "error" };
        let entry = json!({
            "prompt": item.as_json(),
            "outputs": ending.outputs,
            "status": {
                "status_str": word,
                "completed": ending.success,
                "messages": ending.messages,
            },
            "meta": ending.meta,
        });
        if let Some(known) = self.history.iter_mut().find(|(id, _)| *id == item.id) {
            known.1 = entry;
            return;
        }
        if self.history.len() == HISTORY {
            self.history.remove(0);
        }
        self.history.push((item.id, entry));
    }

    /// Everything is forgotten, the running prompt too.
    pub(super) fn wipe(&mut self) {
        *self = Self::default();
    }

    pub(super) fn remaining(&self) -> usize {
        self.pending.len() + usize::from(self.running.is_some())
    }

    pub(super) fn is_running(&self, id: &str) -> bool {
        self.running.as_ref().is_some_and(|item| item.id == id)
    }

    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }

    pub(super) fn delete(&mut self, id: &str) {
        self.pending.retain(|item| item.id != id);
    }

    pub(super) fn forget(&mut self, id: Option<&str>) {
        self.history.retain(|(known, _)| id.is_some_and(|id| id != known));
    }

    /// The body of `GET /queue`.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "queue_running": self.running.iter().map(Item::as_json).collect::<Vec<_>>(),
            "queue_pending": self.pending.iter().map(Item::as_json).collect::<Vec<_>>(),
        })
    }

    pub(super) fn entry(&self, id: &str) -> Option<&Value> {
        self.history.iter().find(|(known, _)| known == id).map(|(_, entry)| entry)
    }

    /// The body of `GET /history`: without an offset the last `max` entries.
    pub(super) fn history(&self, max: Option<i64>, offset: Option<i64>) -> Value {
        let count = self.history.len();
        let max = max.map_or(count, |max| usize::try_from(max).unwrap_or(0));
        let start = match offset.and_then(|offset| usize::try_from(offset).ok()) {
            Some(offset) => offset,
            None => count.saturating_sub(max),
        };
        let entries = self.history.iter().skip(start).take(max);
        entries.cloned().collect::<Map<_, _>>().into()
    }
}
