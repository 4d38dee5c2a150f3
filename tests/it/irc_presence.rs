//! Where it is and what it is called on a real network: taken nicks, invitations, locked rooms,
//! and what others can find out about it.
use crate::irc_scene::{BOT, PASSWORD, ROOM, Scene, config, services};
use inkwire_irc::{Channel, Config, Flood, Sasl};
use inkwire_testkit::irc::{Client, Flood as Limits, Inspircd, Options};

async fn server() -> Option<Inspircd> {
    Inspircd::start(Options::default()).await.unwrap()
}

/// Waits until it has taken its nick.
async fn regained(scene: &mut Scene) {
    scene.wit.sees(&format!(" NICK :{BOT}")).await.unwrap();
    let told = scene.ask("!queue").await;
    assert!(told.contains("engines up"), "{told}");
}

#[tokio::test]
async fn a_nick_that_becomes_free_is_taken() {
    let Some(server) = server().await else { return };
    let mut squatter = Client::connect(server.port, BOT, "").await.unwrap();
    let mut scene = Scene::open(&server).await;
    scene.wit.say(ROOM, &format!("{BOT}_: help")).await.unwrap();
    scene.wit.hears(&format!("{BOT}_"), ROOM).await.unwrap();
    squatter.send("QUIT :bye").await.unwrap();
    regained(&mut scene).await;
    scene.close().await;
}

#[tokio::test]
async fn the_services_give_an_owner_its_nick() {
    let Some(server) = server().await else { return };
    let Some(_services) = services(&server, &[BOT]).await else { return };
    let _squatter = Client::connect(server.port, BOT, "").await.unwrap();
    let account = Sasl { account: BOT.into(), password: Some(PASSWORD.into()), ..Sasl::default() };
    let config = Config { sasl: Some(account), ..config(server.port) };
    let mut scene = Scene::with(&server, config, |_| {}).await;
    regained(&mut scene).await;
    scene.close().await;
}

#[tokio::test]
async fn only_who_may_invite_is_followed() {
    let Some(server) = server().await else { return };
    let Some(_services) = services(&server, &["boss", "eve"]).await else { return };
    let config = Config { inviters: vec!["boss".into()], ..config(server.port) };
    let mut scene = Scene::with(&server, config, |_| {}).await;
    let mut eve = Client::log_in(server.port, "eve", ("eve", PASSWORD), "#eve").await.unwrap();
    let mut boss = Client::log_in(server.port, "boss", ("boss", PASSWORD), "#new").await.unwrap();
    eve.send(&format!("INVITE {BOT} #eve")).await.unwrap();
    eve.so_far().await.unwrap();
    boss.send(&format!("INVITE {BOT} #new")).await.unwrap();
    boss.sees(" JOIN :#new").await.unwrap();
    boss.say("#new", "!queue").await.unwrap();
    let told = boss.hears(BOT, "#new").await.unwrap();
    assert!(told.contains("engines up"), "{told}");
    let seen = eve.so_far().await.unwrap();
    assert!(!seen.iter().any(|line| line.contains(" JOIN ")), "{seen:?}");
    scene.told().await;
    scene.close().await;
}

#[tokio::test]
async fn whoever_locked_it_out_can_call_it_back() {
    let Some(server) = server().await else { return };
    let mut scene = Scene::open(&server).await;
    for locked in ["+b inkwire!*@*", "+k secret", "+i"] {
        scene.wit.send(&format!("MODE {ROOM} {locked}\r\nKICK {ROOM} {BOT} :out")).await.unwrap();
        scene.wit.sees(" KICK ").await.unwrap();
        scene.wit.send(&format!("MODE {ROOM} -b inkwire!*@*")).await.unwrap();
        scene.wit.send(&format!("INVITE {BOT} {ROOM}")).await.unwrap();
        scene.wit.sees(&format!("JOIN :{ROOM}")).await.unwrap();
        let told = scene.ask("!queue").await;
        assert!(told.contains("engines up"), "{locked}: {told}");
        scene.wit.send(&format!("MODE {ROOM} -k secret")).await.unwrap();
    }
    scene.close().await;
}

#[tokio::test]
async fn it_says_what_it_is() {
    let Some(server) = server().await else { return };
    let mut scene = Scene::open(&server).await;
    scene.told().await;
    scene.wit.send(&format!("WHOIS {BOT}")).await.unwrap();
    let bot = scene.wit.sees_either(&[" 335 ", " 318 "]).await.unwrap();
    assert!(bot.contains(" 335 "), "it is marked as a bot: {bot}");
    scene.wit.say(BOT, "\u{1}VERSION\u{1}").await.unwrap();
    let version = scene.wit.sees(" NOTICE wit :\u{1}VERSION").await.unwrap();
    assert!(version.contains("inkwire"), "{version}");
    scene.wit.say(ROOM, "\u{1}VERSION\u{1}").await.unwrap();
    scene.wit.say(ROOM, "\u{1}PING 1\u{1}").await.unwrap();
    assert_eq!(scene.told().await, [""; 0], "nothing of that in a room");
    scene.close().await;
}

#[tokio::test]
async fn forty_rooms_are_no_flood() {
    let options = Options { flood: Limits::STRICT, ..Options::default() };
    let Some(server) = Inspircd::start(options).await.unwrap() else { return };
    let names: Vec<_> = (0..40).map(|n| format!("#room-with-a-name-of-its-own-{n}")).collect();
    let mut channels: Vec<Channel> = names.iter().map(|name| name.as_str().into()).collect();
    channels.push(ROOM.into());
    let config = Config { channels, flood: Flood::default(), ..config(server.port) };
    let mut scene = Scene::with(&server, config, |_| {}).await;
    scene.wit.send(&format!("WHOIS {BOT}")).await.unwrap();
    let mut rooms = vec![];
    loop {
        let line = scene.wit.sees_either(&[" 319 ", " 318 "]).await.unwrap();
        if line.contains(" 318 ") {
            break;
        }
        let list = line.rsplit(':').next().unwrap();
        rooms.extend(list.split_whitespace().map(str::to_owned));
    }
    assert_eq!(rooms.len(), 41, "{rooms:?}");
    scene.close().await;
}
