//! Who goes first, and what becomes of an envelope in the end.
use super::*;
use crate::{config::Verb, render::lead};
use inkwire_conformance::ScriptedLane;
use inkwire_core::{
    AdapterId, Address, Answer, Author, Delivery, Lane, Parcel, Powers, Receipt, Rejection, Trust,
};
use std::sync::Arc;

const NOW: Time = Time(1_795_161_600_000);

fn turn(lane: &Arc<ScriptedLane>, outcome: Outcome) -> Turn {
    let adapter = AdapterId("irc.test".into());
    let asker = Author {
        adapter: adapter.clone(),
        id: "~ann".into(),
        name: "ann".into(),
        trust: Trust::Unverified,
        powers: Powers::default(),
    };
    let delivery = Delivery {
        id: "d1".into(),
        to: Address { adapter, room: "#art".into(), message: None, thread: None },
        asker,
        answers: None,
        slot: "s1".into(),
        seq: 1,
        job: Some("k7f".into()),
        private: false,
        expires: None,
        outcome,
    };
    let parcel = Parcel { delivery, at: NOW, shown: vec![], state: None, in_doubt: false };
    let lane: Arc<dyn Lane> = lane.clone();
    Turn::new(Envelope::new(parcel, lane), "#art".into(), 0)
}

fn speech() -> Speech {
    Speech {
        verb: Verb::Privmsg,
        target: "#art".into(),
        in_room: true,
        lead: lead("ann"),
        texts: vec!["done".into()],
        reply: None,
        aside: None,
        shortened: false,
    }
}

#[tokio::test]
async fn what_matters_more_goes_first_until_something_waits_too_long() {
    let check = |outcome: Outcome, after: u64, expected: u8| {
        let turn = turn(&Arc::default(), outcome.clone());
        let later = turn.since + Duration::from_secs(after);
        assert_eq!(turn.rank(later), expected, "{outcome:?} after {after} s");
    };
    check(Outcome::Expired, 0, 1);
    check(Outcome::Expired, 1000, 1);
    check(Outcome::Rejected(Rejection::EmptyPrompt), 0, 2);
    check(Outcome::Answer(Answer::Paused), 0, 3);
    check(Outcome::Answer(Answer::Paused), 20, 2);
    check(Outcome::Answer(Answer::Paused), 10_000, 1);
    check(Outcome::Retracted, 0, 3);
    check(Outcome::Started { engine: "e".into() }, 0, 4);
    let mut begun = turn(&Arc::default(), Outcome::Cancelling);
    begun.begin([speech()].into()).await.unwrap();
    assert_eq!(begun.rank(Instant::now()), 0);
}

#[tokio::test]
async fn only_what_passes_grows_stale() {
    let check = |outcome: Outcome, expected: Option<u64>| {
        let turn = turn(&Arc::default(), outcome.clone());
        let expected = expected.map(|seconds| NOW.after(Duration::from_secs(seconds)));
        assert_eq!(turn.over_at(), expected, "{outcome:?}");
    };
    check(Outcome::Cancelling, Some(20));
    check(Outcome::Expired, None);
    check(Outcome::Answer(Answer::Paused), None);
}

/// The receipt of a turn that ends this way.
async fn check(end: impl FnOnce(Turn), expected: &[Receipt]) {
    let lane = Arc::<ScriptedLane>::default();
    let mut turn = turn(&lane, Outcome::Expired);
    turn.begin([speech()].into()).await.unwrap();
    end(turn);
    assert_eq!(lane.receipts(&"d1".into()), expected);
}

#[tokio::test]
async fn each_end_has_its_receipt() {
    let shown = || Receipt::Sent(vec![Posted { part: 0, native: "d1".into(), media: None }]);
    check(Turn::said, &[shown()]).await;
    check(Turn::silent, &[Receipt::Sent(vec![])]).await;
    check(|turn| turn.failed(SendError::Gone), &[Receipt::Failed(SendError::Gone)]).await;
    let in_part = |mut turn: Turn| {
        turn.arrived = true;
        turn.failed(SendError::Gone);
    };
    check(in_part, &[shown()]).await;
    check(drop, &[Receipt::Dropped]).await;
}
