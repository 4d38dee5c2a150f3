//! Kills, flipped bytes and full disks: an error at most, never a panic, nothing lost.
//! Chance is seeded, so that a failure can be seen again.
use super::{file, fill, open_at, raw, refused, try_open, view};
use crate::store::{
    Admission, Store, StoreError, Verdict,
    sqlite::{OpenError, SqliteStore, writer::Durability::Lazy},
    suite::fixtures::*,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rusqlite::Connection;
use std::fs;
use tempfile::tempdir;

/// What a killed process leaves: the files as they are, without a word of farewell.
#[tokio::test]
async fn what_was_committed_survives_a_kill() {
    let (folder, copy) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let store = open_at(&file(&folder));
    fill(&store).await;
    for name in ["inkwire.db", "inkwire.db-wal"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).expect("copied");
    }
    let survivor = open_at(&file(&copy));
    assert_eq!(view(&survivor).await, view(&store).await);
    queue(&survivor, job("next", 1)).await;
}

#[tokio::test]
async fn damage_is_an_error_and_never_a_panic() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    fill(&store).await;
    store.close().await.expect("closed");
    raw(&file(&folder), "UPDATE settings SET clean = 0");
    let whole = fs::read(file(&folder)).expect("readable");
    let mut rng = StdRng::seed_from_u64(7);
    let mut corrupt = 0;
    for _ in 0..150 {
        let mut bytes = whole.clone();
        for _ in 0..rng.random_range(1..20) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = rng.random();
        }
        fs::write(file(&folder), &bytes).expect("written");
        match try_open(&file(&folder)) {
            Err(OpenError::Corrupt(_)) => corrupt += 1,
            Err(_) => {}
            Ok(store) => use_it(&store).await,
        }
    }
    assert!(corrupt > 30, "most damage is seen: {corrupt}");
}

/// A panic would close the store.
async fn use_it(store: &SqliteStore) {
    let read = view(store).await;
    let written = store.admit(vec![Admission { jobs: vec![job("n", 1)], ..request("n") }]).await;
    let claimed = store.claim(&attempt("runs", 0, 1), "gpu", NOW).await;
    let all = format!("{read} {written:?} {claimed:?}");
    assert!(!all.contains("closed"), "{all}");
}

/// Damage that opening alone does not meet.
#[tokio::test]
async fn an_unclean_stop_is_checked() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    fill(&store).await;
    store.close().await.expect("closed");
    for (clean, seen) in [(1, false), (0, true)] {
        raw(&file(&folder), &format!("UPDATE settings SET clean = {clean}"));
        let conn = Connection::open(file(&folder)).expect("opens");
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'jobs_by_owner'";
        let page: usize = conn.query_row(sql, [], |row| row.get(0)).expect("a page");
        drop(conn);
        let whole = fs::read(file(&folder)).expect("readable");
        let mut bytes = whole.clone();
        bytes[(page - 1) * 4096..page * 4096].fill(0);
        fs::write(file(&folder), bytes).expect("written");
        let opened = try_open(&file(&folder)).map(drop);
        assert_eq!(matches!(opened, Err(OpenError::Corrupt(_))), seen, "{opened:?}");
        fs::write(file(&folder), whole).expect("written");
    }
}

#[tokio::test]
async fn a_damaged_file_says_what_to_do() {
    let folder = tempdir().expect("a folder");
    fs::write(file(&folder), "x".repeat(5000)).expect("written");
    let error = refused(&file(&folder));
    assert!(matches!(error, OpenError::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("inkwire restore"), "{error}");
}

/// `None`: as many as it likes.
async fn limit_pages(store: &SqliteStore, more: Option<u32>) {
    let work = move |tx: &Connection| {
        let now: u32 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let most = more.map_or(u32::MAX - 1, |more| now + more);
        Ok(tx.query_row(&format!("PRAGMA max_page_count = {most}"), [], |_| Ok(()))?)
    };
    store.writer.write(Lazy, work).await.expect("limited");
}

#[tokio::test]
async fn a_full_disk_loses_nothing() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    limit_pages(&store, Some(20)).await;
    let mut admitted = 0;
    let refused = loop {
        let id = format!("j{admitted}");
        let mut large = job(&id, 1);
        large.render.prompt = "x".repeat(3000);
        let admission = Admission { jobs: vec![large], ..request(&id) };
        match store.admit(vec![admission.clone()]).await {
            Ok(_) => admitted += 1,
            Err(error) => {
                assert_eq!(error, StoreError::Full);
                break admission;
            }
        }
    };
    assert!(admitted > 2);
    assert_eq!(store.open_index().await.expect("an index").len(), admitted);
    assert_eq!(store.admit(vec![refused.clone()]).await, Err(StoreError::Full));
    limit_pages(&store, None).await;
    let again = store.admit(vec![refused]).await.expect("there is room");
    assert!(matches!(again.as_slice(), [Verdict::Done(_)]), "it was not seen before");
    assert_eq!(store.open_index().await.expect("an index").len(), admitted + 1);
}
