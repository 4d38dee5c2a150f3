//! Our questions to the server: has it dealt with all that was written, what does a room remember.
//! A server works in order, so one answered ping settles all that was asked before it.
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// An answer may be lost among many signs: the question is put again.
const AGAIN: Duration = Duration::from_secs(30);
/// A server that answers none for so long is gone.
const LOST: Duration = Duration::from_mins(1);
/// Targets remembered; beyond it all are forgotten and asked about anew.
const MAX_TARGETS: usize = 256;

#[derive(Default)]
pub(super) struct Pings {
    asked: u64,
    answered: u64,
    /// The last label given when we asked last.
    covers: u64,
    /// The last question that somebody waits for.
    wanted: u64,
    /// When the oldest and the newest that wait for an answer were put.
    open: Option<(Instant, Instant)>,
    /// Whose history is asked for before the next ping.
    histories: VecDeque<String>,
    /// Folded targets, with the ping whose answer tells what they remember.
    behind: BTreeMap<String, u64>,
}

impl Pings {
    /// The ping to wait for: what a target remembers comes before its answer, by itself when we
    /// came in, or because it is asked for.
    pub(super) fn behind(&mut self, target: &str, remembers: bool) -> u64 {
        if let Some(number) = self.behind.get(target) {
            return *number;
        }
        if self.behind.len() >= MAX_TARGETS {
            self.behind.clear();
        }
        if remembers {
            self.histories.push_back(target.to_owned());
        }
        self.wanted = self.asked + 1;
        self.behind.insert(target.to_owned(), self.wanted);
        self.wanted
    }

    /// What this target remembers may be more by now.
    pub(super) fn forget(&mut self, target: &str) {
        self.behind.remove(target);
    }

    /// The next target whose history is asked for.
    pub(super) fn history(&mut self) -> Option<String> {
        self.histories.pop_front()
    }

    /// The number of the ping to send now, after the line with this label.
    pub(super) fn ask(&mut self, last_label: u64, now: Instant) -> u64 {
        self.asked += 1;
        self.covers = last_label;
        self.open = Some((self.open.map_or(now, |(oldest, _)| oldest), now));
        self.asked
    }

    /// The last label that is settled by this answer; only the newest question settles any.
    pub(super) fn answered(&mut self, number: u64) -> Option<u64> {
        self.answered = self.answered.max(number);
        let is_last = number == self.asked;
        self.open = self.open.filter(|_| !is_last).map(|(_, newest)| (newest, newest));
        is_last.then_some(self.covers)
    }

    pub(super) fn is_answered(&self, number: u64) -> bool {
        number <= self.answered
    }

    /// When the next one is due; `settles` is when there will be something to settle.
    pub(super) fn ask_at(&self, settles: Option<Instant>, now: Instant) -> Option<Instant> {
        if self.wanted > self.asked {
            return Some(now);
        }
        self.open.map(|(_, newest)| newest + AGAIN).or(settles)
    }

    /// When the server counts as gone.
    pub(super) fn lost_at(&self) -> Option<Instant> {
        self.open.map(|(oldest, _)| oldest + LOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ping_serves_all_that_was_asked_before_it() {
        let (mut pings, now) = (Pings::default(), Instant::now());
        assert_eq!(pings.ask_at(None, now), None);
        for target in ["#art", "#den", "#art"] {
            assert_eq!(pings.behind(target, true), 1);
        }
        assert_eq!(pings.ask_at(None, now), Some(now));
        let histories: Vec<_> = std::iter::from_fn(|| pings.history()).collect();
        assert_eq!(histories, ["#art", "#den"]);
        assert_eq!(pings.ask(7, now), 1);
        assert_eq!((pings.behind("#art", true), pings.history()), (1, None));
        pings.forget("#art");
        assert_eq!((pings.behind("#art", false), pings.history()), (2, None));
    }

    #[test]
    fn only_the_newest_answer_settles_and_silence_ends() {
        let (mut pings, start) = (Pings::default(), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        pings.ask(3, at(0));
        assert_eq!(pings.ask_at(Some(at(1)), at(1)), Some(at(30)), "one is under way");
        pings.ask(5, at(30));
        assert_eq!(pings.lost_at(), Some(at(60)));
        assert_eq!(pings.answered(1), None);
        assert_eq!(pings.lost_at(), Some(at(90)));
        assert!(pings.is_answered(1) && !pings.is_answered(2));
        assert_eq!(pings.answered(2), Some(5));
        assert_eq!((pings.lost_at(), pings.ask_at(None, at(40))), (None, None));
    }

    #[test]
    fn targets_without_end_are_not_all_remembered() {
        let mut pings = Pings::default();
        for number in 0..1000 {
            pings.behind(&number.to_string(), false);
        }
        assert!(pings.behind.len() <= MAX_TARGETS && pings.histories.is_empty());
    }
}
