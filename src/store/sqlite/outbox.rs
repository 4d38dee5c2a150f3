//! Deliveries in rows: what is due, what is in doubt, what a slot shows.
use super::{
    admit::check_epoch,
    columns::{Json, count, int, json, maybe_json, millis},
};
use crate::{
    job::Draft,
    store::{
        Page, StoreError,
        sending::{self, Next, Sending},
    },
};
use inkwire_core::{
    AdapterId, Delivery, DeliveryId, JobId, MediaId, Native, Outcome, Parcel, Posted, Receipt,
    SlotId, Time, Watch,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde_json::Value;

pub(super) const DUE: &str = "SELECT d.seq, d.tag, d.begun, d.at, w.draft, w.state, s.shown
        FROM deliveries d JOIN words w ON w.seq = d.seq LEFT JOIN slots s ON s.slot = d.slot
        WHERE d.adapter = ?1 AND d.open = 1 AND d.not_before <= ?2
        AND (d.expires IS NULL OR d.expires > ?2) AND NOT EXISTS (
            SELECT 1 FROM deliveries e INDEXED BY deliveries_by_slot
            WHERE e.slot = d.slot AND e.seq < d.seq AND e.adapter = d.adapter AND e.open = 1
            AND (e.expires IS NULL OR e.expires > ?2))
        ORDER BY d.seq LIMIT ?3";
pub(super) const LATER: &str =
    "SELECT min(not_before) FROM deliveries WHERE adapter = ?1 AND open = 1
        AND not_before > 0 AND not_before > ?2 AND (expires IS NULL OR expires > ?2)";

/// A row that this epoch may write.
pub(super) struct Held {
    seq: u64,
    draft: Draft,
    open: bool,
    sending: Sending,
}

/// The newest word replaces older ones that nobody has begun to send; nothing but a retraction
/// follows a last word.
pub(super) fn post(tx: &Connection, tag: &str, draft: &Draft, at: Time) -> Result<(), StoreError> {
    let sql = "SELECT ended FROM slots WHERE slot = ?1";
    let ended = tx.prepare_cached(sql)?.query_row([&draft.slot.0], |row| row.get(0)).optional()?;
    if ended.unwrap_or(false) && draft.outcome != Outcome::Retracted {
        return Ok(());
    }
    write(tx, tag, draft, at)
}

fn write(tx: &Connection, tag: &str, draft: &Draft, at: Time) -> Result<(), StoreError> {
    if sending::replaces(&draft.outcome) {
        let sql = "UPDATE deliveries SET open = 0 WHERE slot = ?1 AND open = 1 AND begun = 0";
        tx.prepare_cached(sql)?.execute([&draft.slot.0])?;
    }
    let sql = "INSERT INTO deliveries
        (tag, adapter, slot, job, owner, open, begun, attempts, not_before, expires, at)
        VALUES (?1, ?2, ?3, ?4, (SELECT owner FROM jobs WHERE id = ?4), 1, 0, 0, 0, ?5, ?6)";
    let job = draft.job.as_ref().map(|job| &job.0);
    let expires = draft.expires.map(millis);
    let row = params![tag, draft.to.adapter.0, draft.slot.0, job, expires, millis(at)];
    tx.prepare_cached(sql)?.execute(row)?;
    let sql = "INSERT INTO words (seq, draft) VALUES (?1, ?2)";
    tx.prepare_cached(sql)?.execute(params![tx.last_insert_rowid(), Json(draft)])?;
    if draft.outcome.is_terminal() {
        let sql = "INSERT INTO slots (slot, ended, shown) VALUES (?1, 1, '[]')
            ON CONFLICT (slot) DO UPDATE SET ended = 1";
        tx.prepare_cached(sql)?.execute([&draft.slot.0])?;
    }
    Ok(())
}

/// At most one row per slot: what has begun goes before what has not.
pub(super) fn due(
    tx: &Connection,
    adapter: &AdapterId,
    epoch: u64,
    now: Time,
    limit: usize,
) -> Result<Page, StoreError> {
    check_epoch(tx, adapter, epoch)?;
    let mut query = tx.prepare_cached(DUE)?;
    let ready = query.query_map(params![adapter.0, millis(now), count(limit)], parcel)?;
    let ready = ready.collect::<Result<_, _>>()?;
    let later = params![adapter.0, millis(now)];
    let wake_at: Option<u64> = tx.prepare_cached(LATER)?.query_row(later, |row| row.get(0))?;
    Ok(Page { ready, wake_at: wake_at.map(Time) })
}

fn parcel(row: &Row<'_>) -> rusqlite::Result<Parcel> {
    Ok(Parcel {
        delivery: delivery(row)?,
        at: Time(row.get("at")?),
        shown: maybe_json(row, "shown")?.unwrap_or_default(),
        state: maybe_json(row, "state")?,
        in_doubt: row.get("begun")?,
    })
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let (seq, tag): (u64, String) = (row.get("seq")?, row.get("tag")?);
    let Draft { to, asker, answers, slot, job, private, expires, outcome } = json(row, "draft")?;
    let id = DeliveryId(format!("d{seq}-{tag}"));
    Ok(Delivery { id, to, asker, answers, slot, seq, job, private, expires, outcome })
}

pub(super) fn held(tx: &Connection, id: &DeliveryId, epoch: u64) -> Result<Held, StoreError> {
    let parts = id.0.strip_prefix('d').and_then(|id| id.split_once('-'));
    let (seq, tag) = parts.ok_or(StoreError::Stale)?;
    let sql = "SELECT d.seq, open, begun, attempts, draft
        FROM deliveries d JOIN words USING (seq) WHERE d.seq = ?1 AND tag = ?2";
    let row = tx.prepare_cached(sql)?.query_row([seq, tag], |row| {
        let sending = Sending { begun: row.get("begun")?, attempts: row.get("attempts")? };
        let (seq, open) = (row.get("seq")?, row.get("open")?);
        Ok(Held { seq, open, sending, draft: json(row, "draft")? })
    });
    let row = row.optional()?.ok_or(StoreError::Stale)?;
    check_epoch(tx, &row.draft.to.adapter, epoch)?;
    Ok(row)
}

fn open_row(tx: &Connection, id: &DeliveryId, epoch: u64) -> Result<u64, StoreError> {
    let row = held(tx, id, epoch)?;
    if row.open { Ok(row.seq) } else { Err(StoreError::Stale) }
}

pub(super) fn begin(tx: &Connection, id: &DeliveryId, epoch: u64) -> Result<(), StoreError> {
    let seq = open_row(tx, id, epoch)?;
    tx.prepare_cached("UPDATE deliveries SET begun = 1 WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}

pub(super) fn checkpoint(
    tx: &Connection,
    id: &DeliveryId,
    epoch: u64,
    value: &Value,
) -> Result<(), StoreError> {
    let seq = open_row(tx, id, epoch)?;
    let sql = "UPDATE words SET state = ?2 WHERE seq = ?1";
    tx.prepare_cached(sql)?.execute(params![seq, Json(value)])?;
    Ok(())
}

/// The same from a process that was killed before it could commit it; what is over by now stays.
pub(super) fn noted(
    tx: &Connection,
    id: &DeliveryId,
    value: &Json<&Value>,
) -> rusqlite::Result<()> {
    let Some((seq, tag)) = id.0.strip_prefix('d').and_then(|id| id.split_once('-')) else {
        return Ok(());
    };
    let sql = "UPDATE words SET state = ?3 WHERE seq = (
        SELECT seq FROM deliveries WHERE seq = ?1 AND tag = ?2 AND open = 1 AND begun = 1)";
    tx.execute(sql, params![seq, tag, value])?;
    Ok(())
}

/// A row that was superseded on its way can still say that it was sent.
pub(super) fn record(
    tx: &Connection,
    tag: &str,
    row: Held,
    receipt: Receipt,
    now: Time,
) -> Result<(), StoreError> {
    let Held { seq, draft, open, sending } = row;
    match sending::settle(sending, receipt, draft.private, &draft.outcome, now) {
        Next::Shown(posted) => {
            close(tx, seq)?;
            show(tx, &draft, &posted)
        }
        _ if !open => Ok(()),
        Next::Closed(said) => {
            close(tx, seq)?;
            let Some(outcome) = said else { return Ok(()) };
            write(tx, tag, &Draft { outcome, ..draft }, now)
        }
        Next::Again { sending, not_before } => again(tx, seq, &draft, sending, not_before),
    }
}

fn close(tx: &Connection, seq: u64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE deliveries SET open = 0 WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}

/// What is known to be unsent gives way to a newer word.
fn again(
    tx: &Connection,
    seq: u64,
    draft: &Draft,
    sending: Sending,
    not_before: Time,
) -> Result<(), StoreError> {
    let sql = "UPDATE deliveries SET begun = ?2, attempts = ?3, not_before = ?4,
        open = ?2 OR NOT EXISTS (SELECT 1 FROM deliveries WHERE slot = ?5 AND seq > ?1 AND open = 1)
        WHERE seq = ?1";
    let Sending { begun, attempts } = sending;
    let row = params![seq, begun, attempts, millis(not_before), draft.slot.0];
    tx.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn show(tx: &Connection, draft: &Draft, posted: &[Posted]) -> Result<(), StoreError> {
    let sql = "INSERT INTO slots (slot, ended, shown) VALUES (?1, 0, ?2)
        ON CONFLICT (slot) DO UPDATE SET shown = excluded.shown";
    tx.prepare_cached(sql)?.execute(params![draft.slot.0, Json(posted)])?;
    let Some(job) = &draft.job else { return Ok(()) };
    let sql = "INSERT OR REPLACE INTO messages (adapter, room, native, job, media)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = tx.prepare_cached(sql)?;
    let to = &draft.to;
    for message in posted {
        let media = message.media.as_ref().map(|media| &media.0);
        insert.execute(params![to.adapter.0, to.room.0, message.native.0, job.0, media])?;
    }
    Ok(())
}

pub(super) fn shown(tx: &Connection, slot: &SlotId) -> Result<Vec<Posted>, StoreError> {
    let sql = "SELECT shown FROM slots WHERE slot = ?1";
    let shown = tx.prepare_cached(sql)?.query_row([&slot.0], |row| json(row, "shown"));
    Ok(shown.optional()?.unwrap_or_default())
}

pub(super) fn posted(
    tx: &Connection,
    adapter: &AdapterId,
    room: &Native,
    native: &Native,
) -> Result<Option<(JobId, Option<MediaId>)>, StoreError> {
    let sql = "SELECT job, media FROM messages WHERE adapter = ?1 AND room = ?2 AND native = ?3";
    let found = tx.prepare_cached(sql)?.query_row([&adapter.0, &room.0, &native.0], |row| {
        Ok((JobId(row.get(0)?), row.get::<_, Option<String>>(1)?.map(MediaId)))
    });
    Ok(found.optional()?)
}

pub(super) fn since(
    tx: &Connection,
    watch: &Watch,
    after: u64,
) -> Result<Vec<Delivery>, StoreError> {
    let (filter, of): (&str, Option<&dyn ToSql>) = match watch {
        Watch::All => ("", None),
        Watch::Job(job) => ("AND d.job = ?3", Some(&job.0)),
        Watch::Person(person) => ("AND d.owner = ?3", Some(&person.0)),
    };
    let sql = format!(
        "SELECT d.seq, d.tag, w.draft FROM deliveries d JOIN words w ON w.seq = d.seq
        WHERE d.seq > ?1 {filter} ORDER BY d.seq LIMIT ?2"
    );
    let (after, page) = (int(after), sending::PAGE);
    let mut bound: Vec<&dyn ToSql> = vec![&after, &page];
    bound.extend(of);
    let mut query = tx.prepare_cached(&sql)?;
    let rows = query.query_map(bound.as_slice(), delivery)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
