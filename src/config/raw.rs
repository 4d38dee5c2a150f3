//! The configuration exactly as it is written: every key is optional here, unknown keys are
//! errors, and every value knows its line. What a key means and allows is told in
//! `config/inkwire.example.yaml`; whether a value is right is decided in `validate`.
use super::Irc;
use crate::written::Spanned;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// A value with its place, if it was written.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct At<T>(Option<Spanned<T>>);

impl<T> At<T> {
    pub(super) fn get(&self) -> Option<&Spanned<T>> {
        self.0.as_ref()
    }

    pub(super) fn value(&self) -> Option<&T> {
        self.get().map(|written| &written.value)
    }
}

impl<T> Default for At<T> {
    fn default() -> Self {
        Self(None)
    }
}

macro_rules! written {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $key:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name { $($(#[$doc])* pub(super) $key: $type,)* }
    };
}
pub(super) use written;

written!(Config {
    /// Holds the database, the pictures and the admin socket.
    state_dir: At<PathBuf>,
    log: Option<Log>,
    engines: Option<Vec<Spanned<Engine>>>,
    queue: Option<Queue>,
    limits: Option<Limits>,
    media: Option<Media>,
    telemetry: Option<Telemetry>,
    irc: Option<Vec<Spanned<Irc>>>,
    /// A console on standard input and output.
    console: At<bool>,
    triggers: Option<Triggers>,
    files: Option<Files>,
    retention: Option<Retention>,
});

written!(Log {
    level: At<Level>,
    format: At<Format>,
    /// Whether prompts may be logged.
    prompts: At<bool>,
});

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    Pretty,
    Json,
}

written!(Engine {
    name: At<String>,
    kind: At<EngineKind>,
    /// With path prefix, without credentials.
    url: At<String>,
    /// Sent with every request; not for secrets.
    headers: Option<BTreeMap<String, Spanned<String>>>,
    /// Headers whose values are secrets, each in a file of its own or in the environment.
    header_files: Option<BTreeMap<String, At<PathBuf>>>,
    /// Sent as `Authorization: Bearer`.
    token_file: At<PathBuf>,
    /// Certificates to trust besides the system's, as PEM.
    ca_file: At<PathBuf>,
    connect_timeout_secs: At<u64>,
    request_timeout_secs: At<u64>,
    /// Models are unloaded after that much idleness; 0: never.
    idle_unload_secs: At<u64>,
});

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    #[default]
    Comfyui,
}

written!(Queue {
    /// A job that has not begun by then is given up.
    max_wait_secs: At<u64>,
    /// How long one picture may take where its workflow says nothing.
    time_limit_secs: At<u64>,
});

written!(Limits {
    per_user: Option<Limit>,
    per_room: Option<Limit>,
    everybody: Option<Limit>,
});

written!(Limit {
    messages_per_minute: At<u32>,
    /// Messages that may come at once.
    burst: At<u32>,
    /// Jobs.
    waiting: At<u32>,
    /// Jobs.
    running: At<u32>,
});

written!(Media {
    /// Where people reach `listen`: the beginning of every link.
    public_url: At<String>,
    listen: At<String>,
    /// Addresses whose `X-Forwarded-For` is believed.
    proxies: Option<Vec<Spanned<String>>>,
    max_bytes: At<u64>,
    keep_days: At<u64>,
    private_keep_hours: At<u64>,
    webp_quality: At<u8>,
});

written!(Telemetry {
    /// Health and metrics; a loopback address.
    listen: At<String>,
});

written!(Triggers {
    /// What a line begins with that is meant for us.
    prefixes: Option<Vec<Spanned<String>>>,
});

written!(Files {
    models: At<PathBuf>,
    styles: At<PathBuf>,
    access: At<PathBuf>,
    /// A directory.
    workflows: At<PathBuf>,
});

written!(Retention {
    recipes_days: At<u64>,
});
