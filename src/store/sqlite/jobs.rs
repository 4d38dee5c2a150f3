//! Jobs and their parts in rows. What a step means is in `standing`; here it is written down.
use super::{
    columns::{Json, count, int, length, maybe_json, maybe_time, millis, state, state_name, time},
    media, outbox,
};
use crate::{
    job::{Attempt, Ending, Job},
    store::{
        Effect, Finish, Finished, IndexRow, JobRecord, OpenPart, Payload, StoreError,
        standing::{Part, Standing, Step},
    },
};
use inkwire_core::{AdapterId, JobId, Native, PersonId, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) const OPEN_JOBS: &str =
    "SELECT number, id, owner, owner_name, adapter, room, private, model, checkpoint,
        workflow, cost, created, begin_by, total, cancelled_by IS NOT NULL AS cancelling
        FROM jobs WHERE ended IS NULL ORDER BY number";
pub(super) const OPEN_PARTS: &str =
    "SELECT number, part, run_no, engine FROM parts WHERE ending IS NULL
        ORDER BY number, part";

/// A job between being read and being written.
struct Loaded {
    number: i64,
    before: Standing,
    now: Standing,
}

pub(super) fn insert(tx: &Connection, job: Job) -> Result<IndexRow, StoreError> {
    let standing = Standing::new(job);
    let row = standing.index();
    let keep = standing.job.keep.map(length);
    let sql = "INSERT INTO jobs (id, owner, owner_name, adapter, room, private, model, checkpoint,
        workflow, cost, created, begin_by, total, keep, state)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    tx.prepare_cached(sql)?.execute(params![
        row.job.0,
        row.owner.0,
        row.owner_name,
        row.adapter.0,
        row.room.0,
        row.private,
        row.model,
        row.checkpoint,
        row.workflow,
        int(row.cost),
        millis(row.created),
        millis(row.begin_by),
        row.total,
        keep,
        state_name(standing.state),
    ])?;
    let number = tx.last_insert_rowid();
    let sql = "INSERT INTO payloads (number, job) VALUES (?1, ?2)";
    tx.prepare_cached(sql)?.execute(params![number, Json(&standing.job)])?;
    for (index, part) in (0u8..).zip(&standing.parts) {
        save_part(tx, number, index, part)?;
    }
    Ok(row)
}

fn load(tx: &Connection, id: &JobId) -> Result<Option<Loaded>, StoreError> {
    let sql = "SELECT number, job, state, cancelled_by, engine, failure, ended, keep_until,
        retracted FROM jobs JOIN payloads USING (number) WHERE id = ?1";
    let found = tx.prepare_cached(sql)?.query_row([&id.0], read).optional()?;
    let Some((number, mut standing)) = found else { return Ok(None) };
    let sql = "SELECT run_no, engine, native, ending, spent FROM parts WHERE number = ?1
        ORDER BY part";
    let mut query = tx.prepare_cached(sql)?;
    let parts = query.query_map([number], |row| {
        Ok(Part {
            run_no: row.get("run_no")?,
            engine: row.get("engine")?,
            native: row.get("native")?,
            ending: maybe_json::<Ending>(row, "ending")?,
            spent: row.get("spent")?,
        })
    })?;
    standing.parts = parts.collect::<Result<_, _>>()?;
    Ok(Some(Loaded { number, before: standing.clone(), now: standing }))
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Standing)> {
    let job: Json<Job> = row.get("job")?;
    let standing = Standing {
        job: job.0,
        state: state(row)?,
        parts: vec![],
        cancelled_by: row.get::<_, Option<String>>("cancelled_by")?.map(PersonId),
        engine: row.get("engine")?,
        failure: maybe_json(row, "failure")?,
        ended: maybe_time(row, "ended")?,
        keep_until: maybe_time(row, "keep_until")?,
        retracted: row.get("retracted")?,
    };
    Ok((row.get("number")?, standing))
}

impl Loaded {
    fn save(
        self,
        tx: &Connection,
        tag: &str,
        step: Step,
        at: Time,
    ) -> Result<Vec<Effect>, StoreError> {
        let Self { number, before, now } = self;
        for (index, (new, old)) in (0u8..).zip(now.parts.iter().zip(&before.parts)) {
            if new != old {
                save_part(tx, number, index, new)?;
            }
        }
        if now != before {
            save_job(tx, number, &now)?;
        }
        for artifact in &step.artifacts {
            media::keep_artifact(tx, &now.job.id, artifact)?;
        }
        for link in &step.links {
            media::keep_link(tx, Some(&now.job.id), link)?;
        }
        for draft in &step.drafts {
            outbox::post(tx, tag, draft, at)?;
        }
        Ok(step.effects)
    }
}

fn save_job(tx: &Connection, number: i64, job: &Standing) -> Result<(), StoreError> {
    let sql = "UPDATE jobs SET state = ?2, cancelled_by = ?3, engine = ?4, failure = ?5,
        ended = ?6, keep_until = ?7, retracted = ?8 WHERE number = ?1";
    tx.prepare_cached(sql)?.execute(params![
        number,
        state_name(job.state),
        job.cancelled_by.as_ref().map(|by| &by.0),
        job.engine,
        job.failure.as_ref().map(Json),
        job.ended.map(millis),
        job.keep_until.map(millis),
        job.retracted,
    ])?;
    Ok(())
}

fn save_part(tx: &Connection, number: i64, index: u8, part: &Part) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO parts (number, part, run_no, engine, native, ending, spent)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let ending = part.ending.as_ref().map(Json);
    let Part { run_no, engine, native, .. } = part;
    let row = params![number, index, run_no, engine, native, ending, int(part.spent)];
    tx.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Nothing for a job that is not there.
pub(super) fn step(
    tx: &Connection,
    tag: &str,
    id: &JobId,
    at: Time,
    take: impl FnOnce(&mut Standing) -> Step,
) -> Result<Vec<Effect>, StoreError> {
    let Some(mut job) = load(tx, id)? else { return Ok(vec![]) };
    let step = take(&mut job.now);
    job.save(tx, tag, step, at)
}

pub(super) fn claim(
    tx: &Connection,
    tag: &str,
    attempt: &Attempt,
    engine: &str,
    at: Time,
) -> Result<Option<Payload>, StoreError> {
    let Some(mut job) = load(tx, &attempt.job)? else { return Ok(None) };
    let Some((payload, step)) = job.now.claim(attempt, engine) else { return Ok(None) };
    job.save(tx, tag, step, at)?;
    Ok(Some(payload))
}

pub(super) fn submitted(
    tx: &Connection,
    attempt: &Attempt,
    native: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE parts SET native = ?4
        WHERE number = (SELECT number FROM jobs WHERE id = ?1) AND part = ?2 AND run_no = ?3
        AND engine IS NOT NULL AND ending IS NULL";
    let row = params![attempt.job.0, attempt.part, attempt.run_no, native];
    tx.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

pub(super) fn finish(tx: &Connection, tag: &str, finish: Finish) -> Result<Finished, StoreError> {
    let (id, at) = (finish.attempt.job.clone(), finish.at);
    let Some(mut job) = load(tx, &id)? else { return Ok(Finished::Done(vec![])) };
    match job.now.finish(finish) {
        Ok(step) => job.save(tx, tag, step, at).map(Finished::Done),
        Err(images) => Ok(Finished::WantsGrid(images)),
    }
}

/// Called once none of an ended job's pictures is left.
pub(super) fn retract(tx: &Connection, tag: &str, id: &JobId, at: Time) -> Result<(), StoreError> {
    step(tx, tag, id, at, Standing::retract).map(drop)
}

pub(super) fn open_index(tx: &Connection) -> Result<Vec<IndexRow>, StoreError> {
    let mut query = tx.prepare_cached(OPEN_JOBS)?;
    let rows = query.query_map([], |row| Ok((row.get::<_, i64>("number")?, index_row(row)?)))?;
    let mut rows: Vec<(i64, IndexRow)> = rows.collect::<Result<_, _>>()?;
    let mut query = tx.prepare_cached(OPEN_PARTS)?;
    let mut parts = query.query([])?;
    let mut job = rows.iter_mut().peekable();
    while let Some(row) = parts.next()? {
        let number: i64 = row.get(0)?;
        while job.next_if(|(before, _)| *before < number).is_some() {}
        if let Some((_, found)) = job.peek_mut().filter(|found| found.0 == number) {
            let (part, run_no, claimed) = (row.get(1)?, row.get(2)?, row.get(3)?);
            found.parts.push(OpenPart { part, run_no, claimed });
        }
    }
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn index_row(row: &Row<'_>) -> rusqlite::Result<IndexRow> {
    Ok(IndexRow {
        job: JobId(row.get("id")?),
        owner: PersonId(row.get("owner")?),
        owner_name: row.get("owner_name")?,
        adapter: AdapterId(row.get("adapter")?),
        room: Native(row.get("room")?),
        private: row.get("private")?,
        model: row.get("model")?,
        checkpoint: row.get("checkpoint")?,
        workflow: row.get("workflow")?,
        cost: row.get("cost")?,
        created: time(row, "created")?,
        begin_by: time(row, "begin_by")?,
        total: row.get("total")?,
        cancelling: row.get("cancelling")?,
        parts: vec![],
    })
}

pub(super) fn record(tx: &Connection, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
    let Some(Loaded { now, .. }) = load(tx, id)? else { return Ok(None) };
    Ok(Some(JobRecord {
        artifacts: media::artifacts(tx, id)?,
        job: now.job,
        state: now.state,
        engine: now.engine,
        failure: now.failure,
        ended: now.ended,
        keep_until: now.keep_until,
    }))
}

pub(super) fn newest(
    tx: &Connection,
    owner: &PersonId,
    limit: usize,
) -> Result<Vec<JobId>, StoreError> {
    let sql = "SELECT id FROM jobs WHERE owner = ?1 ORDER BY number DESC LIMIT ?2";
    let mut query = tx.prepare_cached(sql)?;
    let ids = query.query_map(params![owner.0, count(limit)], |row| row.get(0).map(JobId))?;
    Ok(ids.collect::<Result<_, _>>()?)
}
