//! Cuts the words after `imagine` into a prompt and flags with their text; judges no value.
use super::flags::{FLAGS, Flag};
use crate::intake::spelling::{clip, fold, nearest};
use inkwire_core::Rejection;

/// A line in pieces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces {
    pub(super) prompt: String,
    /// In the order in which they were typed.
    pub(super) flags: Vec<Given>,
}

/// One flag, and everything up to the next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) what: What,
    pub(super) value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Flag(&'static Flag),
    /// `-h`, which is the height when a number follows.
    HeightOrHelp,
    Help,
}

/// Ends the flags: what follows is prompt again.
const END: &str = "--";

pub(super) fn cut(text: &str) -> Result<Pieces, Rejection> {
    let words: Vec<&str> = text.split_whitespace().collect();
    // Only a quotation that ends somewhere is one; looking ahead once keeps this linear.
    let last = QUOTES.map(|kind| (kind, words.iter().rposition(|word| word.ends_with(kind))));
    let open = |word: &str, at| {
        let kind = last.iter().find(|(kind, end)| opens(word, *kind) && *end > Some(at));
        kind.map(|(kind, _)| *kind)
    };
    let mut pieces = Pieces::default();
    let mut quotation: Option<Quote> = None;
    for (at, word) in words.iter().enumerate() {
        if let Some(kind) = quotation {
            quotation = Some(kind).filter(|kind| !word.ends_with(*kind));
            pieces.add(word);
        } else if fold(word) == END {
            words.iter().skip(at + 1).for_each(|word| join(&mut pieces.prompt, word));
            break;
        } else if let Some((what, value)) = mark(word)? {
            pieces.flags.push(Given { what, value: String::new() });
            quotation = open(&value, at);
            pieces.add(&value);
        } else {
            let first = pieces.flags.last().is_some_and(|flag| flag.value.is_empty());
            quotation = open(word, at).filter(|_| first);
            pieces.add(word);
        }
    }
    pieces.prompt = unquoted(&pieces.prompt).to_owned();
    pieces.flags.iter_mut().for_each(|flag| flag.value = unquoted(&flag.value).to_owned());
    Ok(pieces)
}

impl Pieces {
    fn add(&mut self, word: &str) {
        let text = self.flags.last_mut().map_or(&mut self.prompt, |flag| &mut flag.value);
        join(text, word);
    }
}

fn join(text: &mut String, word: &str) {
    if !text.is_empty() && !word.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

/// A flag at the start of a word, and what follows `=` in it.
fn mark(word: &str) -> Result<Option<(What, String)>, Rejection> {
    let name = word.trim_start_matches(is_dash);
    let typed: usize = word.chars().take_while(|c| is_dash(*c)).map(dashes).sum();
    let (name, value) = name.split_once(['=', '＝']).unwrap_or((name, ""));
    let folded = fold(name);
    let what = match typed {
        1 if value.is_empty() => short(&folded),
        2 if word.starts_with(is_long_dash) => long(&folded).or_else(|| short(&folded)),
        2 if folded.starts_with(char::is_alphabetic) => match long(&folded) {
            Some(what) => Some(what),
            None => return Err(unknown(&folded)),
        },
        _ => None,
    };
    Ok(what.map(|what| (what, value.to_owned())))
}

fn long(name: &str) -> Option<What> {
    if name == "help" { Some(What::Help) } else { Flag::long(name).map(What::Flag) }
}

fn short(letter: &str) -> Option<What> {
    if letter == "h" { Some(What::HeightOrHelp) } else { Flag::short(letter).map(What::Flag) }
}

fn unknown(name: &str) -> Rejection {
    let known = FLAGS.iter().flat_map(|flag| std::iter::once(flag.name).chain(flag.also));
    let near = nearest(name, known).and_then(|near| Flag::long(&near));
    let near = near.or_else(|| Flag::short(name)).map(Flag::typed);
    Rejection::UnknownFlag { flag: format!("--{}", clip(name)), nearest: near }
}

fn dashes(c: char) -> usize {
    if is_long_dash(c) { 2 } else { 1 }
}

/// Hyphens of every kind that keyboards and editors put in place of `-`.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\u{2212}' | '－' | '\u{fe63}') || is_long_dash(c)
}

/// What editors make of `--`.
fn is_long_dash(c: char) -> bool {
    matches!(c, '–' | '—' | '―' | '\u{fe58}')
}

/// A kind of quotation mark: any of one kind ends what another of it began.
type Quote = fn(char) -> bool;

const QUOTES: [Quote; 2] = [is_double, is_single];

fn is_double(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '＂')
}

fn is_single(c: char) -> bool {
    matches!(c, '\'' | '‘' | '’' | '‚' | '‛' | '＇')
}

/// Begins a quotation that this word does not end.
fn opens(word: &str, kind: Quote) -> bool {
    word.starts_with(kind) && !(word.chars().count() > 1 && word.ends_with(kind))
}

/// Without the quotes around it, if it is one quotation and nothing else.
fn unquoted(text: &str) -> &str {
    let inner = |kind: Quote| {
        let inner = text.strip_prefix(kind)?.strip_suffix(kind)?;
        (!inner.contains(kind)).then_some(inner.trim())
    };
    QUOTES.into_iter().find_map(inner).unwrap_or(text)
}
