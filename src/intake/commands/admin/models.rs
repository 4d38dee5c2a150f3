//! `admin models`: what each engine has, and which configured models it lacks.
use super::super::{Decision, Row};
use crate::intake::facts::{EngineFacts, Facts};
use inkwire_core::{Admin, Answer, Command, EngineModels, Role};

pub(in crate::intake::commands) const ROW: Row = Row {
    name: "admin models",
    aliases: &[],
    usage: "admin models",
    summary: "Shows per engine which models are installed, configured, missing and loaded.",
    role: Role::Admin,
    examples: &["admin models"],
    parse: |words| Ok(words.none().map(|()| Command::Admin(Admin::Models))),
};

pub(in crate::intake::commands) fn decide(facts: &Facts) -> Decision {
    let lines = facts.fleet.iter().map(|engine| line(facts, engine));
    Decision::answer(Answer::EngineModels(lines.collect()))
}

fn line(facts: &Facts, engine: &EngineFacts) -> EngineModels {
    let catalog = &engine.status.catalog;
    let models = facts.presets.models.iter().filter(|(_, model)| !model.checkpoint.is_empty());
    let names = models.map(|(name, model)| (name.clone(), &model.checkpoint));
    let (configured, missing): (Vec<_>, Vec<_>) =
        names.partition(|(_, file)| catalog.checkpoints.contains(*file));
    let names = |list: Vec<(String, _)>| list.into_iter().map(|(name, _)| name).collect();
    EngineModels {
        engine: engine.name.clone(),
        up: engine.works(),
        installed: catalog.checkpoints.clone(),
        configured: names(configured),
        missing: names(missing),
        loaded: engine.status.loaded.clone(),
        loras: catalog.loras.clone(),
    }
}
