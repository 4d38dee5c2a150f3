//! Entry point: hands the command line to `cli` and exits with its code.
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    inkwire::cli::main().await
}
