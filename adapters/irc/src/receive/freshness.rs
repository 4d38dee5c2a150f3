//! Whether a line was said just now. Clocks differ: what the server answers us with tells its time.
//! What is old was said to somebody else, or to us before a restart: it is never run.
use super::{place::Spot, spoken::Spoken};
use crate::{identity::Identity, stamp};
use inkwire_core::Time;
use irc::proto::{Command, Message, Prefix};
use std::{collections::BTreeMap, time::Duration};

/// An older line is a replay, where we do not know since when we hear.
const FRESH: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Freshness {
    /// Server time minus ours, in milliseconds.
    skew: i64,
    /// Server time at which we came into a room; by folded name.
    entered: BTreeMap<String, Time>,
}

impl Freshness {
    pub(super) fn learn(&mut self, me: &Identity, message: &Message, now: Time) {
        match (&message.command, &message.prefix) {
            (Command::PONG(..) | Command::Response(..), _) => self.adjust(me, message, now),
            (Command::JOIN(room, ..), Some(Prefix::Nickname(nick, ..))) if me.is_me(nick) => {
                self.adjust(me, message, now);
                if me.room(room).is_some() {
                    self.entered.insert(me.casemap.fold(room), self.server_time(now));
                }
            }
            _ => {}
        }
    }

    pub(super) fn is_old(&self, me: &Identity, spoken: &Spoken) -> bool {
        let room = Spot::of(me, &spoken.target).and_then(|spot| spot.room());
        let entered = room.and_then(|room| self.entered.get(&me.casemap.fold(room)));
        let fresh = u64::try_from(FRESH.as_millis()).unwrap_or_default();
        let limit = || Time(self.server_time(spoken.at).0.saturating_sub(fresh));
        // A link that stalled delivers late what was said meanwhile.
        let limit = entered.copied().unwrap_or_else(limit);
        spoken.sent.is_some_and(|sent| sent < limit)
    }

    fn adjust(&mut self, me: &Identity, message: &Message, now: Time) {
        let sent = me.caps.has("server-time").then(|| stamp::time(message)).flatten();
        if let Some(sent) = sent {
            let milliseconds = |time: Time| i64::try_from(time.0).unwrap_or(i64::MAX);
            self.skew = milliseconds(sent).saturating_sub(milliseconds(now));
        }
    }

    fn server_time(&self, now: Time) -> Time {
        Time(now.0.saturating_add_signed(self.skew))
    }
}
