//! The only gate to the server: one `IrcLine` is one line on the wire, whatever it was made from.
//! Nothing else may write to the connection.
use crate::identity::Identity;
use inkwire_core::render::one_line;
use irc::proto::{Command, Message};
use std::fmt;

/// With its ending, as the protocol limits what clients send.
const MAX_SENT: usize = 512;

/// One whole line, CR LF included. Has no public constructor from text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IrcLine(String);

impl IrcLine {
    /// A command of ours; whatever would end the line early ends it here.
    pub(crate) fn command(command: Command) -> Self {
        let wire = Message::from(command).to_string();
        let line = wire.split(is_break).next().unwrap_or_default();
        let end = line.floor_char_boundary(MAX_SENT - 2);
        Self(format!("{}\r\n", line.get(..end).unwrap_or_default()))
    }

    /// One line for people; `lead` is ours, so that no line begins with what somebody else wrote:
    /// robots obey `!word`. `None` where the target is none.
    pub(crate) fn speech(me: &Identity, target: &str, lead: &str, text: &str) -> Option<Self> {
        let max = me.budget("PRIVMSG", target);
        let said = format!("{lead}{}", one_line(text));
        let end = said.floor_char_boundary(max);
        let said = said.get(..end).unwrap_or_default().to_owned();
        let fits = max > 0 && is_target(target);
        fits.then(|| Self::command(Command::PRIVMSG(target.to_owned(), said)))
    }

    /// The answer to a CTCP question.
    pub(crate) fn ctcp_reply(target: &str, answer: &str) -> Option<Self> {
        let said = format!("\u{1}{}\u{1}", one_line(answer));
        is_target(target).then(|| Self::command(Command::NOTICE(target.to_owned(), said)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Passwords travel in lines too: only the verb is shown.
impl fmt::Debug for IrcLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IrcLine").field(&self.0.split_whitespace().next()).finish()
    }
}

/// What some server or client takes for the end of a line.
fn is_break(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\0' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_target(target: &str) -> bool {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || c == ',';
    !target.is_empty() && !target.starts_with(':') && !target.contains(breaks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn me() -> Identity {
        let mut me = Identity::new("ink");
        me.learn(&":ink!~ink@host.example JOIN #art".parse().unwrap());
        me
    }

    fn check(target: &str, text: &str, expected: Option<&str>) {
        let line = IrcLine::speech(&me(), target, "ann: ", text);
        assert_eq!(line.map(|line| line.0).as_deref(), expected);
    }

    #[test]
    fn speech_is_one_line() {
        check("#art", "done", Some("PRIVMSG #art :ann: done\r\n"));
        check("#art", "a\r\nQUIT\0b\u{2028}c\u{85}d", Some("PRIVMSG #art :ann: a QUIT b c d\r\n"));
        check("#art", "\u{3}04red\u{1}\u{202e}x", Some("PRIVMSG #art :ann: 04red x\r\n"));
        check("#art x", "done", None);
        check("#a,#b", "done", None);
        check("", "done", None);
        check(":x", "done", None);
    }

    #[test]
    fn a_line_fills_its_budget_to_the_byte() {
        let line = IrcLine::speech(&me(), "#art", "ann: ", &"x".repeat(600)).unwrap();
        let relayed = format!(":ink!~ink@host.example {}", line.0);
        assert_eq!(relayed.len(), 512);
    }

    #[test]
    fn passwords_are_not_shown() {
        let line = IrcLine::command(Command::PASS("hunter2".into()));
        assert_eq!(format!("{line:?}"), "IrcLine(Some(\"PASS\"))");
    }

    fn is_one_line(line: &IrcLine) -> bool {
        let ends = line.0.chars().filter(|c| is_break(*c)).count();
        line.0.ends_with("\r\n") && ends == 2 && line.0.len() <= MAX_SENT
    }

    /// What breaks lines, and letters from all over Unicode.
    fn letter(byte: u8) -> char {
        let traps = "\r\n\0\u{1}\u{85}\u{2028}\u{2029} :,";
        let trap = traps.chars().nth(usize::from(byte % 16));
        trap.or(char::from_u32(u32::from(byte) * 4129)).unwrap_or('x')
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]
        #[test]
        fn no_text_makes_a_second_line(bytes in prop::collection::vec(any::<u8>(), 0..24), repeat in 1usize..20) {
            let text: String = bytes.into_iter().map(letter).collect();
            let (text, me) = (text.repeat(repeat), me());
            let speech = IrcLine::speech(&me, "#art", "ann: ", &text);
            let target = IrcLine::speech(&me, &text, "ann: ", "x");
            let reply = IrcLine::ctcp_reply("ann", &text);
            let nick = IrcLine::command(Command::NICK(text));
            prop_assert!([speech, target, reply, Some(nick)].iter().flatten().all(is_one_line));
        }
    }
}
