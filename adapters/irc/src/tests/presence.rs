//! Arriving, staying and coming back: nick, rooms and invitations over a scripted server.
use super::{
    ircd::{Ircd, Script},
    scenes::{Scene, config},
    welcomed,
};
use crate::{Config, Irc, dial::Target};
use inkwire_conformance::{Service, Shelf};
use inkwire_core::Link;
use std::sync::Arc;
use tokio::time::Instant;

/// A server that lets us answer every JOIN ourselves.
fn by_hand() -> Script {
    Script { joins: false, ..Script::default() }
}

/// A connection on which we were invited into `#new` when it ended.
async fn invited(link: &mut Link) {
    let config = with_inviter();
    let (mut ircd, stream) = Ircd::pipe(Script::default());
    let connection = welcomed(&config, Box::new(stream)).await.unwrap();
    let (config, target) = (config.into(), target());
    let id = "irc.test".into();
    let story = async {
        ircd.heard("JOIN").await;
        ircd.send("@account=boss :ann!a@h INVITE inkwire :#new").await;
        assert_eq!(ircd.heard("JOIN").await, "JOIN #new");
        ircd.hang_up().await;
    };
    let (ended, ()) = tokio::join!(connection.serve(&id, &config, &target, link), story);
    ended.unwrap_err();
}

fn target() -> Target {
    Target { host: "irc.example".into(), port: 6697, tls: true }
}

fn with_inviter() -> Config {
    Config { inviters: vec!["boss".into()], ..config() }
}

#[tokio::test(start_paused = true)]
async fn rooms_come_first_and_then_the_mode_of_robots() {
    let mut scene = Scene::start(by_hand(), config());
    let started = Instant::now();
    scene.ircd.send(":s 005 inkwire BOT=B TARGMAX=JOIN:1 :are supported").await;
    scene.ircd.send(":s 422 inkwire :MOTD File is missing").await;
    assert_eq!(scene.ircd.heard("JOIN").await, "JOIN #art");
    assert_eq!(scene.ircd.heard("JOIN").await, "JOIN #quiet");
    assert_eq!(scene.ircd.heard("MODE").await, "MODE inkwire +B");
    assert_eq!(started.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_taken_nick_is_taken_back_when_it_is_free() {
    let script = Script { taken_nicks: vec!["inkwire".into()], ..Script::default() };
    let mut scene = Scene::joined(script, config()).await;
    scene.ircd.send(":s 005 inkwire_ MONITOR=100 :are supported").await;
    assert_eq!(scene.ircd.heard("NICK").await, "NICK inkwire");
    assert_eq!(scene.ircd.heard("NICK").await, "NICK inkwire_");
    assert_eq!(scene.ircd.heard("MONITOR").await, "MONITOR + inkwire");

    scene.ircd.send(":s 731 inkwire_ :inkwire").await;
    assert_eq!(scene.ircd.heard("NICK").await, "NICK inkwire", "which fails once more");
    scene.ircd.send(":s 731 inkwire_ :inkwire").await;
    assert_eq!(scene.ircd.heard("NICK").await, "NICK inkwire");
    scene.ircd.send(":inkwire_!~ink@127.0.0.1 NICK :inkwire").await;
    assert_eq!(scene.ircd.heard("MONITOR").await, "MONITOR - inkwire");
    scene.ircd.send(":ann!a@h PRIVMSG #art :inkwire: queue").await;
    assert_eq!(scene.asked().await, "queue");
}

#[tokio::test(start_paused = true)]
async fn an_invitation_opens_a_closed_room() {
    let mut scene = Scene::start(by_hand(), config());
    assert_eq!(scene.ircd.heard("JOIN").await, "JOIN #art,#quiet");
    scene.ircd.send(":inkwire!~ink@127.0.0.1 JOIN #quiet").await;
    scene.ircd.send(":s 473 inkwire #art :Cannot join channel (+i)").await;
    scene.ircd.send(":ann!a@h INVITE inkwire :#art").await;
    let started = Instant::now();
    assert_eq!(scene.ircd.heard("JOIN").await, "JOIN #art");
    assert_eq!(started.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_an_inviter_brought_us_is_kept_until_a_kick() {
    let mut scene = Scene::joined(Script::default(), with_inviter()).await;
    scene.ircd.heard("JOIN").await;
    scene.ircd.send("@account=boss :ann!a@h INVITE inkwire :#new").await;
    assert_eq!(scene.ircd.heard("JOIN").await, "JOIN #new");
    let kept = scene.service.submissions.recv().await.unwrap();
    assert_eq!(kept.batch.notes.get("rooms"), Some(&serde_json::json!(["#new"])));
    kept.done.send(Ok(vec![])).unwrap();

    scene.ircd.send(":ann!a@h PRIVMSG #new :!queue").await;
    assert_eq!(scene.asked().await, "queue");
    scene.ircd.send(":op!o@h KICK #new inkwire :out").await;
    let kept = scene.service.submissions.recv().await.unwrap();
    assert_eq!(kept.batch.notes.get("rooms"), Some(&serde_json::json!([])));
}

#[tokio::test(start_paused = true)]
async fn the_next_connection_goes_where_the_last_one_was_invited() {
    let irc = Irc::new("irc.test".into(), Config { tls: false, ..valid() }).unwrap();
    let (_service, mut link) = Service::new(&irc, Arc::new(Shelf));
    invited(&mut link).await;
    assert_eq!(link.notes.get("rooms"), Some(&serde_json::json!(["#new"])));

    let (mut ircd, stream) = Ircd::pipe(Script::default());
    let running = tokio::spawn(async move {
        let connection = welcomed(&with_inviter(), Box::new(stream)).await.unwrap();
        connection.serve(&"irc.test".into(), &with_inviter().into(), &target(), &mut link).await
    });
    assert_eq!(ircd.heard("JOIN").await, "JOIN #art,#quiet,#new");
    running.abort();
}

fn valid() -> Config {
    let server = crate::Server { host: "127.0.0.1".into(), port: Some(6667) };
    Config { servers: vec![server], ..config() }
}

#[tokio::test(start_paused = true)]
async fn clients_ask_in_private_only() {
    let mut scene = Scene::joined(Script::default(), config()).await;
    scene.ircd.send(":ann!a@h PRIVMSG #art :\u{1}VERSION\u{1}").await;
    scene.ircd.send(":ann!a@h PRIVMSG inkwire :\u{1}PING 42\u{1}").await;
    assert_eq!(scene.ircd.heard("NOTICE").await, "NOTICE ann :\u{1}PING 42\u{1}");
}

#[tokio::test(start_paused = true)]
async fn what_others_are_called_now_breaks_nothing() {
    let mut scene = Scene::joined(Script::default(), config()).await;
    for line in [
        ":ann!a@h CHGHOST b other.example",
        ":ann!a@h SETNAME :Ann of Avonlea",
        ":inkwire!~ink@127.0.0.1 SETNAME :something",
        ":ann!a@h ACCOUNT *",
        ":ann!a@h JOIN #art ann :Ann",
        ":a.example NOTICE * :*** Looking up your hostname",
        ":ann!a@h QUIT :a.example b.example",
        ":s 042 inkwire 00BAAAAAA :your unique ID",
    ] {
        scene.ircd.send(line).await;
    }
    scene.ircd.send(":bob!b@h PRIVMSG #art :!queue").await;
    assert_eq!(scene.asked().await, "queue");
}
