//! Killed with -9 again and again, on one state: at each commit of the store, around the POST to
//! the engine, and while the engine works. What was acknowledged and what was said is written
//! down outside the victim; in the end the books must agree.
#![allow(clippy::indexing_slicing, clippy::print_stdout, reason = "a test fails loudly")]

mod books;
mod child;

use books::{Books, Fact};
use inkwire::{
    simulator::{Fault, Faults, Options, Simulator},
    store::faulty::{Point, Side},
};
use inkwire_testkit::web;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};
use std::{fs::File, os::unix::process::ExitStatusExt, process::Stdio, time::Duration};
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
/// Repeats the draw of an earlier run, which printed its seed.
const SEED: &str = "INKWIRE_TEST_SEED";

/// Where the service dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// By its own hand, before or after a commit.
    Commit(Point, Side),
    /// The engine never read the prompt.
    PostLost,
    /// The engine has the prompt and answers nothing.
    PostUnanswered,
    /// The engine has the prompt, and the connection broke.
    PostReset,
    /// The engine paints.
    Painting,
}

impl Moment {
    fn all() -> Vec<Self> {
        let sides = |point| [Side::Before, Side::After].map(|side| Self::Commit(point, side));
        let mut all: Vec<_> = Point::ALL.into_iter().flat_map(sides).collect();
        all.extend([Self::PostLost, Self::PostUnanswered, Self::PostReset, Self::Painting]);
        all
    }

    /// Each moment often enough, the rest as it falls, in any order.
    fn draw(random: &mut StdRng) -> Vec<Self> {
        let all = Self::all();
        let mut drawn: Vec<_> = (0..AT_LEAST).flat_map(|_| all.clone()).collect();
        while drawn.len() < ROUNDS {
            drawn.push(all[random.random_range(0..all.len())]);
        }
        drawn.shuffle(random);
        drawn
    }
}

struct Lab {
    home: TempDir,
    simulator: Simulator,
    books: watch::Sender<Books>,
    random: StdRng,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_it_loses_nothing_and_repeats_one_line_at_most() {
    let seed = std::env::var_os(SEED).and_then(|seed| seed.to_str()?.parse().ok());
    let seed = seed.unwrap_or_else(|| rand::rng().random());
    println!("{SEED}={seed}");
    let mut lab = Lab::open(seed).await;
    for (round, moment) in Moment::draw(&mut lab.random).into_iter().enumerate() {
        lab.round(round, moment).await;
    }
    lab.last_round().await;
    let books = lab.books.borrow().clone();
    books.check(&lab.simulator.log().runs());
    books.check_store(lab.home.path()).await;
}

impl Lab {
    async fn open(seed: u64) -> Self {
        let home = TempDir::new().unwrap();
        Self {
            simulator: Simulator::start(Options::default()).await.unwrap(),
            home,
            books: watch::Sender::default(),
            random: StdRng::seed_from_u64(seed),
        }
    }

    async fn round(&mut self, round: usize, moment: Moment) {
        let requests = self.random.random_range(1..=2);
        let mut orders = self.orders();
        if let Moment::Commit(point, side) = moment {
            // Several requests may be admitted by one commit.
            let most = if point == Point::Admit { 1 } else { requests };
            orders["skip"] = json!(self.random.random_range(0..most));
            orders["point"] = json!(format!("{point:?}"));
            orders["side"] = json!(format!("{side:?}"));
        }
        self.books.send_modify(|books| books.moments.push(moment));
        for _ in 0..requests {
            let count = self.random.random_range(1..=2);
            self.books.send_modify(|books| books.ask(count));
        }
        let faults = self.simulator.faults();
        let struck = Trap::set(&self.simulator, moment).await;
        let door = self.door();
        let mut child = self.spawn(&orders);
        let died = async {
            let talk = self.talk(round, &door, &mut child).await;
            struck.sprung(&faults).await;
            let ended = if struck.is_set() { kill(&mut child).await } else { child.wait().await };
            if let Some(talk) = talk {
                talk.await.unwrap();
            }
            ended.unwrap()
        };
        let ended = timeout(PATIENCE, died).await;
        let ended = ended.unwrap_or_else(|_| {
            panic!("round {round}, {moment:?}: never got there:\n{}", self.log())
        });
        assert_eq!(ended.signal(), Some(9), "round {round}, {moment:?}: {ended}");
        faults.clear();
    }

    /// Nobody is killed: everything that is owed is done.
    async fn last_round(&mut self) {
        let door = self.door();
        let mut child = self.spawn(&self.orders());
        let (stream, _) = timeout(PATIENCE, door.accept()).await.unwrap().unwrap();
        let (read, mut write) = stream.into_split();
        let reading = tokio::spawn(read_facts(read, self.books.clone(), usize::MAX));
        write.write_all(self.open_requests().as_bytes()).await.unwrap();
        let mut books = self.books.subscribe();
        while !books.borrow_and_update().are_complete() {
            let goes_on = timeout(PATIENCE, books.changed()).await;
            let owed = self.books.borrow().owed().join(" ");
            assert!(goes_on.is_ok(), "owed: {owed}\n{}", self.log());
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

    /// Of the last child.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
        log.rsplit_once("running 1 test").map(|(_, log)| log.to_owned()).unwrap_or_default()
    }

    fn orders(&self) -> Value {
        json!({ "home": self.home.path(), "engine": self.simulator.url() })
    }

    fn spawn(&self, orders: &Value) -> Child {
        let log = File::options().create(true).append(true).open(self.home.path().join("log"));
        let log = log.unwrap();
        let mut command = child::command(self.home.path(), orders);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        command.spawn().unwrap()
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

/// What keeps the engine in the moment until the service is killed from outside.
enum Trap {
    None,
    /// A fault that will have struck so many times.
    Fault(Fault, usize),
    Gate,
}

impl Trap {
    async fn set(simulator: &Simulator, moment: Moment) -> Self {
        let faults = simulator.faults();
        let fault = match moment {
            Moment::Commit(..) => return Self::None,
            Moment::Painting => {
                drained(simulator).await;
                faults.hold();
                return Self::Gate;
            }
            Moment::PostLost => Fault::PostLost,
            Moment::PostUnanswered => Fault::SlowPost,
            Moment::PostReset => Fault::PostReset,
        };
        let hits = faults.hits(fault);
        if fault == Fault::SlowPost {
            faults.set(fault, true);
        } else {
            faults.next(1, fault);
        }
        Self::Fault(fault, hits + 1)
    }

    fn is_set(&self) -> bool {
        !matches!(self, Self::None)
    }

    async fn sprung(&self, faults: &Faults) {
        match self {
            Self::None => {}
            Self::Fault(fault, times) => faults.struck(*fault, *times).await,
            Self::Gate => faults.held().await,
        }
    }
}

/// Waits until nothing that the last round left in the engine is still painted.
async fn drained(simulator: &Simulator) {
    let url = format!("{}/prompt", simulator.url());
    loop {
        let answer = web::get(&url).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        if answer["exec_info"]["queue_remaining"] == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn kill(child: &mut Child) -> std::io::Result<std::process::ExitStatus> {
    child.start_kill()?;
    child.wait().await
}

async fn read_facts(read: OwnedReadHalf, books: watch::Sender<Books>, round: usize) {
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let fact = Fact { round, what: serde_json::from_str(&line).unwrap() };
        books.send_modify(|books| books.note(fact));
    }
}
