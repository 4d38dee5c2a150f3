//! Who is not heard for a while: machines that talk in circles, and whoever asks far too much.
//! Pure, with time handed in; what is remembered is bounded. Nobody is told: an answer would feed
//! the circle, and the service has its own limits, which lie lower and are told.
use inkwire_core::Heard;
use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    time::Duration,
};
use tokio::time::Instant;

/// The same words in one place, so often within so long, are heard no more until that stops.
const SAME_WITHIN: Duration = Duration::from_mins(2);
/// Similar words to us are a machine that answers our answers.
const SIMILAR_WITHIN: Duration = Duration::from_secs(10);
/// A machine that does not stop.
const LOOP: usize = 5;
const LOOP_FOR: Duration = Duration::from_mins(10);
/// Requests, of whatever words.
const FLOOD: usize = 30;
const FLOOD_WITHIN: Duration = Duration::from_mins(1);
const FLOOD_FOR: Duration = Duration::from_mins(5);
const MOST_SPEAKERS: usize = 512;

/// Words for us.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// Whatever outlives a change of nick.
    pub(crate) who: &'a str,
    pub(crate) place: &'a str,
    pub(crate) text: &'a str,
    pub(crate) by: Heard,
}

/// How often something is heard before it counts as a circle.
struct Patience {
    same: usize,
    similar: usize,
}

impl Patience {
    /// People say `!again` again and again. Our own answers begin with a name: of two of us in one
    /// room each must be silent after two.
    fn with(by: Heard) -> Self {
        match by {
            Heard::Name => Self { same: 4, similar: 2 },
            Heard::Direct => Self { same: 9, similar: 4 },
            Heard::Prefix | Heard::Typed => Self { same: 9, similar: usize::MAX },
        }
    }
}

struct Line {
    at: Instant,
    /// Of place and words.
    same: u64,
    /// Of the words that hold no digit, where we are spoken to.
    similar: Option<u64>,
}

#[derive(Default)]
struct Past {
    /// At most `FLOOD`, oldest first.
    lines: VecDeque<Line>,
    muted_until: Option<Instant>,
}

#[derive(Default)]
pub(crate) struct Hush {
    speakers: HashMap<String, Past>,
    hasher: RandomState,
}

impl Hush {
    /// Whether these words are heard; each call counts them.
    pub(crate) fn hears(&mut self, asking: &Asking<'_>, now: Instant) -> bool {
        let line = self.line(asking, now);
        if self.speakers.len() >= MOST_SPEAKERS && !self.speakers.contains_key(asking.who) {
            self.forget(now);
        }
        let past = self.speakers.entry(asking.who.to_owned()).or_default();
        !past.is_muted(now) && past.hears(line, &Patience::with(asking.by), now)
    }

    fn line(&self, asking: &Asking<'_>, now: Instant) -> Line {
        let bare = || words(asking.text).filter(|word| !word.contains(|c: char| c.is_numeric()));
        let similar =
            (asking.by != Heard::Prefix).then(|| self.hasher.hash_one(bare().collect::<Vec<_>>()));
        let same = (asking.place, words(asking.text).collect::<Vec<_>>());
        Line { at: now, same: self.hasher.hash_one(same), similar }
    }

    /// Whoever is quiet is forgotten; if nobody is, whoever was first to speak.
    fn forget(&mut self, now: Instant) {
        let loud = |past: &Past| past.is_muted(now) || past.spoke_within(SAME_WITHIN, now);
        self.speakers.retain(|_, past| loud(past));
        if self.speakers.len() >= MOST_SPEAKERS {
            let last = |past: &Past| past.lines.back().map(|line| line.at);
            let oldest = self.speakers.iter().min_by_key(|(_, past)| last(past));
            if let Some(who) = oldest.map(|(who, _)| who.clone()) {
                self.speakers.remove(&who);
            }
        }
    }
}

impl Past {
    fn hears(&mut self, line: Line, patience: &Patience, now: Instant) -> bool {
        let within = |l: &&Line, long| now.duration_since(l.at) < long;
        let count = |is: &dyn Fn(&&Line) -> bool| self.lines.iter().filter(is).count() + 1;
        let same = count(&|l| within(l, SAME_WITHIN) && l.same == line.same);
        let similar = match line.similar {
            Some(_) => count(&|l| within(l, SIMILAR_WITHIN) && l.similar == line.similar),
            None => 0,
        };
        let all = count(&|l| within(l, FLOOD_WITHIN));
        if similar >= LOOP {
            self.mute("loop", LOOP_FOR, now);
        } else if all > FLOOD {
            self.mute("flood", FLOOD_FOR, now);
        }
        if self.lines.len() >= FLOOD {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        same <= patience.same && similar <= patience.similar && all <= FLOOD
    }

    fn is_muted(&self, now: Instant) -> bool {
        self.muted_until.is_some_and(|until| until > now)
    }

    fn mute(&mut self, why: &'static str, long: Duration, now: Instant) {
        self.muted_until = Some(now + long);
        metrics::counter!("inkwire_irc_muted_total", "reason" => why).increment(1);
        tracing::warn!(reason = why, secs = long.as_secs(), "speaker is not heard for a while");
    }

    fn spoke_within(&self, long: Duration, now: Instant) -> bool {
        self.lines.back().is_some_and(|line| now.duration_since(line.at) < long)
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace().map(str::to_lowercase)
}

#[cfg(test)]
mod tests;
