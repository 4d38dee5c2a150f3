//! Strict transport security (capability `sts`): hosts that are reached by TLS alone for a while.
//! What a server promised is kept in the notes of the adapter; nothing here connects.
use crate::{caps::Caps, dial::Target};
use inkwire_core::{Notes, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

const STS: &str = "sts";
/// Nobody promises for longer.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// What a server says: the port that has TLS, and for how long it will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) port: Option<u16>,
    pub(crate) lasts: Option<Duration>,
}

impl Offer {
    pub(crate) fn of(caps: &Caps) -> Option<Self> {
        caps.offers(STS).then(|| Self::read(caps.value(STS)))
    }

    /// The value of the capability; keys that are unknown or make no sense are ignored.
    fn read(value: &str) -> Self {
        let key = |name: &str| {
            let found = value.split(',').filter_map(|pair| pair.split_once('='));
            found.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
        };
        let port = key("port").and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        let seconds = key("duration").and_then(|seconds| seconds.parse().ok());
        let lasts = seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST));
        Self { port, lasts }
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    port: u16,
    until: Time,
}

/// What a server promises for the future on the connection that we have to it: nothing without TLS.
pub(crate) fn promise(caps: &Caps, target: &Target, now: Time) -> Notes {
    let offer = Offer::of(caps).filter(|_| target.tls);
    let lasts = offer.and_then(|offer| offer.lasts);
    lasts.map(|lasts| note(&target.host, target.port, lasts, now)).into_iter().collect()
}

/// The port that has to be used for this host.
pub(crate) fn port(notes: &Notes, host: &str, now: Time) -> Option<u16> {
    let kept: Kept = serde_json::from_value(notes.get(&key(host))?.clone()).ok()?;
    (kept.until > now).then_some(kept.port)
}

/// A note that holds from now on; one that lasts no time forgets the host.
pub(crate) fn note(host: &str, port: u16, lasts: Duration, now: Time) -> (String, Value) {
    let until = if lasts.is_zero() { Time::default() } else { now.after(lasts) };
    let kept = Kept { port, until };
    (key(host), serde_json::to_value(kept).unwrap_or_default())
}

fn key(host: &str) -> String {
    format!("sts {}", host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, port: Option<u16>, lasts: Option<u64>) {
        let lasts = lasts.map(Duration::from_secs);
        assert_eq!(Offer::read(value), Offer { port, lasts }, "{value}");
    }

    #[test]
    fn offers_are_read() {
        check("port=6697", Some(6697), None);
        check("duration=10,port=12345,preload", Some(12345), Some(10));
        check("duration=0", None, Some(0));
        check("", None, None);
        check("port=0,duration=soon", None, None);
        check("port=70000,duration=-1", None, None);
        assert_eq!(Offer::read(&format!("duration={}", u64::MAX)).lasts, Some(LONGEST));
    }

    #[test]
    fn only_who_has_tls_can_promise_it() {
        let check = |caps: &str, tls, expected: Option<u16>| {
            let mut known = Caps::new(false);
            known.take(&format!("CAP * LS :{caps}").parse().unwrap());
            let target = Target { host: "irc.example".into(), port: 7000, tls };
            let notes = promise(&known, &target, Time(1_000));
            assert_eq!(port(&notes, "irc.example", Time(2_000)), expected, "{caps}");
        };
        check("sts=duration=10,port=6697", true, Some(7000));
        check("sts=duration=10,port=6697", false, None);
        check("sts=port=6697", true, None);
        check("sts=duration=0", true, None);
        check("batch", true, None);
    }

    #[test]
    fn a_promise_holds_for_its_time() {
        let (start, lasts) = (Time(1_000), Duration::from_secs(10));
        let mut notes = Notes::from([note("IRC.example", 6697, lasts, start)]);
        assert_eq!(port(&notes, "irc.EXAMPLE", start), Some(6697));
        assert_eq!(port(&notes, "irc.example", start.after(lasts)), None);
        assert_eq!(port(&notes, "other.example", start), None);
        notes.extend([note("irc.example", 6697, Duration::ZERO, start)]);
        assert_eq!(port(&notes, "irc.example", start), None);
        notes.insert("sts irc.example".into(), "nonsense".into());
        assert_eq!(port(&notes, "irc.example", start), None);
    }
}
