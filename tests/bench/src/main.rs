//! `make bench`: how fast and how small the service is, as one JSON document. Each figure is held
//! against a reference measured in the same run, in turns; only a ratio that misses its goal
//! fails (exit code 1). It tests nothing else and needs no network beyond this machine.
mod admissions;
mod bare;
mod binary;
mod disk;
mod door;
mod engine;
mod flood;
mod flow;
mod idle;
mod ircd;
mod network;
mod process;
mod report;
mod round_trip;
mod service;
mod steps;

use anyhow::Context;
use engine::Engine;
use report::Report;
use std::{io::Write, path::Path, process::ExitCode};
use tempfile::TempDir;

/// What is measured together; each can be asked for alone, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Flow,
    Admissions,
    Process,
    RoundTrip,
    Flood,
    Idle,
}

impl Group {
    const ALL: [(&'static str, Self); 6] = [
        ("flow", Self::Flow),
        // Before those after which the disk has much to do.
        ("round-trip", Self::RoundTrip),
        ("admissions", Self::Admissions),
        ("process", Self::Process),
        ("flood", Self::Flood),
        ("idle", Self::Idle),
    ];

    async fn measure(self, report: &mut Report, engine: &Engine, dir: &Path) -> anyhow::Result<()> {
        match self {
            Self::Flow => flow::measure(report, engine, dir).await,
            Self::Admissions => admissions::measure(report, engine, dir).await,
            Self::Process => process::measure(report, engine, dir).await,
            Self::RoundTrip => round_trip::measure(report, engine, dir).await,
            Self::Flood => flood::measure(report).await,
            Self::Idle => idle::measure(report, engine, dir).await,
        }
    }
}

/// All where none is named.
fn wanted(names: impl Iterator<Item = String>) -> anyhow::Result<Vec<Group>> {
    let find = |name: String| {
        let known = Group::ALL.iter().find(|(known, _)| *known == name);
        known.map(|(_, group)| *group).with_context(|| format!("no `{name}` is measured"))
    };
    let asked: Vec<_> = names.map(find).collect::<Result<_, _>>()?;
    let all = Group::ALL.map(|(_, group)| group).to_vec();
    Ok(if asked.is_empty() { all } else { asked })
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    // Beside the program: the usual place for such things may be memory, and a disk is wanted.
    let program = std::env::current_exe()?;
    let beside = program.parent().context("a folder to write into")?;
    let dir = TempDir::with_prefix_in("bench-", beside)?;
    let mut report = Report::begin();
    let engine = Engine::start().await?;
    for group in wanted(std::env::args().skip(1))? {
        group.measure(&mut report, &engine, dir.path()).await?;
    }
    let document = serde_json::to_string_pretty(&report.end())?;
    writeln!(std::io::stdout(), "{document}")?;
    Ok(if report.is_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
