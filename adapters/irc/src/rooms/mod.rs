//! The rooms we are to be in: those that are configured and those we were invited into.
//! Asked for at once, and again after a kick or a refusal. Pure but for the clock: messages in,
//! lines out.
mod joining;
mod refusal;
#[cfg(test)]
mod tests;

use crate::{
    casemap::Casemap,
    config::{Channel, Config},
    identity::Identity,
    isupport::Isupport,
    line::IrcLine,
    quota::Quota,
};
use irc::proto::{Command, Message, Prefix};
use rand::Rng;
use refusal::{Refusal, refusal};
use secrecy::SecretString;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// A room that said no so often is not pressed any more.
const PATIENCE: u32 = 10;
const RARELY: Duration = Duration::from_mins(30);
/// A server that says nothing about a JOIN is asked again after this.
const UNANSWERED: Duration = Duration::from_mins(1);
const MAX_INVITED: usize = 50;
/// Bytes of the name of a room that somebody invites us into.
const MAX_NAME: usize = 100;
/// Invitations that are looked at.
const INVITATIONS: usize = 5;
const INVITATIONS_WITHIN: Duration = Duration::from_mins(1);

struct Room {
    name: String,
    key: Option<SecretString>,
    /// Not configured: once we are put out, we stay out.
    invited: bool,
    /// Where the server said that it puts us instead.
    instead: Option<String>,
    standing: Standing,
    /// It said yes or no, or need not be waited for.
    answered: bool,
    again: Instant,
    tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Out,
    Asked,
    In { since: Instant },
}

pub(crate) struct Rooms {
    rooms: Vec<Room>,
    invitations: Quota,
}

/// What a message means for our rooms.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// We came into a room, left one, were refused or are to be in another.
    Moved,
    /// We were put into another room than the one that we asked for.
    Leave(String),
}

impl Room {
    fn new(name: &str, key: Option<SecretString>, invited: bool) -> Self {
        let (name, standing, again) = (name.to_owned(), Standing::Out, Instant::now());
        Self { name, key, invited, instead: None, standing, answered: false, again, tries: 0 }
    }

    fn is_in(&self) -> bool {
        matches!(self.standing, Standing::In { .. })
    }

    /// Stays out for a while, and longer every time.
    fn wait(&mut self, at_least: Duration) {
        let stayed = match self.standing {
            Standing::In { since } => since.elapsed(),
            Standing::Out | Standing::Asked => Duration::ZERO,
        };
        let tries = if stayed > LONGEST_WAIT { 0 } else { self.tries };
        let wait = match tries {
            PATIENCE.. => RARELY,
            tries => (FIRST_WAIT * 2u32.saturating_pow(tries)).min(LONGEST_WAIT),
        };
        let wait = wait.max(at_least).mul_f64(rand::rng().random_range(1.0..1.5));
        (self.standing, self.answered, self.tries) = (Standing::Out, true, tries.saturating_add(1));
        self.again = Instant::now() + wait;
        tracing::warn!(room = self.name, wait = wait.as_secs(), "not in room");
    }
}

impl Rooms {
    /// `invited` are the rooms that were remembered.
    pub(crate) fn new(config: &Config, invited: &[String]) -> Self {
        let invitations = Quota::new(INVITATIONS, INVITATIONS_WITHIN);
        let mut rooms = Self { rooms: vec![], invitations };
        for Channel { name, key, .. } in &config.channels {
            if rooms.find(Casemap::default(), name).is_none() {
                rooms.rooms.push(Room::new(name, key.clone(), false));
            }
        }
        // Whoever may invite nobody any more wants none of them kept.
        for name in invited.iter().filter(|_| !config.inviters.is_empty()) {
            rooms.add(name, Casemap::default());
        }
        rooms
    }

    /// When `join` has something to say.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.rooms.iter().filter(|room| !room.is_in()).map(|room| room.again).min()
    }

    /// Asks for every room that is due, in as few lines as fit.
    pub(crate) fn join(&mut self, isupport: &Isupport, now: Instant) -> Vec<IrcLine> {
        joining::ask(&mut self.rooms, isupport, now)
    }

    pub(crate) fn take(&mut self, me: &Identity, message: &Message) -> Option<Change> {
        if let Some(refused) = refusal(message) {
            return self.refused(me.casemap, &refused);
        }
        let ours = matches!(&message.prefix, Some(Prefix::Nickname(nick, ..)) if me.is_me(nick));
        match &message.command {
            Command::JOIN(room, ..) if ours => self.entered(me.casemap, room),
            Command::PART(room, _) if ours => self.left(me.casemap, room),
            Command::KICK(room, nick, _) if me.is_me(nick) => self.left(me.casemap, room),
            _ => None,
        }
    }

    /// Somebody invites us into a room that we know, or with `allowed` into one that we do not.
    pub(crate) fn invited(&mut self, me: &Identity, name: &str, allowed: bool) -> Option<Change> {
        let known = self.find(me.casemap, name).map(|room| room.is_in());
        let follows = if allowed { known.is_none() } else { known == Some(false) };
        if !follows || !me.isupport.is_room(name) || !self.invitations.take(Instant::now()) {
            return None;
        }
        if known.is_none() && !self.add(name, me.casemap) {
            return None;
        }
        tracing::info!(room = name, "invited");
        self.find(me.casemap, name)?.again = Instant::now();
        Some(Change::Moved)
    }

    /// What refused us before may not any more.
    pub(crate) fn hurry(&mut self) {
        for room in self.rooms.iter_mut().filter(|room| room.standing == Standing::Out) {
            room.again = Instant::now();
        }
    }

    /// The rooms we are in: by folded name, as the configuration or the invitation spells them.
    pub(crate) fn joined(&self, casemap: Casemap) -> BTreeMap<String, String> {
        let joined = self.rooms.iter().filter(|room| room.is_in());
        joined.map(|room| (casemap.fold(&room.name), room.name.clone())).collect()
    }

    /// What is to be remembered.
    pub(crate) fn guests(&self) -> Vec<&str> {
        self.rooms.iter().filter(|room| room.invited).map(|room| room.name.as_str()).collect()
    }

    pub(crate) fn settled(&self) -> bool {
        self.rooms.iter().all(|room| room.answered)
    }

    fn find(&mut self, casemap: Casemap, name: &str) -> Option<&mut Room> {
        self.rooms.iter_mut().find(|room| casemap.same(&room.name, name))
    }

    fn add(&mut self, name: &str, casemap: Casemap) -> bool {
        let breaks = |c: char| c.is_whitespace() || c.is_control() || c == ',';
        let fits = name.len() <= MAX_NAME && !name.contains(breaks);
        let has_place = self.guests().len() < MAX_INVITED;
        let is_new = fits && has_place && self.find(casemap, name).is_none();
        if is_new {
            // Nothing that is due now waits for an answer of this room.
            self.rooms.push(Room { answered: true, ..Room::new(name, None, true) });
        }
        is_new
    }

    fn entered(&mut self, casemap: Casemap, name: &str) -> Option<Change> {
        let Some(room) = self.find(casemap, name) else {
            let mut instead = self.rooms.iter_mut().map(|room| &mut room.instead);
            let put = instead.find(|put| put.as_ref().is_some_and(|put| casemap.same(put, name)));
            return put.and_then(Option::take).map(Change::Leave);
        };
        (room.standing, room.answered) = (Standing::In { since: Instant::now() }, true);
        tracing::info!(room = name, "room joined");
        Some(Change::Moved)
    }

    fn left(&mut self, casemap: Casemap, name: &str) -> Option<Change> {
        let room = self.find(casemap, name)?;
        room.wait(Duration::ZERO);
        self.rooms.retain(|room| !room.invited || !casemap.same(&room.name, name));
        Some(Change::Moved)
    }

    fn refused(&mut self, casemap: Casemap, refusal: &Refusal<'_>) -> Option<Change> {
        let room = self.find(casemap, refusal.room).filter(|room| !room.is_in())?;
        room.instead = refusal.instead.filter(|name| name.len() <= MAX_NAME).map(str::to_owned);
        room.wait(if refusal.too_many { LONGEST_WAIT } else { Duration::ZERO });
        self.rooms.retain(|room| !room.invited || room.tries < PATIENCE);
        Some(Change::Moved)
    }
}
