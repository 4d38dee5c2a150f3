//! `inkwire backup` and `inkwire restore`: the database as of one moment, and the pictures that
//! it names. A running service is asked to do it; its files are never touched from outside.
use super::{
    Failed,
    print::print,
    run,
    socket::{self, Ask, Reply},
};
use crate::{
    media::path_of,
    store::{
        private_dir,
        sqlite::{SqliteStore, lock, verify},
    },
};
use anyhow::{Context, bail, ensure};
use inkwire_core::MediaId;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::task::spawn_blocking;

#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// A folder that does not exist yet.
    path: PathBuf,
    #[arg(short, long, default_value = "inkwire.yaml")]
    config: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// A folder that `inkwire backup` made.
    path: PathBuf,
    /// Only look whether the backup is whole.
    #[arg(long)]
    verify: bool,
    #[arg(short, long, default_value = "inkwire.yaml")]
    config: PathBuf,
}

pub(super) async fn backup(options: &Backup) -> Result<ExitCode, Failed> {
    let config = run::read(&options.config)?;
    let to = std::path::absolute(&options.path)?;
    let asked = socket::ask(&config.state_dir, &Ask::Backup { to: to.clone() }).await?;
    match asked {
        Some(Reply::Done(saved)) => print(&saved),
        Some(Reply::Failed(why)) => return Err(anyhow::anyhow!(why).into()),
        None => {
            let store = run::open_store(&config.state_dir)?;
            let saved = save(&store, &config.state_dir, &to).await;
            store.close().await?;
            print(&saved?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes database and pictures into a new folder; what it says is for the operator.
pub(super) async fn save(
    store: &SqliteStore,
    state_dir: &Path,
    to: &Path,
) -> anyhow::Result<String> {
    // It may be the state of a service, this one's even.
    ensure!(!to.exists(), "{} is there already: name a folder that is not", to.display());
    let blobs = store.backup(to).await?.blobs;
    let count = blobs.len();
    let (from, into) = (state_dir.join("blobs"), to.join("blobs"));
    let missing = spawn_blocking(move || copy_blobs(&from, &into, &blobs)).await??;
    let whole = if missing == 0 { String::new() } else { format!(", {missing} were gone already") };
    Ok(format!("saved to {}: database and {count} pictures{whole}", to.display()))
}

pub(super) fn restore(options: &Restore) -> Result<ExitCode, Failed> {
    let verified = verify(&options.path)?;
    let lost = lost(&options.path, &verified.blobs);
    if lost > 0 {
        return Err(anyhow::anyhow!("{lost} pictures of the backup are missing or damaged").into());
    }
    let (jobs, pictures) = (verified.jobs, verified.blobs.len());
    if options.verify {
        print(&format!("the backup is whole: {jobs} jobs, {pictures} pictures"));
        return Ok(ExitCode::SUCCESS);
    }
    let config = run::read(&options.config)?;
    put_back(&verified.database, &options.path, &config.state_dir, &verified.blobs)?;
    print(&format!("restored to {}: {jobs} jobs, {pictures} pictures", config.state_dir.display()));
    Ok(ExitCode::SUCCESS)
}

/// Into an empty place only: what is there now may be the better half.
fn put_back(
    database: &Path,
    from: &Path,
    state_dir: &Path,
    blobs: &[MediaId],
) -> anyhow::Result<()> {
    let target = state_dir.join(run::DATABASE);
    let _held = lock(&target)?;
    // What a crash left beside it would be taken for part of the restored database.
    for left in ["", "-wal", "-shm", "-journal"] {
        let path = state_dir.join(format!("{}{left}", run::DATABASE));
        if path.exists() {
            bail!("{} is in the way: move it aside first, nothing is overwritten", path.display());
        }
    }
    copy_blobs(&from.join("blobs"), &state_dir.join("blobs"), blobs)?;
    let draft = state_dir.join(format!("{}.restored", run::DATABASE));
    copy_private(database, &draft).context("the database")?;
    fs::rename(&draft, &target)?;
    File::open(state_dir)?.sync_all()?;
    Ok(())
}

/// On the disk when it returns.
fn copy_private(from: &Path, to: &Path) -> io::Result<()> {
    let mut options = File::options();
    let mut copy = options.write(true).create(true).truncate(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    copy.sync_all()
}

/// How many of them are gone; blocks.
fn copy_blobs(from: &Path, into: &Path, blobs: &[MediaId]) -> anyhow::Result<usize> {
    let mut missing = 0;
    for blob in blobs {
        let Some(path) = path_of(blob) else { continue };
        let target = into.join(&path);
        if let Some(folder) = target.parent() {
            private_dir(folder)?;
        }
        let from = from.join(&path);
        match fs::copy(&from, &target) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing += 1,
            Err(error) => bail!("{} is not copied: {error}", from.display()),
        }
    }
    Ok(missing)
}

/// How many of them are missing or damaged: their ids are their checksums.
fn lost(backup: &Path, blobs: &[MediaId]) -> usize {
    let is_whole = |blob: &&MediaId| {
        let file = path_of(blob).map(|path| fs::read(backup.join("blobs").join(path)));
        file.and_then(Result::ok)
            .is_some_and(|bytes| format!("{:x}", Sha256::digest(bytes)) == blob.0)
    };
    blobs.iter().filter(|blob| !is_whole(blob)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    #[test]
    fn only_an_empty_place_takes_a_database() {
        for left in ["inkwire.db", "inkwire.db-wal", "inkwire.db-shm", "inkwire.db-journal"] {
            let place = TempDir::new().unwrap();
            let (saved, state) = (place.path().join("saved.db"), place.path().join("state"));
            fs::write(&saved, "saved").unwrap();
            let put_back = || put_back(&saved, place.path(), &state, &[]);
            let target = state.join(run::DATABASE);
            let held = lock(&target).unwrap();
            assert!(put_back().unwrap_err().to_string().contains("in use"), "by a service");
            drop(held);
            fs::write(state.join(left), "old").unwrap();
            let refused = put_back().unwrap_err().to_string();
            assert!(refused.contains(left) && refused.contains("in the way"), "{refused}");
            fs::remove_file(state.join(left)).unwrap();
            put_back().unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), "saved");
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&target), mode(&state)), (0o600, 0o700));
        }
    }

    #[test]
    fn a_picture_that_cannot_be_copied_is_no_success() {
        let place = TempDir::new().unwrap();
        let (from, into) = (place.path().join("from"), place.path().join("into"));
        let blob = MediaId("ab".repeat(32));
        let copy = || copy_blobs(&from, &into, std::slice::from_ref(&blob));
        assert_eq!(copy().unwrap(), 1, "gone already");
        let path = path_of(&blob).unwrap();
        fs::create_dir_all(from.join(&path)).unwrap();
        assert!(copy().unwrap_err().to_string().contains("is not copied"));
    }
}
