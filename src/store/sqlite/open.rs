//! Opening and closing the file: who holds it, whether it is ours and whole, which version.
//! Every refusal says what to do; nothing is repaired here.
use super::migrate;
use crate::store::{StoreError, private_dir};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use uuid::Uuid;

/// "inkw", so that `file` and we know whose it is.
pub(super) const APPLICATION_ID: i32 = 0x696e_6b77;
const BUSY: Duration = Duration::from_secs(5);
const STATEMENTS: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0} is in use by another inkwire: stop that one first, or give this one its own file")]
    Locked(PathBuf),
    #[error(
        "the database has version {found} and this inkwire knows {known}: \
         install the newer inkwire again, or restore the copy made before the upgrade"
    )]
    Newer { found: u32, known: u32 },
    #[error("{0} is no database of inkwire: name another file")]
    Foreign(PathBuf),
    #[error(
        "the database is damaged ({0}): put it aside and bring back a backup with \
         `inkwire restore`"
    )]
    Corrupt(String),
    #[error("{path}: {error}: check that the folder exists, is writable and has room")]
    Io { path: PathBuf, error: io::Error },
    #[error("the disk is full: make room, nothing was lost, and start again")]
    Full,
    #[error("the database cannot be opened: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            Some(ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Options {
    /// KiB of pages that each connection keeps in memory.
    pub cache_kib: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_kib: 4096 }
    }
}

/// The file in our hands; the lock goes with it.
pub(super) struct Opened {
    pub(super) conn: Connection,
    _lock: File,
}

impl Opened {
    /// Leaves one file that needs no check at the next start.
    pub(super) fn close(self) -> Result<(), StoreError> {
        self.conn.pragma_update(None, "synchronous", "FULL")?;
        self.conn.execute("UPDATE settings SET clean = 1", [])?;
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.conn.close().map_err(|(_, error)| error.into())
    }
}

/// Whoever has it may write the database at this path; held until the file is dropped.
pub fn lock(path: &Path) -> Result<File, OpenError> {
    let io = |error| OpenError::Io { path: path.to_owned(), error };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_dir(folder).map_err(io)?;
    }
    let lock = private(&beside(path, "lock")).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

pub(super) fn open(path: &Path, options: &Options) -> Result<Opened, OpenError> {
    let io = |error| OpenError::Io { path: path.to_owned(), error };
    let lock = lock(path)?;
    private(path).map_err(io)?;
    let mut conn = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
    settle(&conn, options)?;
    let version = version(&conn, path)?;
    if version > 0 {
        check_after_crash(&conn)?;
    }
    conn.pragma_update(None, "journal_mode", "WAL")?;
    migrate::migrate(&mut conn, path, migrate::STEPS)?;
    begin(&conn)?;
    Ok(Opened { conn, _lock: lock })
}

pub(super) fn reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let conn = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_ONLY))?;
    settle(&conn, &Options::default())?;
    Ok(conn)
}

/// `inkwire.db` has its lock in `inkwire.db.lock`.
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(what);
    name.into()
}

/// Ours alone; `SQLite` gives its side files the same mode.
pub(super) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn flags(mode: OpenFlags) -> OpenFlags {
    mode | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn settle(conn: &Connection, options: &Options) -> Result<(), rusqlite::Error> {
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    conn.pragma_update(None, "wal_autocheckpoint", 4000)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // What private jobs leave is overwritten, not only unlinked.
    conn.pragma_update(None, "secure_delete", true)?;
    conn.pragma_update(None, "cache_size", -i64::from(options.cache_kib))
}

/// 0 for a file that is still empty.
pub(super) fn version(conn: &Connection, path: &Path) -> Result<u32, OpenError> {
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (app, version) = (pragma("application_id")?, pragma("user_version")?);
    let empty = conn.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if empty && app == 0 {
        return Ok(0);
    }
    if app != i64::from(APPLICATION_ID) {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    let known = migrate::known();
    if found > known { Err(OpenError::Newer { found, known }) } else { Ok(found) }
}

fn check_after_crash(conn: &Connection) -> Result<(), OpenError> {
    let clean: bool = conn.query_row("SELECT clean FROM settings", [], |row| row.get(0))?;
    if clean {
        return Ok(());
    }
    tracing::warn!("the last stop was unclean, checking the database");
    quick_check(conn)
}

pub(super) fn quick_check(conn: &Connection) -> Result<(), OpenError> {
    let found: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Corrupt(found)) }
}

/// From here on the file counts as unclean, until `close`.
fn begin(conn: &Connection) -> Result<(), OpenError> {
    let first = "INSERT OR IGNORE INTO settings (one, install, paused, clean) VALUES (1, ?1, 0, 0)";
    conn.execute(first, [Uuid::new_v4().to_string()])?;
    conn.execute("UPDATE settings SET clean = 0", [])?;
    Ok(())
}
