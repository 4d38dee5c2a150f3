//! A store that knows blobs, links and jobs, and refuses everything else.
use crate::{
    job::Attempt,
    store::{
        Admission, BlobRow, Effect, Finish, Finished, IndexRow, JobRecord, Lease, LinkRow, Page,
        Payload, Retention, Settings, Store, StoreError, StoreStats, Swept, Verdict,
    },
};
use async_trait::async_trait;
use inkwire_core::{
    AdapterId, Delivery, DeliveryId, Failure, Imagine, JobId, Linked, MediaId, Native, PersonId,
    Posted, Receipt, SlotId, Time, Watch,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Mutex};
use tokio::sync::Semaphore;

type Answer<T> = Result<T, StoreError>;

pub(super) struct Ledger {
    pub(super) blobs: Mutex<BTreeMap<MediaId, BlobRow>>,
    pub(super) links: Mutex<BTreeMap<String, Linked>>,
    pub(super) record: Mutex<Option<JobRecord>>,
    /// What the next sweep gives up.
    pub(super) unwanted: Mutex<Vec<MediaId>>,
    pub(super) full: bool,
    /// Each blob takes a permit to be kept.
    pub(super) permits: Semaphore,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            blobs: Mutex::default(),
            links: Mutex::default(),
            record: Mutex::default(),
            unwanted: Mutex::default(),
            full: false,
            permits: Semaphore::new(1_000),
        }
    }
}

fn refused<T>() -> Answer<T> {
    Err(StoreError::Broken("not kept here".into()))
}

#[async_trait]
impl Store for Ledger {
    async fn keep_blob(&self, blob: &BlobRow, _: Time) -> Answer<()> {
        self.permits.acquire().await.unwrap().forget();
        if self.full {
            return Err(StoreError::Full);
        }
        self.blobs.lock().unwrap().insert(blob.id.clone(), blob.clone());
        Ok(())
    }

    async fn blob(&self, id: &MediaId) -> Answer<Option<BlobRow>> {
        Ok(self.blobs.lock().unwrap().get(id).cloned())
    }

    async fn keep_link(&self, link: &LinkRow) -> Answer<()> {
        let blob = self.blobs.lock().unwrap().get(&link.media).cloned().unwrap();
        let linked = Linked {
            media: blob.id,
            mime: blob.mime,
            bytes: blob.bytes,
            width: blob.width,
            height: blob.height,
            job: None,
            title: None,
            file_name: "text.txt".into(),
            expires: Some(link.expires),
        };
        self.links.lock().unwrap().insert(link.id.clone(), linked);
        Ok(())
    }

    async fn link(&self, id: &str, _: Time) -> Answer<Option<Linked>> {
        Ok(self.links.lock().unwrap().get(id).cloned())
    }

    async fn job(&self, _: &JobId) -> Answer<Option<JobRecord>> {
        Ok(self.record.lock().unwrap().clone())
    }

    async fn sweep(&self, _: &Retention, _: Time) -> Answer<Swept> {
        let blobs = std::mem::take(&mut *self.unwanted.lock().unwrap());
        self.blobs.lock().unwrap().retain(|id, _| !blobs.contains(id));
        Ok(Swept { blobs, jobs: 0 })
    }

    async fn stats(&self) -> Answer<StoreStats> {
        Ok(StoreStats::default())
    }

    // --- what blobs have no use for ---

    async fn settings(&self) -> Answer<Settings> {
        refused()
    }
    async fn lease(&self, _: &AdapterId) -> Answer<Lease> {
        refused()
    }
    async fn fresh_ids(&self, _: usize) -> Answer<Vec<JobId>> {
        refused()
    }
    async fn admit(&self, _: Vec<Admission>) -> Answer<Vec<Verdict>> {
        refused()
    }
    async fn open_index(&self) -> Answer<Vec<IndexRow>> {
        refused()
    }
    async fn room(&self, _: &AdapterId, _: &Native) -> Answer<Imagine> {
        refused()
    }
    async fn claim(&self, _: &Attempt, _: &str, _: Time) -> Answer<Option<Payload>> {
        refused()
    }
    async fn submitted(&self, _: &Attempt, _: &str) -> Answer<()> {
        refused()
    }
    async fn release(&self, _: &Attempt, _: Failure, _: Time) -> Answer<Vec<Effect>> {
        refused()
    }
    async fn finish(&self, _: Finish) -> Answer<Finished> {
        refused()
    }
    async fn expire(&self, _: &[JobId], _: Time) -> Answer<Vec<Effect>> {
        refused()
    }
    async fn due(&self, _: &AdapterId, _: u64, _: Time, _: usize) -> Answer<Page> {
        refused()
    }
    async fn begin(&self, _: &DeliveryId, _: u64) -> Answer<()> {
        refused()
    }
    async fn checkpoint(&self, _: &DeliveryId, _: u64, _: Value) -> Answer<()> {
        refused()
    }
    async fn record(&self, _: &DeliveryId, _: u64, _: Receipt, _: Time) -> Answer<()> {
        refused()
    }
    async fn shown(&self, _: &SlotId) -> Answer<Vec<Posted>> {
        refused()
    }
    async fn since(&self, _: &Watch, _: u64) -> Answer<Vec<Delivery>> {
        refused()
    }
    async fn newest(&self, _: &PersonId, _: usize) -> Answer<Vec<JobId>> {
        refused()
    }
    async fn posted(
        &self,
        _: &AdapterId,
        _: &Native,
        _: &Native,
    ) -> Answer<Option<(JobId, Option<MediaId>)>> {
        refused()
    }
}
