//! The command line: what it takes, and which file does it. It decides nothing about jobs and
//! prints for operators, never for chat.
mod assemble;
mod backup;
mod check;
#[cfg(all(feature = "console", feature = "http"))]
mod demo;
mod docs;
mod doctor;
mod init;
mod look;
#[cfg(all(feature = "console", feature = "http"))]
mod painter;
mod print;
mod reload;
mod run;
#[cfg(feature = "simulator")]
mod simulator;
mod socket;
mod source;
mod workflows;

use clap::{Parser, Subcommand};
use print::say;
use std::{path::PathBuf, process::ExitCode};

/// Exit codes of sysexits.h, as service managers know them.
const EX_CONFIG: u8 = 78;
const EX_FAILURE: u8 = 1;

#[derive(Debug, Parser)]
#[command(
    name = "inkwire",
    version,
    about = "Turns chat into pictures: Matrix, IRC and more in front of ComfyUI."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try everything at once, with nothing configured: type `!imagine a red fox`.
    #[cfg(all(feature = "console", feature = "http"))]
    Demo(demo::Options),
    /// Run the service.
    Run(Configured),
    /// Write a commented configuration to start from.
    Init(init::Options),
    /// Read the configuration and say all that is wrong with it.
    Check(Configured),
    /// Look at the whole set-up and say what to mend, and how.
    Doctor(doctor::Options),
    /// Run a simulated ComfyUI, which paints without a GPU.
    #[cfg(feature = "simulator")]
    Simulator(simulator::Options),
    /// Look after workflow templates.
    Workflows {
        #[command(subcommand)]
        what: workflows::Command,
    },
    /// Save database and pictures, also of a running service.
    Backup(backup::Backup),
    /// Put a backup back, or verify it.
    Restore(backup::Restore),
    /// Print a reference: `commands` or `telemetry`.
    #[command(hide = true)]
    Docs { what: docs::What },
}

#[derive(Debug, clap::Args)]
struct Configured {
    /// The configuration file.
    #[arg(short, long, default_value = "inkwire.yaml")]
    config: PathBuf,
}

/// Why a command failed: what the process answers with.
pub(crate) enum Failed {
    /// Every problem, each on lines of its own.
    Config(Vec<String>),
    Other(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

pub async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match act(arguments.command).await {
        Ok(code) => code,
        Err(Failed::Config(problems)) => {
            for problem in &problems {
                say(problem);
            }
            ExitCode::from(EX_CONFIG)
        }
        Err(Failed::Other(error)) => {
            say(&format!("inkwire: {error:#}"));
            ExitCode::from(EX_FAILURE)
        }
    }
}

async fn act(command: Command) -> Result<ExitCode, Failed> {
    match command {
        #[cfg(all(feature = "console", feature = "http"))]
        Command::Demo(options) => demo::demo(options).await,
        Command::Run(at) => run::run(&at.config).await,
        Command::Init(options) => init::init(&options),
        Command::Check(at) => check::check(&at.config),
        Command::Doctor(options) => doctor::doctor(&options).await,
        #[cfg(feature = "simulator")]
        Command::Simulator(options) => simulator::simulate(options).await,
        Command::Workflows { what } => workflows::workflows(what).await,
        Command::Backup(options) => backup::backup(&options).await,
        Command::Restore(options) => backup::restore(&options),
        Command::Docs { what } => Ok(docs::docs(&what)),
    }
}
