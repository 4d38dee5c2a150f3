//! What the operator writes about one network, with its defaults.
//! What is wrong with it is told in `check`; nothing here reads a file but `secrets`.
mod check;
mod secrets;
#[cfg(test)]
mod tests;
mod written;

pub use secrets::Secret;

use secrecy::SecretString;
use serde::Deserialize;
use std::{fmt, io, net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

/// One network: one connection, one nick.
#[allow(clippy::struct_excessive_bools)] // each is a key of its own
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The adapter's id is `irc.NAME`.
    pub name: String,
    /// `HOST` or `HOST:PORT`, one or several: tried in turn.
    #[serde(rename = "server", deserialize_with = "written::servers")]
    pub servers: Vec<Server>,
    pub tls: bool,
    /// Certificates to trust beside the usual ones, as PEM.
    pub ca_file: Option<PathBuf>,
    /// `sha256:` or `sha512:` and the fingerprint of a server's certificate in hexadecimal, with or
    /// without colons. Where there are any, they alone decide.
    pub pins: Vec<String>,
    /// Our own certificate and its key, as PEM: what `EXTERNAL` logs in with.
    pub client_cert_file: Option<PathBuf>,
    pub client_key_file: Option<PathBuf>,
    /// Whether a server may insist on TLS for the future (the capability `sts`).
    pub sts: bool,
    /// The local address to connect from.
    pub bind: Option<IpAddr>,
    pub socks5: Option<Socks5>,
    pub nick: String,
    /// Tried in turn while `nick` is taken; without any `nick_`, `nick__`, `nick3` and so on.
    pub alt_nicks: Vec<String>,
    /// Whether to try again and again to get `nick` back.
    pub regain: bool,
    pub username: String,
    pub realname: String,
    /// The server's password, not that of an account.
    pub password_file: Option<PathBuf>,
    #[serde(skip)]
    pub password: Option<SecretString>,
    pub sasl: Option<Sasl>,
    pub channels: Vec<Channel>,
    /// Accounts whose invitations are followed, also into channels that are not listed.
    pub inviters: Vec<String>,
    /// Instead of the common prefixes, in every room and query of this network.
    pub prefix: Option<String>,
    /// Who carries other people's words.
    pub relays: Vec<Relay>,
    /// Masks such as `*!*@bots.example` of whom nothing is heard.
    pub ignore: Vec<String>,
    /// Hosts that count as an account though no services say so. Hosts can be forged.
    pub hostmask_accounts: Vec<HostmaskAccount>,
    /// How help and errors are said in a room; results are always `privmsg`.
    pub answers: Verb,
    /// Lines of one answer; what does not fit is behind a link.
    pub max_lines: usize,
    /// Whether anybody is told what program this is.
    pub ctcp: bool,
    pub flood: Flood,
    pub timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::new(),
            servers: vec![],
            tls: true,
            ca_file: None,
            pins: vec![],
            client_cert_file: None,
            client_key_file: None,
            sts: true,
            bind: None,
            socks5: None,
            nick: "inkwire".into(),
            alt_nicks: vec![],
            regain: true,
            username: "inkwire".into(),
            realname: "inkwire, pictures from words".into(),
            password_file: None,
            password: None,
            sasl: None,
            channels: vec![],
            inviters: vec![],
            prefix: None,
            relays: vec![],
            ignore: vec![],
            hostmask_accounts: vec![],
            answers: Verb::Notice,
            max_lines: 2,
            ctcp: true,
            flood: Flood::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Where a network is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    /// 6697 with TLS, 6667 without.
    pub port: Option<u16>,
}

impl Server {
    pub fn port(&self, tls: bool) -> u16 {
        self.port.unwrap_or(if tls { 6697 } else { 6667 })
    }
}

/// `HOST`, `HOST:PORT`, or `[::1]:PORT` for an IPv6 address.
impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not HOST or HOST:PORT");
        let (host, port) = match text.rsplit_once(':') {
            Some((host, _)) if host.contains(':') && !host.ends_with(']') => (text, None),
            Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = port.map(|port| port.parse().map_err(|_| wrong())).transpose()?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || !host.chars().all(fits) || port == Some(0) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// A proxy that all connections to this network go through; it also resolves names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Socks5 {
    /// `HOST:PORT`.
    pub address: String,
    pub username: Option<String>,
    pub password_file: Option<PathBuf>,
    #[serde(skip)]
    pub password: Option<SecretString>,
}

/// An account to log in to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sasl {
    pub account: String,
    pub password_file: Option<PathBuf>,
    #[serde(skip)]
    pub password: Option<SecretString>,
    /// Tried in this order, as far as the server offers them and we can.
    pub mechanisms: Vec<Mechanism>,
    pub on_failure: OnFailure,
}

impl Sasl {
    /// The mechanisms that can be tried, in their order.
    pub fn order(&self) -> &[Mechanism] {
        const ALL: [Mechanism; 3] = [Mechanism::ScramSha256, Mechanism::External, Mechanism::Plain];
        if self.mechanisms.is_empty() { &ALL } else { &self.mechanisms }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "EXTERNAL")]
    External,
    #[serde(rename = "PLAIN")]
    Plain,
}

/// What a login that does not work means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Hang up and come back later.
    #[default]
    Retry,
    /// Go on without an account, and log in as soon as the server offers it again.
    Continue,
}

/// Written as `"#art"` or as `{ name: "#art", key_file: secrets/art }`.
#[derive(Debug, Clone)]
pub struct Channel {
    pub name: String,
    pub key: Option<SecretString>,
    pub key_file: Option<PathBuf>,
    /// Instead of every other prefix.
    pub prefix: Option<String>,
}

impl From<&str> for Channel {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), key: None, key_file: None, prefix: None }
    }
}

/// A speaker whose lines carry somebody else's words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// A mask such as `bridge!*@bridge.example`, or `account:NAME`.
    pub who: String,
    /// A regular expression with the groups `nick` and `text`.
    #[serde(default = "Relay::usual_pattern")]
    pub pattern: String,
}

impl Relay {
    /// `<nick> text`, as most bridges write.
    pub fn usual_pattern() -> String {
        r"^<(?P<nick>[^>]+)> (?P<text>.*)$".to_owned()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostmaskAccount {
    /// Such as `*!*@staff.example`; must name a host.
    pub mask: String,
    pub account: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Privmsg,
    Notice,
}

/// How fast we speak: so many lines at once, then one per interval.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flood {
    pub enabled: bool,
    pub burst: u32,
    pub interval_ms: u64,
    /// The same for each room or person.
    pub target_burst: u32,
    pub target_interval_ms: u64,
}

impl Default for Flood {
    fn default() -> Self {
        Self {
            enabled: true,
            burst: 4,
            interval_ms: 2000,
            target_burst: 2,
            target_interval_ms: 3000,
        }
    }
}

impl Flood {
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }
}

/// How long things may take, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    pub connect_secs: u64,
    pub tls_secs: u64,
    /// From the first byte to the server's welcome.
    pub register_secs: u64,
    pub sasl_secs: u64,
    pub write_secs: u64,
    /// Silence after which the server is asked whether it is there.
    pub idle_secs: u64,
    pub pong_secs: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_secs: 15,
            tls_secs: 15,
            register_secs: 30,
            sasl_secs: 15,
            write_secs: 20,
            idle_secs: 60,
            pong_secs: 30,
        }
    }
}

impl Timeouts {
    pub(crate) fn write(&self) -> Duration {
        Duration::from_secs(self.write_secs)
    }
}

/// Why a configured network cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{0}")]
    Invalid(String),
}
