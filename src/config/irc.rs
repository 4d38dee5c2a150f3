//! IRC networks: their adapter says what a network may have and what is wrong with it; names,
//! files and secrets follow the rules of every other section.
use super::{
    check::{Check, is_name},
    load::Place,
};
use crate::written::Spanned;
use std::collections::{BTreeMap, BTreeSet};

#[cfg(feature = "irc")]
pub use inkwire_irc::Config as Irc;

/// Stands for a network in a program that has no IRC; whatever is written is read over.
#[cfg(not(feature = "irc"))]
#[derive(Debug, Clone, Default)]
pub struct Irc {
    pub name: String,
}

#[cfg(not(feature = "irc"))]
impl<'de> serde::Deserialize<'de> for Irc {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(from).map(|_| Self::default())
    }
}

pub(super) fn networks(check: &mut Check, place: &Place<'_>, written: &[Spanned<Irc>]) -> Vec<Irc> {
    let (mut names, mut variables) = (BTreeSet::new(), BTreeMap::new());
    check.each(written, |check, index, irc| {
        let mut irc = irc.clone();
        let key = format!("irc[{index}]");
        if !is_name(&irc.name) {
            check.wrong(format!("{key}.name must be letters, digits, `-` and `_`"));
        } else if !names.insert(irc.name.to_lowercase()) {
            check.wrong(format!("{key}.name `{}` is taken already", irc.name));
        }
        let key = if irc.name.is_empty() { key } else { format!("irc.{}", irc.name) };
        complete(check, place, &key, &mut irc, &mut variables);
        irc
    })
}

/// Fills in secrets, and paths from the directory of the configuration. `variables` are those that
/// belong to a network already.
#[cfg(feature = "irc")]
fn complete(
    check: &mut Check,
    place: &Place<'_>,
    key: &str,
    irc: &mut Irc,
    variables: &mut BTreeMap<String, String>,
) {
    for (name, file) in irc.files() {
        *file = place.path_of(file);
        Place::open(file).unwrap_or_else(|why| check.wrong(format!("{key}.{name}: {why}")));
    }
    let network = irc.name.clone();
    for secret in irc.secrets() {
        let variable = secret.variable.map(|end| format!("IRC_{network}_{end}"));
        let named = variable.as_deref().map(Place::variable);
        let other = named.clone().and_then(|name| variables.insert(name, network.clone()));
        if let (Some(name), Some(other)) = (named, other) {
            check.wrong(format!("{key}.name: {name} would be a secret of `{other}` too"));
        }
        match place.read_secret(secret.file.as_deref(), variable.as_deref()) {
            Ok(value) => *secret.value = value,
            Err(why) => check.wrong(format!("{key}.{}: {why}", secret.key)),
        }
    }
    for problem in irc.problems() {
        check.wrong(format!("{key}.{problem}"));
    }
}

#[cfg(not(feature = "irc"))]
fn complete(
    check: &mut Check,
    _: &Place<'_>,
    key: &str,
    _: &mut Irc,
    _: &mut BTreeMap<String, String>,
) {
    check.wrong(format!("{key}: this program was built without IRC"));
}
