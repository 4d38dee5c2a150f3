//! `status`: where one job stands, with its links once it is done.
use super::{Decision, Row};
use crate::intake::{
    facts::Facts,
    parse::{Words, job_id},
};
use inkwire_core::{Answer, Command, JobReport, Rejection, Role};

pub(super) const ROW: Row = Row {
    name: "status",
    aliases: &[],
    usage: "status [ID]",
    summary: "Shows how far your newest job is, or the one of this id.",
    role: Role::Everybody,
    examples: &["status", "status k7f"],
    parse: |words| Ok(parse(words)),
};

fn parse(words: Words) -> Option<Command> {
    match words.list().as_slice() {
        [] => Some(Command::Status(None)),
        [word] => Some(Command::Status(Some(job_id(word)?))),
        _ => None,
    }
}

pub(super) fn decide(facts: &Facts) -> Result<Decision, Rejection> {
    let record = facts.visible().ok_or(Rejection::NoSuchJob)?;
    let standing = facts.queue.standing(&record.job.id).unwrap_or_default();
    Ok(Decision::answer(Answer::Status(JobReport {
        job: record.job.id.clone(),
        state: record.state.into(),
        position: standing.position,
        eta: standing.eta,
        engine: record.engine.clone(),
        progress: standing.progress,
        links: record.artifacts.iter().filter_map(|made| made.link.clone()).collect(),
    })))
}
