//! Configuration: as written, then validated. It knows no other module; `app` gives each stage
//! the part that it needs. Secrets are values without Debug, read from files or the environment.
#![allow(clippy::ref_option, reason = "a key that may be missing, `At`, is handed on whole")]

mod catalogue;
mod check;
mod error;
mod irc;
mod load;
mod raw;
mod validate;

pub use crate::written::Problem;
pub use catalogue::{Access, Defaults, Model, Models, RoomOperators, Style};
pub use error::ConfigError;
pub use irc::Irc;
pub use load::{Environment, load};
pub use raw::{EngineKind, Format, Level};
pub use secrecy::SecretString;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};
use url::Url;

/// Everything, validated; immutable after start.
#[derive(Debug)]
pub struct Config {
    pub state_dir: PathBuf,
    pub log: Log,
    /// At least one, with different names.
    pub engines: Vec<Engine>,
    pub queue: Queue,
    pub limits: Limits,
    pub media: Media,
    pub telemetry: Telemetry,
    /// Networks, with different names.
    pub irc: Vec<Irc>,
    pub console: bool,
    pub triggers: Triggers,
    pub models: Models,
    /// By name.
    pub styles: BTreeMap<String, Style>,
    pub access: Access,
    /// A directory that adds to the shipped workflows.
    pub workflows: Option<PathBuf>,
    pub retention: Retention,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    pub level: Level,
    pub format: Format,
    pub prompts: bool,
}

#[derive(Debug)]
pub struct Engine {
    pub name: String,
    pub kind: EngineKind,
    /// HTTP or HTTPS, with path prefix, without credentials.
    pub url: Url,
    /// Sent with every request, by name.
    pub headers: BTreeMap<String, SecretString>,
    /// Certificates to trust besides the system's, as PEM.
    pub ca_file: Option<PathBuf>,
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    /// Models are unloaded after that much idleness; `None`: never.
    pub idle_unload: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    pub max_wait: Duration,
    /// How long one picture may take where its workflow says nothing.
    pub time_limit: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub per_user: Limit,
    pub per_room: Limit,
    pub everybody: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub messages_per_minute: u32,
    /// Messages that may come at once.
    pub burst: u32,
    /// Jobs.
    pub waiting: u32,
    /// Jobs.
    pub running: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Where people reach `listen`, ending in a slash; without it there are no links.
    pub public_url: Option<Url>,
    pub listen: SocketAddr,
    /// Reverse proxies, whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// All pictures together.
    pub max_bytes: u64,
    pub keep: Duration,
    pub private_keep: Duration,
    /// From 1 to 100.
    pub webp_quality: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telemetry {
    /// A loopback address.
    pub listen: SocketAddr,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Triggers {
    /// What a line begins with that is meant for us.
    pub prefixes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub recipes: Duration,
}

/// A complete, commented configuration; what `inkwire init` writes.
pub fn template() -> &'static str {
    include_str!("../../config/inkwire.example.yaml")
}

#[cfg(test)]
mod tests;
