//! The only place that writes to the terminal for operators. A closed pipe is not an error.
use std::io::Write;

/// To standard error: problems and what goes on.
pub(super) fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// To standard output: what was asked for.
pub(super) fn print(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}
