//! `again`: the same recipe with a fresh seed. Works from the recipe, so expired pictures can be
//! made again; once that is gone too, it says so.
use super::{Decision, Row, imagine, info::has_image};
use crate::intake::{
    facts::{Facts, Fresh},
    parse::{Words, job_ref},
    resolve::Resolved,
};
use inkwire_core::{Command, JobRef, Rejection, Role};

pub(super) const ROW: Row = Row {
    name: "again",
    aliases: &[],
    usage: "again [ID[.IMAGE]]",
    summary: "Paints your newest request, or the one of this id, with a fresh seed.",
    role: Role::Everybody,
    examples: &["again", "again k7f", "again k7f.2"],
    parse: |words| Ok(parse(words)),
};

fn parse(words: Words) -> Option<Command> {
    match words.list().as_slice() {
        [] => Some(Command::Again(None)),
        [word] => Some(Command::Again(Some(job_ref(word)?))),
        _ => None,
    }
}

pub(super) fn decide(
    facts: &Facts,
    fresh: &mut Fresh,
    of: Option<&JobRef>,
) -> Result<Decision, Rejection> {
    let record = facts.visible().ok_or(Rejection::NoSuchJob)?;
    let image = of.and_then(|of| of.image);
    has_image(record, image)?;
    if record.job.render.prompt.is_empty() {
        return Err(Rejection::Gone);
    }
    let mut render = record.job.render.clone();
    render.seed = (fresh.seed)();
    let parts = if image.is_some() { 1 } else { record.job.parts };
    imagine::accept(facts, fresh, Resolved { render, parts, notes: vec![] }, record.job.private)
}
