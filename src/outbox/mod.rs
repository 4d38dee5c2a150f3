//! Stage 4: one lane per adapter over the store's due rows; each waits for its own adapter only.
//! It holds no delivery but those in an adapter's hands.
use crate::{
    board::Board,
    store::{Page, Store, StoreError},
};
use async_trait::async_trait;
use inkwire_core::{
    AdapterId, Clock, Delivery, DeliveryId, Lane, Latest, Parcel, Receipt, SlotId, Stale, Tasks,
    Watch,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A store that cannot be read now is asked again after this.
const READ_AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct StoreLane {
    pub adapter: AdapterId,
    pub epoch: u64,
    pub store: Arc<dyn Store>,
    pub board: Arc<Board>,
    pub clock: Arc<dyn Clock>,
    pub tasks: Tasks,
    /// Set once no stage writes deliveries any more.
    pub closing: CancellationToken,
    pub taken: Arc<Mutex<Taken>>,
}

/// What the adapter holds: one delivery per slot, so that `shown` is never out of date.
#[derive(Default)]
pub struct Taken {
    slots: BTreeMap<DeliveryId, SlotId>,
    /// Receipts on their way to the store. Nothing more is handed out before they are there: a
    /// crash repeats no more than what was out by then.
    settling: usize,
}

impl Taken {
    fn take(&mut self, page: &mut Page) -> Option<Parcel> {
        if self.settling > 0 {
            return None;
        }
        let busy: BTreeSet<&SlotId> = self.slots.values().collect();
        let at = page.ready.iter().position(|parcel| !busy.contains(&parcel.delivery.slot))?;
        let parcel = page.ready.swap_remove(at);
        self.slots.insert(parcel.delivery.id.clone(), parcel.delivery.slot.clone());
        Some(parcel)
    }
}

impl StoreLane {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn page(&self) -> Result<Page, StoreError> {
        let limit = self.taken().slots.len() + 1;
        self.store.due(&self.adapter, self.epoch, self.clock.now(), limit).await
    }

    async fn wait_for(&self, page: &Page) {
        match page.wake_at {
            Some(at) => tokio::time::sleep(self.clock.now().until(at)).await,
            None => std::future::pending().await,
        }
    }

    async fn record(&self, id: &DeliveryId, receipt: Receipt) {
        let result = match &receipt {
            Receipt::Sent(_) => "sent",
            Receipt::Failed(_) => "failed",
            Receipt::Dropped => "dropped",
        };
        metrics::counter!("inkwire_deliveries_total", "adapter" => self.adapter.0.clone(), "result" => result)
            .increment(1);
        // Until it is stored the slot stays taken: else the same words would be said again.
        loop {
            let now = self.clock.now();
            match self.store.record(id, self.epoch, receipt.clone(), now).await {
                Ok(()) | Err(StoreError::Stale) => break,
                Err(error) => tracing::warn!(%error, delivery = %id, "receipt not recorded"),
            }
            tokio::select! {
                () = self.closing.cancelled() => break,
                () = tokio::time::sleep(READ_AGAIN) => {}
            }
        }
        {
            let mut taken = self.taken();
            taken.slots.remove(id);
            taken.settling = taken.settling.saturating_sub(1);
        }
        self.board.poke();
    }
}

fn stale(error: &StoreError) -> Stale {
    // Mostly a newer word has taken its place.
    tracing::debug!(%error, "delivery refused");
    Stale
}

#[async_trait]
impl Lane for StoreLane {
    async fn next(&self) -> Option<Parcel> {
        loop {
            let mut commits = self.board.commits();
            let mut page = match self.page().await {
                Ok(page) => page,
                Err(StoreError::Stale) => return None,
                Err(error) => {
                    tracing::error!(%error, adapter = %self.adapter, "due deliveries not read");
                    Page { wake_at: Some(self.clock.now().after(READ_AGAIN)), ..Page::default() }
                }
            };
            let (parcel, settling) = {
                let mut taken = self.taken();
                (taken.take(&mut page), taken.settling > 0)
            };
            let closing = self.closing.is_cancelled();
            // A receipt on its way holds back what else is due.
            if parcel.is_some() || (closing && !settling) {
                return parcel;
            }
            tokio::select! {
                _ = commits.changed() => {}
                () = self.wait_for(&page), if !closing => {}
                () = self.closing.cancelled(), if !closing => {}
            }
        }
    }

    async fn progress(&self) -> Vec<Latest> {
        let mut latest = vec![];
        for (slot, draft) in self.board.take(&self.adapter).await {
            let shown = self.store.shown(&slot).await.unwrap_or_default();
            let Some(job) = draft.job else { continue };
            latest.push(Latest { slot, job, to: draft.to, outcome: draft.outcome, shown });
        }
        latest
    }

    async fn begin(&self, id: &DeliveryId) -> Result<(), Stale> {
        self.store.begin(id, self.epoch).await.map_err(|error| stale(&error))
    }

    async fn checkpoint(&self, id: &DeliveryId, value: Value) -> Result<(), Stale> {
        self.store.checkpoint(id, self.epoch, value).await.map_err(|error| stale(&error))
    }

    fn settle(&self, id: &DeliveryId, receipt: Receipt) {
        let (lane, id) = (self.clone(), id.clone());
        self.taken().settling += 1;
        self.tasks.spawn(format!("receipt {id}"), async move { lane.record(&id, receipt).await });
    }

    async fn since(&self, watch: &Watch, after: u64) -> Vec<Delivery> {
        loop {
            let mut commits = self.board.commits();
            match self.store.since(watch, after).await {
                Ok(found) if found.is_empty() && !self.closing.is_cancelled() => {}
                Ok(found) => return found,
                Err(error) => {
                    tracing::error!(%error, "deliveries not read");
                    return vec![];
                }
            }
            tokio::select! {
                _ = commits.changed() => {}
                () = self.closing.cancelled() => {}
            }
        }
    }
}
