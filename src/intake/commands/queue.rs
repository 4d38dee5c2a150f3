//! `queue`: what runs and what waits; whose it is stays hidden where it is not for the asker.
use super::{Decision, Row};
use crate::intake::facts::{Facts, Phase, Whose};
use inkwire_core::{Answer, Command, QueueLine, QueueReport, Role};

/// Lines of each kind.
const MOST_LINES: usize = 10;

pub(super) const ROW: Row = Row {
    name: "queue",
    aliases: &[],
    usage: "queue",
    summary: "Shows what is being painted and what waits.",
    role: Role::Everybody,
    examples: &["queue"],
    parse: |words| Ok(words.none().map(|()| Command::Queue)),
};

pub(super) fn decide(facts: &Facts) -> Decision {
    Decision::answer(Answer::Queue(QueueReport {
        running: lines(facts, Phase::Running),
        waiting: lines(facts, Phase::Waiting),
        waiting_total: facts.queue.count(Phase::Waiting, Whose::Everybody),
        paused: facts.queue.paused(),
        engines_up: facts.fleet.iter().filter(|engine| engine.works()).count(),
        engines: facts.fleet.len(),
    }))
}

fn lines(facts: &Facts, phase: Phase) -> Vec<QueueLine> {
    let line = |(row, eta): (crate::store::IndexRow, _)| QueueLine {
        job: row.job.clone(),
        owner: facts.sees_owner(&row).then(|| row.owner_name.clone()),
        mine: row.owner == *facts.person,
        images: row.total,
        eta,
    };
    facts.queue.list(phase, MOST_LINES).into_iter().map(line).collect()
}
