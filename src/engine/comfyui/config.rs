//! Where a `ComfyUI` is and how patient we are with it; validated once, when the engine is built.
//! Secrets stand in types that print nothing, and go into headers marked as sensitive.
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::{path::PathBuf, time::Duration};
use url::Url;

/// One server; `Default` is a local one.
#[derive(Debug, Clone)]
pub struct ComfyConfig {
    /// What people call this engine.
    pub name: String,
    /// `http://` or `https://`, a path prefix allowed, credentials not.
    pub url: String,
    /// Sent with every request and with the socket's handshake.
    pub headers: Vec<(String, SecretString)>,
    /// Sent as `?token=`, for the log-in pages that ask for that.
    pub token: Option<SecretString>,
    /// PEM file of authorities that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// Ask for looks at unfinished pictures, where a server makes them on demand.
    pub previews: bool,
    pub times: Times,
    pub limits: Limits,
}

#[derive(Debug, Clone)]
pub struct Times {
    pub connect: Duration,
    /// One whole call, downloads and the catalogue excepted.
    pub call: Duration,
    /// One whole download, or the catalogue.
    pub transfer: Duration,
    /// An idle connection older than this is not used again: the server may have dropped it.
    pub idle_pool: Duration,
    /// Between looks at a prompt whose frames we hear.
    pub poll: Duration,
    /// Between looks at a prompt whose frames we do not hear.
    pub poll_blind: Duration,
    /// Between probes of the server.
    pub beat: Duration,
    pub catalog: Duration,
    pub ping: Duration,
    pub pong: Duration,
    /// Our own submit must be followed by some frame within this.
    pub silence: Duration,
    /// Between reconnects and repeated tries: from, to.
    pub backoff: (Duration, Duration),
    /// How long a server may be out of reach before its prompt is given up.
    pub unreachable: Duration,
    /// How long a server may answer 429 or 503.
    pub busy: Duration,
    /// How long prompts may wait while nothing runs.
    pub idle_queue: Duration,
    /// How long one prompt may run without any sign of progress.
    pub no_progress: Duration,
    /// How long to insist on a cancel before it is left to the probes.
    pub cancel: Duration,
    /// Between repeated interrupts.
    pub interrupt: Duration,
    /// An ended prompt stays in the server's history for this long, so that a crash before its
    /// pictures are kept does not paint them again.
    pub forget: Duration,
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of all files of one prompt.
    pub download: usize,
    /// Bytes of any other answer.
    pub answer: usize,
    /// Bytes of one WebSocket frame.
    pub frame: usize,
    /// Failed probes before the server counts as down.
    pub failures: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("engine {name}: {url:?} is no http or https address")]
    Url { name: String, url: String },
    #[error("engine {0}: put user and password into a header, not into the address")]
    Credentials(String),
    #[error("engine {name}: header {header:?} is not a valid one")]
    Header { name: String, header: String },
    #[error("engine {name}: cannot read authorities from {path}: {why}")]
    CaFile { name: String, path: String, why: String },
    #[error("engine {name}: {why}")]
    Client { name: String, why: String },
}

impl Default for ComfyConfig {
    fn default() -> Self {
        Self {
            name: "comfyui".into(),
            url: "http://127.0.0.1:8188".into(),
            headers: vec![],
            token: None,
            ca_file: None,
            previews: true,
            times: Times::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(5),
            call: seconds(15),
            transfer: seconds(120),
            idle_pool: seconds(20),
            poll: seconds(2),
            poll_blind: Duration::from_millis(500),
            beat: seconds(5),
            catalog: seconds(600),
            ping: seconds(20),
            pong: seconds(10),
            silence: seconds(2),
            backoff: (Duration::from_millis(250), seconds(15)),
            unreachable: seconds(60),
            busy: seconds(600),
            idle_queue: seconds(30),
            no_progress: seconds(900),
            cancel: seconds(300),
            interrupt: seconds(1),
            forget: seconds(10),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { download: 256 << 20, answer: 64 << 20, frame: 64 << 20, failures: 3 }
    }
}

impl ComfyConfig {
    /// The address with a path that ends in no slash.
    pub(super) fn base(&self) -> Result<Url, ConfigError> {
        let wrong = || ConfigError::Url { name: self.name.clone(), url: self.url.clone() };
        let url = Url::parse(&self.url).map_err(|_| wrong())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConfigError::Credentials(self.name.clone()));
        }
        let usable = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none();
        if usable { Ok(url) } else { Err(wrong()) }
    }

    pub(super) fn header_map(&self) -> Result<HeaderMap, ConfigError> {
        let mut map = HeaderMap::new();
        for (header, secret) in &self.headers {
            let wrong = || ConfigError::Header { name: self.name.clone(), header: header.clone() };
            let key = HeaderName::try_from(header.as_str()).map_err(|_| wrong())?;
            let mut value = HeaderValue::try_from(secret.expose_secret()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            map.append(key, value);
        }
        Ok(map)
    }
}
