//! A store that fails where a test wants it to, in front of one that works.
//! It changes nothing else: what it passes on is the other's business.
use super::{
    Admission, BlobRow, Effect, Finish, Finished, IndexRow, JobRecord, Lease, LinkRow, Page,
    Payload, Retention, Settings, Store, StoreError, StoreStats, Swept, Verdict,
};
use crate::job::Attempt;
use async_trait::async_trait;
use inkwire_core::{
    AdapterId, Delivery, DeliveryId, Failure, Imagine, JobId, Linked, MediaId, Native, PersonId,
    Posted, Receipt, SlotId, Time, Watch,
};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    Admit,
    Claim,
    Submitted,
    Finish,
    Begin,
    Checkpoint,
    Record,
}

impl Point {
    pub const ALL: [Self; 7] = [
        Self::Admit,
        Self::Claim,
        Self::Submitted,
        Self::Finish,
        Self::Begin,
        Self::Checkpoint,
        Self::Record,
    ];
}

/// `After`: what was asked is committed, and the caller does not learn it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

/// What happens instead of an answer; a hook may end the process.
#[derive(Clone)]
pub enum Fault {
    Error(StoreError),
    Call(Arc<dyn Fn() + Send + Sync>),
}

pub struct FaultyStore {
    inner: Arc<dyn Store>,
    armed: Mutex<Vec<Armed>>,
}

struct Armed {
    at: (Point, Side),
    /// Passages that go well first.
    skip: usize,
    fault: Fault,
}

impl FaultyStore {
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, armed: Mutex::default() }
    }

    /// Strikes once, after `skip` passages of that point went well.
    pub fn arm(&self, point: Point, side: Side, skip: usize, fault: Fault) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        armed.push(Armed { at: (point, side), skip, fault });
    }

    fn pass(&self, point: Point, side: Side) -> Result<(), StoreError> {
        match self.strike((point, side)) {
            None => Ok(()),
            Some(Fault::Error(error)) => Err(error),
            Some(Fault::Call(hook)) => {
                hook();
                Err(StoreError::Broken("crashed".to_owned()))
            }
        }
    }

    fn strike(&self, at: (Point, Side)) -> Option<Fault> {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let due = armed.iter().position(|armed| armed.at == at && armed.skip == 0);
        for armed in armed.iter_mut().filter(|armed| armed.at == at) {
            armed.skip = armed.skip.saturating_sub(1);
        }
        due.map(|due| armed.remove(due).fault)
    }

    async fn around<T>(
        &self,
        point: Point,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.pass(point, Side::Before)?;
        let done = work.await?;
        self.pass(point, Side::After)?;
        Ok(done)
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn settings(&self) -> Result<Settings, StoreError> {
        self.inner.settings().await
    }

    async fn lease(&self, adapter: &AdapterId) -> Result<Lease, StoreError> {
        self.inner.lease(adapter).await
    }

    async fn fresh_ids(&self, count: usize) -> Result<Vec<JobId>, StoreError> {
        self.inner.fresh_ids(count).await
    }

    async fn admit(&self, admissions: Vec<Admission>) -> Result<Vec<Verdict>, StoreError> {
        self.around(Point::Admit, self.inner.admit(admissions)).await
    }

    async fn open_index(&self) -> Result<Vec<IndexRow>, StoreError> {
        self.inner.open_index().await
    }

    async fn room(&self, adapter: &AdapterId, room: &Native) -> Result<Imagine, StoreError> {
        self.inner.room(adapter, room).await
    }

    async fn claim(
        &self,
        attempt: &Attempt,
        engine: &str,
        at: Time,
    ) -> Result<Option<Payload>, StoreError> {
        self.around(Point::Claim, self.inner.claim(attempt, engine, at)).await
    }

    async fn submitted(&self, attempt: &Attempt, native: &str) -> Result<(), StoreError> {
        self.around(Point::Submitted, self.inner.submitted(attempt, native)).await
    }

    async fn release(
        &self,
        attempt: &Attempt,
        reason: Failure,
        at: Time,
    ) -> Result<Vec<Effect>, StoreError> {
        self.inner.release(attempt, reason, at).await
    }

    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError> {
        self.around(Point::Finish, self.inner.finish(finish)).await
    }

    async fn expire(&self, jobs: &[JobId], at: Time) -> Result<Vec<Effect>, StoreError> {
        self.inner.expire(jobs, at).await
    }

    async fn due(
        &self,
        adapter: &AdapterId,
        epoch: u64,
        now: Time,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.inner.due(adapter, epoch, now, limit).await
    }

    async fn begin(&self, id: &DeliveryId, epoch: u64) -> Result<(), StoreError> {
        self.around(Point::Begin, self.inner.begin(id, epoch)).await
    }

    async fn checkpoint(&self, id: &DeliveryId, epoch: u64, v: Value) -> Result<(), StoreError> {
        self.around(Point::Checkpoint, self.inner.checkpoint(id, epoch, v)).await
    }

    async fn record(
        &self,
        id: &DeliveryId,
        epoch: u64,
        receipt: Receipt,
        now: Time,
    ) -> Result<(), StoreError> {
        self.around(Point::Record, self.inner.record(id, epoch, receipt, now)).await
    }

    async fn shown(&self, slot: &SlotId) -> Result<Vec<Posted>, StoreError> {
        self.inner.shown(slot).await
    }

    async fn since(&self, watch: &Watch, after: u64) -> Result<Vec<Delivery>, StoreError> {
        self.inner.since(watch, after).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        self.inner.job(id).await
    }

    async fn newest(&self, owner: &PersonId, limit: usize) -> Result<Vec<JobId>, StoreError> {
        self.inner.newest(owner, limit).await
    }

    async fn posted(
        &self,
        adapter: &AdapterId,
        room: &Native,
        native: &Native,
    ) -> Result<Option<(JobId, Option<MediaId>)>, StoreError> {
        self.inner.posted(adapter, room, native).await
    }

    async fn keep_blob(&self, blob: &BlobRow, at: Time) -> Result<(), StoreError> {
        self.inner.keep_blob(blob, at).await
    }

    async fn blob(&self, id: &MediaId) -> Result<Option<BlobRow>, StoreError> {
        self.inner.blob(id).await
    }

    async fn keep_link(&self, link: &LinkRow) -> Result<(), StoreError> {
        self.inner.keep_link(link).await
    }

    async fn link(&self, id: &str, now: Time) -> Result<Option<Linked>, StoreError> {
        self.inner.link(id, now).await
    }

    async fn sweep(&self, retention: &Retention, now: Time) -> Result<Swept, StoreError> {
        self.inner.sweep(retention, now).await
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        self.inner.stats().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{memory::MemoryStore, suite::fixtures::*};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn faulty() -> (Arc<MemoryStore>, FaultyStore) {
        let inner = Arc::new(MemoryStore::default());
        (inner.clone(), FaultyStore::new(inner))
    }

    async fn admit_one(store: &dyn Store, id: &str) -> Result<Vec<Verdict>, StoreError> {
        store.admit(vec![Admission { jobs: vec![job(id, 1)], ..request(id) }]).await
    }

    #[tokio::test]
    async fn it_strikes_once_and_where_it_was_told() {
        let (inner, store) = faulty();
        store.arm(Point::Admit, Side::Before, 1, Fault::Error(StoreError::Full));
        store.arm(Point::Admit, Side::After, 1, Fault::Error(StoreError::Full));
        let mut went_well = vec![];
        for id in ["a", "b", "c", "d"] {
            went_well.push(admit_one(&store, id).await.is_ok());
        }
        assert_eq!(went_well, [true, false, false, true]);
        let index = inner.open_index().await.expect("an index");
        let ids: Vec<_> = index.iter().map(|row| row.job.0.as_str()).collect();
        assert_eq!(ids, ["a", "c", "d"], "before: nothing; after: committed, not told");
    }

    #[tokio::test]
    async fn a_hook_is_called_at_its_point() {
        let (_, store) = faulty();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let hook = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        store.arm(Point::Claim, Side::After, 0, Fault::Call(Arc::new(hook)));
        queue(&store, job("k7f", 1)).await;
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        assert!(store.claim(&attempt("k7f", 0, 1), "gpu", NOW).await.is_err());
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        claim(&store, "k7f", 0).await;
    }
}
