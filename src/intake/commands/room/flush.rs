//! `room flush`: ends what waits in this room, and what runs where that is asked for.
//! It reaches no other room, whoever asks.
use super::super::{
    Decision, Row,
    admin::flush::{end, is_running},
};
use crate::intake::{facts::Facts, parse::Words};
use inkwire_core::{Address, Command, Role, Room};

pub(in crate::intake::commands) const ROW: Row = Row {
    name: "room flush",
    aliases: &["flush"],
    usage: "room flush [--running]",
    summary: "Ends the waiting jobs of this room; running ones too.",
    role: Role::RoomOperator,
    examples: &["room flush", "room flush --running"],
    parse: |words| Ok(parse(words).map(Command::Room)),
};

fn parse(words: Words) -> Option<Room> {
    let words = words.list();
    words.iter().all(|word| is_running(word)).then_some(Room::Flush { running: !words.is_empty() })
}

pub(super) fn decide(facts: &Facts, here: &Address, running: bool) -> Decision {
    end(facts, running, |row| row.adapter == here.adapter && row.room == here.room)
}
