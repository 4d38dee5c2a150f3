//! A network of two servers that falls apart and comes together again.
use crate::irc_scene::{BOT, ROOM, Scene};
use inkwire_testkit::irc::{Client, Inspircd, Options};

/// The service and the witness on one side, somebody and an operator on the other.
struct Network {
    scene: Scene,
    ann: Client,
    operator: Client,
    b: Inspircd,
    a: Inspircd,
}

impl Network {
    async fn open() -> Option<Self> {
        let (a, b) = Inspircd::pair(Options::default()).await.unwrap()?;
        let scene = Scene::open(&a).await;
        let ann = Client::join(b.port, "ann", ROOM).await.unwrap();
        let operator = Client::operator(b.port, "network").await.unwrap();
        Some(Self { scene, ann, operator, b, a })
    }

    async fn split(&mut self) {
        self.b.split(&mut self.operator, &self.a).await.unwrap();
        self.ann.sees(&format!(":{BOT}!")).await.unwrap();
    }

    async fn heal(&mut self) {
        self.b.heal(&mut self.operator, &self.a).await.unwrap();
    }
}

#[tokio::test]
async fn who_was_split_away_is_answered_after() {
    let Some(mut network) = Network::open().await else { return };
    network.scene.simulator.faults().hold();
    network.ann.say(ROOM, "!imagine a red fox --size 64x64").await.unwrap();
    let queued = network.ann.hears(BOT, ROOM).await.unwrap();
    assert!(queued.starts_with("ann: ") && queued.contains(" queued"), "{queued}");
    network.split().await;
    network.scene.paint();
    let done = loop {
        let line = network.scene.answer().await;
        if line.contains(" done in ") {
            break line;
        }
    };
    assert!(done.starts_with("ann: "), "it is said where it was asked: {done}");
    network.heal().await;
    network.ann.say(ROOM, "!queue").await.unwrap();
    let told = network.ann.hears(BOT, ROOM).await.unwrap();
    assert!(told.contains("0 running, 0 waiting"), "{told}");
    network.scene.close().await;
}

#[tokio::test]
async fn whoever_took_the_nick_meanwhile_may_win_and_it_goes_on() {
    let Some(mut network) = Network::open().await else { return };
    network.split().await;
    // Of two with one user and host the older loses; who loses gets its number as nick.
    let mut thief = Client::dial(network.b.port, BOT).await.unwrap();
    thief.send(&format!("NICK {BOT}\r\nUSER {BOT} 0 * :thief")).await.unwrap();
    thief.sees(" 376 ").await.unwrap();
    thief.enter(ROOM).await.unwrap();
    network.heal().await;
    let renamed = network.scene.wit.sees(" NICK ").await.unwrap();
    let nick = renamed.rsplit(' ').next().unwrap().trim_start_matches(':').to_owned();
    assert!(renamed.starts_with(&format!(":{BOT}!")) && nick.starts_with('0'), "{renamed}");
    network.scene.wit.say(ROOM, &format!("{nick}: help")).await.unwrap();
    let help = network.scene.wit.hears(&nick, ROOM).await.unwrap();
    assert!(help.contains("imagine"), "{help}");
    network.scene.close().await;
}
