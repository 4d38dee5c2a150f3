//! `admin unload`: frees the memory that models hold in one engine, or in all that work.
use super::super::{Act, Decision, Row};
use crate::intake::{
    facts::{EngineFacts, Facts},
    parse::Words,
    spelling::pick,
};
use inkwire_core::{Admin, Answer, Command, Rejection, Role};

pub(in crate::intake::commands) const ROW: Row = Row {
    name: "admin unload",
    aliases: &["unload"],
    usage: "admin unload [ENGINE]",
    summary: "Frees the memory of an engine, or of all.",
    role: Role::Admin,
    examples: &["admin unload", "admin unload gpu1"],
    parse: |words| Ok(parse(words).map(Command::Admin)),
};

fn parse(words: Words) -> Option<Admin> {
    match words.list().as_slice() {
        [] => Some(Admin::Unload(None)),
        [engine] => Some(Admin::Unload(Some((*engine).to_owned()))),
        _ => None,
    }
}

pub(in crate::intake::commands) fn decide(
    facts: &Facts,
    engine: Option<&str>,
) -> Result<Decision, Rejection> {
    let fleet: Vec<_> = facts.fleet.iter().map(|engine| (engine.name.as_str(), engine)).collect();
    let engines: Vec<_> = match engine {
        Some(name) => vec![pick("engine", name, &fleet)?.0.to_owned()],
        None => works(facts.fleet).collect(),
    };
    let acts = vec![Act::Unload(engines.clone())];
    Ok(Decision { acts, ..Decision::answer(Answer::Unloading(engines)) })
}

fn works(fleet: &[EngineFacts]) -> impl Iterator<Item = String> {
    fleet.iter().filter(|engine| engine.works()).map(|engine| engine.name.clone())
}
