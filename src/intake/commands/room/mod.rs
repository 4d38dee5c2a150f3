//! What can be asked about the room that is spoken in: its defaults, and an end to its jobs.
//! There is nothing to ask where only one person listens.
pub(super) mod flush;
pub(super) mod set;
pub(super) mod show;
pub(super) mod unset;

use super::{Decision, Row};
use crate::{
    intake::{access::RoomOperators, facts::Facts, resolve},
    store::Change,
};
use inkwire_core::{Address, Answer, Imagine, Note, Rejection, Role, Room, RoomDefault};

pub(super) fn decide(facts: &Facts, about: &Room) -> Result<Decision, Rejection> {
    let here = facts.group()?;
    let needed = match about {
        Room::Show => &show::ROW,
        Room::Set(_) => &set::ROW,
        Room::Unset(_) => &unset::ROW,
        Room::Flush { .. } => &flush::ROW,
    };
    if !needed.is_for(facts.rights) {
        return Err(Rejection::NotAllowed);
    }
    match about {
        Room::Show => Ok(show::decide(facts)),
        Room::Set(wish) => set::decide(facts, here, wish),
        Room::Unset(flag) => Ok(unset::decide(facts, here, flag.as_deref())),
        Room::Flush { running } => Ok(flush::decide(facts, here, *running)),
    }
}

/// Whether operators of rooms may use this, as far as that is left to them.
pub(super) fn is_left(row: &Row, left: RoomOperators) -> bool {
    row.role != Role::RoomOperator
        || if row.name == flush::ROW.name { left.flush } else { left.defaults }
}

/// The room paints with these from now on; the answer tells what became different.
fn change(facts: &Facts, here: &Address, defaults: Imagine, notes: Vec<Note>) -> Decision {
    let before = in_force(facts, facts.room);
    let mut now = in_force(facts, &defaults);
    now.retain(|line| !before.contains(line));
    let (adapter, room) = (here.adapter.clone(), here.room.clone());
    let change = Change::Prefer { adapter, room, defaults: Box::new(defaults) };
    Decision::change(Answer::RoomChanged { now, notes }, vec![change])
}

fn in_force(facts: &Facts, room: &Imagine) -> Vec<RoomDefault> {
    resolve::in_force(room, facts.presets, facts.known)
}
