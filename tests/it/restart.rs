//! What a stop leaves behind, and what the next start makes of it.
use super::{engine, store};
use inkwire_core::{Cursor, Outcome};
use inkwire_testkit::{Bridge, Manner, Mood, settle};

const IRC: [(&str, Manner); 1] = [("irc", Manner::Polite)];

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_the_part_in_the_engine_and_the_next_start_resumes_it() {
    let (store, engine) = (store(), engine(Mood::Hangs));
    let (bridge, [script]) = Bridge::start(store.clone(), engine.clone(), IRC).await;
    script.say("e1", "ann", "imagine a boat").await.unwrap();
    settle().await;
    bridge.stop().await;
    assert_eq!(engine.calls(), ["render a boat"], "not interrupted");

    engine.become_(Mood::Works);
    let (bridge, [mut script]) = Bridge::start(store.clone(), engine.clone(), IRC).await;
    let end = script.ending().await.unwrap();
    assert!(matches!(end.delivery.outcome, Outcome::Finished { .. }));
    bridge.stop().await;
    assert_eq!(engine.calls(), ["render a boat", "resume a boat"]);
    assert_eq!(store.lease(&"irc".into()).await.unwrap().cursor, Some(Cursor("e1".into())));
}

#[tokio::test(start_paused = true)]
async fn what_the_engine_lost_is_rendered_again() {
    let (store, engine) = (store(), engine(Mood::Loses));
    let (bridge, [script]) = Bridge::start(store.clone(), engine.clone(), IRC).await;
    script.say("e1", "ann", "imagine a boat").await.unwrap();
    settle().await;
    bridge.kill().await;

    let (bridge, [mut script]) = Bridge::start(store, engine.clone(), IRC).await;
    let end = script.ending().await.unwrap();
    assert!(matches!(end.delivery.outcome, Outcome::Finished { .. }));
    bridge.stop().await;
    assert_eq!(engine.calls(), ["render a boat", "resume a boat", "render a boat"]);
}
