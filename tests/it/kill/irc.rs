//! Killed with -9 again and again on real IRC servers, while somebody in the room writes down
//! every line. Requests that nobody took are asked again, as people do.
use super::{
    PATIENCE, child,
    lines::{Event, Lines},
    moment::{Moment, Trap, draw, seeded},
};
use crate::irc_scene::{BOT, ROOM, config};
use inkwire::{
    simulator::{self, Simulator},
    store::{
        faulty::{Point, Side},
        sqlite::{self, SqliteStore},
    },
};
use inkwire_irc::{Config, Irc, Timeouts};
use inkwire_testkit::irc::{Client, Inspircd, Ngircd, Options};
use rand::{Rng, rngs::StdRng};
use serde_json::json;
use std::os::unix::process::ExitStatusExt;
use tempfile::TempDir;
use tokio::{process::Child, sync::watch, time::timeout};

/// Before it the line is written and nobody knows; a server that remembers can be asked.
const UNNOTED: Moment = Moment::Commit(Point::Checkpoint, Side::Before);
const LAST_ROUNDS: usize = 5;
const UNRECORDED: Moment = Moment::Commit(Point::Record, Side::Before);

/// Lines that come twice though nobody aimed between a write and its note. Probably a death fell
/// there all the same; none was caught in the act.
const BY_CHANCE: usize = 2;

/// The victim's way to that server.
pub(super) fn adapter(port: u16) -> Irc {
    let config = Config { timeouts: Timeouts::default(), ..config(port) };
    Irc::new("irc.test".into(), config).unwrap()
}

struct Lab {
    home: TempDir,
    port: u16,
    simulator: Simulator,
    wit: Client,
    /// Whether the service is in the room.
    here: watch::Sender<bool>,
    lines: Lines<Moment>,
    random: StdRng,
}

fn every_moment() -> Vec<Moment> {
    let mut all = Moment::at(Point::ALL);
    all.push(Moment::Anytime);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_on_a_server_without_receipts_it_loses_nothing() {
    let Some(server) = Ngircd::start().await.unwrap() else { return };
    let mut lab = Lab::open(server.port).await;
    lab.rounds(&every_moment(), 5, 120).await;
    lab.close(&[UNNOTED], BY_CHANCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_on_a_server_with_receipts_it_loses_nothing() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let mut lab = Lab::open(server.port).await;
    lab.rounds(&every_moment(), 3, 60).await;
    lab.close(&[UNNOTED], BY_CHANCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_a_room_that_remembers_it_says_nothing_twice() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let mut lab = Lab::open(server.port).await;
    lab.wit.send(&format!("MODE {ROOM} +H 50:3600")).await.unwrap();
    lab.wit.sees(" MODE ").await.unwrap();
    lab.rounds(&[UNNOTED, UNNOTED, UNRECORDED, Moment::Anytime], 5, 20).await;
    lab.close(&[], 0).await;
}

impl Lab {
    async fn open(port: u16) -> Self {
        Self {
            home: TempDir::new().unwrap(),
            port,
            simulator: Simulator::start(simulator::Options::default()).await.unwrap(),
            wit: Client::join(port, "wit", ROOM).await.unwrap(),
            here: watch::Sender::new(false),
            lines: Lines::default(),
            random: seeded(),
        }
    }

    async fn rounds(&mut self, all: &[Moment], at_least: usize, rounds: usize) {
        for moment in draw(all, at_least, rounds, &mut self.random) {
            self.round(moment).await;
        }
        // Whoever was not heard in the last moment of one asks in the next.
        for _ in 0..LAST_ROUNDS {
            self.last_round().await;
            if self.lines.open().is_empty() {
                break;
            }
        }
    }

    /// Lines that were said at `excused` may come twice, and `by_chance` others.
    async fn close(self, excused: &[Moment], by_chance: usize) {
        assert_eq!(self.lines.open(), [""; 0], "all that was asked was taken");
        self.lines.check(&self.simulator.log().runs());
        let repeats = self.lines.repeats();
        assert!(!repeats.iter().any(|again| again.in_one_round), "{repeats:?}");
        let wrong = repeats.iter().filter(|again| !excused.contains(&again.moment));
        let wrong: Vec<_> = wrong.collect();
        assert!(wrong.len() <= by_chance, "{wrong:?}");
        self.lines.check_store(self.home.path()).await;
    }

    async fn round(&mut self, moment: Moment) {
        let round = self.lines.begin(moment);
        let requests = self.random.random_range(1..=2);
        for _ in 0..requests {
            self.lines.ask(self.random.random_range(1..=2));
        }
        let mut child = self.spawn(moment, requests);
        // Whoever waits for it would close it.
        let input = child.stdin.take();
        let (faults, here) = (self.simulator.faults(), self.here.subscribe());
        let trap = Trap::set(&self.simulator, moment, &mut self.random).await;
        let ended = {
            let death = timeout(PATIENCE, trap.death(&mut child, &faults, here));
            tokio::pin!(death);
            loop {
                tokio::select! {
                    ended = &mut death => break ended,
                    line = self.wit.sees("") => self.see(&line.unwrap()).await,
                }
            }
        };
        let ended = ended.unwrap_or_else(|_| panic!("round {round}, {moment:?}: {}", self.told()));
        let signal = ended.unwrap().signal();
        assert_eq!(signal, Some(9), "round {round}, {moment:?}: {}", self.told());
        drop(input);
        self.farewell().await;
        faults.clear();
        self.learn().await;
    }

    /// Nobody is killed: everything that is owed is said.
    async fn last_round(&mut self) {
        self.lines.begin(Moment::Anytime);
        let mut child = self.spawn(Moment::Anytime, 0);
        let all = timeout(PATIENCE, async {
            while !self.lines.all_have_ended() {
                let line = self.wit.sees("").await.unwrap();
                self.see(&line).await;
            }
        });
        assert!(all.await.is_ok(), "{:?} of {}", self.lines.owed(), self.told());
        drop(child.stdin.take());
        assert!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().success());
        self.farewell().await;
        self.learn().await;
    }

    async fn see(&mut self, line: &str) {
        match Event::of(line, BOT) {
            Event::Came => {
                self.here.send_replace(true);
                for text in self.lines.open() {
                    self.wit.say(ROOM, &text).await.unwrap();
                }
            }
            Event::Left => drop(self.here.send_replace(false)),
            Event::Said(text) => self.lines.hear(text),
            Event::Other => {}
        }
    }

    /// Everything that it said before it died. The server reads its last words in one go, within
    /// two answers to somebody else.
    async fn farewell(&mut self) {
        for _ in 0..3 {
            for line in self.wit.so_far().await.unwrap() {
                self.see(&line).await;
            }
        }
        while *self.here.borrow() {
            let line = self.wit.sees("").await.unwrap();
            self.see(&line).await;
        }
    }

    /// While nobody else has the store open.
    async fn learn(&mut self) {
        let file = self.home.path().join("inkwire.db");
        let store = SqliteStore::open(&file, &sqlite::Options::default()).unwrap();
        self.lines.learn(&store).await;
        store.close().await.unwrap();
    }

    fn spawn(&mut self, moment: Moment, requests: usize) -> Child {
        let (home, engine) = (self.home.path(), self.simulator.url());
        let mut orders = json!({ "home": home, "engine": engine, "irc": self.port });
        moment.order(&mut orders, requests, &mut self.random);
        child::spawn(home, &orders)
    }

    fn told(&self) -> String {
        child::log(self.home.path())
    }
}
