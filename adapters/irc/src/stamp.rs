//! Reads what tags say about a message: when it was sent, by which account, in which batch.
//! Tags count only when their capability was granted; that is the caller's business.
use chrono::DateTime;
use inkwire_core::Time;
use irc::proto::{Message, message::Tag};

/// The value of a tag; an empty one counts as none.
pub(crate) fn tag<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let Tag(_, value) = message.tags.as_ref()?.iter().find(|Tag(key, _)| key == name)?;
    value.as_deref().filter(|value| !value.is_empty())
}

pub(crate) fn has_tag(message: &Message, name: &str) -> bool {
    message.tags.iter().flatten().any(|Tag(key, _)| key == name)
}

/// Whoever marks itself as a bot, by whatever name its server has for that.
pub(crate) fn is_robot(message: &Message) -> bool {
    let names = |key: &str| !key.starts_with('+') && key.rsplit('/').next() == Some("bot");
    message.tags.iter().flatten().any(|Tag(key, _)| names(key))
}

/// Server time of a message.
pub(crate) fn time(message: &Message) -> Option<Time> {
    let sent = DateTime::parse_from_rfc3339(tag(message, "time")?).ok()?;
    u64::try_from(sent.timestamp_millis()).ok().map(Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bots_are_marked_by_their_servers() {
        let check = |tags: &str| is_robot(&format!("@{tags} PING a").parse().unwrap());
        assert!(check("bot") && check("a=b;bot") && check("inspircd.org/bot") && check("bot="));
        assert!(!check("+bot") && !check("robot") && !check("account=bot") && !check("bot/x"));
    }

    fn check(line: &str, expected: Option<u64>) {
        assert_eq!(time(&line.parse().unwrap()), expected.map(Time), "{line}");
    }

    #[test]
    fn times_are_milliseconds_since_1970() {
        check("@time=1970-01-01T00:00:01.500Z PING a", Some(1500));
        check("@time=2026-11-20T08:00:00Z PING a", Some(1_795_161_600_000));
        check("@time=1960-01-01T00:00:00Z PING a", None);
        check("@time=yesterday PING a", None);
        check("@time PING a", None);
        check("PING a", None);
    }
}
