//! Blobs, links, and what is thrown away when.
use super::State;
use crate::store::{Retention, StoreStats, Swept, link};
use inkwire_core::{AdapterId, Artifact, JobId, Linked, MediaId, Time};
use std::collections::{BTreeMap, BTreeSet};

impl State {
    pub(super) fn link(&self, id: &str, now: Time) -> Option<Linked> {
        let (job, row) = self.links.get(id).filter(|(_, row)| now < row.expires)?;
        let (blob, _) = self.blobs.get(&row.media)?;
        let job = match job {
            Some(job) => Some(&self.jobs.get(job)?.standing.job),
            None => None,
        };
        Some(link::linked(job, row, blob.clone()))
    }

    pub(super) fn sweep(&mut self, retention: &Retention, now: Time) -> Swept {
        let jobs = self.forget_jobs(retention, now);
        self.forget_words(retention, now);
        self.links.retain(|_, (_, link)| now < link.expires);
        let jobs_past = |row: &super::jobs::Row| row.standing.keep_until.is_some_and(|t| t <= now);
        let past = self.jobs.iter().filter(|(_, row)| jobs_past(row));
        let past: BTreeSet<JobId> = past
            .filter(|(_, row)| !row.standing.state.is_open())
            .map(|(id, _)| id.clone())
            .collect();
        self.drop_artifacts(|job, _| past.contains(job));
        let mut blobs = self.make_room(retention, now);
        blobs.extend(self.drop_unclaimed(retention, now));
        blobs.sort();
        Swept { blobs, jobs }
    }

    fn forget_jobs(&mut self, retention: &Retention, now: Time) -> usize {
        let old = self.jobs.iter().filter(|(_, row)| {
            let keep = row.standing.job.keep.unwrap_or(retention.recipes);
            row.standing.ended.is_some_and(|ended| ended.after(keep) <= now)
        });
        let old: BTreeSet<JobId> = old.map(|(id, _)| id.clone()).collect();
        self.jobs.retain(|id, _| !old.contains(id));
        self.links.retain(|_, (job, _)| job.as_ref().is_none_or(|job| !old.contains(job)));
        self.messages.retain(|_, (job, _)| !old.contains(job));
        self.drop_deliveries(|row| row.delivery.job.as_ref().is_some_and(|id| old.contains(id)));
        old.len()
    }

    fn forget_words(&mut self, retention: &Retention, now: Time) {
        self.seen.retain(|_, seen| seen.at.after(retention.seen) > now);
        let late =
            self.outbox.values().filter(|row| row.delivery.expires.is_some_and(|t| t <= now));
        let late: Vec<_> = late.map(|row| row.delivery.clone()).collect();
        for delivery in &late {
            self.close(delivery);
        }
        self.drop_deliveries(|row| {
            !row.open && row.delivery.job.is_none() && row.at.after(retention.seen) <= now
        });
    }

    /// A slot goes with the last of its deliveries.
    fn drop_deliveries(&mut self, gone: impl Fn(&super::outbox::Row) -> bool) {
        self.outbox.retain(|_, row| !gone(row));
        let left: BTreeSet<_> = self.outbox.values().map(|row| &row.delivery.slot).collect();
        self.slots.retain(|slot, _| left.contains(slot));
    }

    /// With their links.
    fn drop_artifacts(&mut self, gone: impl Fn(&JobId, &Artifact) -> bool) {
        for (id, row) in &mut self.jobs {
            let (dropped, kept) = row.artifacts.drain(..).partition(|made| gone(id, made));
            row.artifacts = kept;
            let dropped: Vec<Artifact> = dropped;
            let of_dropped = |media: &MediaId| dropped.iter().any(|made| made.media == *media);
            self.links
                .retain(|_, (job, link)| job.as_ref() != Some(id) || !of_dropped(&link.media));
        }
    }

    /// The oldest go until the rest fits; young ones are somebody's work in progress.
    fn make_room(&mut self, retention: &Retention, now: Time) -> Vec<MediaId> {
        let mut total: u64 = self.blobs.values().map(|(blob, _)| blob.bytes).sum();
        let old = self.blobs.values().filter(|(_, at)| at.after(retention.unclaimed) <= now);
        let mut old: Vec<_> = old.map(|(blob, at)| (*at, blob.id.clone(), blob.bytes)).collect();
        old.sort();
        let mut gone = BTreeSet::new();
        for (_, id, bytes) in old {
            if total <= retention.most_bytes {
                break;
            }
            total -= bytes;
            gone.insert(id);
        }
        self.drop_artifacts(|_, made| named(made).any(|id| gone.contains(id)));
        self.links.retain(|_, (job, link)| job.is_some() || !gone.contains(&link.media));
        self.blobs.retain(|id, _| !gone.contains(id));
        gone.into_iter().collect()
    }

    fn drop_unclaimed(&mut self, retention: &Retention, now: Time) -> Vec<MediaId> {
        let made = self.jobs.values().flat_map(|row| &row.artifacts);
        let texts = self.links.values().filter(|(job, _)| job.is_none());
        let texts = texts.map(|(_, link)| &link.media);
        let claimed: BTreeSet<_> = made.flat_map(named).chain(texts).collect();
        let old = self.blobs.values().filter(|(_, at)| at.after(retention.unclaimed) <= now);
        let gone: Vec<_> =
            old.filter(|(b, _)| !claimed.contains(&b.id)).map(|(b, _)| b.id.clone()).collect();
        self.blobs.retain(|id, _| !gone.contains(id));
        gone
    }

    pub(super) fn stats(&self) -> StoreStats {
        let mut outbox: BTreeMap<AdapterId, u64> = BTreeMap::new();
        for row in self.outbox.values().filter(|row| row.open) {
            *outbox.entry(row.delivery.to.adapter.clone()).or_default() += 1;
        }
        StoreStats {
            outbox: outbox.into_iter().collect(),
            blob_bytes: self.blobs.values().map(|(blob, _)| blob.bytes).sum(),
            links: u64::try_from(self.links.len()).unwrap_or(u64::MAX),
            ..StoreStats::default()
        }
    }
}

fn named(made: &Artifact) -> impl Iterator<Item = &MediaId> {
    std::iter::once(&made.media).chain(&made.thumbnail)
}
