//! A store that lasts as long as its `Arc`: for tests, demos, and as the model of the others.
//! Every method takes the lock once, as a transaction would, and never across an await.
mod jobs;
mod media;
mod outbox;

use super::{
    Admission, BlobRow, Change, Effect, Finish, Finished, IndexRow, JobRecord, Lease, LinkRow,
    Page, Payload, Retention, Settings, Store, StoreError, StoreStats, Swept, Verdict, ids,
};
use crate::job::Attempt;
use async_trait::async_trait;
use inkwire_core::{
    AdapterId, Delivery, DeliveryId, EventKey, Failure, Imagine, JobId, Linked, MediaId, Native,
    Outcome, PersonId, Posted, Receipt, SlotId, Time, Watch,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

pub struct MemoryStore {
    state: Mutex<State>,
}

struct State {
    install: Uuid,
    paused: bool,
    /// Of all time.
    ids: BTreeSet<JobId>,
    /// Counts jobs and deliveries; neither number is given twice.
    counted: Counted,
    jobs: BTreeMap<JobId, jobs::Row>,
    outbox: BTreeMap<u64, outbox::Row>,
    slots: BTreeMap<SlotId, outbox::Slot>,
    messages: BTreeMap<(AdapterId, Native, Native), (JobId, Option<MediaId>)>,
    seen: BTreeMap<(AdapterId, EventKey), Seen>,
    leases: BTreeMap<AdapterId, Lease>,
    rooms: BTreeMap<(AdapterId, Native), Imagine>,
    blobs: BTreeMap<MediaId, (BlobRow, Time)>,
    /// Texts have no job.
    links: BTreeMap<String, (Option<JobId>, LinkRow)>,
}

#[derive(Default)]
struct Counted {
    jobs: u64,
    deliveries: u64,
}

struct Seen {
    job: Option<JobId>,
    outcome: Option<Outcome>,
    at: Time,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { state: Mutex::new(State::new(Uuid::new_v4())) }
    }
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(install: Uuid) -> Self {
        Self {
            install,
            paused: false,
            ids: BTreeSet::new(),
            counted: Counted::default(),
            jobs: BTreeMap::new(),
            outbox: BTreeMap::new(),
            slots: BTreeMap::new(),
            messages: BTreeMap::new(),
            seen: BTreeMap::new(),
            leases: BTreeMap::new(),
            rooms: BTreeMap::new(),
            blobs: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }

    /// An adapter that never took a lease is at epoch 0.
    fn epoch(&self, adapter: &AdapterId) -> u64 {
        self.leases.get(adapter).map_or(0, |lease| lease.epoch)
    }

    fn check(&self, adapter: &AdapterId, epoch: u64) -> Result<(), StoreError> {
        if self.epoch(adapter) == epoch { Ok(()) } else { Err(StoreError::Stale) }
    }

    fn fresh_id(&mut self) -> JobId {
        let used = u64::try_from(self.ids.len()).unwrap_or(u64::MAX);
        let drawn = ids::draw(used, |id| Ok::<_, Infallible>(self.ids.insert(id.clone())));
        drawn.unwrap_or_else(|never| match never {})
    }

    fn admit(&mut self, admission: Admission) -> Verdict {
        if self.epoch(&admission.adapter) != admission.epoch {
            return Verdict::Stale;
        }
        let lease = self.leases.entry(admission.adapter.clone()).or_default();
        lease.cursor = admission.cursor.or(lease.cursor.take());
        lease.notes.extend(admission.notes);
        let at = admission.at;
        if let Some(event) = admission.seen {
            let key = (admission.adapter, event);
            if let Some(Seen { job, outcome, .. }) = self.seen.get(&key) {
                return Verdict::Duplicate { job: job.clone(), outcome: outcome.clone() };
            }
            let job = admission.jobs.first().map(|job| job.id.clone());
            self.seen.insert(key, Seen { job, outcome: admission.outcome, at });
        }
        let changes = admission.changes.iter();
        let mut effects: Vec<_> = changes.flat_map(|change| self.change(change, at)).collect();
        effects.extend(admission.jobs.into_iter().map(|job| Effect::Queued(self.insert(job))));
        admission.deliveries.into_iter().for_each(|draft| self.post(draft, at));
        Verdict::Done(effects)
    }

    fn change(&mut self, change: &Change, at: Time) -> Vec<Effect> {
        match change {
            Change::Cancel { job, by } => {
                self.step(job, at, |standing| standing.cancel(by, at)).unwrap_or_default()
            }
            Change::Delete { job, image } => {
                self.delete(job, *image, at);
                vec![]
            }
            Change::Pause(paused) => {
                self.paused = *paused;
                vec![Effect::Paused(*paused)]
            }
            Change::Prefer { adapter, room, defaults } => {
                let key = (adapter.clone(), room.clone());
                if **defaults == Imagine::default() {
                    self.rooms.remove(&key);
                } else {
                    self.rooms.insert(key, Imagine::clone(defaults));
                }
                vec![]
            }
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn settings(&self) -> Result<Settings, StoreError> {
        let state = self.lock();
        Ok(Settings { install: state.install, paused: state.paused })
    }

    async fn lease(&self, adapter: &AdapterId) -> Result<Lease, StoreError> {
        let mut state = self.lock();
        let lease = state.leases.entry(adapter.clone()).or_default();
        lease.epoch += 1;
        Ok(lease.clone())
    }

    async fn fresh_ids(&self, count: usize) -> Result<Vec<JobId>, StoreError> {
        let mut state = self.lock();
        Ok((0..count).map(|_| state.fresh_id()).collect())
    }

    async fn admit(&self, admissions: Vec<Admission>) -> Result<Vec<Verdict>, StoreError> {
        let mut state = self.lock();
        if let Some(taken) = state.taken(&admissions) {
            return Err(StoreError::Broken(format!("job {taken} exists")));
        }
        Ok(admissions.into_iter().map(|admission| state.admit(admission)).collect())
    }

    async fn open_index(&self) -> Result<Vec<IndexRow>, StoreError> {
        Ok(self.lock().open_index())
    }

    async fn room(&self, adapter: &AdapterId, room: &Native) -> Result<Imagine, StoreError> {
        let key = (adapter.clone(), room.clone());
        Ok(self.lock().rooms.get(&key).cloned().unwrap_or_default())
    }

    async fn claim(
        &self,
        attempt: &Attempt,
        engine: &str,
        at: Time,
    ) -> Result<Option<Payload>, StoreError> {
        Ok(self.lock().claim(attempt, engine, at))
    }

    async fn submitted(&self, attempt: &Attempt, native: &str) -> Result<(), StoreError> {
        if let Some(row) = self.lock().jobs.get_mut(&attempt.job) {
            row.standing.submitted(attempt, native);
        }
        Ok(())
    }

    async fn release(
        &self,
        attempt: &Attempt,
        reason: Failure,
        at: Time,
    ) -> Result<Vec<Effect>, StoreError> {
        let step = self.lock().step(&attempt.job, at, |job| job.release(attempt, reason, at));
        Ok(step.unwrap_or_default())
    }

    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError> {
        Ok(self.lock().finish(finish))
    }

    async fn expire(&self, jobs: &[JobId], at: Time) -> Result<Vec<Effect>, StoreError> {
        let mut state = self.lock();
        let steps = jobs.iter().filter_map(|id| state.step(id, at, |job| job.expire(at)));
        Ok(steps.flatten().collect())
    }

    async fn due(
        &self,
        adapter: &AdapterId,
        epoch: u64,
        now: Time,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.lock().due(adapter, epoch, now, limit)
    }

    async fn begin(&self, id: &DeliveryId, epoch: u64) -> Result<(), StoreError> {
        self.lock().open_row(id, epoch).map(|row| row.sending.begun = true)
    }

    async fn checkpoint(&self, id: &DeliveryId, epoch: u64, v: Value) -> Result<(), StoreError> {
        self.lock().open_row(id, epoch).map(|row| row.state = Some(v))
    }

    async fn record(
        &self,
        id: &DeliveryId,
        epoch: u64,
        receipt: Receipt,
        now: Time,
    ) -> Result<(), StoreError> {
        self.lock().record(id, epoch, receipt, now)
    }

    async fn shown(&self, slot: &SlotId) -> Result<Vec<Posted>, StoreError> {
        Ok(self.lock().shown(slot))
    }

    async fn since(&self, watch: &Watch, after: u64) -> Result<Vec<Delivery>, StoreError> {
        Ok(self.lock().since(watch, after))
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.lock().jobs.get(id).map(jobs::Row::record))
    }

    async fn newest(&self, owner: &PersonId, limit: usize) -> Result<Vec<JobId>, StoreError> {
        Ok(self.lock().newest(owner, limit))
    }

    async fn posted(
        &self,
        adapter: &AdapterId,
        room: &Native,
        native: &Native,
    ) -> Result<Option<(JobId, Option<MediaId>)>, StoreError> {
        let key = (adapter.clone(), room.clone(), native.clone());
        Ok(self.lock().messages.get(&key).cloned())
    }

    async fn keep_blob(&self, blob: &BlobRow, at: Time) -> Result<(), StoreError> {
        self.lock().blobs.insert(blob.id.clone(), (blob.clone(), at));
        Ok(())
    }

    async fn blob(&self, id: &MediaId) -> Result<Option<BlobRow>, StoreError> {
        Ok(self.lock().blobs.get(id).map(|(blob, _)| blob.clone()))
    }

    async fn keep_link(&self, link: &LinkRow) -> Result<(), StoreError> {
        self.lock().links.insert(link.id.clone(), (None, link.clone()));
        Ok(())
    }

    async fn link(&self, id: &str, now: Time) -> Result<Option<Linked>, StoreError> {
        Ok(self.lock().link(id, now))
    }

    async fn sweep(&self, retention: &Retention, now: Time) -> Result<Swept, StoreError> {
        Ok(self.lock().sweep(retention, now))
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        Ok(self.lock().stats())
    }
}
