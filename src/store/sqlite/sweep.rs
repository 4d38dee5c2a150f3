//! What is thrown away when: jobs and recipes, words, links, pictures, blobs. In this order,
//! because each frees what the next may take.
use super::columns::{before, int, length, millis};
use crate::store::{Retention, StoreError, Swept};
use inkwire_core::{MediaId, Time};
use rusqlite::{Connection, params};

pub(super) fn sweep(
    tx: &Connection,
    retention: &Retention,
    now: Time,
) -> Result<Swept, StoreError> {
    let jobs = forget_jobs(tx, retention, now)?;
    forget_words(tx, retention, now)?;
    tx.execute("DELETE FROM links WHERE expires <= ?1", [millis(now)])?;
    let past = "SELECT a.number FROM artifacts a JOIN jobs j ON j.id = a.job
        WHERE j.ended IS NOT NULL AND j.keep_until <= ?1";
    drop_artifacts(tx, past, millis(now))?;
    let old = before(now, retention.unclaimed);
    let mut blobs = make_room(tx, retention, old)?;
    blobs.extend(drop_unclaimed(tx, old)?);
    blobs.sort();
    Ok(Swept { blobs, jobs })
}

fn forget_jobs(tx: &Connection, retention: &Retention, now: Time) -> Result<usize, StoreError> {
    tx.execute_batch("CREATE TEMP TABLE IF NOT EXISTS old (job TEXT); DELETE FROM old;")?;
    let sql = "INSERT INTO old SELECT id FROM jobs
        WHERE ended IS NOT NULL AND ended + coalesce(keep, ?1) <= ?2";
    let jobs = tx.execute(sql, params![length(retention.recipes), millis(now)])?;
    if jobs == 0 {
        return Ok(0);
    }
    drop_deliveries(tx, "job IN (SELECT job FROM old)", None)?;
    tx.execute_batch(
        "DELETE FROM links WHERE job IN (SELECT job FROM old);
        DELETE FROM messages WHERE job IN (SELECT job FROM old);
        DELETE FROM artifacts WHERE job IN (SELECT job FROM old);
        DELETE FROM jobs WHERE id IN (SELECT job FROM old);",
    )?;
    Ok(jobs)
}

fn forget_words(tx: &Connection, retention: &Retention, now: Time) -> Result<(), StoreError> {
    let old = before(now, retention.seen);
    tx.execute("DELETE FROM seen WHERE at <= ?1", [old])?;
    let sql = "UPDATE deliveries SET open = 0 WHERE open = 1 AND expires <= ?1";
    tx.execute(sql, [millis(now)])?;
    drop_deliveries(tx, "open = 0 AND job IS NULL AND at <= ?1", Some(old))
}

/// A slot goes with the last of its deliveries.
fn drop_deliveries(tx: &Connection, gone: &str, bound: Option<i64>) -> Result<(), StoreError> {
    let bound = rusqlite::params_from_iter(bound);
    tx.execute_batch("CREATE TEMP TABLE IF NOT EXISTS emptied (slot TEXT); DELETE FROM emptied;")?;
    let sql = format!("INSERT INTO emptied SELECT DISTINCT slot FROM deliveries WHERE {gone}");
    tx.execute(&sql, bound.clone())?;
    tx.execute(&format!("DELETE FROM deliveries WHERE {gone}"), bound)?;
    tx.execute_batch(
        "DELETE FROM slots WHERE slot IN (SELECT slot FROM emptied)
        AND slot NOT IN (SELECT slot FROM deliveries WHERE slot IN (SELECT slot FROM emptied));",
    )?;
    Ok(())
}

/// With their links.
fn drop_artifacts(tx: &Connection, which: &str, bound: i64) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM links WHERE (job, media) IN
        (SELECT job, media FROM artifacts WHERE number IN ({which}))"
    );
    tx.execute(&sql, [bound])?;
    tx.execute(&format!("DELETE FROM artifacts WHERE number IN ({which})"), [bound])?;
    Ok(())
}

/// The oldest go until the rest fits; young ones are somebody's work in progress.
fn make_room(tx: &Connection, retention: &Retention, old: i64) -> Result<Vec<MediaId>, StoreError> {
    let total: u64 =
        tx.query_row("SELECT coalesce(sum(bytes), 0) FROM blobs", [], |row| row.get(0))?;
    let mut excess = int(total).saturating_sub(int(retention.most_bytes));
    let mut gone = vec![];
    let sql = "SELECT id, bytes FROM blobs WHERE at <= ?1 ORDER BY at, id";
    let mut query = tx.prepare_cached(sql)?;
    let mut rows = query.query([old])?;
    while excess > 0
        && let Some(row) = rows.next()?
    {
        gone.push(MediaId(row.get(0)?));
        excess = excess.saturating_sub(row.get(1)?);
    }
    drop(rows);
    for id in &gone {
        drop_blob(tx, id)?;
    }
    Ok(gone)
}

fn drop_blob(tx: &Connection, id: &MediaId) -> Result<(), StoreError> {
    let named = "media = ?1 OR thumbnail = ?1";
    let sql = format!(
        "DELETE FROM links WHERE (job, media) IN (SELECT job, media FROM artifacts WHERE {named})"
    );
    tx.prepare_cached(&sql)?.execute([&id.0])?;
    let sql = "DELETE FROM links WHERE job = '' AND media = ?1";
    tx.prepare_cached(sql)?.execute([&id.0])?;
    tx.prepare_cached(&format!("DELETE FROM artifacts WHERE {named}"))?.execute([&id.0])?;
    tx.prepare_cached("DELETE FROM blobs WHERE id = ?1")?.execute([&id.0])?;
    Ok(())
}

fn drop_unclaimed(tx: &Connection, old: i64) -> Result<Vec<MediaId>, StoreError> {
    let sql = "DELETE FROM blobs WHERE at <= ?1
        AND NOT EXISTS (SELECT 1 FROM artifacts WHERE media = blobs.id)
        AND NOT EXISTS (SELECT 1 FROM artifacts WHERE thumbnail = blobs.id)
        AND id NOT IN (SELECT media FROM links WHERE job = '') RETURNING id";
    let mut query = tx.prepare_cached(sql)?;
    let gone = query.query_map([old], |row| row.get(0).map(MediaId))?;
    Ok(gone.collect::<Result<_, _>>()?)
}
