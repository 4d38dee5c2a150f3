//! Killed with -9 again and again, on one state: at each commit of the store, around the POST to
//! the engine, and while the engine works. What was acknowledged and what was said is written
//! down outside the victim; in the end the books must agree.
#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "a test fails loudly")]

mod books;
mod child;
#[cfg(feature = "irc")]
mod irc;
#[cfg(feature = "irc")]
mod ircd;
#[cfg(feature = "irc")]
mod lines;
mod moment;

use books::{Books, Fact};
use inkwire::{
    simulator::{Options, Simulator},
    store::faulty::Point,
};
use moment::{Moment, Trap, draw, seeded};
use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};
use std::{os::unix::process::ExitStatusExt, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream, unix::OwnedReadHalf},
    process::Child,
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

/// What takes longer than this will never come.
const PATIENCE: Duration = Duration::from_mins(1);
const AT_LEAST: usize = 5;
const ROUNDS: usize = 100;

struct Lab {
    home: TempDir,
    simulator: Simulator,
    books: watch::Sender<Books>,
    random: StdRng,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_it_loses_nothing_and_repeats_one_line_at_most() {
    let mut lab = Lab::open().await;
    // Nothing is noted on the way here: a line is said in one go.
    let all = Moment::at(Point::ALL.into_iter().filter(|point| *point != Point::Checkpoint));
    let moments = draw(&all, AT_LEAST, ROUNDS, &mut lab.random);
    for (round, moment) in moments.into_iter().enumerate() {
        lab.round(round, moment).await;
    }
    lab.last_round().await;
    let books = lab.books.borrow().clone();
    books.check(&lab.simulator.log().runs());
    books.check_store(lab.home.path()).await;
}

impl Lab {
    async fn open() -> Self {
        let home = TempDir::new().unwrap();
        Self {
            simulator: Simulator::start(Options::default()).await.unwrap(),
            home,
            books: watch::Sender::default(),
            random: seeded(),
        }
    }

    async fn round(&mut self, round: usize, moment: Moment) {
        let requests = self.random.random_range(1..=2);
        let mut orders = self.orders();
        moment.order(&mut orders, requests, &mut self.random);
        self.books.send_modify(|books| books.moments.push(moment));
        for _ in 0..requests {
            let count = self.random.random_range(1..=2);
            self.books.send_modify(|books| books.ask(count));
        }
        let faults = self.simulator.faults();
        let trap = Trap::set(&self.simulator, moment, &mut self.random).await;
        let door = self.door();
        let mut child = child::spawn(self.home.path(), &orders);
        let died = async {
            let talk = self.talk(round, &door, &mut child).await;
            let ended = trap.death(&mut child, &faults, watch::channel(true).1).await;
            if let Some(talk) = talk {
                talk.await.unwrap();
            }
            ended.unwrap()
        };
        let ended = timeout(PATIENCE, died).await;
        let ended = ended.unwrap_or_else(|_| {
            panic!("round {round}, {moment:?}: never got there:\n{}", child::log(self.home.path()))
        });
        assert_eq!(ended.signal(), Some(9), "round {round}, {moment:?}: {ended}");
        faults.clear();
    }

    /// Nobody is killed: everything that is owed is done.
    async fn last_round(&mut self) {
        let door = self.door();
        let mut child = child::spawn(self.home.path(), &self.orders());
        let (stream, _) = timeout(PATIENCE, door.accept()).await.unwrap().unwrap();
        let (read, mut write) = stream.into_split();
        let reading = tokio::spawn(read_facts(read, self.books.clone(), usize::MAX));
        write.write_all(self.open_requests().as_bytes()).await.unwrap();
        let mut books = self.books.subscribe();
        while !books.borrow_and_update().are_complete() {
            let goes_on = timeout(PATIENCE, books.changed()).await;
            let owed = self.books.borrow().owed().join(" ");
            assert!(goes_on.is_ok(), "owed: {owed}\n{}", child::log(self.home.path()));
        }
        write.shutdown().await.unwrap();
        assert!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().success());
        reading.await.unwrap();
    }

    /// A new one for each child: what an earlier one left in it would be taken for the next.
    fn door(&self) -> UnixListener {
        let path = self.home.path().join("wire");
        drop(std::fs::remove_file(&path));
        UnixListener::bind(path).unwrap()
    }

    fn orders(&self) -> Value {
        json!({ "home": self.home.path(), "engine": self.simulator.url() })
    }

    /// Says what is not acknowledged yet; `None` if the child died before it listened.
    async fn talk(
        &self,
        round: usize,
        door: &UnixListener,
        child: &mut Child,
    ) -> Option<JoinHandle<()>> {
        let stream: UnixStream = tokio::select! {
            accepted = door.accept() => accepted.unwrap().0,
            _ = child.wait() => return None,
        };
        let (read, mut write) = stream.into_split();
        // It may be dead by now.
        drop(write.write_all(self.open_requests().as_bytes()).await);
        let books = self.books.clone();
        Some(tokio::spawn(async move {
            read_facts(read, books, round).await;
            drop(write);
        }))
    }

    fn open_requests(&self) -> String {
        let open = self.books.borrow().unacknowledged();
        let lines = open.iter().map(|(key, text)| json!({"key": key, "text": text}).to_string());
        lines.flat_map(|line| [line, "\n".to_owned()]).collect()
    }
}

async fn read_facts(read: OwnedReadHalf, books: watch::Sender<Books>, round: usize) {
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let fact = Fact { round, what: serde_json::from_str(&line).unwrap() };
        books.send_modify(|books| books.note(fact));
    }
}
