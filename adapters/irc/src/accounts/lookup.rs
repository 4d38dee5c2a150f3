//! One question about somebody, from the first line that waits for it to the end of its answer.
//! Knows nothing of other questions, nor of when it may be asked.
use super::{
    Need,
    answers::{Answer, is_end_of_who},
};
use crate::{identity::Identity, receive::Spoken};
use irc::proto::Message;
use tokio::time::Instant;

/// A question, and the lines that wait for its answer. Without any it was given up, and its answer
/// must not be taken for that of a later one: somebody else may have had the nick.
pub(super) struct Lookup {
    /// Folded.
    pub(super) nick: String,
    pub(super) need: Need,
    /// The number of the question, once it was asked.
    pub(super) asked: Option<u64>,
    /// Earlier questions about the same nick, whose ends are still to come.
    owed: u16,
    pub(super) since: Instant,
    pub(super) answer: Answer,
    pub(super) waiting: Vec<Spoken>,
}

impl Lookup {
    pub(super) fn new(nick: String, need: Need, spoken: Spoken, since: Instant) -> Self {
        let (answer, waiting) = (Answer::default(), vec![spoken]);
        Self { nick, need, asked: None, owed: 0, since, answer, waiting }
    }

    /// Asks anew after having been given up.
    pub(super) fn again(&mut self, need: Need, spoken: Spoken, since: Instant) {
        let owed = self.owed.saturating_add(1);
        *self = Self { owed, ..Self::new(std::mem::take(&mut self.nick), need, spoken, since) };
    }

    pub(super) fn ends(&self) -> Instant {
        self.since + self.need.patience()
    }

    /// True if this message ends the answer.
    pub(super) fn take(&mut self, me: &Identity, message: &Message) -> bool {
        if self.owed > 0 && is_end_of_who(me, &self.nick, message) {
            self.owed -= 1;
            return false;
        }
        let asked = self.asked.map(token);
        asked.is_some_and(|token| self.answer.take(me, token, &self.nick, message))
    }
}

/// What a question is marked with.
pub(super) fn token(question: u64) -> u64 {
    question % 999 + 1
}
