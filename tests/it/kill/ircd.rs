//! The server is killed or stopped while answers are on their way: what was in doubt is said
//! again, what nobody took was never promised, and nothing that was promised is missing.
use super::{
    PATIENCE,
    lines::{Event, Lines},
    moment::{draw, seeded},
};
use crate::{
    house::comfy,
    irc_scene::{BOT, ROOM, config, irc},
    store,
};
use inkwire::{
    simulator::{self, Simulator},
    store::Store,
};
use inkwire_irc::{Config, Timeouts};
use inkwire_testkit::{
    Bridge,
    irc::{Client, Inspircd, Ngircd, Options},
    setup,
};
use rand::{Rng, rngs::StdRng};
use std::{io, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::copy,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};

const ROUNDS: usize = 10;
const AT_LEAST: usize = 3;
/// Milliseconds from a request to the blow: in that time it is answered and painted.
const SOON: u64 = 500;

/// What becomes of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// SIGKILL, and a new start.
    Kill,
    /// SIGSTOP until the service has given it up.
    Stop,
    /// SIGSTOP for a moment.
    Pause,
}

enum Server {
    Ngircd(Ngircd),
    Inspircd(Inspircd),
}

impl Server {
    fn port(&self) -> u16 {
        match self {
            Self::Ngircd(it) => it.port,
            Self::Inspircd(it) => it.port,
        }
    }

    async fn crash(&mut self) -> io::Result<()> {
        match self {
            Self::Ngircd(it) => it.kill().await,
            Self::Inspircd(it) => it.kill().await,
        }
    }

    async fn restart(&mut self) -> io::Result<()> {
        match self {
            Self::Ngircd(it) => it.restart().await,
            Self::Inspircd(it) => it.restart().await,
        }
    }

    fn stop(&self) -> io::Result<()> {
        match self {
            Self::Ngircd(it) => it.stop(),
            Self::Inspircd(it) => it.stop(),
        }
    }

    fn cont(&self) -> io::Result<()> {
        match self {
            Self::Ngircd(it) => it.cont(),
            Self::Inspircd(it) => it.cont(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_receipts_dies_and_nothing_is_lost() {
    let Some(server) = Ngircd::start().await.unwrap() else { return };
    Lab::open(Server::Ngircd(server)).await.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_receipts_dies_and_nothing_is_lost() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    Lab::open(Server::Inspircd(server)).await.run().await;
}

/// The way to the server. Closed after it died, so that whoever is to hear comes back first.
struct Door {
    port: u16,
    open: watch::Sender<bool>,
    /// Connections that have ended.
    ended: watch::Receiver<usize>,
}

impl Door {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, (tell, ended)) = (watch::Sender::new(true), watch::channel(0));
        let mut is_open = open.subscribe();
        tokio::spawn(async move {
            while let Ok((service, _)) = listener.accept().await {
                let opened = is_open.wait_for(|open| *open).await.is_ok();
                if opened && let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                    pass(service, server).await;
                }
                tell.send_modify(|ended| *ended += 1);
            }
        });
        Self { port, open, ended }
    }
}

async fn pass(mut service: TcpStream, mut server: TcpStream) {
    let (mut heard, mut said) = service.split();
    let (mut read, mut write) = server.split();
    tokio::select! {
        _ = copy(&mut heard, &mut write) => {}
        _ = copy(&mut read, &mut said) => {}
    }
}

struct Lab {
    server: Server,
    door: Door,
    simulator: Simulator,
    store: Arc<dyn Store>,
    wit: Client,
    lines: Lines<Option<Blow>>,
    random: StdRng,
    /// The service came into the room and is to be asked something.
    greeted: bool,
}

impl Lab {
    async fn open(server: Server) -> Self {
        Self {
            door: Door::to(server.port()).await,
            simulator: Simulator::start(simulator::Options::default()).await.unwrap(),
            store: store(),
            wit: Client::join(server.port(), "wit", ROOM).await.unwrap(),
            server,
            lines: Lines::default(),
            random: seeded(),
            greeted: false,
        }
    }

    async fn run(mut self) {
        let blows = [Blow::Kill, Blow::Stop, Blow::Pause].map(Some);
        for blow in draw(&blows, AT_LEAST, ROUNDS, &mut self.random) {
            self.round(blow).await;
        }
        self.round(None).await;
        self.lines.check(&self.simulator.log().runs());
        let repeats = self.lines.repeats();
        let wrong = |blow, what: &str| blow == Some(Blow::Pause) || what == "queued";
        let wrong: Vec<_> =
            repeats.iter().filter(|again| wrong(again.moment, &again.line.what)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    async fn round(&mut self, blow: Option<Blow>) {
        self.lines.begin(blow);
        let service = self.service().await;
        self.comes().await;
        for _ in 0..self.random.random_range(1..=3) {
            self.ask().await;
        }
        let soon = Duration::from_millis(self.random.random_range(0..SOON));
        drop(timeout(soon, self.listen()).await);
        if let Some(blow) = blow {
            self.strike(blow).await;
        }
        self.ask().await;
        let all = timeout(PATIENCE, self.all_is_said()).await;
        assert!(all.is_ok(), "after {blow:?}: {:#?}", self.lines);
        service.stop().await;
        self.leaves().await;
    }

    async fn service(&self) -> Bridge {
        let blobs = TempDir::new().unwrap();
        let mut setup = setup(self.store.clone(), vec![], &blobs);
        setup.engines = vec![comfy("sim", &self.simulator.url())];
        let timeouts = Timeouts { idle_secs: 1, pong_secs: 3, ..Timeouts::default() };
        setup.adapters = vec![Box::new(irc(Config { timeouts, ..config(self.door.port) }))];
        Bridge::run(setup, blobs).await
    }

    async fn ask(&mut self) {
        let text = self.lines.ask(1);
        self.wit.say(ROOM, &text).await.unwrap();
    }

    async fn strike(&mut self, blow: Blow) {
        match blow {
            Blow::Kill => {
                self.door.open.send_replace(false);
                self.server.crash().await.unwrap();
                // What it had told them before.
                while let Ok(line) = self.wit.sees("").await {
                    self.see(&line);
                }
                self.server.restart().await.unwrap();
                self.wit = Client::join(self.server.port(), "wit", ROOM).await.unwrap();
                self.greeted = false;
                self.door.open.send_replace(true);
                self.comes().await;
            }
            Blow::Stop => {
                self.door.ended.mark_unchanged();
                self.server.stop().unwrap();
                timeout(PATIENCE, self.door.ended.changed()).await.unwrap().unwrap();
                self.server.cont().unwrap();
                self.greeted = false;
                self.comes().await;
            }
            Blow::Pause => {
                self.server.stop().unwrap();
                let moment = Duration::from_millis(self.random.random_range(0..SOON));
                drop(timeout(moment, self.listen()).await);
                self.server.cont().unwrap();
            }
        }
    }

    async fn listen(&mut self) {
        loop {
            let line = self.wit.sees("").await.unwrap();
            self.see(&line);
        }
    }

    async fn comes(&mut self) {
        while !self.greeted {
            let line = self.wit.sees("").await.unwrap();
            self.see(&line);
        }
    }

    async fn leaves(&mut self) {
        while self.greeted {
            let line = self.wit.sees("").await.unwrap();
            self.see(&line);
        }
    }

    /// What is in the store by now, and what was asked last.
    async fn all_is_said(&mut self) {
        loop {
            self.lines.learn(self.store.as_ref()).await;
            if self.lines.last_has_ended() && self.lines.owed().is_empty() {
                return;
            }
            let line = self.wit.sees("").await.unwrap();
            self.see(&line);
        }
    }

    fn see(&mut self, line: &str) {
        match Event::of(line, BOT) {
            Event::Came => self.greeted = true,
            Event::Left => self.greeted = false,
            Event::Said(text) => self.lines.hear(text),
            Event::Other => {}
        }
    }
}
