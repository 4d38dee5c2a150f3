//! The service on a real InspIRCd with a simulated engine, and somebody in the room: what the
//! tests on real networks have in common. They see what people see, and little of the inside.
use crate::{
    engine_suite::STUCK,
    house::{comfy, simulator, up},
    store,
};
use inkwire::{app::Setup, simulator::Simulator, store::Store};
use inkwire_conformance::{Service, Shelf};
use inkwire_core::{Adapter, AdapterError};
use inkwire_irc::{Config, Flood, Irc, Server, Timeouts};
use inkwire_testkit::{
    Bridge,
    irc::{Account, Atheme, Client, Inspircd},
    setup,
};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::time::timeout;

pub(crate) const ROOM: &str = "#art";
pub(crate) const BOT: &str = "inkwire";
/// Of every account here.
pub(crate) const PASSWORD: &str = "correct-horse";

/// One room, no limits, and little patience with a server.
pub(crate) fn config(port: u16) -> Config {
    Config {
        name: "test".into(),
        servers: vec![Server { host: "127.0.0.1".into(), port: Some(port) }],
        tls: false,
        channels: vec![ROOM.into()],
        flood: Flood::off(),
        timeouts: Timeouts { idle_secs: 3, pong_secs: 3, ..Timeouts::default() },
        ..Config::default()
    }
}

/// The same as the program's configuration writes it.
pub(crate) fn keys(name: &str, port: u16, more: &str) -> String {
    format!(
        "name: {name}\nserver: 127.0.0.1:{port}\ntls: false\nnick: {BOT}\n\
         channels: ['{ROOM}']\n{more}"
    )
}

/// The services with these accounts, where they are installed.
pub(crate) async fn services(server: &Inspircd, names: &[&str]) -> Option<Atheme> {
    let accounts: Vec<_> = names.iter().map(|name| Account::new(name, PASSWORD)).collect();
    Atheme::start(server, &accounts).await.unwrap()
}

/// One connection from its beginning to its end, and why it ended.
pub(crate) async fn ends(irc: &Irc) -> AdapterError {
    let (_service, mut link) = Service::new(irc, Arc::new(Shelf));
    timeout(STUCK, irc.run(&mut link)).await.expect("it ends").expect_err("nobody stopped it")
}

/// As `ends`, with something that happens meanwhile and that it is to survive or not.
pub(crate) async fn ends_while(irc: &Irc, act: impl Future<Output = ()>) -> AdapterError {
    let (ended, ()) = tokio::join!(ends(irc), act);
    ended
}

pub(crate) fn irc(config: Config) -> Irc {
    Irc::new("irc.test".into(), config).unwrap()
}

/// The service, started on this network; the witness was in the room before and saw it come.
pub(crate) struct Scene {
    pub(crate) simulator: Simulator,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) wit: Client,
    bridge: Bridge,
    said: u32,
}

impl Scene {
    pub(crate) async fn open(server: &Inspircd) -> Self {
        Self::with(server, config(server.port), |_| {}).await
    }

    pub(crate) async fn with(
        server: &Inspircd,
        config: Config,
        change: impl FnOnce(&mut Setup),
    ) -> Self {
        let wit = Client::join(server.port, "wit", ROOM).await.unwrap();
        let mut scene = Self::start(wit, config, change).await;
        scene.wit.sees(&format!(" JOIN :{ROOM}")).await.unwrap();
        scene
    }

    /// Without waiting for it to come.
    pub(crate) async fn start(
        wit: Client,
        config: Config,
        change: impl FnOnce(&mut Setup),
    ) -> Self {
        let (simulator, store, blobs) = (simulator().await, store(), TempDir::new().unwrap());
        let engine = comfy("sim", &simulator.url());
        let is_up = engine.engine.clone();
        let mut setup = setup(store.clone(), vec![], &blobs);
        setup.engines = vec![engine];
        change(&mut setup);
        setup.adapters.push(Box::new(irc(config)));
        let bridge = Bridge::run(setup, blobs).await;
        up(is_up.as_ref()).await;
        Self { simulator, store, wit, bridge, said: 0 }
    }

    /// The next line of the service in the room.
    pub(crate) async fn answer(&mut self) -> String {
        self.wit.hears(BOT, ROOM).await.unwrap()
    }

    /// What the witness is told.
    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.wit.say(ROOM, text).await.unwrap();
        loop {
            if let Some(answer) = self.answer().await.strip_prefix("wit: ") {
                return answer.to_owned();
            }
        }
    }

    /// The id of a job of the witness that has begun and waits for `paint`.
    pub(crate) async fn queue(&mut self, prompt: &str) -> String {
        self.simulator.faults().hold();
        let queued = self.ask(&format!("!imagine {prompt} --size 64x64")).await;
        timeout(STUCK, self.simulator.faults().held()).await.expect("it begins");
        let (job, rest) = queued.split_once(' ').unwrap();
        assert!(rest.starts_with("queued"), "{queued}");
        job.to_owned()
    }

    /// Lets that job be painted.
    pub(crate) fn paint(&self) {
        self.simulator.faults().release();
    }

    /// What the room was told since the last call. The witness asks something of its own at the
    /// end, so everything that was said before is dealt with.
    pub(crate) async fn told(&mut self) -> Vec<String> {
        self.said += 1;
        let topic = format!("nothing{}", self.said);
        self.wit.say(ROOM, &format!("!help {topic}")).await.unwrap();
        let mut told = vec![];
        loop {
            let line = self.answer().await;
            if line.contains(&topic) {
                return told;
            }
            told.push(line);
        }
    }

    /// Whether an order of an admin had its effect, once all that was said is dealt with.
    pub(crate) async fn is_paused(&mut self) -> bool {
        self.told().await;
        self.store.settings().await.unwrap().paused
    }

    pub(crate) async fn close(self) {
        self.bridge.stop().await;
    }
}
