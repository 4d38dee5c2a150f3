//! Who may do what, and which words nobody may use. Pure: rules come from the configuration.
//! An admin is an account and nothing else; an operator of a room is whom its server calls so.
//! A name or a relay's word grants nothing.
use super::spelling::fold;
use inkwire_core::{AdapterId, Author, Body, Native, PlaceKind, Request, Role, Trust};
use regex::{RegexSet, RegexSetBuilder};

/// A compiled word list may be this large, in bytes.
const MOST_COMPILED: usize = 1024 * 1024;

/// As configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRules {
    pub admins: Vec<Whom>,
    /// Their requests are not answered.
    pub banned: Vec<Whom>,
    /// Patterns that no prompt may hold, compared without case, accents of width and leet digits.
    pub blocked: Vec<String>,
    pub room_operators: RoomOperators,
}

/// What is left to operators of rooms, each for their own room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomOperators {
    pub defaults: bool,
    pub flush: bool,
}

impl Default for RoomOperators {
    fn default() -> Self {
        Self { defaults: true, flush: true }
    }
}

/// What one request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    pub role: Role,
    pub room_operators: RoomOperators,
}

impl From<Role> for Rights {
    fn from(role: Role) -> Self {
        Self { role, room_operators: RoomOperators::default() }
    }
}

/// An account on one adapter, or on all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// `None`: on every adapter.
    pub adapter: Option<AdapterId>,
    pub id: Native,
}

#[derive(Debug, thiserror::Error)]
#[error("access.blocked: {0}")]
pub struct AccessError(#[from] regex::Error);

#[derive(Debug, Clone)]
pub struct Access {
    admins: Vec<Whom>,
    banned: Vec<Whom>,
    blocked: RegexSet,
    room_operators: RoomOperators,
}

impl PartialEq for Access {
    fn eq(&self, other: &Self) -> bool {
        let patterns = self.blocked.patterns() == other.blocked.patterns();
        let people = self.admins == other.admins && self.banned == other.banned;
        patterns && people && self.room_operators == other.room_operators
    }
}

impl Access {
    /// Fails on a pattern that does not compile, or a list that compiles to more than 1 MiB.
    pub fn build(rules: AccessRules) -> Result<Self, AccessError> {
        let mut blocked = RegexSetBuilder::new(&rules.blocked);
        let blocked = blocked.case_insensitive(true).size_limit(MOST_COMPILED).build()?;
        let AccessRules { admins, banned, room_operators, .. } = rules;
        Ok(Self { admins, banned, blocked, room_operators })
    }

    pub fn rights(&self, request: &Request) -> Rights {
        Rights { role: self.role(request), room_operators: self.room_operators }
    }

    /// Rank is for those who speak themselves, in a message of its own: an admin's account, or
    /// whoever the protocol vouches for as an operator of the room that is spoken in.
    pub fn role(&self, request: &Request) -> Role {
        let author = &request.from;
        let itself = author.adapter == request.reply_to.adapter && !author.powers.relay;
        let fresh = matches!(request.body, Body::Text(_) | Body::Command(_));
        let room = request.place.kind == PlaceKind::Group;
        if !itself || !fresh {
            Role::Everybody
        } else if author.trust == Trust::Account && any(&self.admins, author) {
            Role::Admin
        } else if author.powers.room_operator && room {
            Role::RoomOperator
        } else {
            Role::Everybody
        }
    }

    pub fn is_banned(&self, author: &Author) -> bool {
        any(&self.banned, author)
    }

    /// Some blocked pattern is in it, as written or behind digits in place of letters.
    pub fn blocks(&self, prompt: &str) -> bool {
        let plain = fold(prompt);
        self.blocked.is_match(&plain)
            || self.blocked.is_match(&plain.chars().map(letter).collect::<String>())
    }
}

fn any(list: &[Whom], author: &Author) -> bool {
    let here = |whom: &Whom| whom.adapter.as_ref().is_none_or(|it| *it == author.adapter);
    list.iter().any(|whom| here(whom) && whom.id == author.id)
}

/// The letter that a digit or sign stands for.
fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests;
