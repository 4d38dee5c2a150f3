//! The way out: what a slot is told next, what is in doubt, what a receipt makes of a row.
use super::fixtures::*;
use crate::{
    job::{Draft, Job},
    store::{Change, Effect, Store, StoreError},
};
use inkwire_core::{Delivery, Failure, Outcome, Parcel, Posted, Receipt, SendError, Time, Watch};
use serde_json::json;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn begin(store: &dyn Store, parcel: &Parcel) {
    store.begin(&parcel.delivery.id, 0).await.expect("begun");
}

async fn record(store: &dyn Store, parcel: &Parcel, receipt: Receipt) {
    store.record(&parcel.delivery.id, 0, receipt, NOW).await.expect("recorded");
}

async fn outcomes(store: &dyn Store) -> Vec<&'static str> {
    due(store).await.iter().map(|parcel| kind(&parcel.delivery.outcome)).collect()
}

fn retrying(attempt: u32) -> Outcome {
    Outcome::Retrying { reason: Failure::Lost, attempt }
}

pub(super) async fn newer_words_replace_those_not_begun(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let old = next(store).await;
    claim(store, "k7f", 0).await;
    assert_eq!(outcomes(store).await, ["accepted"], "that it started replaces nothing");
    cancel(store, "k7f").await;
    assert_eq!(outcomes(store).await, ["cancelling"]);
    let begun = store.begin(&old.delivery.id, 0).await;
    assert!(is_stale(&begun), "a superseded row is not to be sent");
    record(store, &next(store).await, Receipt::Sent(posted("$1"))).await;
    assert_eq!(outcomes(store).await, [""; 0]);
    assert_eq!(store.shown(&"job-k7f".into()).await, Ok(posted("$1")));
}

pub(super) async fn what_has_begun_goes_first(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let first = next(store).await;
    begin(store, &first).await;
    claim(store, "k7f", 0).await;
    cancel(store, "k7f").await;
    assert_eq!(outcomes(store).await, ["accepted"], "one row per slot");
    assert!(next(store).await.in_doubt);
    record(store, &first, Receipt::Sent(posted("$1"))).await;
    let second = next(store).await;
    assert_eq!(kind(&second.delivery.outcome), "cancelling", "the newest, not the next");
    assert_eq!((second.shown, second.in_doubt), (posted("$1"), false));
}

pub(super) async fn what_was_not_sent_gives_way(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let first = next(store).await;
    begin(store, &first).await;
    claim(store, "k7f", 0).await;
    record(store, &first, Receipt::Dropped).await;
    assert_eq!(outcomes(store).await, [""; 0], "in doubt, so nothing overtakes it");
    record(store, &first, Receipt::Failed(SendError::Retry)).await;
    assert_eq!(outcomes(store).await, ["started"]);
    assert!(is_stale(&store.begin(&first.delivery.id, 0).await));
}

pub(super) async fn only_a_retraction_follows_a_last_word(store: &dyn Store) {
    paint(store, job("k7f", 1)).await;
    say(store, job("k7f", 1).say(retrying(2))).await;
    say(store, job("k7f", 1).say(Outcome::Cancelling)).await;
    assert_eq!(outcomes(store).await, ["finished"]);
    record(store, &next(store).await, Receipt::Sent(posted("$1"))).await;
    say(store, job("k7f", 1).say(retrying(3))).await;
    assert_eq!(outcomes(store).await, [""; 0], "also once it was sent");
    change(store, Change::Delete { job: "k7f".into(), image: None }).await;
    say(store, job("k7f", 1).say(retrying(4))).await;
    assert_eq!(outcomes(store).await, ["retracted"]);
    assert_eq!(said(store).await, ["accepted", "started", "finished", "retracted"]);
}

pub(super) async fn doubt_is_kept_until_it_is_cleared(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let parcel = next(store).await;
    record(store, &parcel, Receipt::Dropped).await;
    let later = NOW.after(SECOND);
    let page = store.due(&irc(), 0, later, 9).await.expect("due");
    assert!(!page.ready[0].in_doubt, "dropped before it began");
    begin(store, &parcel).await;
    record(store, &parcel, Receipt::Dropped).await;
    let page = store.due(&irc(), 0, later.after(SECOND), 9).await.expect("due");
    assert!(page.ready[0].in_doubt, "dropped after it began");
    record(store, &parcel, Receipt::Failed(SendError::Retry)).await;
    let page = store.due(&irc(), 0, later.after(9 * SECOND), 9).await.expect("due");
    assert!(!page.ready[0].in_doubt, "known not to be there");
    claim(store, "k7f", 0).await;
    cancel(store, "k7f").await;
    assert_eq!(outcomes(store).await, ["cancelling"], "and so it may be superseded");
}

pub(super) async fn checkpoints_belong_to_their_delivery(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let first = next(store).await;
    assert_eq!(first.state, None);
    begin(store, &first).await;
    store.checkpoint(&first.delivery.id, 0, json!({"mxc": "a"})).await.expect("kept");
    store.checkpoint(&first.delivery.id, 0, json!({"mxc": "b"})).await.expect("kept");
    assert_eq!(next(store).await.state, Some(json!({"mxc": "b"})));
    claim(store, "k7f", 0).await;
    record(store, &first, Receipt::Sent(vec![])).await;
    assert_eq!(next(store).await.state, None);
    let late = store.checkpoint(&first.delivery.id, 0, json!(1)).await;
    assert!(is_stale(&late));
}

pub(super) async fn failures_back_off(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let parcel = next(store).await;
    let mut now = NOW;
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        let retry = Receipt::Failed(SendError::Retry);
        store.record(&parcel.delivery.id, 0, retry, now).await.expect("recorded");
        let page = store.due(&irc(), 0, now, 9).await.expect("due");
        now = now.after(wait * SECOND);
        assert!(page.ready.is_empty());
        assert_eq!(page.wake_at, Some(now), "after {wait} s");
    }
    let after = Receipt::Failed(SendError::After(5 * SECOND));
    store.record(&parcel.delivery.id, 0, after, now).await.expect("recorded");
    let page = store.due(&irc(), 0, now.after(5 * SECOND), 9).await.expect("due");
    assert_eq!((page.ready.len(), page.wake_at), (1, None));
}

pub(super) async fn refusals_close_the_row(store: &dyn Store) {
    let refusals = [SendError::Forbidden, SendError::Gone, SendError::TooLarge { max: 9 }];
    for (n, error) in refusals.into_iter().enumerate() {
        paint(store, job(&format!("j{n}"), 1)).await;
        record(store, &next(store).await, Receipt::Failed(error)).await;
        assert_eq!(outcomes(store).await, [""; 0]);
    }
    assert!(!said(store).await.contains(&"failed"), "what is public is told by its link");
}

pub(super) async fn too_large_is_told_in_private(store: &dyn Store) {
    paint(store, Job { private: true, ..job("k7f", 1) }).await;
    let too_large = Receipt::Failed(SendError::TooLarge { max: 9 });
    record(store, &next(store).await, too_large.clone()).await;
    let told = next(store).await;
    assert_eq!(told.delivery.outcome, Outcome::Failed(Failure::TooLarge));
    record(store, &told, too_large).await;
    assert_eq!(outcomes(store).await, [""; 0], "but not twice");
}

pub(super) async fn late_words_are_not_sent(store: &dyn Store) {
    let expires = Some(NOW.after(SECOND));
    say(store, Draft { expires, ..answer("s", retrying(1)) }).await;
    assert_eq!(outcomes(store).await, ["retrying"]);
    let late = store.due(&irc(), 0, NOW.after(SECOND), 9).await.expect("due");
    assert!(late.ready.is_empty());
    assert_eq!(late.wake_at, None);
}

pub(super) async fn another_epoch_may_not_send(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let id = next(store).await.delivery.id;
    let epoch = store.lease(&irc()).await.expect("a lease").epoch;
    assert!(is_stale(&store.due(&irc(), 0, NOW, 9).await));
    assert!(is_stale(&store.begin(&id, 0).await));
    assert!(is_stale(&store.checkpoint(&id, 0, json!(1)).await));
    assert!(is_stale(&store.record(&id, 0, Receipt::Sent(vec![]), NOW).await));
    assert!(is_stale(&store.begin(&"d999-x".into(), epoch).await));
    assert!(is_stale(&store.begin(&"nonsense".into(), epoch).await));
    assert_eq!(store.begin(&id, epoch).await, Ok(()));
    assert_eq!(store.due(&irc(), epoch, NOW, 9).await.expect("due").ready.len(), 1);
}

pub(super) async fn a_superseded_word_may_have_been_sent(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let hasty = next(store).await;
    claim(store, "k7f", 0).await;
    record(store, &hasty, Receipt::Failed(SendError::Retry)).await;
    assert_eq!(outcomes(store).await, ["started"]);
    record(store, &hasty, Receipt::Sent(posted("$1"))).await;
    assert_eq!(next(store).await.shown, posted("$1"), "so it can be edited");
}

pub(super) async fn due_rows_come_in_order_and_in_pages(store: &dyn Store) {
    for id in ["b", "c", "a"] {
        queue(store, job(id, 1)).await;
    }
    let page = |limit| async move { store.due(&irc(), 0, NOW, limit).await.expect("due").ready };
    let jobs = |parcels: Vec<Parcel>| {
        parcels.into_iter().filter_map(|p| p.delivery.job).map(|job| job.0).collect::<Vec<_>>()
    };
    assert_eq!(jobs(page(2).await), ["b", "c"]);
    claim(store, "b", 0).await;
    cancel(store, "b").await;
    assert_eq!(jobs(page(9).await), ["c", "a", "b"]);
    let elsewhere = store.due(&"matrix".into(), 0, NOW, 9).await.expect("due");
    assert!(elsewhere.ready.is_empty());
}

pub(super) async fn followers_see_every_commit(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    queue(store, Job { owner: "irc/bob".into(), ..job("m2x", 1) }).await;
    claim(store, "k7f", 0).await;
    say(store, answer("s", retrying(1))).await;
    let all = all(store).await;
    let rising = all.windows(2).all(|pair| pair[0].seq < pair[1].seq);
    assert!(rising && all.len() == 4, "superseded ones too: {all:?}");
    let seqs = |found: Result<Vec<Delivery>, StoreError>| {
        found.expect("readable").iter().map(|delivery| delivery.seq).collect::<Vec<_>>()
    };
    let of_job = seqs(store.since(&Watch::Job("k7f".into()), 0).await);
    assert_eq!(of_job, [all[0].seq, all[2].seq]);
    let of_person = seqs(store.since(&Watch::Person("irc/bob".into()), 0).await);
    assert_eq!(of_person, [all[1].seq]);
    assert_eq!(seqs(store.since(&Watch::All, all[2].seq).await), [all[3].seq]);
    for _ in 0..300 {
        say(store, answer("s", retrying(1))).await;
    }
    let page = seqs(store.since(&Watch::All, 0).await);
    assert_eq!(page.len(), 256, "a page at a time");
}

pub(super) async fn messages_find_their_job(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let show = |native: &str, media: Option<&str>| Posted {
        part: 0,
        native: native.into(),
        media: media.map(Into::into),
    };
    let shown = vec![show("$1", None), show("$2", Some("k7f.1"))];
    record(store, &next(store).await, Receipt::Sent(shown)).await;
    claim(store, "k7f", 0).await;
    record(store, &next(store).await, Receipt::Sent(posted("$3"))).await;
    let find = |room: &'static str, native: &'static str| async move {
        store.posted(&irc(), &room.into(), &native.into()).await.expect("readable")
    };
    assert_eq!(find("#art", "$1").await, Some(("k7f".into(), None)), "still stands there");
    assert_eq!(find("#art", "$2").await, Some(("k7f".into(), Some("k7f.1".into()))));
    assert_eq!(find("#art", "$3").await, Some(("k7f".into(), Some("m".into()))));
    assert_eq!(find("#other", "$1").await, None);
    say(store, answer("s", retrying(1))).await;
    record(store, &next(store).await, Receipt::Sent(posted("$4"))).await;
    assert_eq!(find("#art", "$4").await, None, "no job, nothing to find");
    let again = store.record(&"d999999-x".into(), 0, Receipt::Dropped, Time(0)).await;
    assert!(is_stale(&again));
    assert_eq!(cancel(store, "k7f").await, [Effect::Interrupt("k7f".into())]);
}
