//! The configuration read again while the service runs: what it may replace, and which changed
//! keys wait for a restart. It replaces nothing itself.
use super::{Failed, assemble, run};
use crate::{
    app::{Reload, Reloaded},
    config::{Config, Limit, Limits, Media},
};
use inkwire_core::Time;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::{path::PathBuf, time::Duration};

/// Holds what is fixed now against what the file says each time.
pub(super) fn reload(file: PathBuf, config: &Config, up_since: Time) -> Reload {
    let fixed = fixed(config);
    let again = move || -> Result<Reloaded, Failed> {
        let config = run::read(&file)?;
        Ok(Reloaded {
            policy: assemble::policy(&config, up_since)?,
            library: assemble::library(&config)?,
            needs_restart: differing(&fixed, &self::fixed(&config)),
        })
    };
    Box::new(move || {
        again().map_err(|failed| match failed {
            Failed::Config(problems) => problems,
            Failed::Other(error) => vec![format!("{error:#}")],
        })
    })
}

/// Keys and what they say.
type Said = Vec<(&'static str, String)>;

fn differing(old: &Said, new: &Said) -> Vec<String> {
    let changed = old.iter().zip(new).filter(|(old, new)| old != new);
    changed.map(|((key, _), _)| (*key).to_owned()).collect()
}

/// All that a reload does not bring in; secrets are never shown by `Debug`.
fn fixed(config: &Config) -> Said {
    let limit = |limit: Limit| Limit { waiting: 0, ..limit };
    let Limits { per_user, per_room, everybody } = config.limits;
    let limits = [per_user, per_room, everybody].map(limit);
    let media = Media { private_keep: Duration::ZERO, ..config.media.clone() };
    vec![
        ("state_dir", config.state_dir.display().to_string()),
        ("log", format!("{:?}", config.log)),
        ("engines", format!("{:?}", config.engines)),
        ("limits", format!("{limits:?}")),
        ("media", format!("{media:?}")),
        ("telemetry", format!("{:?}", config.telemetry)),
        ("irc", format!("{:?}", config.irc)),
        ("console", config.console.to_string()),
        ("triggers", format!("{:?}", config.triggers)),
        ("retention", format!("{:?}", config.retention)),
        ("secrets", secrets(config)),
    ]
}

/// A fingerprint, so that a change is noticed and no secret is kept a second time.
fn secrets(config: &Config) -> String {
    let headers = config.engines.iter().flat_map(|engine| engine.headers.values());
    let mut hash = Sha256::new();
    for secret in headers.chain(of_irc(config)) {
        hash.update(Sha256::digest(secret.expose_secret()));
    }
    format!("{:x}", hash.finalize())
}

#[cfg(feature = "irc")]
fn of_irc(config: &Config) -> impl Iterator<Item = &SecretString> {
    config.irc.iter().flat_map(|network| {
        let sasl = network.sasl.iter().filter_map(|sasl| sasl.password.as_ref());
        let proxy = network.socks5.iter().filter_map(|proxy| proxy.password.as_ref());
        let keys = network.channels.iter().filter_map(|channel| channel.key.as_ref());
        network.password.iter().chain(sasl).chain(proxy).chain(keys)
    })
}

#[cfg(not(feature = "irc"))]
fn of_irc(_: &Config) -> impl Iterator<Item = &SecretString> {
    std::iter::empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, load};
    use std::fs;

    fn check(before: &str, after: &str, expected: &[&str]) {
        let place = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let file = place.path().join("inkwire.yaml");
            fs::write(&file, text).unwrap();
            fixed(&load(Some(&file), &Environment::default()).unwrap())
        };
        assert_eq!(differing(&read(before), &read(after)), expected, "{after}");
    }

    #[test]
    fn what_waits_for_a_restart_is_named() {
        check("", "console: true", &["console"]);
        check("", "queue: {max_wait_secs: 5}", &[]);
        check("", "limits: {per_user: {waiting: 3}}", &[]);
        check("", "limits: {per_user: {running: 3}}", &["limits"]);
        check("", "media: {private_keep_hours: 3}", &[]);
        check("", "media: {proxies: []}", &["media"]);
        let engine = |more: &str| format!("engines: [{{name: a, url: http://h, {more}}}]");
        check(&engine(""), &engine("idle_unload_secs: 5"), &["engines"]);
        check(&engine("headers: {X: a}"), &engine("headers: {X: b}"), &["secrets"]);
    }

    #[cfg(feature = "irc")]
    #[test]
    fn networks_wait_for_a_restart() {
        let irc = |more: &str| {
            let links = "media: {public_url: 'https://a.example'}";
            format!("{links}\nirc: [{{name: l, server: h, nick: ink, {more}}}]")
        };
        check(&irc(""), &irc("channels: [{name: '#art'}]"), &["irc"]);
        check(&irc(""), &irc("prefix: '%'"), &["irc"]);
        let key = |key: &str| irc(&format!("channels: [{{name: '#art', key: {key}}}]"));
        check(&key("a"), &key("b"), &["secrets"]);
    }
}
