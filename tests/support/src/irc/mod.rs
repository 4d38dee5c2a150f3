//! Real IRC servers, services and people, as Debian packs them. Each is a process of its own on
//! ports of its own, gone when dropped. What is not installed is said aloud, so that a silent
//! skip cannot pass for a test.
mod atheme;
mod certificate;
mod client;
mod ergo;
mod inspircd;
mod ngircd;
mod person;
mod process;
mod weechat;

pub use atheme::{Account, Atheme};
pub use certificate::Certificate;
pub use client::Client;
pub use ergo::Ergo;
pub use inspircd::{Flood, Inspircd, Options};
pub use ngircd::Ngircd;
pub use person::Person;
pub use weechat::{Seen, Weechat};

use std::{path::Path, time::Duration};

/// What takes longer than this will never come.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// True, said aloud, where a program is not there.
fn missing(program: &str, package: &str) -> bool {
    let missing = !Path::new(program).exists();
    if missing {
        aloud(&format!("SKIPPED: {program} is not installed (apt package {package})"));
    }
    missing
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to read it")]
fn aloud(what: &str) {
    eprintln!("{what}");
}
