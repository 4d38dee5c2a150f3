//! How many requests a second the service can promise to keep, when many ask at a time.
//! Each is one request of a person of its own, acknowledged when it is on the disk.
use crate::{
    disk::Disk,
    door::{Door, say},
    engine::Engine,
    report::{Goal, Line, Report, Samples},
    service::Service,
};
use anyhow::{Context, ensure};
use inkwire_core::Inbox;
use rusqlite::Connection;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::task::{JoinSet, spawn_blocking};

const CALLERS: u32 = 256;
/// Requests of each caller in one round.
const EACH: u32 = 8;
const ROUNDS: u32 = 5;
/// How long the disk alone is measured, before and after each round.
const ALONE: Duration = Duration::from_millis(250);

/// Requests that a raw database takes in one commit, and how many such commits.
const BATCH: u32 = 128;
const COMMITS: u32 = 10;
/// Rows of one request: its id, its key, the job, its payload, its part, the answer, its words.
const ROWS: u32 = 7;

/// The goal, in syncs of one caller. A disk that syncs nearly as fast as a database inserts puts
/// it out of reach; `raw_inserts_per_second` beside it tells.
const SYNCS: f64 = 50.0;

/// Requests, syncs and raw requests a second, in one round.
struct Round {
    admitted: f64,
    synced: f64,
    inserted: f64,
}

pub(crate) async fn measure(
    report: &mut Report,
    engine: &Engine,
    dir: &Path,
) -> anyhow::Result<()> {
    let (adapter, mut inbox) = Door::new();
    let service = Service::start(engine, dir, adapter).await?;
    let inbox = inbox.wait_for(Option::is_some).await?.clone().context("an inbox")?;
    // Nothing is painted meanwhile.
    let paused = say(&inbox, "op", "admin pause").await?;
    ensure!(paused.outcome.is_some(), "not paused");
    let mut rounds = vec![];
    let before = service.fsyncs().await?;
    for number in 0..ROUNDS {
        let (first, inserted) = alone(dir).await?;
        let admitted = together(&inbox, number).await?;
        let (second, inserted_again) = alone(dir).await?;
        let synced = f64::midpoint(first, second);
        let inserted = f64::midpoint(inserted, inserted_again);
        rounds.push(Round { admitted, synced, inserted });
    }
    let fsyncs = u32::try_from(service.fsyncs().await? - before)?;
    write(report, &rounds, f64::from(ROUNDS * CALLERS * EACH) / f64::from(fsyncs));
    service.end().await
}

fn write(report: &mut Report, rounds: &[Round], together: f64) {
    let all = |of: fn(&Round) -> f64| Samples::new(rounds.iter().map(of)).median();
    let line = (all(|round| round.admitted), "requests/s");
    let reference = ("fdatasyncs of one caller, each second", all(|round| round.synced));
    let ratio = (all(|round| round.admitted / round.synced), Goal::AtLeast(SYNCS));
    report.add(Line::with_ratio("admissions", line, reference, ratio).beside([
        ("requests_per_fsync", together),
        ("raw_inserts_per_second", all(|round| round.inserted)),
        ("of_raw_inserts", all(|round| round.admitted / round.inserted)),
    ]));
}

/// Requests a second of all callers, each of which waits for its answer before it asks again.
async fn together(inbox: &Inbox, round: u32) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let inbox = inbox.clone();
        callers.spawn(async move { ask(&inbox, round, caller).await });
    }
    while let Some(asked) = callers.join_next().await {
        asked??;
    }
    Ok(f64::from(CALLERS * EACH) / began.elapsed().as_secs_f64())
}

async fn ask(inbox: &Inbox, round: u32, caller: u32) -> anyhow::Result<()> {
    for number in 0..EACH {
        let person = format!("person-{round}-{caller}-{number}");
        let admitted = say(inbox, &person, "imagine a red fox in the snow, at dawn").await?;
        ensure!(admitted.job.is_some(), "refused: {admitted:?}");
    }
    Ok(())
}

/// What one caller gets out of the disk, and out of SQLite without a service around it.
async fn alone(dir: &Path) -> anyhow::Result<(f64, f64)> {
    let dir = dir.to_owned();
    spawn_blocking(move || Ok((syncs(&dir)?, rows(&dir)?))).await?
}

fn syncs(dir: &Path) -> anyhow::Result<f64> {
    let mut disk = Disk::open(dir)?;
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < ALONE {
        disk.fdatasync()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// Requests as plain rows, a payload of 1 KiB and small ones, forced to disk in batches.
fn rows(dir: &Path) -> anyhow::Result<f64> {
    let file = tempfile::Builder::new().suffix(".db").tempfile_in(dir)?;
    let mut conn = Connection::open(file.path())?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE rows (id INTEGER PRIMARY KEY, owner TEXT, at INTEGER, payload BLOB);
         CREATE INDEX by_owner ON rows (owner); CREATE INDEX by_time ON rows (at);",
    )?;
    let began = Instant::now();
    for commit in 0..COMMITS {
        let tx = conn.transaction()?;
        for row in 0..BATCH * ROWS {
            let bytes: &[u8] = if row % ROWS == 0 { &[7; 1024] } else { &[7; 64] };
            let sql = "INSERT INTO rows (owner, at, payload) VALUES (?1, ?2, ?3)";
            let owner = format!("person-{}", row * COMMITS + commit);
            tx.prepare_cached(sql)?.execute((owner, commit, bytes))?;
        }
        tx.commit()?;
    }
    Ok(f64::from(BATCH * COMMITS) / began.elapsed().as_secs_f64())
}
