//! Rooms that are moderated, locked, muted or that tell their past: it stays polite in each, and
//! serves again as soon as it may.
use crate::irc_scene::{BOT, ROOM, Scene, config};
use inkwire_testkit::irc::{Client, Inspircd, Options};

async fn server() -> Option<Inspircd> {
    Inspircd::start(Options::default()).await.unwrap()
}

/// The witness made the room, so it may change it.
async fn mode(scene: &mut Scene, mode: &str) {
    scene.wit.send(&format!("MODE {ROOM} {mode}")).await.unwrap();
    let changed = scene.wit.sees_either(&[" MODE ", " 4"]).await.unwrap();
    assert!(changed.contains(" MODE "), "{changed}");
}

#[tokio::test]
async fn where_it_may_not_speak_it_answers_in_private() {
    let Some(server) = server().await else { return };
    let mut scene = Scene::open(&server).await;
    for (closed, opened) in [
        ("+m", "-m"),
        ("+b m:inkwire!*@*", "-b m:inkwire!*@*"),
        ("+b inkwire!*@*", "-b inkwire!*@*"),
    ] {
        let job = scene.queue("a red fox").await;
        mode(&mut scene, closed).await;
        scene.paint();
        let done = scene.wit.hears(BOT, "wit").await.unwrap();
        assert!(done.contains(&format!("{job} done in ")), "{closed}: {done}");
        mode(&mut scene, opened).await;
        let told = scene.ask("!queue").await;
        assert!(told.contains("engines up"), "{opened}: {told}");
    }
    scene.close().await;
}

#[tokio::test]
async fn rooms_that_refuse_notices_colours_and_ctcp_are_served_like_others() {
    let Some(server) = server().await else { return };
    let mut scene = Scene::open(&server).await;
    for refuses in ["+T", "+c", "+C", "+n"] {
        scene.wit.send(&format!("MODE {ROOM} {refuses}")).await.unwrap();
        scene.wit.so_far().await.unwrap();
        let refused = scene.ask("!imagine a fox --count 99").await;
        assert!(refused.contains("from 1 to 4"), "{refuses}: {refused}");
        let job = scene.queue("a red fox").await;
        scene.paint();
        let done = scene.answer().await;
        assert!(done.starts_with(&format!("wit: {job} done in ")), "{refuses}: {done}");
    }
    scene.close().await;
}

#[tokio::test]
async fn what_a_room_tells_of_its_past_is_not_done_again() {
    let Some(server) = server().await else { return };
    let mut wit = Client::join(server.port, "wit", ROOM).await.unwrap();
    wit.send(&format!("MODE {ROOM} +H 20:3600")).await.unwrap();
    wit.sees(" MODE ").await.unwrap();
    wit.say(ROOM, "!imagine an old fox --size 64x64").await.unwrap();
    wit.say(ROOM, "!queue").await.unwrap();
    wit.so_far().await.unwrap();
    let mut late = Client::join(server.port, "late", ROOM).await.unwrap();
    late.sees("!imagine an old fox").await.unwrap();

    let mut scene = Scene::start(wit, config(server.port), |_| {}).await;
    scene.wit.sees(&format!(":{BOT}!")).await.unwrap();
    assert_eq!(scene.told().await, [""; 0]);
    assert_eq!(scene.simulator.log().submitted().len(), 0, "nothing of the past is painted");
    scene.queue("a young fox").await;
    scene.paint();
    assert!(scene.answer().await.contains(" done in "));
    scene.close().await;
}

#[tokio::test]
async fn who_threw_it_out_can_let_it_in_again() {
    let Some(server) = server().await else { return };
    let mut scene = Scene::open(&server).await;
    let job = scene.queue("a red fox").await;
    scene.wit.send(&format!("KICK {ROOM} {BOT} :out")).await.unwrap();
    scene.wit.sees(" KICK ").await.unwrap();
    scene.paint();
    // In private while it is out, or in the room once it is back.
    let (done, back) = (format!("{job} done in "), format!("JOIN :{ROOM}"));
    let first = scene.wit.sees_either(&[&done, &back]).await.unwrap();
    let second = if first.contains(&done) { back } else { done };
    scene.wit.sees(&second).await.unwrap();
    scene.close().await;
}
