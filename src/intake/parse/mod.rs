//! Text to command; pure, total and linear. The trigger is already gone.
//! Names nothing that exists: models, jobs and people are looked up by those who decide.
pub mod flags;
mod imagine;
mod lexer;
mod values;

use super::{
    access::Rights,
    commands::{self, Row},
    presets::Ceilings,
    spelling::{clean, clip, fold, nearest},
};
use inkwire_core::{Command, Heard, Rejection};

pub(super) use imagine::{Read, imagine, wish};
pub(super) use values::{job_id, job_ref};

/// What follows a command's name.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    pub text: &'a str,
    pub ceilings: &'a Ceilings,
}

impl<'a> Words<'a> {
    /// Some if nothing follows.
    pub(super) fn none(self) -> Option<()> {
        self.text.is_empty().then_some(())
    }

    pub(super) fn list(self) -> Vec<&'a str> {
        self.text.split_whitespace().collect()
    }
}

/// Whether anybody answers this line at all. Several robots may share a prefix, so after one it
/// must be a command, and one that is for whoever asks: anything else could be meant for another
/// robot, and tells nothing to those who try.
pub fn is_for_us(text: &str, heard: Heard, rights: Rights) -> bool {
    if heard != Heard::Prefix {
        return true;
    }
    let text = clean(text);
    let (word, rest) = first_word(&text);
    find(word, rest, rights).is_some_and(|(row, _)| row.is_for(rights))
}

/// What somebody with these rights means by `text`. `Ok(None)`: nobody answers.
pub fn parse(
    text: &str,
    heard: Heard,
    rights: Rights,
    ceilings: &Ceilings,
) -> Result<Option<Command>, Rejection> {
    if !is_for_us(text, heard, rights) {
        return Ok(None);
    }
    let text = clean(text);
    let (word, rest) = first_word(&text);
    if word.is_empty() {
        return Ok((heard == Heard::Name).then_some(Command::Help(None)));
    }
    let (row, rest) = find(word, rest, rights).ok_or_else(|| unknown(word, rights))?;
    if !row.is_for(rights) {
        return Err(Rejection::NotAllowed);
    }
    let command = (row.parse)(Words { text: rest, ceilings })?;
    let usage = || Rejection::Usage { usage: row.usage.to_owned() };
    command.map(Some).ok_or_else(usage)
}

/// The row that a line begins with, and the words after its name. Short names of what is not for
/// everybody are nothing to others: they may be meant for somebody else. Of two rows with the same
/// short name, an admin's wins.
fn find<'a>(word: &str, rest: &'a str, rights: Rights) -> Option<(&'static Row, &'a str)> {
    let word = fold(word);
    let (second, after) = first_word(rest);
    let long = format!("{word} {}", fold(second));
    let named = |name: &str| commands::TABLE.iter().find(|row| row.name == name);
    let mine = || commands::TABLE.iter().filter(|row| row.is_for(rights));
    let also = || mine().filter(|row| row.is_also(&word)).max_by_key(|row| row.role);
    named(&long).map(|row| (row, after)).or_else(|| Some((named(&word).or_else(also)?, rest)))
}

pub(super) fn unknown(word: &str, rights: Rights) -> Rejection {
    let rows = commands::TABLE.iter().filter(|row| row.is_for(rights));
    let names = rows.flat_map(|row| std::iter::once(&row.name).chain(row.aliases)).copied();
    let long = names.filter(|name| name.len() > 1);
    Rejection::UnknownCommand { word: clip(word), nearest: nearest(word, long) }
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

#[cfg(test)]
mod tests;
