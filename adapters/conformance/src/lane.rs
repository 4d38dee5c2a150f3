//! A way out that hands over what the script says and remembers every durable step.
//! Like the real one it hands a dropped envelope out again, in doubt if it had begun.
use async_trait::async_trait;
use inkwire_core::{Delivery, DeliveryId, Lane, Latest, Parcel, Receipt, Stale, Watch};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// An envelope that is dropped this often stays where it is.
const ATTEMPTS: usize = 3;

/// A durable step, in the order in which the adapter took them.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    Begin(DeliveryId),
    Checkpoint(DeliveryId, Value),
    Settle(DeliveryId, Receipt),
}

#[derive(Default)]
pub struct ScriptedLane {
    state: Mutex<State>,
    pulse: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    due: VecDeque<Parcel>,
    out: HashMap<DeliveryId, Parcel>,
    news: Vec<Latest>,
    stale: HashSet<DeliveryId>,
    calls: Vec<Call>,
    closed: bool,
}

impl ScriptedLane {
    pub fn push(&self, parcel: Parcel) {
        self.change(|state| state.due.push_back(parcel));
    }

    /// News of running jobs; taken all at once.
    pub fn tell(&self, latest: Latest) {
        self.change(|state| state.news.push(latest));
    }

    /// From now on nobody may begin this delivery.
    pub fn make_stale(&self, id: &DeliveryId) {
        self.change(|state| state.stale.insert(id.clone()));
    }

    /// Hands out what is due, then nothing more.
    pub fn close(&self) {
        self.change(|state| state.closed = true);
    }

    /// Every step so far.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// Waits for the first receipt of a delivery.
    pub async fn receipt(&self, id: &DeliveryId) -> Receipt {
        self.when(|state| state.receipts(id).next()).await
    }

    pub fn receipts(&self, id: &DeliveryId) -> Vec<Receipt> {
        self.lock().receipts(id).collect()
    }

    async fn when<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut pulse = self.pulse.subscribe();
        loop {
            if let Some(value) = found(&mut self.lock()) {
                return value;
            }
            if pulse.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn change<T>(&self, step: impl FnOnce(&mut State) -> T) -> T {
        let value = step(&mut self.lock());
        self.pulse.send_replace(());
        value
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hand_out(&mut self) -> Option<Parcel> {
        let parcel = self.due.pop_front()?;
        self.out.insert(parcel.delivery.id.clone(), parcel.clone());
        Some(parcel)
    }

    fn take_back(&mut self, id: &DeliveryId, receipt: &Receipt) {
        let began = self.calls.contains(&Call::Begin(id.clone()));
        let parcel = self.out.remove(id).filter(|_| !self.stale.contains(id));
        if let (Receipt::Dropped, Some(parcel)) = (receipt, parcel)
            && self.receipts(id).count() < ATTEMPTS
        {
            self.due.push_front(Parcel { in_doubt: began, ..parcel });
        }
    }

    fn receipts(&self, id: &DeliveryId) -> impl Iterator<Item = Receipt> {
        self.calls.iter().filter_map(move |call| match call {
            Call::Settle(settled, receipt) if settled == id => Some(receipt.clone()),
            _ => None,
        })
    }
}

#[async_trait]
impl Lane for ScriptedLane {
    async fn next(&self) -> Option<Parcel> {
        self.when(|state| match state.hand_out() {
            None => state.closed.then_some(None),
            parcel => Some(parcel),
        })
        .await
    }

    async fn progress(&self) -> Vec<Latest> {
        self.when(|state| Some(std::mem::take(&mut state.news)).filter(|news| !news.is_empty()))
            .await
    }

    async fn begin(&self, id: &DeliveryId) -> Result<(), Stale> {
        self.change(|state| {
            if state.stale.contains(id) {
                return Err(Stale);
            }
            state.calls.push(Call::Begin(id.clone()));
            Ok(())
        })
    }

    async fn checkpoint(&self, id: &DeliveryId, value: Value) -> Result<(), Stale> {
        self.change(|state| state.calls.push(Call::Checkpoint(id.clone(), value)));
        Ok(())
    }

    fn settle(&self, id: &DeliveryId, receipt: Receipt) {
        self.change(|state| {
            state.take_back(id, &receipt);
            state.calls.push(Call::Settle(id.clone(), receipt));
        });
    }

    async fn since(&self, _watch: &Watch, _after: u64) -> Vec<Delivery> {
        self.when(|state| state.closed.then(Vec::new)).await
    }
}
