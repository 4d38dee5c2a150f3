//! A message on IRC becomes a `Request`, or nothing: most lines are not meant for us.
//! Pure; who may do what is decided elsewhere.
use crate::{
    identity::Identity,
    register::Caps,
    stamp,
    strip::{Said, said},
};
use inkwire_core::{
    AdapterId, Address, Author, Body, EventKey, Native, Place, PlaceKind, Powers, Request, Rules,
    Time, Trust,
    trigger::{self, Words},
};
use irc::proto::{BatchSubCommand, Command, Message, Prefix};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// An older line is a replay.
const FRESH: Duration = Duration::from_secs(30);
/// Open replays we remember; a server has no reason for more.
const MAX_BATCHES: usize = 64;
const MAX_MSGID: usize = 200;

/// What a line asks of us.
#[derive(Debug)]
pub(crate) enum Heard {
    Request(Box<Request>),
    /// Somebody wants to know what we are.
    Version {
        nick: String,
    },
}

pub(crate) struct Receiver {
    adapter: AdapterId,
    /// This network's own.
    prefix: Option<String>,
    caps: Caps,
    connected: Time,
    lines: u64,
    replays: BTreeSet<String>,
    /// Server time minus ours, in milliseconds.
    skew: i64,
    /// Server time at which we came into a room; by folded name.
    entered: BTreeMap<String, Time>,
}

/// A line that was said, before anybody asked whether it is for us.
struct Line<'a> {
    nick: &'a str,
    target: &'a str,
    text: &'a str,
    message: &'a Message,
    now: Time,
}

impl Receiver {
    pub(crate) fn new(
        adapter: AdapterId,
        prefix: Option<String>,
        caps: Caps,
        connected: Time,
    ) -> Self {
        Self {
            adapter,
            prefix,
            caps,
            connected,
            lines: 0,
            replays: BTreeSet::new(),
            skew: 0,
            entered: BTreeMap::new(),
        }
    }

    pub(crate) fn take(
        &mut self,
        me: &Identity,
        rules: &Rules,
        message: &Message,
        now: Time,
    ) -> Option<Heard> {
        match (&message.command, &message.prefix) {
            (Command::BATCH(reference, kind, _), _) => {
                self.batch(reference, kind.as_ref(), message);
                None
            }
            (Command::PONG(..) | Command::Response(..), _) => {
                self.adjust(message, now);
                None
            }
            (Command::JOIN(room, ..), Some(Prefix::Nickname(nick, ..))) if me.is_me(nick) => {
                self.adjust(message, now);
                if me.room(room).is_some() {
                    self.entered.insert(me.casemap.fold(room), self.server_time(now));
                }
                None
            }
            // Who has no user and host is the server itself, or one of its services.
            (Command::PRIVMSG(target, text), Some(Prefix::Nickname(nick, user, host)))
                if !me.is_me(nick) && !user.is_empty() && !host.is_empty() =>
            {
                self.heard(me, rules, &Line { nick, target, text, message, now })
            }
            _ => None,
        }
    }

    fn heard(&mut self, me: &Identity, rules: &Rules, line: &Line<'_>) -> Option<Heard> {
        let direct = me.is_me(line.target);
        let is_robot = stamp::has_tag(line.message, "bot");
        if is_robot || !(direct || me.room(line.target).is_some()) || self.is_replay(me, line) {
            return None;
        }
        match said(line.text) {
            Said::Ctcp("VERSION", _) if direct => Some(Heard::Version { nick: line.nick.into() }),
            Said::Ctcp(..) => None,
            Said::Text(text) => self.request(me, rules, line, &text),
        }
    }

    fn request(
        &mut self,
        me: &Identity,
        rules: &Rules,
        line: &Line<'_>,
        text: &str,
    ) -> Option<Heard> {
        let direct = me.is_me(line.target);
        let rules = self.rules_here(me, rules, text);
        let room = spelled(me, rules.rooms.keys(), line.target);
        let speaker = spelled(me, rules.relays.iter(), line.nick);
        let said = trigger::Said { room, speaker, direct, text };
        let words = trigger::hear(&rules, &said)?;
        self.lines += 1;
        let msgid = stamp::tag(line.message, "msgid").filter(|id| id.len() <= MAX_MSGID);
        let home = if direct { None } else { me.room(line.target).map(str::to_owned) };
        let room = Native(home.unwrap_or_else(|| me.casemap.fold(line.nick)));
        let kind = if direct { PlaceKind::Direct } else { PlaceKind::Group };
        let message = msgid.map(Native::from);
        Some(Heard::Request(Box::new(Request {
            id: self.key(msgid),
            from: self.author(me, line, &words),
            reply_to: Address { adapter: self.adapter.clone(), room, message, thread: None },
            place: Place { kind, encrypted: false },
            heard: words.by,
            about: None,
            body: Body::Text(words.text.to_owned()),
            attachments: vec![],
            patience: None,
            sent_at: line.now,
        })))
    }

    /// The rules with our present nick among the names, as this line spells it, and this network's
    /// own prefix in place of all others.
    fn rules_here(&self, me: &Identity, rules: &Rules, text: &str) -> Rules {
        let mut rules = rules.clone();
        if let Some(prefix) = &self.prefix {
            rules.prefixes = vec![prefix.clone()];
            rules.rooms.clear();
        }
        let nick = text.trim_start().get(..me.nick.len()).filter(|name| me.is_me(name));
        rules.names.extend(nick.map(str::to_owned));
        rules
    }

    fn key(&self, msgid: Option<&str>) -> EventKey {
        EventKey(match msgid {
            Some(msgid) => format!("msgid:{msgid}"),
            None => format!("{}-{}", self.connected.0, self.lines),
        })
    }

    /// An account is what the server vouches for. A nick is not: `~`, which no account begins
    /// with, keeps whoever borrows one from being taken for the account of that name.
    fn author(&self, me: &Identity, line: &Line<'_>, words: &Words<'_>) -> Author {
        let account = stamp::tag(line.message, "account")
            .filter(|_| self.caps.contains("account-tag"))
            .map(|account| me.casemap.fold(account));
        let nick = format!("~{}", me.casemap.fold(line.nick));
        let adapter = self.adapter.clone();
        let (id, name, trust) = match (words.behind_relay, account) {
            (Some(name), _) => (format!("{nick}/{name}"), name, Trust::Unverified),
            (None, Some(account)) => (account, line.nick, Trust::Account),
            (None, None) => (nick, line.nick, Trust::Unverified),
        };
        let powers = Powers { relay: words.behind_relay.is_some(), ..Powers::default() };
        Author { adapter, id: Native(id), name: name.to_owned(), trust, powers }
    }

    // --- replays ---

    fn batch(&mut self, reference: &str, kind: Option<&BatchSubCommand>, message: &Message) {
        if let Some(reference) = reference.strip_prefix('-') {
            self.replays.remove(reference);
            return;
        }
        let kind = kind.map(|kind| kind.to_str().to_ascii_lowercase()).unwrap_or_default();
        let replays = kind.contains("history") || kind.contains("playback");
        let inside = stamp::tag(message, "batch").is_some_and(|outer| self.replays.contains(outer));
        if (replays || inside) && self.replays.len() < MAX_BATCHES {
            self.replays.insert(reference.trim_start_matches('+').to_owned());
        }
    }

    fn is_replay(&self, me: &Identity, line: &Line<'_>) -> bool {
        let batched =
            stamp::tag(line.message, "batch").is_some_and(|batch| self.replays.contains(batch));
        let entered = self.entered.get(&me.casemap.fold(line.target));
        let limit = Time(self.server_time(line.now).0.saturating_sub(millis(FRESH)));
        let old = self
            .sent(line.message)
            .is_some_and(|sent| sent < limit || entered.is_some_and(|entered| sent < *entered));
        batched || old
    }

    /// Clocks differ: what the server answers us with tells its time.
    fn adjust(&mut self, message: &Message, now: Time) {
        if let Some(sent) = self.sent(message) {
            let milliseconds = |time: Time| i64::try_from(time.0).unwrap_or(i64::MAX);
            self.skew = milliseconds(sent).saturating_sub(milliseconds(now));
        }
    }

    fn sent(&self, message: &Message) -> Option<Time> {
        self.caps.contains("server-time").then(|| stamp::time(message)).flatten()
    }

    fn server_time(&self, now: Time) -> Time {
        Time(now.0.saturating_add_signed(self.skew))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A name as the configuration spells it, so that it is found there.
fn spelled<'a>(me: &Identity, known: impl Iterator<Item = &'a String>, name: &'a str) -> &'a str {
    known.map(String::as_str).find(|known| me.casemap.same(known, name)).unwrap_or(name)
}

#[cfg(test)]
mod tests;
