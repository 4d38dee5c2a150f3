//! `workflows`: what can be asked for with `--workflow`.
use super::{Decision, Row};
use crate::intake::facts::Facts;
use inkwire_core::{Answer, Command, Role, WorkflowLine};

pub(super) const ROW: Row = Row {
    name: "workflows",
    aliases: &[],
    usage: "workflows",
    summary: "Lists the workflows for `--workflow`.",
    role: Role::Everybody,
    examples: &["workflows"],
    parse: |words| Ok(words.none().map(|()| Command::Workflows)),
};

pub(super) fn decide(facts: &Facts) -> Decision {
    let lines = facts.known.workflows.iter().map(|(name, workflow)| WorkflowLine {
        name: name.clone(),
        title: workflow.title.clone(),
        needs_picture: workflow.needs_picture,
        available: workflow.available,
    });
    Decision::answer(Answer::Workflows(lines.collect()))
}
