//! A copy of the database that can be checked, made while the service runs.
//! Blobs are files: the caller copies those that are named here.
use super::{
    SqliteStore, migrate,
    open::{self, OpenError, private},
};
use crate::store::{StoreError, private_dir};
use inkwire_core::MediaId;
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The names inside a backup's folder.
const DATABASE: &str = "inkwire.db";
const MANIFEST: &str = "manifest.json";

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    pub database: PathBuf,
    /// Their ids are their checksums (SHA-256).
    pub blobs: Vec<MediaId>,
}

/// What a whole backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub database: PathBuf,
    pub schema: u32,
    pub jobs: u64,
    /// Their ids are their checksums (SHA-256); the files are the caller's to check.
    pub blobs: Vec<MediaId>,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("{path}: {error}: name the folder that `inkwire backup` wrote")]
    Io { path: PathBuf, error: io::Error },
    #[error("the manifest cannot be read ({0}): this backup is not whole, use another one")]
    Manifest(String),
    #[error("the copy differs from its checksum: this backup is not whole, use another one")]
    Checksum,
    #[error(transparent)]
    Database(#[from] OpenError),
}

/// Written last: a folder without it is no backup.
#[derive(Serialize, Deserialize)]
struct Manifest {
    schema: u32,
    /// Of the database, in hexadecimal.
    sha256: String,
    blobs: Vec<MediaId>,
}

impl SqliteStore {
    /// Into a folder that is made if need be. Holds up no commit.
    pub async fn backup(&self, folder: &Path) -> Result<Backup, StoreError> {
        let folder = folder.to_owned();
        self.readers.alone(move |conn| write(conn, &folder)).await
    }
}

fn write(conn: &Connection, folder: &Path) -> Result<Backup, StoreError> {
    private_dir(folder).map_err(broken)?;
    let manifest = folder.join(MANIFEST);
    match fs::remove_file(&manifest) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(broken(error)),
        _ => {}
    }
    let database = folder.join(DATABASE);
    let file = private(&database).map_err(broken)?;
    file.set_len(0).map_err(broken)?;
    conn.execute("VACUUM INTO ?1", [database.to_string_lossy()])?;
    file.sync_all().map_err(broken)?;
    let blobs = blobs(&open_copy(&database)?)?;
    let sha256 = checksum(&database).map_err(broken)?;
    let sealed = Manifest { schema: migrate::known(), sha256, blobs: blobs.clone() };
    let text = serde_json::to_vec_pretty(&sealed).map_err(io::Error::from).map_err(broken)?;
    let mut file = private(&manifest).map_err(broken)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(broken)?;
    Ok(Backup { database, blobs })
}

/// Checks the copy against its manifest and reads it through once. Blocks.
pub fn verify(folder: &Path) -> Result<Verified, VerifyError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| VerifyError::Io { path, error }
    };
    let manifest = folder.join(MANIFEST);
    let text = fs::read(&manifest).map_err(io(&manifest))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| VerifyError::Manifest(error.to_string()))?;
    let database = folder.join(DATABASE);
    if checksum(&database).map_err(io(&database))? != manifest.sha256 {
        return Err(VerifyError::Checksum);
    }
    let conn = open_copy(&database).map_err(OpenError::from)?;
    let schema = open::version(&conn, &database)?;
    open::quick_check(&conn)?;
    let jobs = conn.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0));
    let jobs = jobs.map_err(OpenError::from)?;
    Ok(Verified { database, schema, jobs, blobs: manifest.blobs })
}

fn open_copy(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Those that some job or text still names.
fn blobs(conn: &Connection) -> rusqlite::Result<Vec<MediaId>> {
    let sql = "SELECT id FROM blobs WHERE id IN (SELECT media FROM artifacts)
        OR id IN (SELECT thumbnail FROM artifacts)
        OR id IN (SELECT media FROM links WHERE job = '') ORDER BY id";
    conn.prepare(sql)?.query_map([], |row| row.get(0).map(MediaId))?.collect()
}

fn checksum(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut chunk)?;
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
    }
    let digits = hash.finalize();
    Ok(digits.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn broken(error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Broken(error.to_string()),
    }
}
