//! Many rooms in few JOINs: as many as a line holds and the server allows at a time. Pure.
use super::{LONGEST_WAIT, Room, Standing, UNANSWERED};
use crate::{isupport::Isupport, line::IrcLine};
use irc::proto::Command;
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of names and keys in one JOIN.
const MAX_JOIN: usize = 400;
/// JOINs at once, and how long the rest waits: servers kill whoever says more.
const MAX_LINES: usize = 4;
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Join {
    names: String,
    keys: String,
    rooms: usize,
}

pub(super) fn ask(rooms: &mut [Room], isupport: &Isupport, now: Instant) -> Vec<IrcLine> {
    let mut due: Vec<_> = (0..rooms.len()).filter(|at| is_due(rooms, *at, now)).collect();
    // Keys belong to the first names of a line.
    due.sort_by_key(|at| rooms.get(*at).is_some_and(|room| room.key.is_none()));
    let most = isupport.join_targets.unwrap_or(usize::MAX);
    let (mut lines, mut join) = (vec![], Join::default());
    for at in due {
        let has_place = has_place(rooms, at, isupport);
        let Some(room) = rooms.get_mut(at) else { continue };
        if !has_place {
            postpone(room, now);
            continue;
        }
        if join.rooms > 0 && (join.rooms >= most || join.with(room) > MAX_JOIN) {
            lines.push(std::mem::take(&mut join).line());
        }
        if lines.len() >= MAX_LINES {
            room.again = now + PAUSE;
            continue;
        }
        (room.standing, room.again) = (Standing::Asked, now + UNANSWERED);
        join.add(room);
    }
    if join.rooms > 0 {
        lines.push(join.line());
    }
    lines
}

fn is_due(rooms: &[Room], at: usize, now: Instant) -> bool {
    rooms.get(at).is_some_and(|room| !room.is_in() && room.again <= now)
}

/// Whether the server lets us into one more room of this kind.
fn has_place(rooms: &[Room], at: usize, isupport: &Isupport) -> bool {
    let limit = rooms.get(at).and_then(|room| isupport.chan_limit(&room.name));
    let Some((kinds, most)) = limit else { return true };
    let others = rooms.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, room)| room);
    let taken = others.filter(|room| {
        room.standing != Standing::Out && room.name.starts_with(|kind| kinds.contains(kind))
    });
    taken.count() < most
}

fn postpone(room: &mut Room, now: Instant) {
    (room.standing, room.answered, room.again) = (Standing::Out, true, now + LONGEST_WAIT);
    tracing::warn!(room = room.name, "too many rooms for this server");
}

impl Join {
    /// Bytes that it would have with one more room.
    fn with(&self, room: &Room) -> usize {
        self.names.len() + self.keys.len() + room.name.len() + key(room).len() + 2
    }

    fn add(&mut self, room: &Room) {
        append(&mut self.names, &room.name);
        append(&mut self.keys, key(room));
        self.rooms += 1;
    }

    fn line(self) -> IrcLine {
        let keys = Some(self.keys).filter(|keys| !keys.is_empty());
        IrcLine::command(Command::JOIN(self.names, keys, None))
    }
}

fn key(room: &Room) -> &str {
    room.key.as_ref().map_or("", |key| key.expose_secret())
}

fn append(list: &mut String, item: &str) {
    if !list.is_empty() && !item.is_empty() {
        list.push(',');
    }
    list.push_str(item);
}
