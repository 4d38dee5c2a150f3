//! What a registered connection does with each message; the loop around it does the I/O.
//! Everything here is plain state: messages in, reactions out.
mod services;
#[cfg(test)]
mod tests;

use crate::{
    config::Config,
    ctcp::Ctcp,
    dial::Target,
    identity::Identity,
    line::IrcLine,
    parting::parting,
    receive::{Heard, Now, Receiver, Replayed},
    regain::Regain,
    rooms::{Change, Rooms},
    sts,
    words::numeric,
};
use inkwire_core::{AdapterError, AdapterId, Notes, Request, Surface, Time};
use irc::proto::{Command, Message, Response};
use services::Services;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// Servers say what they support right after the welcome; who says nothing is not waited for.
const GREETING: Duration = Duration::from_millis(500);
/// Numbers below this belong to the welcome.
const WELCOME_ENDS: u16 = 100;
/// The note with the rooms that we were invited into.
const ROOMS: &str = "rooms";

#[derive(Debug)]
pub(crate) enum Reaction {
    Say(IrcLine),
    Ask(Box<Request>),
}

pub(crate) struct Session {
    identity: watch::Sender<Identity>,
    notes: watch::Sender<Notes>,
    rooms: Rooms,
    services: Services,
    regain: Regain,
    ctcp: Ctcp,
    receiver: Receiver,
    /// When the welcome counts as over; `None` since it is.
    greeted: Option<Instant>,
    /// The server was told that we are a robot.
    marked: bool,
}

impl Session {
    pub(crate) fn new(
        adapter: AdapterId,
        config: &Arc<Config>,
        mut me: Identity,
        notes: Notes,
        now: Time,
    ) -> Self {
        let notes: Notes = notes.into_iter().filter(|(name, _)| name == ROOMS).collect();
        let invited: Option<Vec<String>> =
            notes.get(ROOMS).and_then(|note| serde_json::from_value(note.clone()).ok());
        let rooms = Rooms::new(config, &invited.unwrap_or_default());
        me.settled = rooms.settled();
        Self {
            identity: watch::Sender::new(me),
            notes: watch::Sender::new(notes),
            rooms,
            services: Services::new(config.clone()),
            regain: Regain::new(config),
            ctcp: Ctcp::new(config),
            receiver: Receiver::new(adapter, config, now),
            greeted: Some(Instant::now() + GREETING),
            marked: false,
        }
    }

    pub(crate) fn identity(&self) -> watch::Receiver<Identity> {
        self.identity.subscribe()
    }

    /// What is to be remembered.
    pub(crate) fn notes(&self) -> watch::Receiver<Notes> {
        self.notes.subscribe()
    }

    /// Notes what the server promises about TLS from now on.
    pub(crate) fn promise(&self, target: &Target, now: Time) {
        let promise = sts::promise(&self.identity.borrow().caps, target, now);
        if !promise.is_empty() {
            self.notes.send_modify(|notes| notes.extend(promise));
        }
    }

    /// What we said before, as far as a history told it.
    pub(crate) fn replayed(&self) -> watch::Receiver<Replayed> {
        self.receiver.replayed()
    }

    /// When `wake` has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        let me = self.identity.borrow();
        let mark = (me.isupport.bot.is_some() && !self.marked).then(Instant::now);
        let later = [self.rooms.due(), mark, self.regain.due(&me), self.services.due()];
        self.greeted.or_else(|| later.into_iter().flatten().min())
    }

    /// When `answers` has something to do.
    pub(crate) fn answers_due(&self) -> Option<Instant> {
        self.receiver.due()
    }

    /// What there is to do about answers that the server owes us.
    pub(crate) fn answers(&mut self, surface: &Surface, now: Time) -> Vec<Reaction> {
        let heard = self.receiver.wake(&self.identity.borrow(), surface, Now::at(now));
        self.react(heard)
    }

    /// What was heard and not answered, when the connection ends.
    pub(crate) fn end(&mut self, surface: &Surface, now: Time) -> Vec<Reaction> {
        let heard = self.receiver.end(&self.identity.borrow(), surface, Now::at(now));
        self.react(heard)
    }

    /// What there is to do by now. Rooms come first: some servers make every command wait.
    pub(crate) fn wake(&mut self) -> Vec<Reaction> {
        let now = Instant::now();
        self.greeted = None;
        self.services.expire(now);
        let me = self.identity.borrow();
        let mut lines = self.rooms.join(&me.isupport, now);
        if let Some(letter) = me.isupport.bot
            && !std::mem::replace(&mut self.marked, true)
        {
            let words = vec![me.nick.clone(), format!("+{letter}")];
            lines.push(IrcLine::command(Command::Raw("MODE".into(), words)));
        }
        lines.extend(self.regain.say(&me, now));
        lines.into_iter().map(Reaction::Say).collect()
    }

    pub(crate) fn take(
        &mut self,
        message: &Message,
        surface: &Surface,
        now: Time,
    ) -> Result<Vec<Reaction>, AdapterError> {
        match &message.command {
            Command::PING(word, more) => {
                let pong = Command::PONG(more.as_ref().unwrap_or(word).clone(), None);
                return Ok(vec![Reaction::Say(IrcLine::command(pong))]);
            }
            Command::ERROR(reason) => return Err(parting(reason)),
            Command::Response(Response::ERR_YOUREBANNEDCREEP, args) => {
                return Err(parting(&format!("banned: {}", args.join(" "))));
            }
            _ => {}
        }
        let lines = match &message.command {
            Command::PRIVMSG(..) | Command::NOTICE(..) => {
                if self.identity.borrow().is_taken_over(message) {
                    self.identity.send_modify(|me| me.learn_names(message));
                }
                vec![]
            }
            _ => self.learn(message),
        };
        let mut reactions: Vec<_> = lines.into_iter().map(Reaction::Say).collect();
        let heard = self.receiver.take(&self.identity.borrow(), surface, message, Now::at(now));
        reactions.extend(self.react(heard));
        Ok(reactions)
    }

    fn learn(&mut self, message: &Message) -> Vec<IrcLine> {
        if self.greeted.is_some() && numeric(message).is_some_and(|(n, _)| n >= WELCOME_ENDS) {
            self.greeted = Some(Instant::now());
        }
        let Self { identity, rooms, services, regain, .. } = self;
        let (mut lines, mut moved) = (vec![], false);
        identity.send_modify(|me| {
            let (casemap, stranger) = (me.casemap, me.account.is_none());
            me.learn(message);
            lines.extend(services.take(me, message));
            if stranger && me.account.is_some() {
                rooms.hurry();
            }
            let change = match &message.command {
                Command::INVITE(nick, room) if me.is_me(nick) => rooms.invited(me, room, false),
                _ => rooms.take(me, message),
            };
            moved = change == Some(Change::Moved);
            if moved || casemap != me.casemap {
                me.rooms = rooms.joined(me.casemap);
                me.settled = rooms.settled();
                me.members.keep(me.rooms.values(), me.casemap);
            }
            if let Some(Change::Leave(room)) = change {
                lines.push(IrcLine::command(Command::PART(room, None)));
            }
            me.members.take(message, &me.isupport);
            lines.extend(regain.take(me, message));
        });
        if moved {
            remember(&self.notes, &self.rooms);
        }
        lines
    }

    fn react(&mut self, heard: Vec<Heard>) -> Vec<Reaction> {
        heard.into_iter().filter_map(|heard| self.reaction(heard)).collect()
    }

    fn reaction(&mut self, heard: Heard) -> Option<Reaction> {
        match heard {
            Heard::Request(request) => Some(Reaction::Ask(request)),
            Heard::Question(line) => Some(Reaction::Say(line)),
            Heard::Ctcp { nick, word, rest } => {
                self.ctcp.answer(&nick, &word, &rest, Instant::now()).map(Reaction::Say)
            }
            Heard::Invited(room) => {
                self.invited(&room);
                None
            }
        }
    }

    /// Into a room that is not configured, by somebody who may bring us there.
    fn invited(&mut self, room: &str) {
        let Self { identity, rooms, .. } = self;
        let added = identity.send_if_modified(|me| {
            let added = rooms.invited(me, room, true).is_some();
            me.settled = rooms.settled();
            added
        });
        if added {
            remember(&self.notes, &self.rooms);
        }
    }
}

/// The newest list alone is kept, and only when it is another one.
fn remember(notes: &watch::Sender<Notes>, rooms: &Rooms) {
    let note = serde_json::Value::from(rooms.guests());
    notes.send_if_modified(|notes| {
        let before = notes.get(ROOMS);
        let is_new = before != Some(&note) && (before.is_some() || !rooms.guests().is_empty());
        if is_new {
            notes.insert(ROOMS.to_owned(), note);
        }
        is_new
    });
}
