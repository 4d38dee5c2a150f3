//! Files named by the SHA-256 of their content, in 256 folders by its first byte.
//! Blocking, and the only place that makes a path; no path ever comes from outside.
use crate::store::private_dir;
use inkwire_core::{MediaId, Time};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, DirEntry, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, UNIX_EPOCH},
};

/// Whether a file must outlast a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forced {
    ToDisk,
    Later,
}

pub(super) struct Files {
    root: PathBuf,
    unfinished: PathBuf,
    count: AtomicU64,
}

/// Where a blob lies below its folder; `None` for what is no id of ours.
pub fn path_of(id: &MediaId) -> Option<PathBuf> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let ours = id.0.len() == 64 && id.0.bytes().all(hex);
    Some(Path::new(id.0.get(..2).filter(|_| ours)?).join(&id.0))
}

impl Files {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let unfinished = root.join("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        let folders = (0..=u8::MAX).map(|first| root.join(format!("{first:02x}")));
        for folder in folders.chain([unfinished.clone()]) {
            private_dir(&folder)?;
        }
        File::open(root)?.sync_all()?;
        Ok(Self { root: root.to_owned(), unfinished, count: AtomicU64::new(0) })
    }

    /// `None` for what is no id of ours.
    pub(super) fn path(&self, id: &MediaId) -> Option<PathBuf> {
        Some(self.root.join(path_of(id)?))
    }

    /// What is there already is not written again.
    pub(super) fn write(&self, bytes: &[u8], forced: Forced) -> io::Result<MediaId> {
        let id = id(bytes);
        let path = self.path(&id).ok_or(io::ErrorKind::InvalidInput)?;
        if fs::read(&path).is_ok_and(|kept| kept == bytes) {
            // Whoever wrote it may not have forced it yet.
            force(&File::open(&path)?, forced)?;
        } else {
            self.create(&path, bytes, forced)?;
        }
        if let Some(folder) = path.parent() {
            force(&File::open(folder)?, forced)?;
        }
        Ok(id)
    }

    pub(super) fn remove(&self, id: &MediaId) -> io::Result<()> {
        match self.path(id).map(fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// How many there are, and their bytes.
    pub(super) fn usage(&self) -> io::Result<(usize, u64)> {
        let mut usage = (0, 0);
        self.each(|file| {
            usage.0 += 1;
            usage.1 += file.metadata()?.len();
            Ok(())
        })?;
        Ok(usage)
    }

    /// Those last written so long before `now`.
    pub(super) fn older_than(&self, age: Duration, now: Time) -> io::Result<Vec<MediaId>> {
        let now = UNIX_EPOCH + Duration::from_millis(now.0);
        let mut old = vec![];
        self.each(|file| {
            let written = file.metadata()?.modified()?;
            if now.duration_since(written).is_ok_and(|passed| passed > age) {
                old.extend(file.file_name().into_string().ok().map(MediaId));
            }
            Ok(())
        })?;
        Ok(old)
    }

    fn create(&self, path: &Path, bytes: &[u8], forced: Forced) -> io::Result<()> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let draft = self.unfinished.join(count.to_string());
        let done = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|file| fill(file, bytes, forced))
            .and_then(|()| fs::rename(&draft, path));
        if done.is_err() {
            // Nothing to be done if it cannot be removed either; the next start tries again.
            drop(fs::remove_file(&draft));
        }
        done
    }

    fn each(&self, mut visit: impl FnMut(&DirEntry) -> io::Result<()>) -> io::Result<()> {
        for first in 0..=u8::MAX {
            for file in fs::read_dir(self.root.join(format!("{first:02x}")))? {
                match visit(&file?) {
                    // It was removed meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    done => done?,
                }
            }
        }
        Ok(())
    }
}

pub(super) fn fill(mut file: File, bytes: &[u8], forced: Forced) -> io::Result<()> {
    file.write_all(bytes)?;
    force(&file, forced)
}

fn force(file: &File, forced: Forced) -> io::Result<()> {
    match forced {
        Forced::ToDisk => file.sync_all(),
        Forced::Later => Ok(()),
    }
}

fn id(bytes: &[u8]) -> MediaId {
    MediaId(format!("{:x}", Sha256::digest(bytes)))
}
