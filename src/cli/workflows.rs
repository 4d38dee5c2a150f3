//! `inkwire workflows check`: what is wrong with templates, offline or against an engine.
use super::{Failed, assemble, look::look, print::print, run};
use crate::{
    config::{Config, Environment, load},
    engine::{Status, comfyui::ComfyConfig},
    workflow::{
        Library,
        check::{against, offline},
    },
};
use clap::Subcommand;
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check all of them: shipped, and in the configured folder.
    Check(Check),
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// A folder with more workflows, instead of the configured one.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The configuration; without one, the shipped models are checked.
    #[arg(short, long)]
    config: Option<PathBuf>,
    /// Check against this engine's nodes and models as well.
    #[arg(long, value_name = "URL")]
    engine: Option<String>,
    /// A model file that is missing on the engine is a failure.
    #[arg(long)]
    strict: bool,
}

pub(super) async fn workflows(command: Command) -> Result<ExitCode, Failed> {
    let Command::Check(check) = command;
    let config = match &check.config {
        Some(file) => run::read(file)?,
        None => load(None, &Environment::default()).map_err(anyhow::Error::from)?,
    };
    let library = match &check.dir {
        Some(dir) => loaded(Library::load(dir))?,
        None => assemble::library(&config)?,
    };
    let status = match check.engine {
        Some(url) => Some(
            look(ComfyConfig { url, ..ComfyConfig::default() })
                .await
                .map_err(|why| anyhow::anyhow!("the engine cannot be asked: {why}"))?,
        ),
        None => None,
    };
    let failed = report(&library, &config, status.as_ref(), check.strict);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn loaded(
    (library, problems): (Library, Vec<crate::workflow::Problem>),
) -> Result<Library, Failed> {
    if problems.is_empty() {
        Ok(library)
    } else {
        Err(Failed::Config(problems.iter().map(ToString::to_string).collect()))
    }
}

/// One paragraph a workflow; whether any of them fails.
fn report(library: &Library, config: &Config, status: Option<&Status>, strict: bool) -> bool {
    let mut failed = false;
    for workflow in library.iter() {
        let mut findings = offline(workflow);
        if let Some(status) = status {
            let models = config.models.models.values();
            let of_it = models.filter(|model| model.workflow == workflow.name);
            let files: Vec<String> = of_it.map(|model| model.checkpoint.clone()).collect();
            findings.extend(against(workflow, &status.catalog.nodes, &files));
        }
        findings.sort();
        findings.dedup();
        let fails = findings.iter().any(|finding| finding.fails(strict));
        failed |= fails;
        let word = match findings.as_slice() {
            [] => "good",
            _ if fails => "not good",
            _ => "good, once its models are there",
        };
        print(&format!("{}: {word}", workflow.name));
        for finding in findings {
            print(&format!("  - {finding}"));
        }
    }
    failed
}
