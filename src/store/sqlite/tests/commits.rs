//! What is committed together, what is forced to disk, and which index a question reads.
//! Nothing is timed: commits and plans are counted and read.
use super::{file, open_at};
use crate::{
    job::Job,
    store::{
        Admission, Effect, Finish, Store, Verdict,
        sqlite::{
            SqliteStore, jobs, outbox,
            writer::Durability::{Forced, Lazy},
        },
        suite::fixtures::*,
    },
};
use futures_util::future::join_all;
use inkwire_core::{ArtifactKind, Receipt, Time};
use serde_json::json;
use std::{
    fs::{self, File},
    io::Write,
    sync::mpsc,
};
use tempfile::tempdir;
use tokio::sync::oneshot;

/// Holds the writer until everything in `calls` waits for it.
async fn together<T>(store: &SqliteStore, calls: Vec<impl Future<Output = T>>) -> Vec<T> {
    let (release, held) = mpsc::channel();
    let (start, running) = oneshot::channel();
    let blocker = store.writer.write(Lazy, move |_| {
        start.send(()).expect("awaited");
        held.recv().expect("released");
        Ok(())
    });
    let all = async {
        running.await.expect("started");
        let calls = join_all(calls);
        tokio::pin!(calls);
        assert!(futures_util::poll!(&mut calls).is_pending());
        release.send(()).expect("held");
        calls.await
    };
    let (free, all) = futures_util::future::join(blocker, all).await;
    free.expect("committed");
    all
}

async fn fsyncs(store: &SqliteStore) -> u64 {
    store.stats().await.expect("numbers").fsyncs
}

#[tokio::test]
async fn those_who_wait_share_one_commit() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    let before = fsyncs(&store).await;
    let admissions = (0..100).map(|n| {
        let id = format!("j{n}");
        store.admit(vec![Admission { jobs: vec![job(&id, 1)], ..request(&id) }])
    });
    let verdicts = together(&store, admissions.collect()).await;
    assert!(verdicts.iter().all(Result::is_ok));
    assert_eq!(fsyncs(&store).await, before + 1);
    assert_eq!(store.open_index().await.expect("an index").len(), 100);
}

#[tokio::test]
async fn one_failing_step_undoes_no_other() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    let admissions = ["a", "b", "a", "c"].into_iter().enumerate().map(|(n, id)| {
        store.admit(vec![Admission { jobs: vec![job(id, 1)], ..request(&format!("e{n}")) }])
    });
    let verdicts = together(&store, admissions.collect()).await;
    let good: Vec<_> = verdicts.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, true, false, true]);
    assert_eq!(store.open_index().await.expect("an index").len(), 3);
    let again = store.admit(vec![request("e2")]).await.expect("admitted");
    assert_eq!(again, [Verdict::Done(vec![])], "its key was undone too");
}

#[tokio::test]
async fn a_forced_step_is_committed_in_full() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    for (durability, mode) in [(Lazy, 1), (Forced, 2), (Lazy, 1)] {
        let asked = store.writer.write(durability, |tx| {
            Ok(tx.pragma_query_value(None, "synchronous", |row| row.get::<_, u8>(0))?)
        });
        assert_eq!(asked.await, Ok(mode), "{durability:?}");
    }
}

#[tokio::test]
async fn only_what_we_acknowledge_is_forced() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    macro_rules! forced {
        ($step:expr, $expected:expr) => {
            let before = fsyncs(&store).await;
            $step;
            assert_eq!(fsyncs(&store).await - before, $expected, "{}", stringify!($step));
        };
    }
    let attempt = attempt("k7f", 0, 1);
    forced!(store.fresh_ids(3).await.expect("ids"), 0);
    forced!(queue(&store, job("k7f", 2)).await, 1);
    forced!(claim(&store, "k7f", 0).await, 0);
    forced!(store.submitted(&attempt, "native").await.expect("stored"), 0);
    let parcel = next(&store).await;
    forced!(store.begin(&parcel.delivery.id, 0).await.expect("begun"), 0);
    let sent = Receipt::Sent(posted("$1"));
    forced!(store.record(&parcel.delivery.id, 0, sent, NOW).await.expect("recorded"), 0);
    forced!(finish(&store, end("k7f", 0, done("k7f", 0))).await, 1);
    let last_part = end("k7f", 1, done("k7f", 1));
    forced!(store.finish(last_part.clone()).await.expect("wants a grid"), 0);
    forced!(finish(&store, Finish { grid: Some(grid("k7f")), ..last_part }).await, 1);
    let cursor = Some("c".into());
    forced!(admit(&store, Admission { cursor, ..Admission::empty(&irc(), 0, NOW) }).await, 0);
    queue(&store, job("m2x", 1)).await;
    forced!(store.expire(&["m2x".into()], NOW).await.expect("expired"), 1);
    keep_text(&store, "list", NOW).await;
    let text = picture("list", 0, ArtifactKind::Text);
    forced!(store.keep_link(&link("abc", &text)).await.expect("kept"), 1);
}

#[tokio::test]
async fn a_note_outlives_its_process_before_it_is_committed() {
    let folder = tempdir().expect("a folder");
    let (path, notes) = (file(&folder), folder.path().join("inkwire.db.notes"));
    let store = open_at(&path);
    queue(&store, job("k7f", 1)).await;
    queue(&store, job("m2x", 1)).await;
    let ids = store.due(&irc(), 0, NOW, 9).await.expect("due").ready;
    let ids: Vec<_> = ids.into_iter().map(|parcel| parcel.delivery.id).collect();
    store.begin(&ids[0], 0).await.expect("begun");
    for id in ids.iter().chain([&"d1-other".into(), &"nonsense".into()]) {
        std::mem::forget(store.notes.add(id, &json!("written")));
    }
    drop(store);
    File::options()
        .append(true)
        .open(&notes)
        .and_then(|mut file| file.write_all(b"[\"d"))
        .expect("cut");

    let store = open_at(&path);
    let ready = store.due(&irc(), 0, NOW, 9).await.expect("due").ready;
    let states: Vec<_> = ready.into_iter().map(|parcel| parcel.state).collect();
    assert_eq!(states, [Some(json!("written")), None], "only what had begun was said");
    assert_eq!(fs::metadata(&notes).expect("notes").len(), 0);
    store.checkpoint(&ids[0], 0, json!("again")).await.expect("kept");
    assert_eq!(fs::metadata(&notes).expect("notes").len(), 0, "the database has it");
}

#[tokio::test]
async fn a_caller_that_goes_away_undoes_nothing() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    let mut call =
        Box::pin(store.admit(vec![Admission { jobs: vec![job("k7f", 1)], ..request("e1") }]));
    assert!(futures_util::poll!(&mut call).is_pending());
    drop(call);
    let verdict = store.admit(vec![request("e1")]).await.expect("admitted");
    let duplicate = Verdict::Duplicate { job: Some("k7f".into()), outcome: Some(accepted()) };
    assert_eq!(verdict, [duplicate]);
}

/// Which index each frequent query reads.
#[tokio::test]
async fn frequent_queries_read_an_index() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    queue(&store, job("k7f", 1)).await;
    let plan = |sql: &str| {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        store.read(move |tx| {
            let mut query = tx.prepare(&sql)?;
            let count = query.parameter_count();
            let bound = rusqlite::params_from_iter(std::iter::repeat_n("1", count));
            let lines = query.query_map(bound, |row| row.get::<_, String>(3))?;
            Ok(lines.collect::<Result<Vec<_>, _>>()?.join("\n"))
        })
    };
    let index = plan(jobs::OPEN_JOBS).await.expect("a plan");
    assert!(index.contains("COVERING INDEX jobs_open"), "{index}");
    let parts = plan(jobs::OPEN_PARTS).await.expect("a plan");
    assert!(parts.contains("COVERING INDEX parts_open"), "{parts}");
    let due = plan(outbox::DUE).await.expect("a plan");
    assert!(due.contains("INDEX deliveries_due (adapter=?"), "{due}");
    assert!(due.contains("COVERING INDEX deliveries_by_slot"), "{due}");
    assert!(!due.contains("TEMP B-TREE"), "{due}");
    let later = plan(outbox::LATER).await.expect("a plan");
    assert!(later.contains("INDEX deliveries_later"), "{later}");
}

#[tokio::test]
async fn large_numbers_saturate() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    let far = Time(u64::MAX);
    let odd = Job { begin_by: far, cost: u64::MAX, ..job("k7f", 1) };
    let effects = queue(&store, odd).await;
    assert!(matches!(effects.as_slice(), [Effect::Queued(_)]));
    let index = store.open_index().await.expect("an index");
    assert!(index[0].cost > 1 << 62 && index[0].begin_by > NOW);
}
