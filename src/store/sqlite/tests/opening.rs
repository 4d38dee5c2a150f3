//! Who may open the file, in which version, and what is found there.
//! Nothing here damages a file; that is in `damage`.
use super::{file, fill, open_at, raw, refused, view};
use crate::store::{
    Store, StoreError,
    sqlite::{OpenError, migrate, open},
    suite::fixtures::*,
};
use inkwire_core::Imagine;
use rusqlite::Connection;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};
use tempfile::tempdir;

#[tokio::test]
async fn what_was_closed_opens_as_it_was() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    fill(&store).await;
    let before = view(&store).await;
    store.close().await.expect("closed");
    assert!(matches!(store.settings().await, Err(StoreError::Broken(_))));
    assert!(matches!(store.lease(&irc()).await, Err(StoreError::Broken(_))));
    assert!(!folder.path().join("inkwire.db-wal").exists(), "one file is left");
    let store = open_at(&file(&folder));
    assert_eq!(view(&store).await, before);
    assert!(is_stale(&store.due(&"matrix".into(), 1, NOW, 9).await), "no lease was taken");
    assert_eq!(store.lease(&"matrix".into()).await.expect("a lease").cursor, Some("c1".into()));
}

#[tokio::test]
async fn a_dropped_store_can_be_opened_again() {
    let folder = tempdir().expect("a folder");
    for id in ["a", "b", "c"] {
        queue(&open_at(&file(&folder)), job(id, 1)).await;
    }
    assert_eq!(open_at(&file(&folder)).open_index().await.expect("an index").len(), 3);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let folder = tempdir().expect("a folder");
    let first = open_at(&file(&folder));
    let error = refused(&file(&folder));
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
    first.close().await.expect("closed");
    open_at(&file(&folder));
}

#[tokio::test]
async fn files_are_ours_alone() {
    let folder = tempdir().expect("a folder");
    let state = folder.path().join("state");
    let store = open_at(&state.join("inkwire.db"));
    queue(&store, job("k7f", 1)).await;
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    for file in fs::read_dir(&state).expect("readable").flatten() {
        assert_eq!(mode(&file.path()), 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn a_newer_file_is_refused_and_left_alone() {
    let folder = tempdir().expect("a folder");
    open_at(&file(&folder)).close().await.expect("closed");
    raw(&file(&folder), "PRAGMA user_version = 99");
    let before = fs::read(file(&folder)).expect("readable");
    let error = refused(&file(&folder));
    assert!(matches!(error, OpenError::Newer { found: 99, known: 2 }), "{error}");
    assert_eq!(fs::read(file(&folder)).expect("readable"), before);
}

#[test]
fn a_foreign_file_is_refused() {
    let folder = tempdir().expect("a folder");
    raw(&file(&folder), "CREATE TABLE theirs (x)");
    let error = refused(&file(&folder));
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "").expect("written");
    let error = refused(&folder.path().join("file/inkwire.db"));
    assert!(error.to_string().contains("file/inkwire.db"), "{error}");
}

/// Written by version 1: the names in it may never change their meaning.
#[tokio::test]
async fn a_file_of_version_1_is_understood() {
    let folder = tempdir().expect("a folder");
    raw(&file(&folder), migrate::STEPS[0]);
    raw(&file(&folder), include_str!("../fixtures/v1.sql"));
    let store = open_at(&file(&folder));
    let index = store.open_index().await.expect("an index");
    assert_eq!(index.iter().map(|row| row.job.0.as_str()).collect::<Vec<_>>(), ["runs"]);
    let done = store.job(&"done".into()).await.expect("readable").expect("there");
    assert_eq!((done.job, done.artifacts), (job("done", 1), vec![image("done", 1)]));
    assert_eq!(said(&store).await, ["accepted", "started", "finished", "accepted", "started"]);
    assert!(store.link("done", NOW).await.expect("readable").is_some());
    assert_eq!(store.room(&irc(), &"#art".into()).await, Ok(Imagine::default()));
}

#[tokio::test]
async fn a_file_of_version_2_is_understood() {
    let folder = tempdir().expect("a folder");
    for sql in [
        migrate::STEPS[0],
        include_str!("../fixtures/v1.sql"),
        migrate::STEPS[1],
        include_str!("../fixtures/v2.sql"),
    ] {
        raw(&file(&folder), sql);
    }
    let store = open_at(&file(&folder));
    let expected = Imagine {
        model: Some("dreamshaper".to_owned()),
        negative: Some("people, text".to_owned()),
        aspect: Some((16, 9)),
        cfg: Some(4.5),
        ..Imagine::default()
    };
    assert_eq!(store.room(&irc(), &"#art".into()).await, Ok(expected));
    assert_eq!(store.open_index().await.expect("an index").len(), 1);
}

#[tokio::test]
async fn migrations_go_forward_and_leave_a_copy() {
    let folder = tempdir().expect("a folder");
    let store = open_at(&file(&folder));
    queue(&store, job("k7f", 1)).await;
    store.close().await.expect("closed");
    let more = "ALTER TABLE jobs ADD COLUMN mood TEXT NOT NULL DEFAULT 'fine'";
    let steps = [migrate::STEPS, &[more]].concat();
    let mut conn = Connection::open(file(&folder)).expect("opens");
    let broken = [migrate::STEPS, &[more, "nonsense"]].concat();
    assert!(migrate::migrate(&mut conn, &file(&folder), &broken).is_err());
    assert_eq!(open::version(&conn, &file(&folder)).expect("readable"), 2, "all or nothing");
    migrate::migrate(&mut conn, &file(&folder), &steps).expect("migrated");
    let mood: String =
        conn.query_row("SELECT mood FROM jobs", [], |row| row.get(0)).expect("a row");
    assert_eq!(mood, "fine");
    drop(conn);
    let newer = refused(&file(&folder));
    assert!(matches!(newer, OpenError::Newer { found: 3, known: 2 }), "{newer}");
    let copy = folder.path().join("inkwire.db.v2");
    assert_eq!(open_at(&copy).open_index().await.expect("an index").len(), 1);
}
