//! The notice board: "something was committed", and the newest word on each running job.
//! Writing never waits and nothing here must survive; what must is in the store.
use crate::job::{Draft, Job};
use inkwire_core::{AdapterId, JobId, MediaId, Outcome, SlotId};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// More than engines have seats; beyond it news of further slots is left out.
const MOST_SLOTS: usize = 1024;

/// Of each slot the newest word on its progress and the newest look at its picture.
type News = BTreeMap<(SlotId, Kind), Draft>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Preview,
    Progress,
}

pub struct Board {
    commits: watch::Sender<u64>,
    news: BTreeMap<AdapterId, watch::Sender<News>>,
    steps: Mutex<BTreeMap<JobId, Steps>>,
}

/// Steps done and in all, by part.
#[derive(Default)]
struct Steps(BTreeMap<u8, (u32, u32)>);

impl Steps {
    /// Parts that have not begun are taken to be as long as the longest known.
    fn sum(&self, parts: u8) -> (u32, u32) {
        let longest = self.0.values().map(|(_, total)| *total).max().unwrap_or(0);
        let unknown = u32::from(parts).saturating_sub(u32::try_from(self.0.len()).unwrap_or(0));
        let add = |sum: (u32, u32), (done, total): &(u32, u32)| {
            (sum.0.saturating_add(*done), sum.1.saturating_add(*total))
        };
        let (done, total) = self.0.values().fold((0, 0), add);
        (done, total.saturating_add(longest.saturating_mul(unknown)))
    }
}

impl Board {
    pub fn new(adapters: impl IntoIterator<Item = AdapterId>) -> Self {
        let news = adapters.into_iter().map(|id| (id, watch::Sender::default())).collect();
        Self { commits: watch::Sender::default(), news, steps: Mutex::default() }
    }

    /// Wakes whoever waits for due deliveries.
    pub fn poke(&self) {
        self.commits.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Subscribe first, then read the store: no commit falls between.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// Notes how far one part is, and pins the sum over all parts as news.
    pub fn step(&self, job: &Job, part: u8, done: u32, total: u32) {
        let (done, total) = {
            let mut steps = self.steps();
            let of_job = steps.entry(job.id.clone()).or_default();
            of_job.0.insert(part, (done, total));
            of_job.sum(job.parts)
        };
        self.put(Kind::Progress, job.say(Outcome::Progress { done, total, label: None }));
    }

    pub fn preview(&self, job: &Job, media: MediaId) {
        self.put(Kind::Preview, job.say(Outcome::Preview(media)));
    }

    /// Steps done and in all of a job that runs.
    pub fn steps_of(&self, job: &JobId, parts: u8) -> Option<(u32, u32)> {
        self.steps().get(job).map(|steps| steps.sum(parts))
    }

    /// Forgets a job that has ended.
    pub fn ended(&self, job: &JobId) {
        self.steps().remove(job);
        let slot = Job::slot_of(job);
        for news in self.news.values() {
            news.send_if_modified(|slots| {
                let before = slots.len();
                slots.retain(|(other, _), _| *other != slot);
                slots.len() < before
            });
        }
    }

    /// Takes all news of one adapter; waits until there is some.
    pub async fn take(&self, adapter: &AdapterId) -> Vec<(SlotId, Draft)> {
        let Some(news) = self.news.get(adapter) else { return std::future::pending().await };
        let mut changes = news.subscribe();
        loop {
            let mut taken = News::new();
            news.send_if_modified(|slots| {
                taken = std::mem::take(slots);
                false
            });
            if !taken.is_empty() || changes.changed().await.is_err() {
                return taken.into_iter().map(|((slot, _), draft)| (slot, draft)).collect();
            }
        }
    }

    fn put(&self, kind: Kind, draft: Draft) {
        let Some(news) = self.news.get(&draft.to.adapter) else { return };
        news.send_if_modified(|slots| {
            let key = (draft.slot.clone(), kind);
            let room = slots.len() < MOST_SLOTS || slots.contains_key(&key);
            if room {
                slots.insert(key, draft);
            }
            room
        });
    }

    fn steps(&self) -> MutexGuard<'_, BTreeMap<JobId, Steps>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_summed_over_parts_and_unknown_ones_count_as_the_longest() {
        let mut steps = Steps::default();
        steps.0.insert(0, (5, 20));
        assert_eq!(steps.sum(4), (5, 80));
        steps.0.insert(1, (1, 10));
        assert_eq!(steps.sum(2), (6, 30));
    }
}
