//! `inkwire init`: a commented configuration to start from. It never overwrites.
use super::{Failed, print::print};
use crate::config;
use std::{fs::OpenOptions, io::Write, path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where to write it.
    #[arg(short, long, default_value = "inkwire.yaml")]
    config: PathBuf,
}

pub(super) fn init(options: &Options) -> Result<ExitCode, Failed> {
    let path = &options.config;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    file.write_all(config::template().as_bytes())?;
    print(&format!(
        "{} written. Edit it, then: inkwire check -c {0} && inkwire doctor -c {0} && inkwire run -c {0}",
        path.display()
    ));
    Ok(ExitCode::SUCCESS)
}
