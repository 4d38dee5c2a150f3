//! Other machines in the room: a second one of us, services that listen to what is said, and
//! clients that say what no client should.
use crate::irc_scene::{BOT, PASSWORD, ROOM, Scene, config, services};
use inkwire_irc::{Config, Sasl};
use inkwire_testkit::irc::{Client, Inspircd, Options};

/// More lines than this of two machines that talk to each other are a loop.
const ENOUGH: usize = 6;

async fn server() -> Option<Inspircd> {
    Inspircd::start(Options::default()).await.unwrap()
}

#[tokio::test]
async fn two_of_us_do_not_talk_to_each_other() {
    let Some(server) = server().await else { return };
    let mut scene = Scene::open(&server).await;
    let config = Config { nick: "quill".into(), ..config(server.port) };
    let other = Client::join(server.port, "other", ROOM).await.unwrap();
    let mut other = Scene::start(other, config, |_| {}).await;
    other.wit.sees(":quill!").await.unwrap();
    for said in [
        "!queue",
        "inkwire: quill: help",
        "quill: inkwire: inkwire: quill: help",
        "!help inkwire: help",
        "!imagine quill: queue --count 99",
    ] {
        scene.wit.say(ROOM, said).await.unwrap();
        // Both are done with it when both have answered the next question.
        let mut lines = scene.told().await;
        other.wit.say(ROOM, "quill: queue").await.unwrap();
        other.wit.hears("quill", ROOM).await.unwrap();
        lines.extend(scene.told().await);
        assert!(lines.len() <= ENOUGH, "{said}: {lines:?}");
    }
    other.close().await;
    scene.close().await;
}

#[tokio::test]
async fn services_that_listen_are_given_no_order() {
    let Some(server) = server().await else { return };
    let Some(_services) = services(&server, &[BOT, "boss"]).await else { return };
    let account = ("boss", PASSWORD);
    let mut boss = Client::log_in(server.port, "boss", account, ROOM).await.unwrap();
    boss.say("ChanServ", &format!("REGISTER {ROOM}")).await.unwrap();
    boss.sees("is now registered").await.unwrap();
    boss.say("ChanServ", &format!("FLAGS {ROOM} {BOT} +oOf")).await.unwrap();
    boss.sees("NOTICE boss :Flags").await.unwrap();
    boss.say("ChanServ", &format!("SET {ROOM} GUARD ON")).await.unwrap();
    boss.sees(" +o :ChanServ").await.unwrap();
    // It is there and listens.
    boss.send(&format!("MODE {ROOM} -o boss")).await.unwrap();
    boss.say(ROOM, "!op boss").await.unwrap();
    boss.sees(" +o ").await.unwrap();

    let sasl = Sasl { account: BOT.into(), password: Some(PASSWORD.into()), ..Sasl::default() };
    let config = Config { sasl: Some(sasl), ..config(server.port) };
    let mut scene = Scene::with(&server, config, |_| {}).await;
    for said in ["!imagine !op wit", "!help !op wit", "inkwire: !op wit", "!imagine x --no !op wit"]
    {
        scene.wit.say(ROOM, said).await.unwrap();
        scene.told().await;
    }
    scene.wit.send(&format!("NAMES {ROOM}")).await.unwrap();
    let names = scene.wit.sees(" 353 ").await.unwrap();
    assert!(!names.contains("@wit") && names.contains(&format!("@{BOT}")), "{names}");
    scene.close().await;
}

#[tokio::test]
async fn bytes_that_no_client_should_send_harm_nothing() {
    let Some(server) = server().await else { return };
    let mut scene = Scene::open(&server).await;
    let mut eve = Client::join(server.port, "eve", ROOM).await.unwrap();
    let long = "x".repeat(480);
    for bytes in [
        &b"!imagine \xff\xfe\xfd --count 99"[..],
        b"!imagine fox\rQUIT :gone\r --count 99",
        b"!imagine \x02\x0304,01red\x0f \x16fox\x1d \x1e\x11\x1f --count 99",
        b"!imagine \xe2\x80\xae\xe2\x80\xa8PRIVMSG #art :x\xc2\x85 --count 99",
        b"\x01ACTION !imagine fox\x01",
        b"\x01\x01\x01!queue\x01",
        b"!\x03",
        b"!imagine --count",
        b":!queue :!queue",
        long.as_bytes(),
    ] {
        eve.write(&[b"PRIVMSG #art :", bytes, b"\r\n"].concat()).await.unwrap();
        eve.so_far().await.unwrap();
    }
    let told = scene.told().await;
    let tame = |c: char| !c.is_control() && !"\u{202e}\u{2028}\u{fffd}".contains(c);
    assert!(told.len() >= 4 && told.iter().all(|line| line.chars().all(tame)), "{told:?}");
    assert_eq!(scene.simulator.log().submitted().len(), 0);
    scene.close().await;
}
