//! What somebody in a room read, and the verdict over it: each job that was taken ends aloud, and
//! a line comes twice only where nobody could know of the first.
use super::books;
use inkwire::store::Store;
use inkwire_core::Watch;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    path::Path,
};

/// Jobs that crashed three times before their POST.
const MOST_GIVEN_UP: usize = 3;
/// First words of the end of a job.
const LAST: [&str; 2] = ["done", "failed"];

/// What a line of the room tells about the service.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    Came,
    Left,
    Said(&'a str),
    Other,
}

impl<'a> Event<'a> {
    /// `nick` is what its names begin with.
    pub(super) fn of(line: &'a str, nick: &str) -> Self {
        let by_it = line.strip_prefix(':').filter(|line| line.starts_with(nick));
        let Some((_, what)) = by_it.and_then(|line| line.split_once(' ')) else {
            return Self::Other;
        };
        match what.split_once(' ').unwrap_or((what, "")) {
            ("JOIN", _) => Self::Came,
            ("QUIT", _) => Self::Left,
            ("PRIVMSG" | "NOTICE", said) => {
                Self::Said(said.split_once(" :").map_or(said, |(_, text)| text))
            }
            _ => Self::Other,
        }
    }
}

/// One line about a job; two that are equal say the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    job: String,
    /// Its first word, such as `queued`.
    pub(super) what: String,
}

/// A line that came again.
#[derive(Debug)]
pub(super) struct Again<'a, M> {
    pub(super) line: &'a Line,
    /// What had happened after it was said before.
    pub(super) moment: M,
    /// Nothing had: it came twice in one round.
    pub(super) in_one_round: bool,
}

#[derive(Debug)]
pub(super) struct Lines<M> {
    /// Text by key, as asked.
    asked: BTreeMap<String, String>,
    parts: usize,
    /// Key by job, as the store has them.
    jobs: BTreeMap<String, String>,
    read_up_to: u64,
    /// With the round in which it was said.
    said: Vec<(usize, Line)>,
    /// Keys whose job has ended aloud.
    ended: BTreeSet<String>,
    links: Vec<String>,
    /// What each round ended with.
    moments: Vec<M>,
}

impl<M> Default for Lines<M> {
    fn default() -> Self {
        Self {
            asked: BTreeMap::new(),
            parts: 0,
            jobs: BTreeMap::new(),
            read_up_to: 0,
            said: vec![],
            ended: BTreeSet::new(),
            links: vec![],
            moments: vec![],
        }
    }
}

impl<M: Copy + Debug> Lines<M> {
    pub(super) fn begin(&mut self, moment: M) -> usize {
        self.moments.push(moment);
        self.moments.len() - 1
    }

    /// What to say for one more picture, or several.
    pub(super) fn ask(&mut self, count: usize) -> String {
        let key = format!("e{:04}", self.asked.len());
        let text = format!("!imagine {key} --count {count} --model sdxl --size 64x64 --steps 1");
        self.asked.insert(key, text.clone());
        self.parts += count;
        text
    }

    /// What was never taken: people ask for it again.
    pub(super) fn open(&self) -> Vec<String> {
        let taken: BTreeSet<_> = self.jobs.values().collect();
        let open = self.asked.iter().filter(|(key, _)| !taken.contains(key));
        open.map(|(_, text)| text.clone()).collect()
    }

    /// Taken, and nobody has heard how it ended.
    pub(super) fn owed(&self) -> Vec<&String> {
        self.jobs.values().filter(|key| !self.ended.contains(*key)).collect()
    }

    pub(super) fn last_has_ended(&self) -> bool {
        self.asked.keys().next_back().is_none_or(|key| self.ended.contains(key))
    }

    pub(super) fn all_have_ended(&self) -> bool {
        self.ended.len() == self.asked.len()
    }

    /// `text` is such as `ann: k7f done in 3 s: e0001 · … · https://…`.
    pub(super) fn hear(&mut self, text: &str) {
        let text = text.split_once(": ").map_or(text, |(_, text)| text);
        let plain = |word: &str| word.trim_end_matches([':', ',']).to_owned();
        let mut words = text.split(' ').map(plain);
        let (job, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if LAST.contains(&what.as_str()) {
            let prompt = text.split_once(": ").and_then(|(_, rest)| rest.split(' ').next());
            let key = self.jobs.get(&job).cloned().or(prompt.map(str::to_owned));
            self.ended.extend(key);
            let words = text.split(' ');
            self.links.extend(words.filter(|word| word.starts_with("http")).map(str::to_owned));
        }
        self.said.push((self.moments.len() - 1, Line { job, what }));
    }

    /// Reads which requests were taken by now.
    pub(super) async fn learn(&mut self, store: &dyn Store) {
        loop {
            let page = store.since(&Watch::All, self.read_up_to).await.unwrap();
            let Some(last) = page.last() else { return };
            self.read_up_to = last.seq;
            for job in page.into_iter().filter_map(|delivery| delivery.job) {
                let record = store.job(&job).await.unwrap().unwrap();
                let key = record.job.render.prompt;
                assert!(self.asked.contains_key(&key), "asked by nobody: {key}");
                self.jobs.insert(job.0, key);
            }
        }
    }

    /// `runs` are the prompts that the engine has begun.
    pub(super) fn check(&self, runs: &[String]) {
        let keys: BTreeSet<_> = self.jobs.values().collect();
        assert_eq!(keys.len(), self.jobs.len(), "one job for a key: {:#?}", self.jobs);
        for (round, line) in &self.said {
            assert!(self.jobs.contains_key(&line.job), "unexpected in {round}: {line:?}");
        }
        for job in self.jobs.keys() {
            let ends: BTreeSet<_> = self.last_words().filter(|line| line.job == *job).collect();
            assert_eq!(ends.len(), 1, "{job} ended once: {ends:?}");
        }
        let given_up = self.last_words().filter(|line| line.what == "failed").count();
        assert!(given_up <= MOST_GIVEN_UP, "{given_up} were given up");
        books::check_runs(runs, self.parts);
    }

    /// Lines that came again, counted aloud.
    pub(super) fn repeats(&self) -> Vec<Again<'_, M>> {
        let mut last: BTreeMap<&Line, usize> = BTreeMap::new();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut repeats = vec![];
        for (round, line) in &self.said {
            let Some(before) = last.insert(line, *round) else { continue };
            let moment = self.moments[before];
            *counts.entry(format!("{} at {moment:?}", line.what)).or_default() += 1;
            repeats.push(Again { line, moment, in_one_round: before == *round });
        }
        let (rounds, jobs, lines) = (self.moments.len(), self.jobs.len(), self.said.len());
        println!("{rounds} rounds, {jobs} jobs, {lines} lines, 0 lost");
        println!("{} repeated: {counts:?}", repeats.len());
        repeats
    }

    pub(super) async fn check_store(&self, home: &Path) {
        let links = self.links.iter().map(String::as_str);
        books::check_store(home, &self.jobs.keys().collect(), links).await;
    }

    fn last_words(&self) -> impl Iterator<Item = &Line> {
        self.said.iter().map(|(_, line)| line).filter(|line| LAST.contains(&line.what.as_str()))
    }
}
