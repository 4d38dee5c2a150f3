//! How connections to a real server begin, and every way in which they end.
use crate::irc_scene::{BOT, ROOM, Scene, config, ends, ends_while, irc};
use inkwire_core::AdapterError;
use inkwire_irc::{Config, Timeouts};
use inkwire_testkit::irc::{Client, Inspircd, Options};
use std::time::Duration;

const LONG: Duration = Duration::from_mins(15);

async fn server() -> Option<Inspircd> {
    Inspircd::start(Options::default()).await.unwrap()
}

async fn comes(wit: &mut Client) {
    wit.sees(&format!("JOIN :{ROOM}")).await.unwrap();
}

fn is_long(ended: &AdapterError) -> bool {
    matches!(ended, AdapterError::SentAway { wait, .. } if *wait >= LONG)
}

#[tokio::test]
async fn a_killed_server_is_seen_at_once_and_found_again() {
    let Some(mut server) = server().await else { return };
    let mut scene = Scene::open(&server).await;
    let job = scene.queue("a red fox").await;
    server.kill().await.unwrap();
    scene.paint();
    server.restart().await.unwrap();
    scene.wit = Client::join(server.port, "wit", ROOM).await.unwrap();
    let done = scene.answer().await;
    assert!(done.starts_with(&format!("wit: {job} done in ")), "what was due is said: {done}");
    scene.close().await;
}

#[tokio::test]
async fn a_server_that_stopped_is_given_up() {
    let Some(server) = server().await else { return };
    let mut wit = Client::join(server.port, "wit", ROOM).await.unwrap();
    let timeouts = Timeouts { register_secs: 3, idle_secs: 1, pong_secs: 1, ..Timeouts::default() };
    let irc = irc(Config { timeouts, ..config(server.port) });
    let silent = ends_while(&irc, async {
        comes(&mut wit).await;
        server.stop().unwrap();
    });
    let silent = silent.await;
    assert!(silent.to_string().contains("ping"), "{silent}");
    // It takes connections, as its machine does that for it, and says nothing.
    let deaf = ends(&irc).await;
    assert!(matches!(&deaf, AdapterError::Disconnected(_)), "{deaf:?}");
    server.cont().unwrap();
}

#[tokio::test]
async fn a_ban_is_not_answered_with_haste() {
    let Some(server) = server().await else { return };
    let mut operator = Client::operator(server.port, "network").await.unwrap();
    operator.enter(ROOM).await.unwrap();
    let irc = irc(config(server.port));
    let banned = ends_while(&irc, async {
        comes(&mut operator).await;
        operator.send(&format!("GLINE {BOT}@127.0.0.1 1h :no spam")).await.unwrap();
    });
    let banned = banned.await;
    assert!(is_long(&banned), "{banned:?}");
    let refused = ends(&irc).await;
    assert!(is_long(&refused), "{refused:?}");
    operator.send(&format!("GLINE {BOT}@127.0.0.1")).await.unwrap();
    let killed = ends_while(&irc, async {
        comes(&mut operator).await;
        operator.send(&format!("KILL {BOT} :why not")).await.unwrap();
    });
    let killed = killed.await;
    assert!(!is_long(&killed), "{killed:?}");
}

#[tokio::test]
async fn a_server_password_is_needed_and_given() {
    let options = Options { password: Some("open sesame"), ..Options::default() };
    let Some(mut server) = Inspircd::start(options).await.unwrap() else { return };
    let refused = ends(&irc(config(server.port))).await;
    assert!(!is_long(&refused), "{refused:?}");
    let config = Config { password: Some("open sesame".into()), ..config(server.port) };
    let irc = irc(config);
    let ended = ends_while(&irc, async {
        server.logged(&format!("Client connecting on port {}", server.port)).await.unwrap();
        server.kill().await.unwrap();
    });
    assert!(matches!(ended.await, AdapterError::Disconnected(_)));
}

#[tokio::test]
async fn a_nick_is_what_the_server_says() {
    let Some(server) = server().await else { return };
    let mut scene = Scene::open(&server).await;
    let mut operator = Client::operator(server.port, "network").await.unwrap();
    operator.send(&format!("SANICK {BOT} quill")).await.unwrap();
    scene.wit.sees(" NICK :quill").await.unwrap();
    scene.wit.say(ROOM, "quill: help").await.unwrap();
    let help = scene.wit.hears("quill", ROOM).await.unwrap();
    assert!(help.contains("imagine"), "{help}");
    scene.close().await;
}
