//! `about`: what this is, and where it comes from.
use super::{Decision, Row};
use crate::intake::facts::Facts;
use inkwire_core::{About, Answer, Command, Role};

pub(super) const ROW: Row = Row {
    name: "about",
    aliases: &[],
    usage: "about",
    summary: "Shows the version, the engines and where the source is.",
    role: Role::Everybody,
    examples: &["about"],
    parse: |words| Ok(words.none().map(|()| Command::About)),
};

pub(super) fn decide(facts: &Facts) -> Decision {
    Decision::answer(Answer::About(About {
        version: facts.terms.version.clone(),
        engines: facts.fleet.iter().map(|engine| engine.name.clone()).collect(),
        up_for: facts.terms.up_since.until(facts.now),
        source: facts.terms.source.clone(),
    }))
}
