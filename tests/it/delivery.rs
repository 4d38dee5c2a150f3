//! What reaches a room: once, in its place, and known to be in doubt when it is.
use super::{engine, store};
use inkwire_core::{DeliveryId, Outcome, Receipt, Watch};
use inkwire_testkit::{Bridge, Manner, Mood, settle};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_slot_is_edited_in_place_after_a_restart() {
    let (store, engine) = (store(), engine(Mood::Hangs));
    let irc = [("irc", Manner::Polite)];
    let (bridge, [mut script]) = Bridge::start(store.clone(), engine.clone(), irc).await;
    script.say("e1", "ann", "imagine a boat").await.unwrap();
    let first = script.parcel().await.unwrap();
    assert!(first.shown.is_empty());
    settle().await;
    bridge.stop().await;

    engine.become_(Mood::Works);
    let (bridge, [mut script]) = Bridge::start(store, engine, irc).await;
    let end = script.ending().await.unwrap();
    assert_eq!(end.delivery.slot, first.delivery.slot);
    assert_eq!(end.shown[0].native.0, format!("msg-{}", first.delivery.id));
    assert!(end.delivery.seq > first.delivery.seq);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_begin_and_sent_leaves_doubt_and_one_ending() {
    let (store, engine) = (store(), engine(Mood::Works));
    let (bridge, [mut script]) =
        Bridge::start(store.clone(), engine.clone(), [("irc", Manner::HangsOnEnd)]).await;
    script.say("e1", "ann", "imagine a boat").await.unwrap();
    let begun = script.ending().await.unwrap();
    assert!(!begun.in_doubt);
    bridge.kill().await;

    let (bridge, [mut script]) =
        Bridge::start(store.clone(), engine, [("irc", Manner::Polite)]).await;
    let again = script.ending().await.unwrap();
    assert!(again.in_doubt);
    assert_eq!(again.delivery.id, begun.delivery.id);
    assert_eq!(again.state, Some(json!({ "uploaded": "u1" })), "the checkpoint came back");
    settle().await;
    bridge.stop().await;
    assert!(script.ending().await.is_none(), "exactly one");
    let all = store.since(&Watch::All, 0).await.unwrap();
    assert_eq!(all.iter().filter(|d| d.outcome.is_terminal()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_older_instance_can_write_nothing() {
    let store = store();
    let adapter = "irc".into();
    let old = store.lease(&adapter).await.unwrap().epoch;
    let (bridge, [mut script]) =
        Bridge::start(store.clone(), engine(Mood::Works), [("irc", Manner::HangsOnEnd)]).await;
    script.say("e1", "ann", "imagine a boat").await.unwrap();
    let held = script.ending().await.unwrap().delivery.id;
    let sent = Receipt::Sent(vec![]);
    assert!(store.record(&held, old, sent, inkwire_core::Time(0)).await.is_err());
    assert!(store.begin(&DeliveryId("d0".into()), old).await.is_err());
    bridge.kill().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_event_twice_is_one_job() {
    let (store, engine) = (store(), engine(Mood::Works));
    let irc = [("irc", Manner::Polite)];
    let (bridge, [mut script]) = Bridge::start(store.clone(), engine.clone(), irc).await;
    let first = script.say("e1", "ann", "imagine a boat").await.unwrap().remove(0);
    let second = script.say("e1", "ann", "imagine a boat").await.unwrap().remove(0);
    assert!(!first.duplicate && second.duplicate);
    assert_eq!(first.job, second.job);
    assert!(matches!(second.outcome, Some(Outcome::Accepted { .. })));
    script.ending().await.unwrap();
    bridge.kill().await;

    let (bridge, [script]) = Bridge::start(store, engine.clone(), irc).await;
    let third = script.say("e1", "ann", "imagine a boat").await.unwrap().remove(0);
    assert!(third.duplicate, "also after a restart");
    bridge.stop().await;
    assert_eq!(engine.calls(), ["render a boat"]);
}

/// Nobody repeats such a question, so it costs no commit; a job does, and is owed.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_said_at_once_is_stored_nowhere() {
    let store = store();
    let irc = [("irc", Manner::AnswersAtOnce)];
    let (bridge, [mut script]) = Bridge::start(store.clone(), engine(Mood::Works), irc).await;
    let asked = script.say("e1", "ann", "queue").await.unwrap().remove(0);
    let answer = asked.answer.expect("an answer to say");
    assert_eq!(Some(&answer.outcome), asked.outcome.as_ref());
    assert!(matches!(answer.outcome, Outcome::Answer(_)) && answer.asker.name == "ann");
    assert_eq!(store.since(&Watch::All, 0).await.unwrap().len(), 0);

    let asked = script.say("e2", "ann", "imagine a boat").await.unwrap().remove(0);
    assert!(asked.answer.is_none(), "what makes a job is told by a delivery");
    assert!(script.ending().await.is_some());
    bridge.stop().await;
}
