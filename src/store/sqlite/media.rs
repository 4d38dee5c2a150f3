//! Blobs, artifacts and links in rows; the bytes themselves are somebody else's.
use super::{
    columns::{Json, int, json, maybe_json, millis, time},
    jobs,
};
use crate::{
    job::Job,
    store::{BlobRow, LinkRow, StoreError, StoreStats, link},
};
use inkwire_core::{AdapterId, Artifact, ArtifactKind, JobId, Linked, MediaId, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) fn keep(tx: &Connection, blob: &BlobRow, at: Time) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO blobs (id, mime, bytes, width, height, at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let BlobRow { id, mime, bytes, width, height } = blob;
    tx.prepare_cached(sql)?.execute(params![id.0, mime, int(*bytes), width, height, millis(at)])?;
    Ok(())
}

pub(super) fn blob(tx: &Connection, id: &MediaId) -> Result<Option<BlobRow>, StoreError> {
    let sql = "SELECT id AS media, mime, bytes, width, height FROM blobs WHERE id = ?1";
    Ok(tx.prepare_cached(sql)?.query_row([&id.0], read_blob).optional()?)
}

fn read_blob(row: &Row<'_>) -> rusqlite::Result<BlobRow> {
    Ok(BlobRow {
        id: MediaId(row.get("media")?),
        mime: row.get("mime")?,
        bytes: row.get("bytes")?,
        width: row.get("width")?,
        height: row.get("height")?,
    })
}

pub(super) fn keep_artifact(
    tx: &Connection,
    job: &JobId,
    artifact: &Artifact,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO artifacts (job, grid, image, media, thumbnail, artifact)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Artifact { media, index, .. } = artifact;
    let grid = artifact.kind == ArtifactKind::Grid;
    let thumbnail = artifact.thumbnail.as_ref().map(|thumbnail| &thumbnail.0);
    let row = params![job.0, grid, index, media.0, thumbnail, Json(artifact)];
    tx.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Those that are still there; the grid first.
pub(super) fn artifacts(tx: &Connection, job: &JobId) -> Result<Vec<Artifact>, StoreError> {
    let sql = "SELECT artifact FROM artifacts WHERE job = ?1 ORDER BY grid DESC, image, number";
    let mut query = tx.prepare_cached(sql)?;
    let rows = query.query_map([&job.0], |row| json(row, "artifact"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A text has no job, which is an empty name in its row.
pub(super) fn keep_link(
    tx: &Connection,
    job: Option<&JobId>,
    link: &LinkRow,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO links (id, job, media, image, expires)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let LinkRow { id, media, image, expires } = link;
    let job = job.map_or("", |job| &job.0);
    tx.prepare_cached(sql)?.execute(params![id, job, media.0, image, millis(*expires)])?;
    Ok(())
}

pub(super) fn link(tx: &Connection, id: &str, now: Time) -> Result<Option<Linked>, StoreError> {
    let sql = "SELECT links.id, media, image, expires, mime, bytes, width, height, payloads.job
        FROM links JOIN blobs ON blobs.id = media LEFT JOIN jobs ON jobs.id = links.job
        LEFT JOIN payloads USING (number) WHERE links.id = ?1 AND expires > ?2
        AND (links.job = '' OR payloads.job IS NOT NULL)";
    let found = tx.prepare_cached(sql)?.query_row(params![id, millis(now)], |row| {
        let (media, image) = (MediaId(row.get("media")?), row.get("image")?);
        let link = LinkRow { id: row.get("id")?, media, image, expires: time(row, "expires")? };
        let job: Option<Job> = maybe_json(row, "job")?;
        Ok(link::linked(job.as_ref(), &link, read_blob(row)?))
    });
    Ok(found.optional()?)
}

/// Of an ended job. A grid shows every image, so it goes with any of them.
pub(super) fn delete(
    tx: &Connection,
    tag: &str,
    job: &JobId,
    image: Option<u16>,
    at: Time,
) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM jobs WHERE id = ?1 AND ended IS NOT NULL";
    if !tx.prepare_cached(sql)?.exists([&job.0])? {
        return Ok(());
    }
    for table in ["artifacts", "links"] {
        let gone = "job = ?1 AND (?2 IS NULL OR image IN (0, ?2))";
        let sql = format!("DELETE FROM {table} WHERE {gone}");
        tx.prepare_cached(&sql)?.execute(params![job.0, image])?;
    }
    let sql = "SELECT 1 FROM artifacts WHERE job = ?1";
    if tx.prepare_cached(sql)?.exists([&job.0])? {
        return Ok(());
    }
    jobs::retract(tx, tag, job, at)
}

pub(super) fn stats(tx: &Connection) -> Result<StoreStats, StoreError> {
    let sql = "SELECT adapter, count(*) FROM deliveries WHERE open = 1 GROUP BY adapter";
    let mut query = tx.prepare_cached(sql)?;
    let outbox = query.query_map([], |row| Ok((AdapterId(row.get(0)?), row.get(1)?)))?;
    let number = |sql| tx.query_row(sql, [], |row| row.get(0));
    Ok(StoreStats {
        outbox: outbox.collect::<Result<_, _>>()?,
        blob_bytes: number("SELECT coalesce(sum(bytes), 0) FROM blobs")?,
        links: number("SELECT count(*) FROM links")?,
        ..StoreStats::default()
    })
}
