//! `models`: what can be asked for with `--model`.
use super::{Decision, Row};
use crate::intake::{
    facts::Facts,
    presets::Model,
    resolve::{OwnValues, default_model},
};
use inkwire_core::{Answer, Command, Imagine, ModelLine, Role};

pub(super) const ROW: Row = Row {
    name: "models",
    aliases: &[],
    usage: "models",
    summary: "Lists the models for `--model`.",
    role: Role::Everybody,
    examples: &["models"],
    parse: |words| Ok(words.none().map(|()| Command::Models)),
};

pub(super) fn decide(facts: &Facts) -> Decision {
    let default = default_model(facts.presets, facts.known);
    let line = |(name, model): (&String, &Model)| {
        let workflow = facts.known.workflows.get(&model.workflow);
        let own = OwnValues::of(model, workflow, facts.presets, &Imagine::default());
        ModelLine {
            name: name.clone(),
            summary: model.summary.clone(),
            workflow: model.workflow.clone(),
            width: own.width.value,
            height: own.height.value,
            steps: own.steps.value,
            is_default: default == Some(name),
            available: facts.known.models.as_ref().is_some_and(|have| have.contains(name)),
        }
    };
    Decision::answer(Answer::Models(facts.presets.models.iter().map(line).collect()))
}
