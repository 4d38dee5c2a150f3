//! Who may do what, and which words nobody may use. Pure: rules come from the configuration.
//! Rights go by account alone; a name, an operator's hat or a relay's word grants none.
use super::spelling::fold;
use inkwire_core::{AdapterId, Author, Body, Native, Request, Role, Trust};
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
}

impl PartialEq for Access {
    fn eq(&self, other: &Self) -> bool {
        let patterns = self.blocked.patterns() == other.blocked.patterns();
        patterns && self.admins == other.admins && self.banned == other.banned
    }
}

impl Access {
    /// Fails on a pattern that does not compile, or a list that compiles to more than 1 MiB.
    pub fn build(rules: AccessRules) -> Result<Self, AccessError> {
        let mut blocked = RegexSetBuilder::new(&rules.blocked);
        let blocked = blocked.case_insensitive(true).size_limit(MOST_COMPILED).build()?;
        Ok(Self { admins: rules.admins, banned: rules.banned, blocked })
    }

    /// What this request may do: an admin's account, speaking itself, in a message of its own.
    pub fn role(&self, request: &Request) -> Role {
        let author = &request.from;
        let itself = author.trust == Trust::Account && !author.powers.relay;
        let own = author.adapter == request.reply_to.adapter;
        let fresh = matches!(request.body, Body::Text(_) | Body::Command(_));
        let admin = itself && own && fresh && any(&self.admins, author);
        if admin { Role::Admin } else { Role::Everybody }
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
