//! Where a line was said, and what makes it ours there: the room's prefix, else the network's, else
//! the common ones, and every name that we go by. Pure.
use crate::{
    accounts::Need,
    config::{Channel, Config},
    identity::Identity,
};
use inkwire_core::{
    Role, Rules, Spec, Surface,
    trigger::{self, Words},
};

/// Where something was said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Spot<'a> {
    Direct,
    /// In a room of ours, as the configuration spells it; `status` are the signs before its name
    /// when only those are to read it who have them.
    Room {
        name: &'a str,
        status: &'a str,
    },
}

impl<'a> Spot<'a> {
    /// `None` for what was said elsewhere.
    pub(crate) fn of(me: &'a Identity, target: &'a str) -> Option<Self> {
        if me.is_me(target) {
            return Some(Self::Direct);
        }
        if let Some(name) = me.room(target) {
            return Some(Self::Room { name, status: "" });
        }
        let is_status = |letter: char| me.isupport.status_msg.contains(letter);
        let bare = target.trim_start_matches(is_status);
        let status = target.strip_suffix(bare).unwrap_or_default();
        me.room(bare).map(|name| Self::Room { name, status })
    }

    pub(crate) fn is_direct(&self) -> bool {
        *self == Self::Direct
    }

    pub(crate) fn room(&self) -> Option<&'a str> {
        match self {
            Self::Direct => None,
            Self::Room { name, .. } => Some(name),
        }
    }
}

pub(super) struct Prefixes {
    network: Option<String>,
    rooms: Vec<Channel>,
}

impl Prefixes {
    pub(super) fn new(config: &Config) -> Self {
        let own = config.channels.iter().filter(|room| room.prefix.is_some());
        Self { network: config.prefix.clone(), rooms: own.cloned().collect() }
    }

    pub(super) fn hear<'a>(
        &self,
        me: &Identity,
        rules: &Rules,
        spot: &Spot<'_>,
        text: &'a str,
    ) -> Option<Words<'a>> {
        let here = Rules {
            prefixes: self.here(me, rules, spot.room()).to_vec(),
            names: names(me, rules, text),
            ..Rules::default()
        };
        trigger::hear(&here, &trigger::Said { room: "", direct: spot.is_direct(), text })
    }

    fn here<'a>(&'a self, me: &Identity, rules: &'a Rules, room: Option<&str>) -> &'a [String] {
        let same = |name: &str| room.is_some_and(|room| me.casemap.same(name, room));
        let own = self.rooms.iter().find(|known| same(&known.name));
        let own = own.and_then(|room| room.prefix.as_ref()).or(self.network.as_ref());
        let common = || rules.rooms.iter().find(|(name, _)| same(name));
        match own {
            Some(prefix) => std::slice::from_ref(prefix),
            None => common().map_or(&rules.prefixes, |(_, prefixes)| prefixes),
        }
    }
}

/// Those of our names that a line begins with, as it spells them: people write nicks in any case.
fn names(me: &Identity, rules: &Rules, text: &str) -> Vec<String> {
    let text = text.trim_start();
    let all = rules.names.iter().chain([&me.nick]);
    let spelled =
        |name: &String| text.get(..name.len()).filter(|spelled| me.casemap.same(spelled, name));
    all.filter_map(spelled).map(str::to_owned).collect()
}

/// How well whoever says this must be known: for words with which some may do more than others, so
/// well as can be; for what is no command, not at all.
pub(super) fn need(surface: &Surface, words: &Words<'_>) -> Need {
    let mut said = words.text.split_whitespace();
    let word = said.next().unwrap_or_default().to_lowercase();
    let has_more = said.next().is_some();
    let begins = |name: &String| name.split(' ').next() == Some(&word);
    let named = |spec: &&Spec| begins(&spec.name) || spec.aliases.iter().any(begins);
    // An admin may do with everybody's pictures what their owners may.
    let about_others = |spec: &Spec| has_more && spec.usage.contains("ID");
    let needs = surface.commands.iter().filter(named).map(|spec| match spec.role {
        Role::Everybody if !about_others(spec) => Need::Recent,
        _ => Need::Certain,
    });
    needs.max().unwrap_or(Need::Nothing)
}
