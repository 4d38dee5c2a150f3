//! `me`: the asker's own limits, and what they have asked for lately.
use super::{Decision, Row};
use crate::intake::facts::{Facts, Phase, Whose};
use inkwire_core::{Answer, Command, PersonReport, Role};

pub(super) const ROW: Row = Row {
    name: "me",
    aliases: &[],
    usage: "me",
    summary: "Shows your jobs and your limits.",
    role: Role::Everybody,
    examples: &["me"],
    parse: |words| Ok(words.none().map(|()| Command::Me)),
};

pub(super) fn decide(facts: &Facts) -> Decision {
    let count = |phase| facts.queue.count(phase, Whose::Person(facts.person));
    Decision::answer(Answer::Me(PersonReport {
        name: facts.request.from.name.clone(),
        waiting: count(Phase::Waiting),
        max_waiting: facts.terms.caps.waiting_per_person,
        running: count(Phase::Running),
        max_running: facts.terms.caps.running_per_person,
        messages_per_minute: facts.terms.messages_per_minute,
        admin: facts.is_admin(),
        newest: facts.newest.to_vec(),
    }))
}
