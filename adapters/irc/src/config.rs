//! What the operator writes about one network, with defaults and checks.
//! Secrets come from files or from whoever fills them in; they are never printed.
use secrecy::SecretString;
use serde::Deserialize;
use std::{fs, io, net::IpAddr, path::Path, path::PathBuf};

/// One network: one connection, one nick.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub host: String,
    /// 6697 with TLS, 6667 without.
    pub port: Option<u16>,
    pub tls: bool,
    /// PEM certificates to trust beside the usual ones.
    pub ca_file: Option<PathBuf>,
    pub nick: String,
    pub username: String,
    pub realname: String,
    /// The server's password, not that of an account.
    pub password_file: Option<PathBuf>,
    #[serde(skip)]
    pub password: Option<SecretString>,
    pub sasl: Option<Sasl>,
    pub channels: Vec<Channel>,
    /// Instead of the common prefixes, in every room and query of this network.
    pub prefix: Option<String>,
    pub flood: Flood,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: None,
            tls: true,
            ca_file: None,
            nick: "inkwire".into(),
            username: "inkwire".into(),
            realname: "inkwire, pictures from words".into(),
            password_file: None,
            password: None,
            sasl: None,
            channels: vec![],
            prefix: None,
            flood: Flood::default(),
        }
    }
}

/// An account to log in to, by SASL PLAIN.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    pub username: String,
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    #[serde(skip)]
    pub password: Option<SecretString>,
}

/// Written as `"#art"` or as `{ name: "#art", key: secret }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Entry")]
pub struct Channel {
    pub name: String,
    pub key: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Name(String),
    Keyed { name: String, key: Option<SecretString> },
}

impl From<Entry> for Channel {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Name(name) => Self { name, key: None },
            Entry::Keyed { name, key } => Self { name, key },
        }
    }
}

impl From<&str> for Channel {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), key: None }
    }
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
            target_interval_ms: 2000,
        }
    }
}

impl Flood {
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
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

impl Config {
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { 6697 } else { 6667 })
    }

    /// Every problem, in plain sentences that name the key.
    pub fn problems(&self) -> Vec<String> {
        let mut found = vec![];
        if self.host.is_empty() || !is_word(&self.host) {
            found.push("host: must be a host name or an address".to_owned());
        }
        if !is_nick(&self.nick) {
            found.push(format!("nick: `{}` is no nick that a server takes", self.nick));
        }
        if !is_word(&self.username) || self.username.is_empty() {
            found.push("username: must be one word".to_owned());
        }
        for room in self.channels.iter().filter(|room| !is_channel(&room.name)) {
            found.push(format!("channels: `{}` is no channel name", room.name));
        }
        if self.flood.enabled && (self.flood.burst == 0 || self.flood.target_burst == 0) {
            found.push("flood: a burst must be at least 1".to_owned());
        }
        let secret = self.sasl.is_some() || self.password.is_some() || self.password_file.is_some();
        if secret && !self.tls && !is_local(&self.host) {
            found.push("tls: a password needs it, or everybody on the way reads it".to_owned());
        }
        found
    }

    /// Reads the files of the secrets that are not filled in yet.
    pub(crate) fn read_secrets(&mut self) -> Result<(), ConfigError> {
        fill(&mut self.password, self.password_file.as_deref())?;
        let Some(sasl) = &mut self.sasl else { return Ok(()) };
        fill(&mut sasl.password, sasl.password_file.as_deref())?;
        match sasl.password {
            Some(_) => Ok(()),
            None => Err(ConfigError::Invalid("sasl: needs a password_file".into())),
        }
    }
}

fn fill(secret: &mut Option<SecretString>, file: Option<&Path>) -> Result<(), ConfigError> {
    if let (None, Some(path)) = (&secret, file) {
        let text = fs::read_to_string(path)
            .map_err(|error| ConfigError::File { path: path.to_owned(), error })?;
        *secret = Some(SecretString::from(text.trim_end_matches(['\r', '\n'])));
    }
    Ok(())
}

fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn is_nick(nick: &str) -> bool {
    let special = |c: char| "[]\\`_^{|}".contains(c);
    nick.starts_with(|c: char| c.is_ascii_alphabetic() || special(c))
        && nick.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || special(c))
}

fn is_channel(name: &str) -> bool {
    name.len() > 1 && name.starts_with(['#', '&', '+', '!']) && is_word(name) && !name.contains(',')
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Config), expected: &[&str]) {
        let mut config = Config { host: "irc.example.org".into(), ..Config::default() };
        change(&mut config);
        let keys: Vec<_> = config.problems();
        let keys: Vec<_> = keys.iter().filter_map(|p| p.split(':').next()).collect();
        assert_eq!(keys, expected);
    }

    #[test]
    fn each_problem_names_its_key() {
        check(|_| (), &[]);
        check(|c| c.host = String::new(), &["host"]);
        check(|c| c.nick = "1up".into(), &["nick"]);
        check(|c| c.nick = "a b".into(), &["nick"]);
        check(|c| c.channels = vec!["#art".into(), "art".into(), "#a,b".into()], &["channels"; 2]);
        check(|c| (c.tls, c.password) = (false, Some("x".into())), &["tls"]);
        check(|c| (c.tls, c.password, c.host) = (false, Some("x".into()), "::1".into()), &[]);
        check(|c| c.flood.burst = 0, &["flood"]);
    }

    #[test]
    fn secrets_stay_out_of_sight() {
        let config = Config { password: Some("hunter2".into()), ..Config::default() };
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_channel_is_a_name_or_has_a_key() {
        let text = r##"{"host": "h", "channels": ["#a", {"name": "#b", "key": "k"}]}"##;
        let config: Config = serde_json::from_str(text).unwrap();
        let found: Vec<_> = config.channels.iter().map(|c| (&*c.name, c.key.is_some())).collect();
        assert_eq!(found, [("#a", false), ("#b", true)]);
        assert!(serde_json::from_str::<Config>(r#"{"hots": "h"}"#).is_err());
    }
}
