//! `admin engines`: how each engine is doing.
use super::super::{Decision, Row};
use crate::intake::facts::{EngineFacts, Facts};
use inkwire_core::{Admin, Answer, Command, EngineLine, Role};

pub(in crate::intake::commands) const ROW: Row = Row {
    name: "admin engines",
    aliases: &["engines"],
    usage: "admin engines",
    summary: "Shows each engine's health, version, memory and load.",
    role: Role::Admin,
    examples: &["admin engines"],
    parse: |words| Ok(words.none().map(|()| Command::Admin(Admin::Engines))),
};

pub(in crate::intake::commands) fn decide(facts: &Facts) -> Decision {
    Decision::answer(Answer::Engines(facts.fleet.iter().map(line).collect()))
}

fn line(engine: &EngineFacts) -> EngineLine {
    let status = &engine.status;
    EngineLine {
        name: engine.name.clone(),
        health: status.health,
        reason: status.reason.clone(),
        version: status.version.clone(),
        device: status.device.clone(),
        vram: status.vram,
        running: engine.running,
        foreign: status.foreign,
    }
}
