//! From what was written to what holds: defaults, bounds, and rules between keys. It reads secret
//! files through the loader it is given, and nothing else.
use super::{
    Config, Engine, Limit, Limits, Log, Media, Queue, Retention, Telemetry, Triggers,
    check::{Check, is_line, is_name},
    irc,
    load::{Beside, Place},
    raw::{self, At, Format, Level},
};
use crate::written::Spanned;
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use url::Url;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MEGABYTE: u64 = 1024 * 1024;
/// Where a `ComfyUI` listens that was told nothing.
const ENGINE: &str = "http://127.0.0.1:8188/";
/// Headers that carry secrets and so do not belong into a configuration that is shown around.
const SECRET_HEADERS: [&str; 6] = [
    "authorization",
    "cf-access-client-secret",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-auth-token",
];

/// Everything from the main file; `beside` comes from the files that it names.
pub(super) fn whole(
    raw: raw::Config,
    beside: Beside,
    place: &Place<'_>,
    check: &mut Check,
) -> Config {
    let log = raw.log.unwrap_or_default();
    let queue = raw.queue.unwrap_or_default();
    let retention = raw.retention.unwrap_or_default();
    let media = media(check, &raw.media.unwrap_or_default());
    let irc = irc::networks(check, place, &raw.irc.unwrap_or_default());
    if media.public_url.is_none() && !irc.is_empty() {
        check.wrong(
            "media.public_url is missing: IRC shows pictures as links, so it must say where \
             people reach media.listen",
        );
    }
    Config {
        state_dir: place.path(&raw.state_dir).unwrap_or_else(|| place.below("inkwire-state")),
        log: Log {
            level: log.level.value().copied().unwrap_or(Level::Info),
            format: log.format.value().copied().unwrap_or(Format::Auto),
            prompts: log.prompts.value().copied().unwrap_or(false),
        },
        engines: engines(check, place, &raw.engines.unwrap_or_default()),
        queue: Queue {
            max_wait: check.span("queue.max_wait_secs", &queue.max_wait_secs, HOUR, 1),
            time_limit: check.span("queue.time_limit_secs", &queue.time_limit_secs, 600, 1),
        },
        limits: limits(check, raw.limits.unwrap_or_default()),
        media,
        telemetry: telemetry(check, &raw.telemetry.unwrap_or_default()),
        irc,
        console: raw.console.value().copied().unwrap_or(false),
        triggers: triggers(check, raw.triggers.unwrap_or_default()),
        models: beside.models,
        styles: beside.styles,
        access: beside.access,
        workflows: beside.workflows,
        retention: Retention {
            recipes: check.span("retention.recipes_days", &retention.recipes_days, 180, DAY),
        },
    }
}

fn engines(check: &mut Check, place: &Place<'_>, written: &[Spanned<raw::Engine>]) -> Vec<Engine> {
    if written.is_empty() {
        let local = Entry { name: "comfyui".to_owned(), key: "engines.comfyui".to_owned() };
        return engine(check, place, &raw::Engine::default(), &local).into_iter().collect();
    }
    let mut names = BTreeSet::new();
    let engines = check.each(written, |check, index, raw| {
        let entry = entry(check, &mut names, "engines", index, &raw.name);
        if raw.url.get().is_none() {
            check.wrong(format!("{}.url is missing, such as {ENGINE}", entry.key));
        }
        engine(check, place, raw, &entry)
    });
    engines.into_iter().flatten().collect()
}

/// `None` where its address is unusable, which is then a mistake already told.
fn engine(
    check: &mut Check,
    place: &Place<'_>,
    raw: &raw::Engine,
    entry: &Entry,
) -> Option<Engine> {
    let key = |key: &str| entry.key(key);
    let name = &entry.name;
    let url = match raw.url.get() {
        Some(url) => check.url(&key("url"), url),
        None => Url::parse(ENGINE).ok(),
    };
    let mut headers = headers(check, raw, &key("headers"));
    for (header, file) in raw.header_files.iter().flatten() {
        let variable = format!("ENGINE_{name}_{header}");
        let value = place.secret(check, &key(header), file, &variable);
        if value.is_none() && file.get().is_none() {
            check
                .wrong(format!("{} has no value: name its file, or set its variable", key(header)));
        }
        headers.extend(value.map(|value| (header.clone(), value)));
    }
    let token =
        place.secret(check, &key("token"), &raw.token_file, &format!("ENGINE_{name}_TOKEN"));
    headers.extend(token.map(|token| {
        let bearer = format!("Bearer {}", token.expose_secret());
        ("Authorization".to_owned(), SecretString::from(bearer))
    }));
    let idle = check.within(&key("idle_unload_secs"), &raw.idle_unload_secs, 600, 0..=DAY);
    Some(Engine {
        name: name.clone(),
        kind: raw.kind.value().copied().unwrap_or_default(),
        url: url?,
        headers,
        ca_file: place.existing(check, &key("ca_file"), &raw.ca_file),
        connect_timeout: check.span(&key("connect_timeout_secs"), &raw.connect_timeout_secs, 10, 1),
        request_timeout: check.span(&key("request_timeout_secs"), &raw.request_timeout_secs, 60, 1),
        idle_unload: (idle > 0).then(|| Duration::from_secs(idle)),
    })
}

fn headers(check: &mut Check, raw: &raw::Engine, key: &str) -> BTreeMap<String, SecretString> {
    let mut headers = BTreeMap::new();
    for (name, value) in raw.headers.iter().flatten() {
        let named = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if name.is_empty() || !named || !is_line(&value.value) {
            check.wrong_at(value, format!("{key}.{name} is not a header and its value"));
        } else if SECRET_HEADERS.contains(&name.to_lowercase().as_str()) {
            check.wrong_at(
                value,
                format!("{key}.{name} is a secret: use token_file or header_files"),
            );
        }
        headers.insert(name.clone(), SecretString::from(value.value.clone()));
    }
    headers
}

/// An entry of a list: its name, and how messages call it.
struct Entry {
    name: String,
    key: String,
}

impl Entry {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.key)
    }
}

/// The name must be one that no earlier entry has.
fn entry(
    check: &mut Check,
    seen: &mut BTreeSet<String>,
    list: &str,
    index: usize,
    written: &At<String>,
) -> Entry {
    let key = format!("{list}[{index}]");
    let wanted = "letters, digits, `-` and `_`";
    let name = check.text(&format!("{key}.name"), written, is_name, wanted);
    if let Some(written) = written.get()
        && !seen.insert(name.to_lowercase())
    {
        check.wrong_at(written, format!("{key}.name `{}` is taken already", written.value));
    }
    let key = if name.is_empty() { key } else { format!("{list}.{name}") };
    Entry { name, key }
}

fn limits(check: &mut Check, raw: raw::Limits) -> Limits {
    let mut limit = |key, raw: Option<raw::Limit>, or: Limit| {
        let raw = raw.unwrap_or_default();
        let mut within = |name, value: &At<u32>, default, most| {
            check.within(&format!("limits.{key}.{name}"), value, default, 1..=most)
        };
        Limit {
            messages_per_minute: within(
                "messages_per_minute",
                &raw.messages_per_minute,
                or.messages_per_minute,
                60_000,
            ),
            burst: within("burst", &raw.burst, or.burst, 60_000),
            waiting: within("waiting", &raw.waiting, or.waiting, 100_000),
            running: within("running", &raw.running, or.running, 1_000),
        }
    };
    let of = |messages_per_minute, burst, waiting, running| Limit {
        messages_per_minute,
        burst,
        waiting,
        running,
    };
    Limits {
        per_user: limit("per_user", raw.per_user, of(12, 6, 8, 2)),
        per_room: limit("per_room", raw.per_room, of(60, 20, 40, 8)),
        everybody: limit("everybody", raw.everybody, of(600, 200, 1_000, 64)),
    }
}

fn media(check: &mut Check, raw: &raw::Media) -> Media {
    Media {
        public_url: raw.public_url.get().and_then(|url| check.url("media.public_url", url)),
        listen: check.address("media.listen", &raw.listen, loopback(8780)),
        proxies: proxies(check, raw.proxies.as_deref()),
        max_bytes: check.within("media.max_bytes", &raw.max_bytes, 10 << 30, MEGABYTE..=u64::MAX),
        keep: check.span("media.keep_days", &raw.keep_days, 30, DAY),
        private_keep: check.span("media.private_keep_hours", &raw.private_keep_hours, 24, HOUR),
        webp_quality: check.within("media.webp_quality", &raw.webp_quality, 80, 1..=100),
    }
}

fn proxies(check: &mut Check, written: Option<&[Spanned<String>]>) -> Vec<IpAddr> {
    let Some(written) = written else {
        return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    };
    let mut address = |written: &Spanned<String>| {
        let read = written.value.parse();
        if read.is_err() {
            check.wrong_at(written, "media.proxies must hold addresses, such as 10.0.0.2");
        }
        read.ok()
    };
    written.iter().filter_map(&mut address).collect()
}

fn telemetry(check: &mut Check, raw: &raw::Telemetry) -> Telemetry {
    let listen = check.address("telemetry.listen", &raw.listen, loopback(9600));
    if let Some(value) = raw.listen.get().filter(|_| !listen.ip().is_loopback()) {
        check.wrong_at(value, "telemetry.listen must be a loopback address: it is not protected");
    }
    Telemetry { listen }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn triggers(check: &mut Check, raw: raw::Triggers) -> Triggers {
    let Some(prefixes) = raw.prefixes else { return Triggers { prefixes: vec!["!".to_owned()] } };
    for prefix in &prefixes {
        is_prefix(check, "triggers.prefixes", prefix);
    }
    Triggers { prefixes: prefixes.into_iter().map(|prefix| prefix.value).collect() }
}

fn is_prefix(check: &mut Check, key: &str, prefix: &Spanned<String>) {
    let long = prefix.value.chars().count() > 20;
    if long || prefix.value.trim_start() != prefix.value || !is_line(&prefix.value) {
        check.wrong_at(prefix, format!("{key} must be a short word or sign, such as \"!\""));
    }
}
