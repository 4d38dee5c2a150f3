//! What comes in: keys, epochs, cursors, ids, and the index that memory is rebuilt from.
use super::fixtures::*;
use crate::store::{Admission, Change, Effect, OpenPart, Store, StoreError, Verdict};
use inkwire_core::{Imagine, JobId, Native};
use std::collections::BTreeSet;

pub(super) async fn a_request_is_taken_once(store: &dyn Store) {
    let first = Admission { jobs: vec![job("k7f", 1)], ..request("e1") };
    let again = Admission { jobs: vec![job("m2x", 1)], ..request("e1") };
    admit(store, first).await;
    let verdicts = store.admit(vec![again.clone(), again]).await.expect("admitted");
    let known = Verdict::Duplicate { job: Some("k7f".into()), outcome: Some(accepted()) };
    assert_eq!(verdicts, [known.clone(), known]);
    assert_eq!(store.job(&"m2x".into()).await, Ok(None));
    let elsewhere = Admission { adapter: "matrix".into(), ..request("e1") };
    assert_eq!(store.admit(vec![elsewhere]).await, Ok(vec![Verdict::Done(vec![])]));
}

pub(super) async fn an_older_epoch_is_stale(store: &dyn Store) {
    let first = store.lease(&irc()).await.expect("a lease").epoch;
    let second = store.lease(&irc()).await.expect("a lease").epoch;
    assert!(second > first);
    let with = |epoch, id| Admission { epoch, jobs: vec![job(id, 1)], ..request(id) };
    let verdicts = store.admit(vec![with(first, "k7f"), with(second, "m2x")]).await;
    let verdicts = verdicts.expect("admitted");
    assert!(matches!(verdicts.as_slice(), [Verdict::Stale, Verdict::Done(_)]), "{verdicts:?}");
    assert_eq!(store.job(&"k7f".into()).await, Ok(None));
}

pub(super) async fn a_taken_job_id_changes_nothing(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let good = Admission { jobs: vec![job("m2x", 1)], ..request("e1") };
    let taken = Admission { jobs: vec![job("k7f", 2)], ..request("e2") };
    let refused = store.admit(vec![good.clone(), taken]).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    assert_eq!(store.open_index().await.expect("an index").len(), 1);
    assert!(matches!(store.admit(vec![good]).await.as_deref(), Ok([Verdict::Done(_)])));
}

pub(super) async fn fresh_ids_are_given_once(store: &dyn Store) {
    let calls = (0..20).map(|_| store.fresh_ids(30));
    let given = futures_util::future::try_join_all(calls).await.expect("ids").concat();
    let different: BTreeSet<&JobId> = given.iter().collect();
    assert_eq!(different.len(), 600);
    assert!(given.iter().all(|id| id.0.len() == 3), "short while few are used");
}

pub(super) async fn cursor_and_notes_outlive_the_lease(store: &dyn Store) {
    let epoch = store.lease(&irc()).await.expect("a lease").epoch;
    let step = |cursor: Option<&str>, notes: &[(&str, u8)]| Admission {
        cursor: cursor.map(Into::into),
        notes: notes.iter().map(|(name, n)| ((*name).to_owned(), (*n).into())).collect(),
        ..Admission::empty(&irc(), epoch, NOW)
    };
    admit(store, step(Some("c1"), &[("a", 1), ("b", 1)])).await;
    admit(store, step(None, &[("b", 2)])).await;
    let lease = store.lease(&irc()).await.expect("a lease");
    assert_eq!(lease.cursor, Some("c1".into()));
    assert_eq!(lease.notes, step(None, &[("a", 1), ("b", 2)]).notes);
}

pub(super) async fn the_pause_is_kept(store: &dyn Store) {
    let before = store.settings().await.expect("settings");
    assert!(!before.paused);
    assert_eq!(change(store, Change::Pause(true)).await, [Effect::Paused(true)]);
    let after = store.settings().await.expect("settings");
    assert_eq!((after.paused, after.install), (true, before.install));
    assert_eq!(change(store, Change::Pause(false)).await, [Effect::Paused(false)]);
    assert!(!store.settings().await.expect("settings").paused);
}

pub(super) async fn a_room_keeps_its_defaults(store: &dyn Store) {
    let (art, den) = (Native::from("#art"), Native::from("#den"));
    let small = Imagine { width: Some(64), cfg: Some(4.5), ..Imagine::default() };
    assert_eq!(store.room(&irc(), &art).await, Ok(Imagine::default()));
    assert_eq!(change(store, prefer(&small)).await, []);
    assert_eq!(store.room(&irc(), &art).await, Ok(small));
    for (adapter, room) in [(irc(), &den), ("matrix".into(), &art)] {
        assert_eq!(store.room(&adapter, room).await, Ok(Imagine::default()), "{adapter} {room}");
    }
    let other = Imagine { style: Some("ink".to_owned()), ..Imagine::default() };
    change(store, prefer(&other)).await;
    assert_eq!(store.room(&irc(), &art).await, Ok(other), "replaced as a whole");
    change(store, prefer(&Imagine::default())).await;
    assert_eq!(store.room(&irc(), &art).await, Ok(Imagine::default()));
}

pub(super) async fn the_index_has_what_is_open(store: &dyn Store) {
    let effects = queue(store, job("zzz", 2)).await;
    for id in ["k7f", "m2x"] {
        queue(store, job(id, 2)).await;
    }
    claim(store, "k7f", 1).await;
    claim(store, "m2x", 0).await;
    cancel(store, "m2x").await;
    let mut cancelled = queue(store, job("gone", 1)).await;
    cancelled.extend(cancel(store, "gone").await);
    let index = store.open_index().await.expect("an index");
    let ids: Vec<_> = index.iter().map(|row| row.job.0.as_str()).collect();
    assert_eq!(ids, ["zzz", "k7f", "m2x"], "in the order of admission");
    assert_eq!(effects, [Effect::Queued(index[0].clone())]);
    let part = |part, claimed: Option<&str>| OpenPart {
        part,
        run_no: 1,
        claimed: claimed.map(str::to_owned),
    };
    assert_eq!(index[1].parts, [part(0, None), part(1, Some("gpu"))]);
    assert_eq!(index[2].parts, [part(0, Some("gpu"))]);
    assert_eq!((index[2].total, index[2].cancelling, index[1].cancelling), (2, true, false));
    assert_eq!((index[0].owner_name.as_str(), index[0].cost), ("Ann", 7_000_000));
}

pub(super) async fn newest_jobs_come_first(store: &dyn Store) {
    for id in ["c", "a", "b"] {
        queue(store, job(id, 1)).await;
    }
    cancel(store, "b").await;
    queue(store, crate::job::Job { owner: "irc/bob".into(), ..job("d", 1) }).await;
    let newest = store.newest(&"irc/ann".into(), 2).await.expect("ids");
    assert_eq!(newest, ["b".into(), "a".into()]);
}
