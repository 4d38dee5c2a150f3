//! Speakers who carry other people's words, and who those people are.
//! Somebody behind a relay is vouched for by nobody: no account, no operator, no admin.
use crate::{
    casemap::Casemap,
    config,
    masks::{Speaker, Who},
};
use regex::Regex;

/// Longer names are cut, in letters.
const LONGEST_NAME: usize = 64;
/// What marks a rank in a room, and stands before nicks.
const RANKS: &[char] = &['~', '&', '@', '%', '+'];

struct Relay {
    who: Who,
    pattern: Regex,
}

/// Somebody's words behind a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relayed<'a> {
    pub(crate) name: String,
    pub(crate) text: &'a str,
}

/// Whose words a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    Speaker,
    Behind(Relayed<'a>),
    /// A relay's, and it does not say whose: perhaps the second half of somebody's.
    Relay,
}

pub(crate) struct Relays(Vec<Relay>);

impl Relays {
    pub(crate) fn new(relays: &[config::Relay]) -> Self {
        let relay = |relay: &config::Relay| {
            let pattern = Regex::new(&relay.pattern).ok()?;
            Some(Relay { who: Who::new(&relay.who), pattern })
        };
        Self(relays.iter().filter_map(relay).collect())
    }

    /// `text` is plain.
    pub(crate) fn source<'a>(
        &self,
        casemap: Casemap,
        speaker: &Speaker,
        account: Option<&str>,
        text: &'a str,
    ) -> Source<'a> {
        let mut known = self.0.iter().filter(|relay| relay.who.is(casemap, speaker, account));
        if known.clone().next().is_none() {
            return Source::Speaker;
        }
        known.find_map(|relay| relay.unwrap(text)).map_or(Source::Relay, Source::Behind)
    }

    /// The words in a line that is a relay's if its speaker has the right account.
    pub(crate) fn perhaps<'a>(&self, text: &'a str) -> Option<Relayed<'a>> {
        let mut unsure = self.0.iter().filter(|relay| relay.who.needs_account());
        unsure.find_map(|relay| relay.unwrap(text))
    }
}

impl Relay {
    fn unwrap<'a>(&self, text: &'a str) -> Option<Relayed<'a>> {
        let found = self.pattern.captures(text)?;
        let name = found.name("nick")?.as_str().trim().trim_start_matches(RANKS).trim();
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let text = found.name("text")?.as_str();
        (!name.is_empty()).then_some(Relayed { name, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relays() -> Relays {
        let relay = |who: &str, pattern: &str| config::Relay {
            who: who.to_owned(),
            pattern: pattern.to_owned(),
        };
        Relays::new(&[
            relay("bridge!*@bridge.example", &config::Relay::usual_pattern()),
            relay("account:telegram", r"^\[(?P<nick>[^\]]*)\] (?P<text>.*)$"),
            relay("bridge", r"^\* (?P<nick>\S+): (?P<text>.*)$"),
        ])
    }

    fn speaker(nick: &str, host: &str) -> Speaker {
        Speaker { nick: nick.into(), user: "b".into(), host: host.into() }
    }

    /// Author and words; an empty author for a relay's own.
    fn check(host: &str, account: Option<&str>, text: &str, expected: Option<(&str, &str)>) {
        let source = relays().source(Casemap::Ascii, &speaker("Bridge", host), account, text);
        let found = match &source {
            Source::Speaker => None,
            Source::Behind(relayed) => Some((relayed.name.as_str(), relayed.text)),
            Source::Relay => Some(("", text)),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_relay_is_known_by_mask_or_account() {
        check("bridge.example", None, "<ann> !queue", Some(("ann", "!queue")));
        check("bridge.example", None, "* ann: !queue", Some(("ann", "!queue")));
        check("elsewhere", None, "<ann> !queue", Some(("", "<ann> !queue")));
        check("bridge.example", None, "[ann] !queue", Some(("", "[ann] !queue")));
        check("elsewhere", Some("Telegram"), "[ann] !queue", Some(("ann", "!queue")));
        let stranger = speaker("eve", "bridge.example");
        let source = relays().source(Casemap::Ascii, &stranger, None, "<ann> !queue");
        assert_eq!(source, Source::Speaker);
    }

    #[test]
    fn an_author_is_a_bare_name() {
        let check = |text, expected| check("bridge.example", None, text, expected);
        check("<@ann> hi", Some(("ann", "hi")));
        check("< +%ann > hi", Some(("ann", "hi")));
        check("<@> !queue", Some(("", "<@> !queue")));
        check("<ann> ", Some(("ann", "")));
        let long = format!("<{}> hi", "\u{e9}".repeat(100));
        check(&long, Some((&"\u{e9}".repeat(64), "hi")));
    }

    #[test]
    fn words_may_be_a_relays_before_its_account_is_known() {
        let relays = relays();
        let perhaps = |text| relays.perhaps(text).map(|relayed| relayed.name);
        assert_eq!(perhaps("[ann] !queue"), Some("ann".to_owned()));
        assert_eq!(perhaps("<ann> !queue"), None);
    }
}
