//! `room unset`: forgets one default of this room, or all of them.
use super::{super::Row, Decision, change};
use crate::intake::{
    facts::Facts,
    parse::{
        Words,
        flags::{Flag, OF_ROOMS},
    },
    spelling::fold,
};
use inkwire_core::{Address, Command, Imagine, Role, Room};

pub(in crate::intake::commands) const ROW: Row = Row {
    name: "room unset",
    aliases: &[],
    usage: "room unset model|style|size|ar|count|steps|cfg|sampler|scheduler|no|all",
    summary: "Forgets a default of this room, or all of them.",
    role: Role::RoomOperator,
    examples: &["room unset style", "room unset all"],
    parse: |words| Ok(parse(words).map(Command::Room)),
};

fn parse(words: Words) -> Option<Room> {
    let word = fold(words.text.trim_start_matches('-'));
    if word == "all" {
        return Some(Room::Unset(None));
    }
    let flag = Flag::long(&word).filter(|flag| OF_ROOMS.contains(&flag.name))?;
    Some(Room::Unset(Some(flag.name.to_owned())))
}

pub(super) fn decide(facts: &Facts, here: &Address, flag: Option<&str>) -> Decision {
    let room = facts.room.clone();
    let defaults = flag.map(|flag| without(room, flag)).unwrap_or_default();
    change(facts, here, defaults, vec![])
}

fn without(room: Imagine, flag: &str) -> Imagine {
    match flag {
        "model" => Imagine { model: None, ..room },
        "style" => Imagine { style: None, ..room },
        "size" => Imagine { width: None, height: None, ..room },
        "ar" => Imagine { aspect: None, ..room },
        "count" => Imagine { count: None, ..room },
        "steps" => Imagine { steps: None, ..room },
        "cfg" => Imagine { cfg: None, ..room },
        "sampler" => Imagine { sampler: None, ..room },
        "scheduler" => Imagine { scheduler: None, ..room },
        "no" => Imagine { negative: None, ..room },
        _ => room,
    }
}
