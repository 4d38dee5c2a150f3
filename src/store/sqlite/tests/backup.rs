//! Backups: whole, checkable, and openable as a store.
//! Blobs are only named in them.
use super::{file, fill, open_at};
use crate::store::{
    Store,
    sqlite::{VerifyError, verify},
    suite::fixtures::*,
};
use std::fs;
use tempfile::tempdir;

#[tokio::test]
async fn a_backup_is_whole_and_opens() {
    let (folder, to) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let store = open_at(&file(&folder));
    fill(&store).await;
    keep_blobs(&store, &[image("nobody", 1)], NOW).await;
    let target = to.path().join("backup");
    for _ in 0..2 {
        let backup = store.backup(&target).await.expect("backed up");
        assert_eq!(backup.blobs, ["done.1".into(), "done.1-small".into(), "text".into()]);
    }
    queue(&store, job("after", 1)).await;
    let verified = verify(&target).expect("whole");
    assert_eq!((verified.jobs, verified.schema, verified.blobs.len()), (2, 2, 3));
    let restored = to.path().join("restored.db");
    fs::copy(&verified.database, &restored).expect("copied");
    let restored = open_at(&restored);
    assert_eq!(restored.open_index().await.expect("an index").len(), 1);
    queue(&restored, job("after", 1)).await;
    let last = |deliveries: Vec<inkwire_core::Delivery>| deliveries.last().map(|d| d.id.clone());
    let (ours, theirs) = (last(all(&store).await), last(all(&restored).await));
    assert_ne!(ours, theirs, "ids given after the backup are not given again");
}

#[tokio::test]
async fn a_torn_backup_is_refused() {
    let (folder, to) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let store = open_at(&file(&folder));
    fill(&store).await;
    store.backup(to.path()).await.expect("backed up");
    let database = to.path().join("inkwire.db");
    let whole = fs::read(&database).expect("readable");
    fs::write(&database, &whole[..whole.len() - 1]).expect("written");
    assert!(matches!(verify(to.path()), Err(VerifyError::Checksum)));
    fs::write(to.path().join("manifest.json"), "{").expect("written");
    assert!(matches!(verify(to.path()), Err(VerifyError::Manifest(_))));
    fs::remove_file(to.path().join("manifest.json")).expect("removed");
    assert!(matches!(verify(to.path()), Err(VerifyError::Io { .. })));
}
