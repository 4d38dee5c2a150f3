//! Limits of real servers and rooms: many answers are said slowly enough, and none is lost.
use crate::irc_scene::{ROOM, Scene, config};
use futures_util::future::join_all;
use inkwire_irc::{Config, Flood};
use inkwire_testkit::irc::{Client, Flood as Limits, Inspircd, Options};

const ANSWERS: usize = 30;
const CROWD: usize = 8;

/// Waits until every one of these topics was answered.
async fn answered(scene: &mut Scene, topics: usize) {
    let mut missing: Vec<_> = (0..topics).map(|number| format!("topic{number}\"")).collect();
    while !missing.is_empty() {
        let line = scene.answer().await;
        missing.retain(|topic| !line.contains(topic.as_str()));
    }
}

#[tokio::test]
async fn thirty_answers_at_once_are_no_flood() {
    let options = Options { flood: Limits::STRICT, ..Options::default() };
    let Some(server) = Inspircd::start(options).await.unwrap() else { return };
    let config = Config { flood: Flood::default(), ..config(server.port) };
    let mut scene = Scene::with(&server, config, |_| {}).await;
    // Operators may say what they like.
    let mut operator = Client::operator(server.port, "network").await.unwrap();
    operator.enter(ROOM).await.unwrap();
    for number in 0..ANSWERS {
        operator.say(ROOM, &format!("!help topic{number}")).await.unwrap();
    }
    answered(&mut scene, ANSWERS).await;
    scene.close().await;
}

#[tokio::test]
async fn a_room_with_a_limit_of_its_own_keeps_it() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let server = &server;
    let config = Config { flood: Flood::default(), ..config(server.port) };
    let mut scene = Scene::with(server, config, |_| {}).await;
    scene.wit.send(&format!("MODE {ROOM} +f *5:5")).await.unwrap();
    scene.wit.sees(" MODE ").await.unwrap();
    let people = (0..CROWD).map(|number| async move {
        let nick = format!("person{number}");
        let mut person = Client::join(server.port, &nick, ROOM).await.unwrap();
        person.say(ROOM, &format!("!help topic{number}")).await.unwrap();
        person
    });
    let _people = join_all(people).await;
    answered(&mut scene, CROWD).await;
    scene.close().await;
}
