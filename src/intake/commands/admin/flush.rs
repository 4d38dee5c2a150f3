//! `admin flush`: ends what waits, and what runs where that is asked for; each owner is told.
use super::super::{Decision, Row};
use crate::{
    intake::{
        facts::{Facts, Phase},
        parse::Words,
        spelling::{entries, fold, pick},
    },
    store::{Change, IndexRow},
};
use inkwire_core::{Admin, Answer, Command, FlushScope, JobId, Rejection, Role};

const RUNNING: &str = "--running";

pub(in crate::intake::commands) const ROW: Row = Row {
    name: "admin flush",
    aliases: &["flush"],
    usage: "admin flush [user NAME|room NAME|model NAME|all] [--running]",
    summary: "Ends the waiting jobs of a user, a room, a model or all; running ones too.",
    role: Role::Admin,
    examples: &["admin flush", "admin flush user ann --running", "admin flush room #art"],
    parse: |words| Ok(parse(words).map(Command::Admin)),
};

fn parse(words: Words) -> Option<Admin> {
    let (flags, words): (Vec<_>, Vec<_>) =
        words.text.split_whitespace().partition(|word| is_running(word));
    let running = !flags.is_empty();
    let (kind, name) = words.split_first().unwrap_or((&"all", &[]));
    let name = name.join(" ");
    let scope = match (fold(kind).as_str(), name.is_empty()) {
        ("all", true) => FlushScope::All,
        ("user", false) => FlushScope::User(name),
        ("room", false) => FlushScope::Room(name),
        ("model", false) => FlushScope::Model(name),
        _ => return None,
    };
    Some(Admin::Flush { scope, running })
}

pub(in crate::intake::commands) fn is_running(word: &str) -> bool {
    fold(word).replace('—', "--") == RUNNING
}

pub(in crate::intake::commands) fn decide(
    facts: &Facts,
    scope: &FlushScope,
    running: bool,
) -> Result<Decision, Rejection> {
    let model = match scope {
        FlushScope::Model(name) => pick("model", name, &entries(&facts.presets.models))?.0,
        _ => "",
    };
    Ok(end(facts, running, |row| matches(row, scope, model)))
}

/// Ends what waits, and what runs where that is meant too.
pub(in crate::intake::commands) fn end(
    facts: &Facts,
    running: bool,
    wanted: impl Fn(&IndexRow) -> bool,
) -> Decision {
    let jobs = facts.queue.select(&wanted);
    let taken = |phase| move |(_, is): &&(JobId, Phase)| *is == phase;
    let waiting = jobs.iter().filter(taken(Phase::Waiting));
    let begun = jobs.iter().filter(taken(Phase::Running)).filter(|_| running);
    let answer =
        Answer::Flushed { waiting: waiting.clone().count(), running: begun.clone().count() };
    let cancel =
        |(job, _): &(JobId, Phase)| Change::Cancel { job: job.clone(), by: facts.person.clone() };
    Decision::change(answer, waiting.chain(begun).map(cancel).collect())
}

fn matches(row: &IndexRow, scope: &FlushScope, model: &str) -> bool {
    match scope {
        FlushScope::All => true,
        FlushScope::User(name) => is_user(row, &fold(name)),
        FlushScope::Room(name) => fold(&row.room.0) == fold(name),
        FlushScope::Model(_) => row.model == model,
    }
}

/// By display name, by person, or by the person's id on its adapter.
fn is_user(row: &IndexRow, name: &str) -> bool {
    let owner = fold(&row.owner.0);
    let id = owner.split_once('/').map_or("", |(_, id)| id);
    fold(&row.owner_name) == name || owner == name || id == name
}
