//! The words of `imagine` to a wish. Numbers must be numbers; ranges are judged by `resolve`.
use super::{
    Words,
    flags::Flag,
    lexer::{Given, What, cut},
    values::{decimal, pair, whole},
};
use crate::intake::{
    presets::Ceilings,
    spelling::{clip, fold},
    weights::MOST_CHARACTERS,
};
use inkwire_core::{Allowed, Command, Imagine, Rejection};
use std::collections::BTreeMap;

/// Longer lines are not taken apart: a prompt, a negative prompt and their flags fit in half.
const MOST_BYTES: usize = 32 * 1024;

/// What a word for a seed means: one to be drawn.
const ANY_SEED: [&str; 2] = ["-1", "random"];

pub(in crate::intake) fn imagine(words: Words) -> Result<Option<Command>, Rejection> {
    let wish = match wish(words.text, words.ceilings)? {
        Read::Wish(wish, _) => wish,
        Read::Help => return Ok(Some(Command::Help(Some("imagine".to_owned())))),
        Read::Nonsense => return Ok(None),
    };
    if wish.prompt.is_empty() {
        return Err(Rejection::EmptyPrompt);
    }
    Ok(Some(Command::Imagine(wish)))
}

/// What a text says.
pub(in crate::intake) enum Read {
    /// With the names of the flags that it sets.
    Wish(Box<Imagine>, Vec<&'static str>),
    Help,
    /// A switch was given a value.
    Nonsense,
}

/// The prompt may be empty.
pub(in crate::intake) fn wish(text: &str, ceilings: &Ceilings) -> Result<Read, Rejection> {
    if text.len() > MOST_BYTES {
        return Err(Rejection::PromptTooLong { max: MOST_CHARACTERS });
    }
    let pieces = cut(text)?;
    let mut wish = Imagine { prompt: pieces.prompt, ..Imagine::default() };
    let mut taken = BTreeMap::new();
    for given in &pieces.flags {
        let Some(flag) = flag_of(given) else { return Ok(Read::Help) };
        if flag.is_switch() && !given.value.is_empty() {
            return Ok(Read::Nonsense);
        }
        match taken.insert(flag.name, fold(&given.value)) {
            None => set(&mut wish, flag, &given.value, ceilings)?,
            Some(before) if before == fold(&given.value) => {}
            Some(_) => return Err(Rejection::Repeated { flag: flag.typed() }),
        }
    }
    exclusive(&taken)?;
    Ok(Read::Wish(Box::new(wish), taken.into_keys().collect()))
}

/// `None`: help was asked for.
fn flag_of(given: &Given) -> Option<&'static Flag> {
    match given.what {
        What::Flag(flag) => Some(flag),
        What::HeightOrHelp if fold(&given.value).starts_with(|c: char| c.is_ascii_digit()) => {
            Flag::long("height")
        }
        What::HeightOrHelp | What::Help => None,
    }
}

fn set(wish: &mut Imagine, flag: &Flag, text: &str, limits: &Ceilings) -> Result<(), Rejection> {
    if text.is_empty() && !flag.is_switch() {
        let allowed = flag.allowed(limits);
        return Err(Rejection::MissingValue { flag: flag.typed(), allowed });
    }
    let bad = || wrong(flag, text, flag.allowed(limits));
    let name = || Some(text.to_owned());
    match flag.name {
        "model" => wish.model = name(),
        "workflow" => wish.workflow = name(),
        "style" => wish.style = name(),
        "sampler" => wish.sampler = name(),
        "scheduler" => wish.scheduler = name(),
        "no" => wish.negative = name(),
        "width" => wish.width = Some(whole(text).ok_or_else(bad)?),
        "height" => wish.height = Some(whole(text).ok_or_else(bad)?),
        "count" => wish.count = Some(whole(text).ok_or_else(bad)?),
        "steps" => wish.steps = Some(whole(text).ok_or_else(bad)?),
        "seed" if ANY_SEED.contains(&fold(text).as_str()) => {}
        "seed" => wish.seed = Some(whole(text).ok_or_else(bad)?),
        "cfg" => wish.cfg = Some(decimal(text).ok_or_else(bad)?),
        "denoise" => wish.denoise = Some(decimal(text).ok_or_else(bad)?),
        "ar" => wish.aspect = Some(pair(text, &[':', '/']).ok_or_else(bad)?),
        "size" => {
            let (width, height) = pair(text, &['x', '×', '*']).ok_or_else(bad)?;
            (wish.width, wish.height) = (Some(width), Some(height));
        }
        _ => wish.private = true,
    }
    Ok(())
}

fn wrong(flag: &Flag, value: &str, allowed: Allowed) -> Rejection {
    Rejection::BadValue { flag: flag.typed(), value: clip(value), allowed, nearest: None }
}

/// `--size` says all about the size that others would.
fn exclusive(taken: &BTreeMap<&str, String>) -> Result<(), Rejection> {
    let other = ["width", "height", "ar"].into_iter().find(|name| taken.contains_key(name));
    match other.filter(|_| taken.contains_key("size")) {
        None => Ok(()),
        Some(other) => {
            Err(Rejection::Conflict { flag: "--size".to_owned(), with: format!("--{other}") })
        }
    }
}
