//! `make bench`: how fast and how small the service is, as one JSON document. Each figure is held
//! against a reference measured in the same run, in turns; only a ratio that misses its goal
//! fails (exit code 1). It tests nothing else and needs no network beyond this machine.
mod admissions;
mod bare;
mod disk;
mod door;
mod engine;
mod flow;
mod ircd;
mod process;
mod report;
mod service;

use anyhow::Context;
use engine::Engine;
use report::Report;
use std::{io::Write, process::ExitCode};
use tempfile::TempDir;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    // Beside the program: the usual place for such things may be memory, and a disk is wanted.
    let program = std::env::current_exe()?;
    let beside = program.parent().context("a folder to write into")?;
    let dir = TempDir::with_prefix_in("bench-", beside)?;
    let mut report = Report::begin();
    let engine = Engine::start().await?;
    flow::measure(&mut report, &engine, dir.path()).await?;
    admissions::measure(&mut report, &engine, dir.path()).await?;
    process::measure(&mut report, &engine, dir.path()).await?;
    let document = serde_json::to_string_pretty(&report.end())?;
    writeln!(std::io::stdout(), "{document}")?;
    Ok(if report.is_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
