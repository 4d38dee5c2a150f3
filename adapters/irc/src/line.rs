//! The only gate to the server: one `IrcLine` is one line on the wire, whatever it was made from.
//! Nothing else may write to the connection.
use crate::{config::Verb, fit, identity::Identity, render::Lead, tags::Tags};
use inkwire_core::render::one_line;
use irc::proto::{Command, Message};
use std::fmt;

/// With its ending and without its tags, as the protocol limits what clients send.
pub(crate) const MAX_SENT: usize = 512;

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

    /// One line for people, cut where it is too long; a link at its end stays. It begins with our
    /// own words, not with what somebody else wrote: robots obey `!word`. `None` where the target
    /// is none.
    pub(crate) fn speech(
        me: &Identity,
        verb: Verb,
        target: &str,
        lead: &Lead,
        text: &str,
    ) -> Option<Self> {
        let lead = lead.as_str();
        let max = me.budget(verb.command(), target).checked_sub(lead.len())?;
        let said = fit::tighten(&one_line(text), max);
        if said.is_empty() || !is_target(target) {
            return None;
        }
        let (target, said) = (target.to_owned(), format!("{lead}{said}"));
        Some(Self::command(match verb {
            Verb::Privmsg => Command::PRIVMSG(target, said),
            Verb::Notice => Command::NOTICE(target, said),
        }))
    }

    /// Opens several lines that are one message (`draft/multiline`).
    pub(crate) fn open_batch(reference: &str, target: &str) -> Option<Self> {
        let words = [format!("+{reference}"), "draft/multiline".to_owned(), target.to_owned()];
        is_target(target).then(|| Self::command(Command::Raw("BATCH".into(), words.into())))
    }

    pub(crate) fn close_batch(reference: &str) -> Self {
        Self::command(Command::BATCH(format!("-{reference}"), None, None))
    }

    /// The answer to a CTCP question.
    pub(crate) fn ctcp_reply(target: &str, answer: &str) -> Option<Self> {
        let said = format!("\u{1}{}\u{1}", one_line(answer));
        is_target(target).then(|| Self::command(Command::NOTICE(target.to_owned(), said)))
    }

    /// The same line with tags before it.
    pub(crate) fn tagged(self, tags: &Tags) -> Self {
        Self(format!("{}{}", tags.prefix(), self.0))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Bytes that servers weigh: tags do not count.
    pub(crate) fn weight(&self) -> usize {
        let tags = self.0.starts_with('@').then(|| self.0.split_once(' ')).flatten();
        tags.map_or(self.0.len(), |(_, rest)| rest.len())
    }

    pub(crate) fn is_pong(&self) -> bool {
        self.0.starts_with("PONG ")
    }
}

impl Verb {
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Privmsg => "PRIVMSG",
            Self::Notice => "NOTICE",
        }
    }
}

/// Passwords travel in lines too: only the verb is shown.
impl fmt::Debug for IrcLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.0.split_whitespace().find(|word| !word.starts_with('@'));
        f.debug_tuple("IrcLine").field(&verb).finish()
    }
}

/// What some server or client takes for the end of a line.
fn is_break(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\0' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether one line can be for it.
pub(crate) fn is_target(target: &str) -> bool {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || c == ',';
    !target.is_empty() && !target.starts_with(':') && !target.contains(breaks)
}

#[cfg(test)]
mod tests;
