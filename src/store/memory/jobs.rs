//! Jobs by id. What a step means is in `standing`; here it is written down.
use super::State;
use crate::{
    job::{Attempt, Job},
    store::{
        Admission, Effect, Finish, Finished, IndexRow, JobRecord, Payload,
        standing::{Standing, Step},
    },
};
use inkwire_core::{Artifact, ArtifactKind, JobId, PersonId, Time};
use std::cmp::Reverse;

pub(super) struct Row {
    /// The order of admission.
    number: u64,
    pub(super) standing: Standing,
    /// Those still there.
    pub(super) artifacts: Vec<Artifact>,
}

impl Row {
    pub(super) fn record(&self) -> JobRecord {
        let mut artifacts = self.artifacts.clone();
        artifacts.sort_by_key(|made| (made.kind != ArtifactKind::Grid, made.index));
        JobRecord {
            job: self.standing.job.clone(),
            state: self.standing.state,
            engine: self.standing.engine.clone(),
            artifacts,
            failure: self.standing.failure.clone(),
            ended: self.standing.ended,
            keep_until: self.standing.keep_until,
        }
    }
}

impl State {
    /// The first id that two jobs would have, after this call or before it.
    pub(super) fn taken(&self, admissions: &[Admission]) -> Option<JobId> {
        let mut new: Vec<&JobId> = vec![];
        let mut events = vec![];
        for admission in admissions {
            let key = admission.seen.clone().map(|event| (admission.adapter.clone(), event));
            let known = |key| self.seen.contains_key(key) || events.contains(key);
            let stale = self.epoch(&admission.adapter) != admission.epoch;
            if stale || key.as_ref().is_some_and(known) {
                continue;
            }
            events.extend(key);
            for job in &admission.jobs {
                if new.contains(&&job.id) || self.jobs.contains_key(&job.id) {
                    return Some(job.id.clone());
                }
                new.push(&job.id);
            }
        }
        None
    }

    pub(super) fn insert(&mut self, job: Job) -> IndexRow {
        self.counted.jobs += 1;
        self.ids.insert(job.id.clone());
        let standing = Standing::new(job);
        let index = standing.index();
        let row = Row { number: self.counted.jobs, standing, artifacts: vec![] };
        self.jobs.insert(index.job.clone(), row);
        index
    }

    /// `None` for a job that is not there.
    pub(super) fn step(
        &mut self,
        id: &JobId,
        at: Time,
        take: impl FnOnce(&mut Standing) -> Step,
    ) -> Option<Vec<Effect>> {
        let row = self.jobs.get_mut(id)?;
        let step = take(&mut row.standing);
        row.artifacts.extend(step.artifacts);
        for link in step.links {
            self.links.insert(link.id.clone(), (Some(id.clone()), link));
        }
        step.drafts.into_iter().for_each(|draft| self.post(draft, at));
        Some(step.effects)
    }

    pub(super) fn claim(&mut self, attempt: &Attempt, engine: &str, at: Time) -> Option<Payload> {
        let mut payload = None;
        self.step(&attempt.job, at, |job| {
            let (given, step) = job.claim(attempt, engine).unzip();
            payload = given;
            step.unwrap_or_default()
        });
        payload
    }

    pub(super) fn finish(&mut self, finish: Finish) -> Finished {
        let (id, at) = (finish.attempt.job.clone(), finish.at);
        let mut wanted = None;
        let effects = self.step(&id, at, |job| {
            job.finish(finish).unwrap_or_else(|images| {
                wanted = Some(images);
                Step::default()
            })
        });
        wanted.map_or_else(|| Finished::Done(effects.unwrap_or_default()), Finished::WantsGrid)
    }

    /// A grid shows every image, so it goes with any of them.
    pub(super) fn delete(&mut self, id: &JobId, image: Option<u16>, at: Time) {
        let Some(row) = self.jobs.get_mut(id) else { return };
        if row.standing.state.is_open() {
            return;
        }
        let gone = |index: u16| image.is_none_or(|image| index == image || index == 0);
        row.artifacts.retain(|made| !gone(made.index));
        let empty = row.artifacts.is_empty();
        self.links.retain(|_, (job, link)| job.as_ref() != Some(id) || !gone(link.image));
        if empty {
            self.step(id, at, Standing::retract);
        }
    }

    pub(super) fn open_index(&self) -> Vec<IndexRow> {
        let mut open: Vec<_> =
            self.jobs.values().filter(|row| row.standing.state.is_open()).collect();
        open.sort_by_key(|row| row.number);
        open.into_iter().map(|row| row.standing.index()).collect()
    }

    pub(super) fn newest(&self, owner: &PersonId, limit: usize) -> Vec<JobId> {
        let mut rows: Vec<_> =
            self.jobs.values().filter(|row| row.standing.job.owner == *owner).collect();
        rows.sort_by_key(|row| Reverse(row.number));
        rows.into_iter().take(limit).map(|row| row.standing.job.id.clone()).collect()
    }
}
