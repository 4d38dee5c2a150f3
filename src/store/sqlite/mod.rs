//! The store of a real installation: one `SQLite` file, one writer, two readers.
//! Here each method of the port names its step; what the step does stands in the files beside.
mod admit;
mod backup;
mod columns;
mod jobs;
mod media;
mod migrate;
mod notes;
mod open;
mod outbox;
mod readers;
mod rooms;
mod sweep;
#[cfg(test)]
mod tests;
mod writer;

pub use backup::{Backup, Verified, VerifyError, verify};
pub use open::{OpenError, Options, lock};

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
use notes::Notes;
use readers::Readers;
use rusqlite::Connection;
use serde_json::Value;
use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};
use uuid::Uuid;
use writer::{
    Durability::{Forced, Lazy},
    Writer,
};

pub struct SqliteStore {
    /// Dropped first: the writer's connection is the last one, and tidies up.
    readers: Readers,
    writer: Writer,
    notes: Notes,
    /// Part of the delivery ids made since this opening.
    tag: Arc<str>,
}

impl SqliteStore {
    /// Takes the file for this process, brings it to this version and starts the writer.
    /// Blocks; after an unclean stop for as long as the file takes to be read once.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let opened = open::open(path, options)?;
        let io = |error| OpenError::Io { path: path.to_owned(), error };
        let notes = Notes::open(&open::beside(path, "notes"), &opened.conn).map_err(io)?;
        let writer = Writer::start(opened).map_err(io)?;
        let tag: String = Uuid::new_v4().simple().to_string().chars().take(8).collect();
        Ok(Self { readers: Readers::new(path.to_owned()), writer, notes, tag: tag.into() })
    }

    /// Commits what waits and marks the stop as clean. Later calls fail.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        self.writer.close().await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(work).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn settings(&self) -> Result<Settings, StoreError> {
        self.read(admit::settings).await
    }

    async fn lease(&self, adapter: &AdapterId) -> Result<Lease, StoreError> {
        let adapter = adapter.clone();
        self.writer.write(Lazy, move |tx| admit::lease(tx, &adapter)).await
    }

    async fn fresh_ids(&self, count: usize) -> Result<Vec<JobId>, StoreError> {
        self.writer.write(Lazy, move |tx| admit::fresh_ids(tx, count)).await
    }

    async fn admit(&self, admissions: Vec<Admission>) -> Result<Vec<Verdict>, StoreError> {
        let durability = if admissions.iter().any(admit::must_last) { Forced } else { Lazy };
        let tag = self.tag.clone();
        let work = move |tx: &Connection| {
            admissions.into_iter().map(|admission| admit::admit(tx, &tag, admission)).collect()
        };
        self.writer.write(durability, work).await
    }

    async fn open_index(&self) -> Result<Vec<IndexRow>, StoreError> {
        self.read(jobs::open_index).await
    }

    async fn room(&self, adapter: &AdapterId, room: &Native) -> Result<Imagine, StoreError> {
        let (adapter, room) = (adapter.clone(), room.clone());
        self.read(move |tx| rooms::defaults(tx, &adapter, &room)).await
    }

    async fn claim(
        &self,
        attempt: &Attempt,
        engine: &str,
        at: Time,
    ) -> Result<Option<Payload>, StoreError> {
        let (attempt, engine, tag) = (attempt.clone(), engine.to_owned(), self.tag.clone());
        let work = move |tx: &Connection| jobs::claim(tx, &tag, &attempt, &engine, at);
        self.writer.write(Lazy, work).await
    }

    async fn submitted(&self, attempt: &Attempt, native: &str) -> Result<(), StoreError> {
        let (attempt, native) = (attempt.clone(), native.to_owned());
        self.writer.write(Lazy, move |tx| jobs::submitted(tx, &attempt, &native)).await
    }

    async fn release(
        &self,
        attempt: &Attempt,
        reason: Failure,
        at: Time,
    ) -> Result<Vec<Effect>, StoreError> {
        let (attempt, tag) = (attempt.clone(), self.tag.clone());
        let work = move |tx: &Connection| {
            jobs::step(tx, &tag, &attempt.job, at, |job| job.release(&attempt, reason, at))
        };
        self.writer.write(Lazy, work).await
    }

    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError> {
        let tag = self.tag.clone();
        self.writer.write(Forced, move |tx| jobs::finish(tx, &tag, finish)).await
    }

    async fn expire(&self, jobs: &[JobId], at: Time) -> Result<Vec<Effect>, StoreError> {
        let (jobs, tag) = (jobs.to_vec(), self.tag.clone());
        let work = move |tx: &Connection| {
            let steps = jobs.iter().map(|id| jobs::step(tx, &tag, id, at, |job| job.expire(at)));
            steps.collect::<Result<Vec<_>, _>>().map(|effects| effects.concat())
        };
        self.writer.write(Forced, work).await
    }

    async fn due(
        &self,
        adapter: &AdapterId,
        epoch: u64,
        now: Time,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let adapter = adapter.clone();
        self.read(move |tx| outbox::due(tx, &adapter, epoch, now, limit)).await
    }

    async fn begin(&self, id: &DeliveryId, epoch: u64) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer.write(Lazy, move |tx| outbox::begin(tx, &id, epoch)).await
    }

    async fn checkpoint(&self, id: &DeliveryId, epoch: u64, v: Value) -> Result<(), StoreError> {
        let _ahead = self.notes.add(id, &v);
        let id = id.clone();
        self.writer.write(Lazy, move |tx| outbox::checkpoint(tx, &id, epoch, &v)).await
    }

    async fn record(
        &self,
        id: &DeliveryId,
        epoch: u64,
        receipt: Receipt,
        now: Time,
    ) -> Result<(), StoreError> {
        let (id, tag) = (id.clone(), self.tag.clone());
        let work = move |tx: &Connection| {
            let row = outbox::held(tx, &id, epoch)?;
            outbox::record(tx, &tag, row, receipt, now)
        };
        self.writer.write(Lazy, work).await
    }

    async fn shown(&self, slot: &SlotId) -> Result<Vec<Posted>, StoreError> {
        let slot = slot.clone();
        self.read(move |tx| outbox::shown(tx, &slot)).await
    }

    async fn since(&self, watch: &Watch, after: u64) -> Result<Vec<Delivery>, StoreError> {
        let watch = watch.clone();
        self.read(move |tx| outbox::since(tx, &watch, after)).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        let id = id.clone();
        self.read(move |tx| jobs::record(tx, &id)).await
    }

    async fn newest(&self, owner: &PersonId, limit: usize) -> Result<Vec<JobId>, StoreError> {
        let owner = owner.clone();
        self.read(move |tx| jobs::newest(tx, &owner, limit)).await
    }

    async fn posted(
        &self,
        adapter: &AdapterId,
        room: &Native,
        native: &Native,
    ) -> Result<Option<(JobId, Option<MediaId>)>, StoreError> {
        let (adapter, room, native) = (adapter.clone(), room.clone(), native.clone());
        self.read(move |tx| outbox::posted(tx, &adapter, &room, &native)).await
    }

    async fn keep_blob(&self, blob: &BlobRow, at: Time) -> Result<(), StoreError> {
        let blob = blob.clone();
        self.writer.write(Lazy, move |tx| media::keep(tx, &blob, at)).await
    }

    async fn blob(&self, id: &MediaId) -> Result<Option<BlobRow>, StoreError> {
        let id = id.clone();
        self.read(move |tx| media::blob(tx, &id)).await
    }

    async fn keep_link(&self, link: &LinkRow) -> Result<(), StoreError> {
        let link = link.clone();
        self.writer.write(Forced, move |tx| media::keep_link(tx, None, &link)).await
    }

    async fn link(&self, id: &str, now: Time) -> Result<Option<Linked>, StoreError> {
        let id = id.to_owned();
        self.read(move |tx| media::link(tx, &id, now)).await
    }

    async fn sweep(&self, retention: &Retention, now: Time) -> Result<Swept, StoreError> {
        let retention = retention.clone();
        self.writer.write(Forced, move |tx| sweep::sweep(tx, &retention, now)).await
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        let counted = self.writer.counts();
        let commits = counted.commits.load(Ordering::Relaxed);
        let fsyncs = counted.fsyncs.load(Ordering::Relaxed);
        let stats = self.read(media::stats).await?;
        Ok(StoreStats { commits, fsyncs, ..stats })
    }
}
