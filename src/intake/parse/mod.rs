//! Text to command; pure, total and linear. The trigger is already gone.
//! Names nothing that exists: models, jobs and people are looked up by those who decide.
pub mod flags;
mod imagine;
mod lexer;
mod values;

use super::{
    commands::{self, Row},
    presets::Ceilings,
    spelling::{clean, clip, fold, nearest},
};
use inkwire_core::{Command, Heard, Rejection, Role};

pub(super) use imagine::imagine;
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

/// What a person of this role means by `text`. `Ok(None)`: it is not for us, and nobody answers.
pub fn parse(
    text: &str,
    heard: Heard,
    role: Role,
    ceilings: &Ceilings,
) -> Result<Option<Command>, Rejection> {
    let text = clean(text);
    let (word, rest) = first_word(&text);
    if word.is_empty() {
        return Ok((heard == Heard::Name).then_some(Command::Help(None)));
    }
    let Some((row, rest)) = find(word, rest, role) else {
        return match heard {
            Heard::Prefix => Ok(None),
            Heard::Name | Heard::Direct | Heard::Typed => Err(unknown(word, role)),
        };
    };
    let command = (row.parse)(Words { text: rest, ceilings })?;
    let usage = || Rejection::Usage { usage: row.usage.to_owned() };
    command.map(Some).ok_or_else(usage)
}

/// The row that a line begins with, and the words after its name. Short names of what only
/// admins may do are nothing to others: they may be meant for somebody else.
fn find<'a>(word: &str, rest: &'a str, role: Role) -> Option<(&'static Row, &'a str)> {
    let word = fold(word);
    let (second, after) = first_word(rest);
    let long = format!("{word} {}", fold(second));
    let named = |name: &str| commands::TABLE.iter().find(|row| row.name == name);
    let also = || commands::TABLE.iter().find(|row| row.role <= role && row.is_also(&word));
    named(&long).map(|row| (row, after)).or_else(|| Some((named(&word).or_else(also)?, rest)))
}

pub(super) fn unknown(word: &str, role: Role) -> Rejection {
    let rows = commands::TABLE.iter().filter(|row| row.role <= role);
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
