//! What a server says it supports (005), as far as somebody here asks for it.
//! Pure: words in, facts out; nothing a server announces makes any of it unusable.
use crate::casemap::Casemap;

/// Lines that every server passes on, with what it puts before them and the ending.
const LINE: usize = 512;
/// What is believed about the length of lines and of nicks.
const LINES: std::ops::RangeInclusive<usize> = 256..=8192;
const NICKS: std::ops::RangeInclusive<usize> = 1..=64;
/// Letters of a list that a server may announce; there are no more of them than this.
const MAX_LETTERS: usize = 64;

#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Isupport {
    pub(crate) casemap: Casemap,
    /// Bytes of a whole line as others receive it, ending included.
    pub(crate) line_len: usize,
    pub(crate) nick_len: Option<usize>,
    /// The mode and the sign of those who stand out in a room, highest first.
    pub(crate) prefixes: Vec<(char, char)>,
    pub(crate) modes: Arity,
    /// Signs that before a room's name address only those who have them.
    pub(crate) status_msg: String,
    pub(crate) chan_types: String,
    /// How many rooms of these kinds we may be in.
    chan_limits: Vec<(String, usize)>,
    /// Rooms in one JOIN.
    pub(crate) join_targets: Option<usize>,
    pub(crate) monitor: bool,
    pub(crate) whox: bool,
    /// The user mode of robots.
    pub(crate) bot: Option<char>,
    /// The server slows us down instead of killing us.
    pub(crate) safe_rate: bool,
}

/// Which modes of a room take a parameter, beside those that are given to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arity {
    always: String,
    when_set: String,
}

impl Default for Isupport {
    fn default() -> Self {
        Self {
            casemap: Casemap::default(),
            line_len: LINE,
            nick_len: None,
            prefixes: vec![('o', '@'), ('v', '+')],
            modes: Arity { always: "beIk".into(), when_set: "l".into() },
            status_msg: String::new(),
            chan_types: "#&".into(),
            chan_limits: vec![],
            join_targets: None,
            monitor: false,
            whox: false,
            bot: None,
            safe_rate: false,
        }
    }
}

impl Isupport {
    /// The parameters of one 005. Longer lines than the parser takes come with their last words
    /// merged into one.
    pub(crate) fn read(&mut self, args: &[String]) {
        for token in args.iter().skip(1).flat_map(|arg| arg.split(' ')) {
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            match name.strip_prefix('-') {
                Some(name) => self.forget(name),
                None => self.learn(name, &unescape(value)),
            }
        }
    }

    /// The kinds of rooms that this one is counted with, and how many of them we may be in.
    pub(crate) fn chan_limit(&self, room: &str) -> Option<(&str, usize)> {
        let kind = room.chars().next()?;
        let limit = self.chan_limits.iter().find(|(kinds, _)| kinds.contains(kind));
        limit.map(|(kinds, most)| (kinds.as_str(), *most))
    }

    pub(crate) fn is_room(&self, name: &str) -> bool {
        name.starts_with(|kind| self.chan_types.contains(kind))
    }

    /// Whether this mode of a room comes with a parameter.
    pub(crate) fn takes_parameter(&self, mode: char, set: bool) -> bool {
        self.prefixes.iter().any(|(known, _)| *known == mode)
            || self.modes.always.contains(mode)
            || (set && self.modes.when_set.contains(mode))
    }

    fn learn(&mut self, name: &str, value: &str) {
        match name {
            "CASEMAPPING" => self.casemap = Casemap::named(value),
            "LINELEN" => self.line_len = within(value, &LINES).unwrap_or(LINE),
            "NICKLEN" => self.nick_len = within(value, &NICKS),
            "PREFIX" => self.prefixes = prefixes(value),
            "CHANMODES" => self.modes = arity(value),
            "STATUSMSG" => self.status_msg = letters(value),
            "CHANTYPES" => self.chan_types = letters(value),
            "CHANLIMIT" => self.chan_limits = chan_limits(value),
            // What came before CHANLIMIT, for all kinds together.
            "MAXCHANNELS" if self.chan_limits.is_empty() => {
                self.chan_limits = chan_limits(&format!("{}:{value}", self.chan_types));
            }
            "TARGMAX" => self.join_targets = join_targets(value),
            "MONITOR" => self.monitor = true,
            "WHOX" => self.whox = true,
            "BOT" => self.bot = value.chars().next().filter(char::is_ascii_alphanumeric),
            "SAFERATE" => self.safe_rate = true,
            _ => {}
        }
    }

    /// `-NAME`: as if it had never been said.
    fn forget(&mut self, name: &str) {
        let usual = Self::default();
        match name {
            "CASEMAPPING" => self.casemap = usual.casemap,
            "LINELEN" => self.line_len = usual.line_len,
            "NICKLEN" => self.nick_len = None,
            "PREFIX" => self.prefixes = usual.prefixes,
            "CHANMODES" => self.modes = usual.modes,
            "STATUSMSG" => self.status_msg = usual.status_msg,
            "CHANTYPES" => self.chan_types = usual.chan_types,
            "CHANLIMIT" | "MAXCHANNELS" => self.chan_limits = vec![],
            "TARGMAX" => self.join_targets = None,
            "MONITOR" => self.monitor = false,
            "WHOX" => self.whox = false,
            "BOT" => self.bot = None,
            "SAFERATE" => self.safe_rate = false,
            _ => {}
        }
    }
}

fn within(value: &str, range: &std::ops::RangeInclusive<usize>) -> Option<usize> {
    value.parse().ok().filter(|number| range.contains(number))
}

fn letters(value: &str) -> String {
    value.chars().take(MAX_LETTERS).collect()
}

/// `(ov)@+`; an empty value means that nobody stands out.
fn prefixes(value: &str) -> Vec<(char, char)> {
    let pair = value.strip_prefix('(').and_then(|value| value.split_once(')'));
    pair.map_or(vec![], |(modes, signs)| {
        modes.chars().zip(signs.chars()).take(MAX_LETTERS).collect()
    })
}

/// `lists,always,when set,never`.
fn arity(value: &str) -> Arity {
    let mut kinds = value.split(',');
    let mut next = || kinds.next().unwrap_or_default();
    let (lists, always) = (next(), next());
    Arity { always: letters(&format!("{lists}{always}")), when_set: letters(next()) }
}

/// `#&:20,!:`; without a number there is no limit.
fn chan_limits(value: &str) -> Vec<(String, usize)> {
    let limits = value.split(',').filter_map(|limit| limit.split_once(':'));
    let read = |(kinds, most): (&str, &str)| Some((letters(kinds), most.parse().ok()?));
    limits.filter_map(read).filter(|(_, most)| *most > 0).take(MAX_LETTERS).collect()
}

/// `JOIN:4,KICK:1`; without a number there is no limit.
fn join_targets(value: &str) -> Option<usize> {
    let mut targets = value.split(',').filter_map(|target| target.split_once(':'));
    let (_, most) = targets.find(|(verb, _)| verb.eq_ignore_ascii_case("JOIN"))?;
    most.parse().ok().filter(|most| *most > 0)
}

/// `\x20` for what cannot stand in a value.
fn unescape(value: &str) -> String {
    let mut pieces = value.split(r"\x");
    let mut found = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let hex = piece.split_at_checked(2);
        match hex.and_then(|(hex, rest)| Some((u8::from_str_radix(hex, 16).ok()?, rest))) {
            Some((byte, rest)) => found.extend([char::from(byte)].into_iter().chain(rest.chars())),
            None => found.extend([r"\x", piece]),
        }
    }
    found
}

#[cfg(test)]
mod tests;
