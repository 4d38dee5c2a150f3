//! Why a server ends a connection, and how long to stay away from it.
//! Hammering a server that said no turns minutes into bans.
use crate::strip::plain;
use inkwire_core::AdapterError;
use std::time::Duration;

pub(crate) const BANNED: Duration = Duration::from_mins(15);
pub(crate) const THROTTLED: Duration = Duration::from_secs(90);

const BANS: &[&str] = &[
    "banned",
    "k-line",
    "g-line",
    "z-line",
    "k:line",
    "g:line",
    "z:line",
    "d-line",
    "kline",
    "gline",
    "zline",
    "dline",
    "akill",
    "autokill",
    "blacklist",
    "blocklist",
    "dnsbl",
];
const THROTTLES: &[&str] = &[
    "throttl",
    "too many connections",
    "too many host",
    "too many unknown",
    "too fast",
    "session limit",
    "try again later",
];

/// What an `ERROR` or a refusal during registration means.
pub(crate) fn parting(reason: &str) -> AdapterError {
    let reason: String = plain(reason).chars().take(200).collect();
    let lower = reason.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(BANS) {
        return AdapterError::SentAway { reason, wait: BANNED };
    }
    if says(THROTTLES) {
        return AdapterError::SentAway { reason, wait: THROTTLED };
    }
    if says(&["sasl access only", "bad password", "password incorrect"]) {
        return AdapterError::Unauthorized(reason);
    }
    AdapterError::Disconnected(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reason: &str, expected: &str) {
        assert_eq!(parting(reason).to_string(), format!("{expected}: {reason}"));
    }

    #[test]
    fn bans_and_throttles_are_told_from_hiccups() {
        check("Closing Link: 1.2.3.4 (K-Lined)", "sent away");
        check("Closing link: (u@h) [G-lined: spam]", "sent away");
        check("You are banned from this server", "sent away");
        check("Your host is trying to (re)connect too fast -- throttled", "sent away");
        check("Too many connections from your IP", "sent away");
        check("Session limit exceeded", "sent away");
        check("Throttling: reconnect later", "sent away");
        check("AutoKilled: open proxy", "sent away");
        check("Your address is listed in a DNSBL", "sent away");
        check("Closing link: (u@h) [Killed (op (why))]", "connection lost");
        check("Closing Link: 1.2.3.4 (K:Lined)", "sent away");
        check("You are banned (Z:line)", "sent away");
        check("Closing Link: (SASL access only)", "credentials refused");
        check("Closing link: Ping timeout", "connection lost");
    }

    #[test]
    fn a_ban_lasts_longer_than_a_throttle() {
        let wait = |reason| match parting(reason) {
            AdapterError::SentAway { wait, .. } => wait,
            _ => Duration::ZERO,
        };
        assert_eq!((wait("banned"), wait("throttled")), (BANNED, THROTTLED));
        assert_eq!((wait("K:lined"), wait("G:Line"), wait("z:lined")), (BANNED, BANNED, BANNED));
    }
}
