//! What came in, in one commit: cursor, key, changes, jobs, first words.
//! Also the facts of the installation, leases, and ids for jobs to come.
use super::{
    columns::{Json, maybe_json, millis},
    jobs, media, outbox, rooms,
};
use crate::store::{Admission, Change, Effect, Lease, Settings, StoreError, Verdict, ids};
use inkwire_core::{AdapterId, Cursor, EventKey, JobId, Notes, Outcome, Time};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

/// A cursor alone may be lost: what it skips is heard again and found to be known.
pub(super) fn must_last(admission: &Admission) -> bool {
    let Admission { seen, changes, jobs, deliveries, .. } = admission;
    seen.is_some() || !changes.is_empty() || !jobs.is_empty() || !deliveries.is_empty()
}

pub(super) fn settings(tx: &Connection) -> Result<Settings, StoreError> {
    let sql = "SELECT install, paused FROM settings";
    let (install, paused): (String, bool) =
        tx.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let install = Uuid::parse_str(&install).map_err(|e| StoreError::Broken(e.to_string()))?;
    Ok(Settings { install, paused })
}

pub(super) fn lease(tx: &Connection, adapter: &AdapterId) -> Result<Lease, StoreError> {
    let Lease { epoch, cursor, notes } = load_lease(tx, adapter)?;
    let lease = Lease { epoch: epoch + 1, cursor, notes };
    save_lease(tx, adapter, &lease)?;
    Ok(lease)
}

/// An adapter that never took a lease is at epoch 0.
fn load_lease(tx: &Connection, adapter: &AdapterId) -> Result<Lease, StoreError> {
    let sql = "SELECT epoch, cursor, notes FROM leases WHERE adapter = ?1";
    let lease = tx.prepare_cached(sql)?.query_row([&adapter.0], |row| {
        let cursor = row.get::<_, Option<String>>(1)?.map(Cursor);
        Ok(Lease { epoch: row.get(0)?, cursor, notes: row.get::<_, Json<Notes>>(2)?.0 })
    });
    Ok(lease.optional()?.unwrap_or_default())
}

fn save_lease(tx: &Connection, adapter: &AdapterId, lease: &Lease) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO leases (adapter, epoch, cursor, notes)
        VALUES (?1, ?2, ?3, ?4)";
    let cursor = lease.cursor.as_ref().map(|cursor| &cursor.0);
    let row = params![adapter.0, lease.epoch, cursor, Json(&lease.notes)];
    tx.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

pub(super) fn check_epoch(
    tx: &Connection,
    adapter: &AdapterId,
    epoch: u64,
) -> Result<(), StoreError> {
    let sql = "SELECT epoch FROM leases WHERE adapter = ?1";
    let found = tx.prepare_cached(sql)?.query_row([&adapter.0], |row| row.get(0)).optional()?;
    if found.unwrap_or(0) == epoch { Ok(()) } else { Err(StoreError::Stale) }
}

pub(super) fn fresh_ids(tx: &Connection, wanted: usize) -> Result<Vec<JobId>, StoreError> {
    let used = tx.query_row("SELECT coalesce(max(number), 0) FROM ids", [], |row| row.get(0))?;
    let take = |id: &JobId| keep_id(tx, id).map(|new| new > 0);
    (0..wanted).map(|_| ids::draw(used, take)).collect()
}

/// 0 if it is known.
fn keep_id(tx: &Connection, id: &JobId) -> Result<usize, StoreError> {
    Ok(tx.prepare_cached("INSERT OR IGNORE INTO ids (id) VALUES (?1)")?.execute([&id.0])?)
}

pub(super) fn admit(
    tx: &Connection,
    tag: &str,
    admission: Admission,
) -> Result<Verdict, StoreError> {
    match check_epoch(tx, &admission.adapter, admission.epoch) {
        Err(StoreError::Stale) => return Ok(Verdict::Stale),
        checked => checked?,
    }
    advance(tx, &admission)?;
    if let Some(event) = &admission.seen
        && !keep_seen(tx, event, &admission)?
    {
        return find_seen(tx, &admission.adapter, event);
    }
    let at = admission.at;
    let mut effects = vec![];
    for change in &admission.changes {
        effects.extend(apply(tx, tag, change, at)?);
    }
    for job in admission.jobs {
        keep_id(tx, &job.id)?;
        effects.push(Effect::Queued(jobs::insert(tx, job)?));
    }
    for draft in &admission.deliveries {
        outbox::post(tx, tag, draft, at)?;
    }
    Ok(Verdict::Done(effects))
}

fn advance(tx: &Connection, admission: &Admission) -> Result<(), StoreError> {
    if admission.cursor.is_none() && admission.notes.is_empty() {
        return Ok(());
    }
    let mut lease = load_lease(tx, &admission.adapter)?;
    lease.cursor = admission.cursor.clone().or(lease.cursor);
    lease.notes.extend(admission.notes.clone());
    save_lease(tx, &admission.adapter, &lease)
}

fn find_seen(
    tx: &Connection,
    adapter: &AdapterId,
    event: &EventKey,
) -> Result<Verdict, StoreError> {
    let sql = "SELECT job, outcome FROM seen WHERE adapter = ?1 AND event = ?2";
    let known = tx.prepare_cached(sql)?.query_row([&adapter.0, &event.0], |row| {
        let job = row.get::<_, Option<String>>(0)?.map(JobId);
        Ok(Verdict::Duplicate { job, outcome: maybe_json::<Outcome>(row, "outcome")? })
    });
    Ok(known?)
}

/// `false` if it is known.
fn keep_seen(tx: &Connection, event: &EventKey, admission: &Admission) -> Result<bool, StoreError> {
    let sql =
        "INSERT OR IGNORE INTO seen (adapter, event, job, outcome, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let job = admission.jobs.first().map(|job| &job.id.0);
    let outcome = admission.outcome.as_ref().map(Json);
    let row = params![admission.adapter.0, event.0, job, outcome, millis(admission.at)];
    Ok(tx.prepare_cached(sql)?.execute(row)? > 0)
}

fn apply(tx: &Connection, tag: &str, change: &Change, at: Time) -> Result<Vec<Effect>, StoreError> {
    match change {
        Change::Cancel { job, by } => jobs::step(tx, tag, job, at, |job| job.cancel(by, at)),
        Change::Delete { job, image } => {
            media::delete(tx, tag, job, *image, at)?;
            Ok(vec![])
        }
        Change::Pause(paused) => {
            tx.execute("UPDATE settings SET paused = ?1", [paused])?;
            Ok(vec![Effect::Paused(*paused)])
        }
        Change::Prefer { adapter, room, defaults } => {
            rooms::prefer(tx, adapter, room, defaults)?;
            Ok(vec![])
        }
    }
}
