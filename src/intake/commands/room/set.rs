//! `room set`: flags of `imagine` that this room's requests have where they do not say otherwise.
//! They are read and judged as in a request, on top of what the room has already.
use super::{super::Row, Decision, change};
use crate::intake::{
    facts::Facts,
    parse::{Read, Words, flags::OF_ROOMS, wish},
    resolve::{Resolved, resolve},
    weights::gate,
};
use inkwire_core::{Address, Command, Imagine, Rejection, Role, Room};

/// Something to paint, so that the rest can be judged.
const ANYTHING: &str = "anything";

pub(in crate::intake::commands) const ROW: Row = Row {
    name: "room set",
    aliases: &[],
    usage: "room set model|style|size|ar|count|steps|cfg|sampler|scheduler|no VALUE",
    summary: "Sets what this room paints with where a request does not say.",
    role: Role::RoomOperator,
    examples: &["room set style film", "room set no people, text", "room set size 1024x768"],
    parse,
};

fn parse(words: Words) -> Result<Option<Command>, Rejection> {
    let dashes = if words.text.starts_with('-') { "" } else { "--" };
    Ok(match wish(&format!("{dashes}{}", words.text), words.ceilings)? {
        Read::Wish(wish, flags) if is_for_rooms(&wish, &flags) => {
            Some(Command::Room(Room::Set(wish)))
        }
        _ => None,
    })
}

fn is_for_rooms(wish: &Imagine, flags: &[&str]) -> bool {
    wish.prompt.is_empty() && !flags.is_empty() && flags.iter().all(|it| OF_ROOMS.contains(it))
}

pub(super) fn decide(facts: &Facts, here: &Address, wish: &Imagine) -> Result<Decision, Rejection> {
    let tried = Imagine { prompt: ANYTHING.to_owned(), ..wish.clone() };
    let resolved = resolve(&tried, facts.room, facts.presets, facts.known, 0)?;
    let defaults = with(facts.room.clone(), wish, &resolved)?;
    Ok(change(facts, here, defaults, resolved.notes))
}

/// What was asked for, as it was understood and brought into range. A size and a shape exclude
/// each other, as they do in a request.
fn with(room: Imagine, wish: &Imagine, given: &Resolved) -> Result<Imagine, Rejection> {
    let made = &given.render;
    let (width, height, aspect) = match (wish.width.or(wish.height), wish.aspect) {
        (Some(_), _) => (Some(made.width), Some(made.height), None),
        (None, Some(aspect)) => (None, None, Some(aspect)),
        (None, None) => (room.width, room.height, room.aspect),
    };
    let negative = wish.negative.as_deref().map(gate).transpose()?.map(|gated| gated.text);
    Ok(Imagine {
        model: wish.model.as_ref().map(|_| made.model.clone()).or(room.model),
        style: wish.style.as_ref().and(made.style.clone()).or(room.style),
        width,
        height,
        aspect,
        count: wish.count.map(|_| given.parts).or(room.count),
        steps: wish.steps.map(|_| made.steps).or(room.steps),
        cfg: wish.cfg.or(room.cfg),
        sampler: wish.sampler.as_ref().map(|_| made.sampler.clone()).or(room.sampler),
        scheduler: wish.scheduler.as_ref().map(|_| made.scheduler.clone()).or(room.scheduler),
        negative: negative.or(room.negative),
        ..Imagine::default()
    })
}
