//! `room`: what is painted with here where a request does not say, and who says so.
use super::{super::Row, Decision, in_force};
use crate::intake::facts::Facts;
use inkwire_core::{Answer, Command, Role, Room};

pub(in crate::intake::commands) const ROW: Row = Row {
    name: "room",
    aliases: &[],
    usage: "room",
    summary: "Shows what this room paints with where you do not say, and where that comes from.",
    role: Role::Everybody,
    examples: &["room"],
    parse: |words| Ok(words.none().map(|()| Command::Room(Room::Show))),
};

pub(super) fn decide(facts: &Facts) -> Decision {
    Decision::answer(Answer::Room(in_force(facts, facts.room)))
}
