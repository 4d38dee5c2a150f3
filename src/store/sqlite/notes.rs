//! What senders noted a moment ago, in a file of its own. A commit may have to wait for the disk,
//! and whoever is killed meanwhile has said a line that nobody knows of. It is no second database:
//! it is read once, at the next start, and empty as soon as the database has it all.
use super::{columns::Json, open::private, outbox};
use inkwire_core::DeliveryId;
use rusqlite::Connection;
use serde_json::Value;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

pub(super) struct Notes(Mutex<Open>);

struct Open {
    file: File,
    /// Notes that the database does not have yet.
    ahead: usize,
}

impl Notes {
    /// What a killed process left goes into the database first.
    pub(super) fn open(path: &Path, conn: &Connection) -> io::Result<Self> {
        let mut file = private(path)?;
        for line in BufReader::new(&file).split(b'\n') {
            // The last one may have been cut; then nobody relied on it.
            let Ok((id, value)) = serde_json::from_slice::<(String, Value)>(&line?) else { break };
            outbox::noted(conn, &DeliveryId(id), &Json(&value)).map_err(io::Error::other)?;
        }
        empty(&mut file)?;
        Ok(Self(Mutex::new(Open { file, ahead: 0 })))
    }

    fn file(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Survives this process at once, and a power cut with luck, until what it gives is dropped:
    /// then the database has it, or nobody wants it.
    pub(super) fn add(&self, id: &DeliveryId, value: &Value) -> Ahead<'_> {
        let mut open = self.file();
        open.ahead += 1;
        let line = serde_json::to_vec(&(&id.0, value)).unwrap_or_default();
        if let Err(error) = open.file.write_all(&[line.as_slice(), b"\n"].concat()) {
            // The commit that follows tells the caller whether it is kept.
            tracing::debug!(%error, delivery = %id, "note not written ahead");
        }
        Ahead(self)
    }
}

pub(super) struct Ahead<'a>(&'a Notes);

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        let mut open = self.0.file();
        open.ahead = open.ahead.saturating_sub(1);
        if open.ahead == 0
            && let Err(error) = empty(&mut open.file)
        {
            tracing::debug!(%error, "notes not emptied");
        }
    }
}

fn empty(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0)).map(drop)
}
