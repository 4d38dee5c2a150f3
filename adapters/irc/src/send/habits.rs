//! What rooms let us do, as far as they have told: which take no notices, which are closed to us.
//! It forgets with the connection.
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// Rooms remembered; beyond it all are forgotten and asked anew.
const MAX_ROOMS: usize = 256;
/// Whoever asked in a room that stays closed this long is told in private.
const CLOSED_FOR: Duration = Duration::from_mins(2);

/// All names are folded.
#[derive(Default)]
pub(super) struct Habits {
    no_notices: BTreeSet<String>,
    closed: BTreeMap<String, Instant>,
}

impl Habits {
    pub(super) fn refuses_notices(&self, room: &str) -> bool {
        self.no_notices.contains(room)
    }

    pub(super) fn refused_notice(&mut self, room: &str) {
        if self.no_notices.len() >= MAX_ROOMS {
            self.no_notices.clear();
        }
        self.no_notices.insert(room.to_owned());
    }

    pub(super) fn is_open(&mut self, room: &str) {
        self.closed.remove(room);
    }

    /// True if this room has been closed to us for long.
    pub(super) fn stays_closed(&mut self, room: &str, now: Instant) -> bool {
        if self.closed.len() >= MAX_ROOMS && !self.closed.contains_key(room) {
            self.closed.clear();
        }
        now - *self.closed.entry(room.to_owned()).or_insert(now) > CLOSED_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_told_apart_and_forgotten_when_they_are_many() {
        let mut habits = Habits::default();
        habits.refused_notice("#art");
        assert!(habits.refuses_notices("#art") && !habits.refuses_notices("#den"));
        for number in 0..MAX_ROOMS {
            habits.refused_notice(&format!("#{number}"));
        }
        assert!(!habits.refuses_notices("#art") && habits.no_notices.len() <= MAX_ROOMS);
    }

    #[test]
    fn a_room_is_closed_for_long_after_a_while() {
        let (mut habits, now) = (Habits::default(), Instant::now());
        let later = |seconds| now + Duration::from_secs(seconds);
        assert!(!habits.stays_closed("#art", now) && !habits.stays_closed("#art", later(120)));
        assert!(
            habits.stays_closed("#art", later(121)) && !habits.stays_closed("#den", later(121))
        );
        habits.is_open("#art");
        assert!(!habits.stays_closed("#art", later(300)));
        for number in 0..2 * MAX_ROOMS {
            habits.stays_closed(&format!("#{number}"), now);
        }
        assert!(habits.closed.len() <= MAX_ROOMS);
    }
}
