//! Cancelling is part of a commit, and belongs to the owner.
use super::{engine, store};
use inkwire::store::{Admission, Change, Effect, Store, Verdict};
use inkwire_core::{AdapterId, Outcome, Rejection, Time};
use inkwire_testkit::{Bridge, Manner, Mood, settle};

/// The crash falls between the commit and memory: only the store knows of the change.
#[tokio::test(start_paused = true)]
async fn a_cancel_that_was_committed_survives_a_crash() {
    let (store, engine) = (store(), engine(Mood::Hangs));
    let irc = [("irc", Manner::Polite)];
    let (bridge, [script]) = Bridge::start(store.clone(), engine.clone(), irc).await;
    let admitted = script.say("e1", "ann", "imagine a boat").await.unwrap();
    settle().await;
    bridge.kill().await;
    let change = Change::Cancel { job: admitted[0].job.clone().unwrap(), by: "irc/ann".into() };
    let verdicts = store.admit(vec![committed(change, store.as_ref()).await]).await.unwrap();
    assert!(matches!(&verdicts[0], Verdict::Done(e) if matches!(e[..], [Effect::Interrupt(_)])));

    let (bridge, [mut script]) = Bridge::start(store, engine.clone(), irc).await;
    let end = script.ending().await.unwrap();
    assert!(matches!(end.delivery.outcome, Outcome::Cancelled { .. }));
    assert_eq!(engine.calls(), ["render a boat", "resume a boat", "interrupt a boat"]);
    bridge.stop().await;
}

async fn committed(change: Change, store: &dyn Store) -> Admission {
    let adapter = AdapterId::from("irc");
    let epoch = store.lease(&adapter).await.unwrap().epoch;
    let seen = Some("e2".into());
    Admission { seen, changes: vec![change], ..Admission::empty(&adapter, epoch, Time(1)) }
}

#[tokio::test(start_paused = true)]
async fn a_waiting_job_is_cancelled_in_the_commit_itself() {
    let (store, engine) = (store(), engine(Mood::Hangs));
    let irc = [("irc", Manner::Polite)];
    let (bridge, [mut script]) = Bridge::start(store.clone(), engine.clone(), irc).await;
    for key in ["e1", "e2", "e3"] {
        script.say(key, "ann", &format!("imagine {key}")).await.unwrap();
    }
    settle().await;
    let asked = script.say("c", "ann", "cancel all").await.unwrap();
    assert!(matches!(asked[0].outcome, Some(Outcome::Answer(_))));
    for _ in 0..3 {
        let end = script.ending().await.unwrap();
        assert!(matches!(end.delivery.outcome, Outcome::Cancelled { .. }));
    }
    assert!(!engine.calls().contains(&"render e3".to_owned()));
    assert!(store.open_index().await.unwrap().is_empty());
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_nick_elsewhere_is_a_stranger() {
    let adapters = [("irc", Manner::Polite), ("matrix", Manner::Polite)];
    let (bridge, [irc, matrix]) = Bridge::start(store(), engine(Mood::Hangs), adapters).await;
    let admitted = irc.say("e1", "ann", "imagine a boat").await.unwrap();
    let job = admitted[0].job.clone().unwrap();
    for (key, text) in [("c1", "cancel".to_owned()), ("c2", format!("cancel {job}"))] {
        let refused = matrix.say(key, "ann", &text).await.unwrap();
        let outcome = refused[0].outcome.as_ref();
        assert!(matches!(outcome, Some(Outcome::Rejected(Rejection::NoSuchJob))));
    }
    let own = irc.say("c1", "ann", &format!("cancel {job}")).await.unwrap();
    assert!(matches!(own[0].outcome, Some(Outcome::Answer(_))));
    bridge.stop().await;
}
