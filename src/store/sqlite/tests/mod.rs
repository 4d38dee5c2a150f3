//! What only a store in a file can get wrong: crashes, locks, versions, damage, full disks.
//! What every store must do is in the suite.
mod backup;
mod commits;
mod damage;
mod opening;

use super::{OpenError, Options, SqliteStore};
use crate::{
    job::Job,
    store::{Admission, Change, Store, suite::fixtures::*},
};
use futures_util::future::join_all;
use inkwire_core::{ArtifactKind, Imagine, JobId, Receipt, Watch};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("inkwire.db")
}

fn try_open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, &Options::default())
}

fn open_at(path: &Path) -> SqliteStore {
    try_open(path).expect("opens")
}

fn refused(path: &Path) -> OpenError {
    try_open(path).err().expect("refused")
}

/// Something in every table.
async fn fill(store: &SqliteStore) {
    paint(store, job("done", 1)).await;
    let parcel = next(store).await;
    store.record(&parcel.delivery.id, 0, Receipt::Sent(posted("$1")), NOW).await.expect("recorded");
    keep_text(store, "text", NOW).await;
    let text = picture("text", 0, ArtifactKind::Text);
    store.keep_link(&link("text", &text)).await.expect("kept");
    queue(store, Job { private: true, ..job("runs", 2) }).await;
    claim(store, "runs", 0).await;
    store.begin(&next(store).await.delivery.id, 0).await.expect("begun");
    let cursor = Some("c1".into());
    let small = Imagine { width: Some(64), ..Imagine::default() };
    let (adapter, changes) = ("matrix".into(), vec![Change::Pause(true), prefer(&small)]);
    admit(store, Admission { adapter, changes, cursor, ..Admission::empty(&irc(), 0, NOW) }).await;
}

async fn view(store: &SqliteStore) -> String {
    let ids: [JobId; 2] = ["done".into(), "runs".into()];
    let jobs = join_all(ids.iter().map(|id| store.job(id))).await;
    let due = store.due(&irc(), 0, NOW, 9).await;
    let index = store.open_index().await;
    let links = join_all(["done", "text"].map(|id| store.link(id, NOW))).await;
    let shown = store.shown(&"job-done".into()).await;
    let settings = store.settings().await;
    let room = store.room(&irc(), &"#art".into()).await;
    let said = store.since(&Watch::All, 0).await;
    format!("{jobs:?} {due:?} {index:?} {links:?} {shown:?} {settings:?} {said:?} {room:?}")
}

fn raw(path: &Path, sql: &str) {
    Connection::open(path).and_then(|conn| conn.execute_batch(sql)).expect("valid");
}
