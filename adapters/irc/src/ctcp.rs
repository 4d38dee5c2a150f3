//! What we tell about ourselves when somebody's client asks ours: in private, and rarely.
//! Pure; whether it was asked in private, `receive` says.
use crate::{config::Config, line::IrcLine, quota::Quota};
use std::time::Duration;
use tokio::time::Instant;

/// Answers to all askers together.
const MOST: usize = 3;
const WITHIN: Duration = Duration::from_mins(1);
/// Bytes of a PING that are sent back.
const MAX_ECHO: usize = 100;
const VERSION: &str = concat!("VERSION inkwire ", env!("CARGO_PKG_VERSION"));
const SOURCE: &str = concat!("SOURCE inkwire, ", env!("CARGO_PKG_LICENSE"));
const CLIENTINFO: &str = "CLIENTINFO CLIENTINFO PING SOURCE VERSION";

pub(crate) struct Ctcp {
    enabled: bool,
    quota: Quota,
}

impl Ctcp {
    pub(crate) fn new(config: &Config) -> Self {
        Self { enabled: config.ctcp, quota: Quota::new(MOST, WITHIN) }
    }

    /// The answer to a question that was put to us alone: its word, and what follows that.
    pub(crate) fn answer(
        &mut self,
        nick: &str,
        word: &str,
        rest: &str,
        now: Instant,
    ) -> Option<IrcLine> {
        let answer = answer(word, rest).filter(|_| self.enabled)?;
        self.quota.take(now).then(|| IrcLine::ctcp_reply(nick, &answer)).flatten()
    }
}

fn answer(word: &str, rest: &str) -> Option<String> {
    match word.to_ascii_uppercase().as_str() {
        "VERSION" => Some(VERSION.to_owned()),
        "SOURCE" => Some(SOURCE.to_owned()),
        "CLIENTINFO" => Some(CLIENTINFO.to_owned()),
        "PING" => Some(format!("PING {}", rest.get(..rest.floor_char_boundary(MAX_ECHO))?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ctcp(enabled: bool) -> Ctcp {
        Ctcp::new(&Config { ctcp: enabled, ..Config::default() })
    }

    fn told(ctcp: &mut Ctcp, word: &str, rest: &str, now: Instant) -> Option<String> {
        let line = ctcp.answer("ann", word, rest, now)?;
        Some(String::from_utf8_lossy(line.as_bytes()).trim_end().to_owned())
    }

    fn check(word: &str, rest: &str, expected: Option<&str>) {
        let expected = expected.map(|answer| format!("NOTICE ann :\u{1}{answer}\u{1}"));
        assert_eq!(told(&mut ctcp(true), word, rest, Instant::now()), expected, "{word}");
        assert_eq!(told(&mut ctcp(false), word, rest, Instant::now()), None, "{word}");
    }

    #[test]
    fn a_few_questions_have_answers() {
        check("VERSION", "", Some(VERSION));
        check("version", "", Some(VERSION));
        check("PING", "17 4", Some("PING 17 4"));
        check("CLIENTINFO", "", Some(CLIENTINFO));
        check("SOURCE", "", Some(SOURCE));
        check("ACTION", "waves", None);
        check("DCC", "SEND x 1 2 3", None);
        check("", "", None);
    }

    #[test]
    fn an_echo_is_short() {
        let long = "\u{e9}".repeat(200);
        let told = told(&mut ctcp(true), "PING", &long, Instant::now()).unwrap();
        assert_eq!(told.len(), "NOTICE ann :\u{1}PING \u{1}".len() + MAX_ECHO);
    }

    #[test]
    fn a_few_are_answered_in_a_minute() {
        let (start, mut ctcp) = (Instant::now(), ctcp(true));
        let mut ask =
            |second| told(&mut ctcp, "VERSION", "", start + Duration::from_secs(second)).is_some();
        assert_eq!([0, 1, 2, 3, 59, 60].map(&mut ask), [true, true, true, false, false, true]);
    }
}
