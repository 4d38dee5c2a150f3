//! What a server says about lines of ours: that it took one, or why it did not.
//! What follows from it is decided in `send`.
use crate::{identity::Identity, stamp, words};
use irc::proto::{Command, Message};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::{mpsc, watch};

/// Open answers that we remember; a server has no reason for more.
const MAX_BATCHES: usize = 64;
/// A server that says "too fast" without a number.
const SLOW_DOWN: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// Our pings about lines; other pings are the listener's.
const PING: &str = "said-";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The line with this label went through.
    Taken(u64),
    Refused {
        label: Option<u64>,
        /// Whom the line was for, where the server says so.
        target: Option<String>,
        why: Refusal,
    },
    /// Everything written before this ping has been dealt with.
    Answered(u64),
}

/// Why a line did not go through, as far as it changes what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The room does not take this kind of line, or none of ours.
    Closed,
    /// We are not in that room.
    Outside,
    /// Nobody has that nick.
    Gone,
    TooLong,
    Later(Duration),
    /// Not several lines as one message.
    NoBatch,
    /// This person does not want to hear from us, or something that nobody has heard of.
    Unwanted,
}

/// A label for a line of ours; others may not begin with `s`.
pub(crate) fn label(number: u64) -> String {
    format!("s{number}")
}

pub(crate) fn ping(number: u64) -> Command {
    Command::PING(format!("{PING}{number}"), None)
}

/// Hands the signs of one connection to whoever speaks there.
pub(crate) struct Signs {
    identity: watch::Receiver<Identity>,
    reader: Reader,
    told: mpsc::Sender<Sign>,
}

impl Signs {
    pub(crate) fn new(identity: watch::Receiver<Identity>, told: mpsc::Sender<Sign>) -> Self {
        Self { identity, reader: Reader::default(), told }
    }

    pub(crate) fn take(&mut self, message: &Message) {
        let sign = self.reader.take(&self.identity.borrow(), message);
        // After it lines count as taken at the next answered ping, refused or not; a ping whose
        // answer is lost is sent again.
        if sign.is_some_and(|sign| self.told.try_send(sign).is_err()) {
            tracing::debug!("receipt lost, too many wait");
        }
    }
}

#[derive(Default)]
struct Reader {
    /// Answers of several lines, by their batch: to which label.
    batches: BTreeMap<String, u64>,
}

impl Reader {
    fn take(&mut self, me: &Identity, message: &Message) -> Option<Sign> {
        if let Command::PONG(word, more) = &message.command {
            let number = more.as_ref().unwrap_or(word).strip_prefix(PING)?;
            return number.parse().ok().map(Sign::Answered);
        }
        let label = self.label(message).filter(|_| me.caps.has("labeled-response"));
        if let Command::BATCH(reference, ..) = &message.command {
            return self.batch(reference, label);
        }
        match (refusal(message, label.is_some()), label) {
            (Some((target, why)), label) => Some(Sign::Refused { label, target, why }),
            (None, Some(label)) if stamp::has_tag(message, "label") => Some(Sign::Taken(label)),
            _ => None,
        }
    }

    /// The label of the line that this message answers.
    fn label(&self, message: &Message) -> Option<u64> {
        let own = stamp::tag(message, "label").map(|label| label.strip_prefix('s')?.parse().ok());
        own.unwrap_or_else(|| self.batches.get(stamp::tag(message, "batch")?).copied())
    }

    /// Only its end tells that there was no refusal inside.
    fn batch(&mut self, reference: &str, label: Option<u64>) -> Option<Sign> {
        if let Some(reference) = reference.strip_prefix('-') {
            return self.batches.remove(reference).map(Sign::Taken);
        }
        let reference = reference.trim_start_matches('+').to_owned();
        if let Some(label) = label.filter(|_| self.batches.len() < MAX_BATCHES) {
            self.batches.insert(reference, label);
        }
        None
    }
}

/// Whom the refused line was for, and why it was refused.
fn refusal(message: &Message, labelled: bool) -> Option<(Option<String>, Refusal)> {
    if let Command::Raw(verb, words) = &message.command
        && verb == "FAIL"
    {
        return failure(words, labelled);
    }
    let (number, words) = words::numeric(message)?;
    let target = words.get(1).filter(|_| words.len() > 2);
    let why = match number {
        401 => Refusal::Gone,
        403 | 442 => Refusal::Outside,
        404 | 477 | 482 => Refusal::Closed,
        416 | 417 => Refusal::TooLong,
        263 if target.is_some_and(|verb| is_speech(verb)) => {
            return Some((None, Refusal::Later(SLOW_DOWN)));
        }
        437 | 439 => Refusal::Later(wait(words)),
        407 | 413 | 414 | 486 | 492 | 531 | 716 => Refusal::Unwanted,
        400..=599 if labelled => Refusal::Unwanted,
        _ => return None,
    };
    Some((target.cloned(), why))
}

fn is_speech(verb: &str) -> bool {
    matches!(verb, "PRIVMSG" | "NOTICE")
}

/// A standard reply: `FAIL COMMAND CODE [CONTEXT...] :words`.
fn failure(words: &[String], labelled: bool) -> Option<(Option<String>, Refusal)> {
    match words {
        [command, _, .., _] if command == "BATCH" => Some((None, Refusal::NoBatch)),
        [command, _, context @ .., _] if is_speech(command) => {
            Some((context.first().cloned(), Refusal::Closed))
        }
        _ => labelled.then_some((None, Refusal::Unwanted)),
    }
}

/// The number of seconds in a sentence such as `wait 104 seconds`.
fn wait(words: &[String]) -> Duration {
    let sentence = words.last().map_or("", String::as_str);
    let number = sentence.split(|c: char| !c.is_ascii_digit()).find_map(|word| word.parse().ok());
    number.map_or(SLOW_DOWN, Duration::from_secs).clamp(Duration::from_secs(5), LONGEST_WAIT)
}

#[cfg(test)]
mod tests;
