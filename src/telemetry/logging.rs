//! Logs by `tracing`: pretty on a terminal, JSON otherwise, always on standard error.
//! What people typed is never logged at info; secrets are a type that cannot be.
use std::io::{self, IsTerminal};
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt, prelude::*};

/// What libraries say below this may hold headers, addresses and tokens.
const LIBRARIES: &str =
    "h2=info,hyper=info,hyper_util=info,reqwest=info,rustls=info,tungstenite=info";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Pretty on a terminal, JSON otherwise.
    #[default]
    Auto,
    Pretty,
    Json,
}

/// Starts logging for the whole process; a second call changes nothing.
///
/// # Errors
/// If `level` is neither a level nor a filter such as `info,inkwire::engine=debug`.
pub fn start(level: &str, format: Format) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(format!("{LIBRARIES},{level}"))?;
    let terminal = io::stderr().is_terminal();
    let json = format == Format::Json || (format == Format::Auto && !terminal);
    let writer = || io::stderr();
    let lines = if json {
        fmt::layer().json().flatten_event(true).with_writer(writer).boxed()
    } else {
        fmt::layer().compact().with_target(false).with_ansi(terminal).with_writer(writer).boxed()
    };
    // Already started: by a test, or by a program that has us as a library.
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
    Ok(())
}
