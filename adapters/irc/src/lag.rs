//! How long a server takes to answer: one question at a time, known again by its token.
//! Pure; when to ask is the listener's business.
use crate::line::IrcLine;
use irc::proto::{Command, Message};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Lag {
    asked: u64,
    /// When the newest question was put, until it is answered.
    open: Option<Instant>,
}

impl Lag {
    pub(crate) fn ask(&mut self, now: Instant) -> IrcLine {
        self.asked += 1;
        self.open = Some(now);
        IrcLine::command(Command::PING(self.token(), None))
    }

    /// How long the newest question took, if this answers it.
    pub(crate) fn take(&mut self, message: &Message, now: Instant) -> Option<Duration> {
        let Command::PONG(first, second) = &message.command else { return None };
        if second.as_ref().unwrap_or(first) != &self.token() {
            return None;
        }
        self.open.take().map(|asked| now.duration_since(asked))
    }

    fn token(&self) -> String {
        format!("inkwire-{}", self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_answer_counts_and_only_once() {
        let (start, mut lag) = (Instant::now(), Lag::default());
        let at = |second| start + Duration::from_secs(second);
        assert_eq!(lag.ask(at(0)).as_bytes(), b"PING inkwire-1\r\n");
        lag.ask(at(10));
        let mut check = |line: &str, second, expected: Option<u64>| {
            let found = lag.take(&line.parse().unwrap(), at(second));
            assert_eq!(found, expected.map(Duration::from_secs), "{line}");
        };
        check(":s PONG s inkwire-1", 11, None);
        check(":s PONG s :somebody", 11, None);
        check(":s PING inkwire-2", 11, None);
        check(":s PONG s :inkwire-2", 12, Some(2));
        check(":s PONG s :inkwire-2", 13, None);
        check("PONG inkwire-2", 13, None);
    }
}
