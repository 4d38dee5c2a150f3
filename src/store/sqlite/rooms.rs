//! What rooms paint with where a request does not say; one row for a room that has a say.
//! Whether a default still makes sense is decided by those who read it.
use super::columns::Json;
use crate::store::StoreError;
use inkwire_core::{AdapterId, Imagine, Native};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn defaults(
    tx: &Connection,
    adapter: &AdapterId,
    room: &Native,
) -> Result<Imagine, StoreError> {
    let sql = "SELECT defaults FROM rooms WHERE adapter = ?1 AND room = ?2";
    let row = [&adapter.0, &room.0];
    let found = tx.prepare_cached(sql)?.query_row(row, |row| row.get::<_, Json<Imagine>>(0));
    Ok(found.optional()?.map(|found| found.0).unwrap_or_default())
}

pub(super) fn prefer(
    tx: &Connection,
    adapter: &AdapterId,
    room: &Native,
    defaults: &Imagine,
) -> Result<(), StoreError> {
    if *defaults == Imagine::default() {
        let sql = "DELETE FROM rooms WHERE adapter = ?1 AND room = ?2";
        tx.execute(sql, [&adapter.0, &room.0])?;
        return Ok(());
    }
    let sql = "INSERT OR REPLACE INTO rooms (adapter, room, defaults) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![adapter.0, room.0, Json(defaults)])?;
    Ok(())
}
