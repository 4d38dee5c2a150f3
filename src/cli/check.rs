//! `inkwire check`: everything that can be told about a configuration without asking anybody.
use super::{Failed, assemble, print::print, run};
use crate::workflow::check::offline;
use std::{path::Path, process::ExitCode};

pub(super) fn check(file: &Path) -> Result<ExitCode, Failed> {
    let config = run::read(file)?;
    let library = assemble::library(&config)?;
    assemble::policy(&config, run::now())?;
    assemble::engines(&config)?;
    assemble::adapters(&config)?;
    let mut problems: Vec<String> = config
        .models
        .models
        .iter()
        .filter(|(_, model)| library.get(&model.workflow).is_none())
        .map(|(name, model)| format!("model {name}: there is no workflow `{}`", model.workflow))
        .collect();
    for workflow in library.iter() {
        let findings = offline(workflow).into_iter().filter(|finding| finding.fails(false));
        problems.extend(findings.map(|finding| format!("workflow {}: {finding}", workflow.name)));
    }
    if !problems.is_empty() {
        return Err(Failed::Config(problems));
    }
    print(&format!(
        "{} is good. Engines: {}, models: {}, workflows: {}, IRC networks: {}.",
        file.display(),
        config.engines.len(),
        config.models.models.len(),
        library.iter().count(),
        config.irc.len()
    ));
    Ok(ExitCode::SUCCESS)
}
