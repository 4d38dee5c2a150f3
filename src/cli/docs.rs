//! `inkwire docs`: references made from the tables in the code, for docs/.
use super::print::print;
use crate::{intake::commands, telemetry::metrics};
use std::process::ExitCode;

#[derive(Debug, Clone, clap::ValueEnum)]
pub(super) enum What {
    Commands,
    Telemetry,
}

pub(super) fn docs(what: &What) -> ExitCode {
    let text = match what {
        What::Commands => commands::reference(),
        What::Telemetry => metrics::reference(),
    };
    print(text.trim_end());
    ExitCode::SUCCESS
}
