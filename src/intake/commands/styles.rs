//! `styles`: what can be asked for with `--style`.
use super::{Decision, Row};
use crate::intake::facts::Facts;
use inkwire_core::{Answer, Command, Role, StyleLine};

pub(super) const ROW: Row = Row {
    name: "styles",
    aliases: &[],
    usage: "styles",
    summary: "Lists the styles for `--style`.",
    role: Role::Everybody,
    examples: &["styles"],
    parse: |words| Ok(words.none().map(|()| Command::Styles)),
};

pub(super) fn decide(facts: &Facts) -> Decision {
    let line = |(name, style): (&String, &crate::intake::presets::Style)| StyleLine {
        name: name.clone(),
        summary: style.summary.clone(),
    };
    Decision::answer(Answer::Styles(facts.presets.styles.iter().map(line).collect()))
}
