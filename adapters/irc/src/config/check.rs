//! What is wrong with a configuration, in sentences that name the key. Pure.
use super::{Channel, Config, HostmaskAccount, Server};
use crate::dial::Target;
use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

const LONGEST_PREFIX: usize = 20;
/// No server takes longer ones, in bytes.
const LONGEST_NICK: usize = 64;
const LONGEST_CHANNEL: usize = 200;
const LONGEST_KEY: usize = 100;
/// Whatever is waited for longer is not waited for.
const LONGEST_TIMEOUT: u64 = 24 * 60 * 60;
const MOST_LINES: usize = 10;

impl Config {
    /// Every problem, as `key: sentence`.
    pub fn problems(&self) -> Vec<String> {
        let mut found = vec![];
        self.check_server(&mut found);
        self.check_names(&mut found);
        self.check_channels(&mut found);
        self.check_login(&mut found);
        self.check_people(&mut found);
        self.check_pace(&mut found);
        found
    }

    fn check_server(&self, found: &mut Vec<String>) {
        if self.servers.is_empty() {
            found.push("server: is missing, such as irc.example.org:6697".to_owned());
        }
        for pin in self.pins.iter().filter(|pin| !is_pin(pin)) {
            found.push(format!("pins: `{pin}` is not sha256: or sha512: and hexadecimal digits"));
        }
        if self.client_cert_file.is_some() != self.client_key_file.is_some() {
            found.push("client_cert_file: needs client_key_file, and that needs it".to_owned());
        }
        if let Some(proxy) = &self.socks5
            && !proxy.address.parse::<Server>().is_ok_and(|server| server.port.is_some())
        {
            found.push("socks5: address must be HOST:PORT".to_owned());
        }
        let trusts = !self.pins.is_empty() || self.ca_file.is_some();
        if trusts && !(self.tls || self.sts) {
            found.push("tls: without it (and without sts) pins and ca_file do nothing".to_owned());
        }
    }

    fn check_names(&self, found: &mut Vec<String>) {
        for nick in std::iter::once(&self.nick).chain(&self.alt_nicks).filter(|n| !is_nick(n)) {
            found.push(format!("nick: `{nick}` is no nick that a server takes"));
        }
        // A colon at the beginning is no part of a word on the wire.
        let is_username = |name: &str| is_word(name) && !name.is_empty() && !name.starts_with(':');
        if !is_username(&self.username) {
            found.push("username: must be one word without a colon before it".to_owned());
        }
        if self.realname.contains(char::is_control) || self.realname.starts_with(':') {
            found.push("realname: must be one line without a colon before it".to_owned());
        }
    }

    fn check_channels(&self, found: &mut Vec<String>) {
        for room in self.channels.iter().filter(|room| !is_channel(&room.name)) {
            found.push(format!("channels: `{}` is no channel name", room.name));
        }
        let is_wrong = |room: &&Channel| room.key.as_ref().is_some_and(|key| !is_key(key));
        for room in self.channels.iter().filter(is_wrong) {
            found.push(format!("channels: the key of `{}` must be one short word", room.name));
        }
        let prefixes = self.channels.iter().filter_map(|room| room.prefix.as_ref());
        for prefix in prefixes.chain(&self.prefix).filter(|prefix| !is_prefix(prefix)) {
            found.push(format!("prefix: `{prefix}` is no short word or sign, such as \"!\""));
        }
    }

    fn check_login(&self, found: &mut Vec<String>) {
        let secret = self.sasl.is_some() || self.password.is_some() || self.password_file.is_some();
        let away = |server: &Server| !Target::new(server, false, None).is_secure();
        if secret && !self.tls && self.servers.iter().any(away) {
            found.push("tls: a password needs it, or everybody on the way reads it".to_owned());
        }
        let Some(sasl) = &self.sasl else { return };
        let certificate = self.client_cert_file.is_some();
        if sasl.account.is_empty() || sasl.account.contains(char::is_control) {
            found.push("sasl: account is missing".to_owned());
        }
        if !certificate && sasl.password.is_none() && sasl.password_file.is_none() {
            found.push("sasl: has no password: name a password_file".to_owned());
        }
    }

    fn check_people(&self, found: &mut Vec<String>) {
        for relay in &self.relays {
            let groups = ["nick", "text"];
            let has = |regex: &Regex| {
                groups.iter().all(|g| regex.capture_names().flatten().any(|n| n == *g))
            };
            if !Regex::new(&relay.pattern).as_ref().is_ok_and(has) {
                found.push(format!("relays: `{}` has no groups nick and text", relay.pattern));
            }
        }
        for HostmaskAccount { mask, .. } in &self.hostmask_accounts {
            let host = mask.rsplit_once('@').map_or("", |(_, host)| host);
            if !host.contains(|c: char| c.is_ascii_alphanumeric()) {
                found.push(format!("hostmask_accounts: `{mask}` names no host"));
            }
        }
    }

    fn check_pace(&self, found: &mut Vec<String>) {
        if self.flood.enabled && (self.flood.burst == 0 || self.flood.target_burst == 0) {
            found.push("flood: a burst must be at least 1".to_owned());
        }
        if !(1..=MOST_LINES).contains(&self.max_lines) {
            found.push(format!("max_lines: must be from 1 to {MOST_LINES}"));
        }
        let t = &self.timeouts;
        let all = [t.connect_secs, t.tls_secs, t.register_secs, t.sasl_secs, t.write_secs];
        let wrong = |seconds: &u64| !(1..=LONGEST_TIMEOUT).contains(seconds);
        if all.iter().chain([&t.idle_secs, &t.pong_secs]).any(wrong) {
            found.push("timeouts: must be from a second to a day".to_owned());
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn is_nick(nick: &str) -> bool {
    let special = |c: char| "[]\\`_^{|}".contains(c);
    nick.len() <= LONGEST_NICK
        && nick.starts_with(|c: char| c.is_ascii_alphabetic() || special(c))
        && nick.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || special(c))
}

fn is_channel(name: &str) -> bool {
    (2..=LONGEST_CHANNEL).contains(&name.len())
        && name.starts_with(['#', '&', '+', '!'])
        && is_word(name)
        && !name.contains(',')
}

fn is_key(key: &SecretString) -> bool {
    let key = key.expose_secret();
    is_word(key) && !key.contains(',') && !key.starts_with(':') && key.len() <= LONGEST_KEY
}

fn is_prefix(prefix: &str) -> bool {
    !prefix.is_empty()
        && prefix.chars().count() <= LONGEST_PREFIX
        && prefix.trim_start() == prefix
        && !prefix.contains(char::is_control)
}

/// SHA-256 has 64 hexadecimal digits, SHA-512 has 128.
fn is_pin(pin: &str) -> bool {
    let digits = match pin.split_once(':') {
        Some(("sha256", digits)) => Some((digits, 64)),
        Some(("sha512", digits)) => Some((digits, 128)),
        _ => None,
    };
    digits.is_some_and(|(digits, length)| {
        let digits = digits.replace(':', "");
        digits.len() == length && digits.chars().all(|c| c.is_ascii_hexdigit())
    })
}
