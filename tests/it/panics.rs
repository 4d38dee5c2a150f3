//! A bug in one stage is told to one person and stops nothing else.
use super::{engine, store};
use inkwire_core::{Failure, Outcome};
use inkwire_testkit::{Bridge, Manner, Mood};

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_engine_fails_its_job_alone() {
    let engine = engine(Mood::Panics);
    let irc = [("irc", Manner::Polite)];
    let (bridge, [mut irc]) = Bridge::start(store(), engine.clone(), irc).await;
    irc.say("e1", "ann", "imagine a boat").await.unwrap();
    let end = irc.ending().await.unwrap().delivery.outcome;
    let Outcome::Failed(Failure::Internal { error_id }) = end else { panic!("{end:?}") };
    assert_eq!(error_id.len(), 8, "what the operator looks for in the log");

    engine.become_(Mood::Works);
    irc.say("e2", "ann", "imagine a boat").await.unwrap();
    let end = irc.ending().await.unwrap().delivery.outcome;
    assert!(matches!(end, Outcome::Finished { .. }), "the seat goes on: {end:?}");
    bridge.stop().await;
}
