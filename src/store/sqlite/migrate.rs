//! Forward-only versions of the schema. A new one is one file and one line in `STEPS`.
//! All that are missing are applied in one transaction, after a copy of the file was made.
use super::open::{APPLICATION_ID, OpenError, beside, private, version};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

pub(super) const STEPS: &[&str] = &[include_str!("schema/001.sql"), include_str!("schema/002.sql")];

/// The version that `STEPS` lead to.
pub(super) fn known() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

pub(super) fn migrate(conn: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), OpenError> {
    let from = version(conn, path)?;
    let missing: Vec<_> = steps.iter().skip(usize::try_from(from).unwrap_or(0)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if from > 0 {
        copy(conn, &beside(path, &format!("v{from}")))?;
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in missing {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", steps.len())?;
    tx.commit()?;
    tracing::info!(from, to = steps.len(), "database migrated");
    Ok(())
}

/// Overwrites a copy that an earlier attempt left.
fn copy(conn: &Connection, to: &Path) -> Result<(), OpenError> {
    let io = |error| OpenError::Io { path: to.to_owned(), error };
    let file = private(to).map_err(io)?;
    file.set_len(0).map_err(io)?;
    conn.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    file.sync_all().map_err(io)
}
