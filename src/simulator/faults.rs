//! Misbehaviour by script: what a test or an operator switches on, for good or for the next
//! few times, and how often it struck. The handle is cheap to clone.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::lock;

/// One way in which a real ComfyUI, or the network before it, has been seen to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// No frame reaches any socket; the sockets stay open.
    WsSilent,
    /// Sockets opened from now on are accepted and never get a frame.
    WsDeaf,
    /// The submitter's socket is dropped when its prompt starts.
    WsClose,
    /// A socket that closes also silences the one that replaced it.
    StaleClose,
    /// Every answer waits until this is switched off.
    Slow,
    /// A prompt is queued at once, and its answer waits until this is switched off.
    SlowPost,
    /// A prompt is queued, then the connection is reset without an answer.
    PostReset,
    /// The connection is reset before a prompt is read.
    PostLost,
    /// A prompt is queued, and the answer is a 500.
    PostBroken,
    /// A prompt is refused with 400.
    PostRefused,
    /// A prompt is refused with 413.
    PostTooLarge,
    /// A prompt is refused with 429.
    PostTooMany,
    /// A prompt is refused with 503.
    PostUnavailable,
    /// A prompt is answered with 200 and a page of HTML, and not queued.
    PostHtml,
    /// A prompt is queued, and the 200 carries node errors.
    NodeErrors,
    /// Every route answers 503.
    Unavailable,
    /// The server restarts as the prompt starts: queue, history and sockets are gone.
    Restart,
    /// The sampler runs out of memory.
    OutOfMemory,
    /// The sampler fails with paths and a dump in its message.
    NodeFails,
    /// `/view` promises the whole file, sends half of it and drops the connection.
    ViewTruncated,
    /// `/view` answers 404.
    ViewMissing,
    /// `/view` answers 500.
    ViewBroken,
    /// `/view` sends bytes that are no picture, under the name of one.
    NotAPicture,
    /// `/view` sends a small PNG that claims to be 30000 pixels wide and high.
    Bomb,
    /// `/history` and `/queue` contain the token `NaN`.
    NotANumber,
    /// Prompts are accepted and never run.
    Stalled,
    /// An interrupt is answered and forgotten.
    InterruptLost,
    /// `/history/{id}` knows nothing of a prompt that has ended.
    HistoryLate,
    /// A prompt succeeds without any result.
    NoOutputs,
}

/// The handle to all faults of one simulator.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    plans: Mutex<BTreeMap<Fault, Plan>>,
    changed: watch::Sender<()>,
    gate: watch::Sender<Gate>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Plan {
    on: bool,
    next: usize,
    hits: usize,
}

#[derive(Debug, Default, Clone, Copy)]
struct Gate {
    closed: bool,
    passes: usize,
    waiting: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(Inner {
            plans: Mutex::default(),
            changed: watch::Sender::new(()),
            gate: watch::Sender::new(Gate::default()),
        }))
    }
}

impl Faults {
    /// Switches a fault on until it is switched off.
    pub fn set(&self, fault: Fault, on: bool) {
        self.change(fault, |plan| {
            plan.on = on;
            plan.next = if on { plan.next } else { 0 };
        });
    }

    /// Lets a fault strike the next `times` occasions, and then no more.
    pub fn next(&self, times: usize, fault: Fault) {
        self.change(fault, |plan| plan.next = times);
    }

    /// Switches everything off and opens the gate; counts stay.
    pub fn clear(&self) {
        for plan in lock(&self.0.plans).values_mut() {
            *plan = Plan { hits: plan.hits, ..Plan::default() };
        }
        self.0.changed.send_replace(());
        self.release();
    }

    /// How often a fault struck.
    pub fn hits(&self, fault: Fault) -> usize {
        lock(&self.0.plans).get(&fault).map_or(0, |plan| plan.hits)
    }

    /// Waits until a fault has struck `times` times in all.
    pub async fn struck(&self, fault: Fault, times: usize) {
        self.when(|faults| faults.hits(fault) >= times).await;
    }

    /// Closes the gate: the worker waits before its next node or sampler step.
    pub fn hold(&self) {
        self.0.gate.send_modify(|gate| *gate = Gate { closed: true, ..*gate });
    }

    /// Lets a held worker take `times` more steps.
    pub fn pass(&self, times: usize) {
        self.0.gate.send_modify(|gate| {
            gate.passes = gate.passes.saturating_add(times);
            gate.waiting = false;
        });
    }

    /// Opens the gate.
    pub fn release(&self) {
        self.0.gate.send_replace(Gate::default());
    }

    /// Waits until the worker stands at the closed gate.
    pub async fn held(&self) {
        let mut gate = self.0.gate.subscribe();
        while !gate.borrow_and_update().waiting && gate.changed().await.is_ok() {}
    }

    /// Whether a fault is planned, without striking.
    pub(super) fn is_on(&self, fault: Fault) -> bool {
        lock(&self.0.plans).get(&fault).is_some_and(|plan| plan.on || plan.next > 0)
    }

    /// Strikes if planned: uses up one of the next times.
    pub(super) fn strikes(&self, fault: Fault) -> bool {
        let struck = {
            let mut plans = lock(&self.0.plans);
            let Some(plan) = plans.get_mut(&fault) else { return false };
            let struck = plan.on || plan.next > 0;
            plan.next = plan.next.saturating_sub(1);
            plan.hits += usize::from(struck);
            struck
        };
        if struck {
            self.0.changed.send_replace(());
        }
        struck
    }

    /// Strikes if planned, and lasts until the fault is switched off.
    pub(super) async fn linger(&self, fault: Fault) {
        if self.strikes(fault) {
            self.when(|faults| !faults.is_on(fault)).await;
        }
    }

    /// Stands at the gate while it is closed.
    pub(super) async fn gate(&self) {
        let mut gate = self.0.gate.subscribe();
        while !self.passes() && gate.changed().await.is_ok() {}
    }

    /// Goes through the gate, or is seen waiting at it.
    fn passes(&self) -> bool {
        let mut free = true;
        self.0.gate.send_if_modified(|gate| {
            free = !gate.closed || gate.passes > 0;
            let waited = gate.waiting;
            gate.passes = gate.passes.saturating_sub(usize::from(free));
            gate.waiting = !free;
            waited != gate.waiting
        });
        free
    }

    async fn when(&self, fulfilled: impl Fn(&Self) -> bool) {
        let mut changed = self.0.changed.subscribe();
        while !fulfilled(self) && changed.changed().await.is_ok() {}
    }

    fn change(&self, fault: Fault, change: impl FnOnce(&mut Plan)) {
        change(lock(&self.0.plans).entry(fault).or_default());
        self.0.changed.send_replace(());
    }
}
