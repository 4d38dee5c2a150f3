//! What happened, as the outside saw it, and the verdict: nothing lost, nothing done twice,
//! nothing unexpected. It believes the store only where it checks the store.
use super::Moment;
use inkwire::{
    job::JobState,
    store::{
        Store,
        sqlite::{Options, SqliteStore},
    },
};
use inkwire_core::{Time, Watch};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// An engine run is begun again so often at most.
const MOST_RUNS: usize = 3;
/// Jobs that crashed three times before their POST.
const MOST_GIVEN_UP: usize = 2;

#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub(super) round: usize,
    pub(super) what: Value,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Books {
    /// Key to text, as asked.
    asked: BTreeMap<String, String>,
    parts: usize,
    /// Key to jobs, as acknowledged.
    acked: BTreeMap<String, BTreeSet<String>>,
    said: Vec<Line>,
    /// Where the service died, by round.
    pub(super) moments: Vec<Moment>,
}

#[derive(Debug, Clone)]
struct Line {
    round: usize,
    delivery: String,
    job: String,
    outcome: String,
    last: bool,
    links: Vec<String>,
}

impl Books {
    pub(super) fn ask(&mut self, count: usize) {
        let key = format!("e{:04}", self.asked.len());
        let text = format!("imagine {key} --count {count} --model sdxl --size 64x64 --steps 1");
        self.asked.insert(key, text);
        self.parts += count;
    }

    pub(super) fn note(&mut self, Fact { round, what }: Fact) {
        let text = |key: &str| what[key].as_str().map(str::to_owned);
        if let Some(key) = text("acked") {
            let job = text("job").unwrap_or_else(|| panic!("no job for it: {what}"));
            self.acked.entry(key).or_default().insert(job);
        }
        let Some(delivery) = text("said") else { return };
        let links = what["links"].as_array().into_iter().flatten();
        self.said.push(Line {
            round,
            delivery,
            job: text("job").expect("of a job"),
            outcome: text("outcome").unwrap_or_default(),
            last: what["last"] == true,
            links: links.filter_map(|link| link.as_str().map(str::to_owned)).collect(),
        });
    }

    pub(super) fn unacknowledged(&self) -> Vec<(String, String)> {
        let open = self.asked.iter().filter(|(key, _)| !self.acked.contains_key(*key));
        open.map(|(key, text)| (key.clone(), text.clone())).collect()
    }

    /// Jobs whose last word nobody has heard.
    pub(super) fn owed(&self) -> Vec<String> {
        let ended: BTreeSet<_> = self.last_words().map(|line| &line.job).collect();
        self.jobs().into_iter().filter(|job| !ended.contains(job)).cloned().collect()
    }

    pub(super) fn are_complete(&self) -> bool {
        self.unacknowledged().is_empty() && self.owed().is_empty()
    }

    /// `runs` are the prompts that the engine has begun, in order.
    pub(super) fn check(&self, runs: &[String]) {
        let jobs = self.jobs();
        assert!(self.acked.values().all(|jobs| jobs.len() == 1), "one job for a key: {self:#?}");
        assert_eq!(jobs.len(), self.asked.len(), "one key for a job");
        for line in &self.said {
            assert!(jobs.contains(&line.job), "unexpected: {line:?}");
        }
        for job in &jobs {
            let ends: BTreeSet<_> =
                self.last_words().filter(|line| line.job == **job).map(|l| &l.delivery).collect();
            assert_eq!(ends.len(), 1, "{job} ended once: {ends:?}");
        }
        self.check_endings();
        self.check_repeats();
        check_runs(runs, self.parts);
    }

    /// A crash before the POST counts as one of three tries, so a job may be given up, and its
    /// asker told; that is rare, or something else is wrong.
    fn check_endings(&self) {
        let given_up: Vec<_> =
            self.last_words().filter(|line| !line.outcome.starts_with("Finished")).collect();
        for line in &given_up {
            assert_eq!(line.outcome, "Failed(Lost)", "{:#?}", self.life(&line.job));
        }
        assert!(given_up.len() <= MOST_GIVEN_UP, "{given_up:#?}");
    }

    /// A line is repeated only if a crash came between saying it and writing that down.
    fn check_repeats(&self) {
        let mut rounds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for line in &self.said {
            rounds.entry(&line.delivery).or_default().push(line.round);
        }
        let mut blamed: BTreeMap<usize, usize> = BTreeMap::new();
        for (delivery, rounds) in rounds {
            for pair in rounds.windows(2) {
                assert!(pair[0] < pair[1], "{delivery} was said twice without a crash");
                *blamed.entry(pair[0]).or_default() += 1;
            }
        }
        assert!(blamed.values().all(|lines| *lines == 1), "lines repeated by crash: {blamed:?}");
        println!("{} lines, {} repeated", self.said.len(), blamed.len());
    }

    pub(super) async fn check_store(&self, home: &Path) {
        let links = self.last_words().flat_map(|line| line.links.iter().map(String::as_str));
        check_store(home, &self.jobs(), links).await;
    }

    /// Where the service died since the first word on this job, and what was said of it.
    fn life(&self, job: &str) -> Vec<String> {
        let said =
            |round| self.said.iter().filter(move |line| line.round == round && line.job == job);
        let lines = |round| said(round).map(|line| line.outcome.as_str()).collect::<Vec<_>>();
        let life = self.moments.iter().enumerate();
        let life = life.map(|(round, moment)| format!("{round} {moment:?}: {:?}", lines(round)));
        let first = self.said.iter().find(|line| line.job == job).map_or(0, |line| line.round);
        let last = self.said.iter().rfind(|line| line.job == job).map_or(0, |line| line.round);
        life.skip(first.saturating_sub(1)).take(last + 2 - first).collect()
    }

    fn jobs(&self) -> BTreeSet<&String> {
        self.acked.values().flatten().collect()
    }

    fn last_words(&self) -> impl Iterator<Item = &Line> {
        self.said.iter().filter(|line| line.last)
    }
}

/// `runs` are the prompts that the engine has begun, of jobs with so many parts in all.
pub(super) fn check_runs(runs: &[String], parts: usize) {
    let once: BTreeSet<_> = runs.iter().collect();
    assert_eq!(once.len(), runs.len(), "no prompt runs twice");
    assert!(runs.len() <= parts * MOST_RUNS, "{} runs", runs.len());
    println!("{parts} parts, {} runs", runs.len());
}

/// The store as the next start would find it: these jobs have ended, and the links open.
pub(super) async fn check_store(
    home: &Path,
    jobs: &BTreeSet<&String>,
    links: impl Iterator<Item = &str>,
) {
    let file = home.join("inkwire.db");
    let database = Connection::open(&file).unwrap();
    let verdict: String =
        database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    database.close().unwrap();

    let store = SqliteStore::open(&file, &Options::default()).unwrap();
    assert_eq!(store.open_index().await.unwrap(), [], "nothing is left to do");
    for job in jobs {
        let record = store.job(&job.as_str().into()).await.unwrap().unwrap();
        assert!(matches!(record.state, JobState::Finished | JobState::Failed), "{job}");
        let all = store.since(&Watch::Job(job.as_str().into()), 0).await.unwrap();
        assert_eq!(all.iter().filter(|said| said.outcome.is_terminal()).count(), 1, "{job}");
    }
    for link in links {
        let (_, id) = link.rsplit_once('/').unwrap();
        assert!(store.link(id, Time(0)).await.unwrap().is_some(), "{link}");
    }
    store.close().await.unwrap();
}
