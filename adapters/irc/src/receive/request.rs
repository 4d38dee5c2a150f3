//! A `Request` out of words that are for us and of what is known about whoever said them.
//! Decides nothing about what is asked.
use super::{place::Spot, spoken::Spoken};
use crate::{
    accounts::{Account, Login},
    identity::Identity,
    masks::{Mask, Speaker},
    relays::Source,
};
use inkwire_core::{
    AdapterId, Address, Author, Body, EventKey, Native, Place, PlaceKind, Powers, Request, Trust,
    trigger::Words,
};

/// Words for us, and all that is known about them.
pub(super) struct Asked<'a> {
    pub(super) spoken: &'a Spoken,
    pub(super) spot: Spot<'a>,
    pub(super) words: Words<'a>,
    pub(super) login: Option<Login>,
    pub(super) source: Source<'a>,
}

impl Asked<'_> {
    /// `number` is this request's own, where the server gives it no id.
    pub(super) fn request(&self, me: &Identity, adapter: &AdapterId, number: String) -> Request {
        let Spoken { who, msgid, at, .. } = self.spoken;
        let (kind, room, status) = match self.spot {
            Spot::Direct => (PlaceKind::Direct, me.casemap.fold(&who.nick), ""),
            Spot::Room { name, status } => (PlaceKind::Group, name.to_owned(), status),
        };
        let message = msgid.as_deref().map(Native::from);
        let key = msgid.as_ref().map(|msgid| format!("msgid:{msgid}"));
        Request {
            id: EventKey(key.unwrap_or(number)),
            from: self.author(me, adapter),
            reply_to: Address {
                adapter: adapter.clone(),
                room: Native(room),
                message,
                // What was said to some of a room is answered to them alone.
                thread: (!status.is_empty()).then(|| Native::from(status)),
            },
            place: Place { kind, encrypted: false },
            heard: self.words.by,
            about: None,
            body: Body::Text(self.words.text.to_owned()),
            attachments: vec![],
            patience: None,
            sent_at: *at,
        }
    }

    /// An account is what the server vouches for, and rank follows from it only if it does so now.
    /// A nick is not: whoever borrows one is told apart by user and host.
    fn author(&self, me: &Identity, adapter: &AdapterId) -> Author {
        let who = &self.spoken.who;
        let (id, name, trust) = match (&self.source, &self.login) {
            (Source::Behind(relayed), _) => {
                (format!("{}/{}", who.id(), relayed.name), &relayed.name, Trust::Unverified)
            }
            (Source::Speaker, Some(login)) => {
                let trust = if login.certain { Trust::Account } else { Trust::Unverified };
                (login.name.clone(), &who.nick, trust)
            }
            (Source::Relay | Source::Speaker, _) => (who.id(), &who.nick, Trust::Unverified),
        };
        let relay = self.source != Source::Speaker;
        let powers = Powers { room_operator: !relay && self.is_operator(me), relay };
        Author { adapter: adapter.clone(), id: Native(id), name: name.clone(), trust, powers }
    }

    fn is_operator(&self, me: &Identity) -> bool {
        let nick = &self.spoken.who.nick;
        self.spot.room().is_some_and(|room| me.members.is_operator(room, nick, me.casemap))
    }
}

/// Whose account a speaker has; hosts that an operator named count where services know of none.
pub(super) fn login(
    me: &Identity,
    hosts: &[(Mask, String)],
    who: &Speaker,
    account: &Account,
) -> Option<Login> {
    let host = || hosts.iter().find(|(mask, _)| mask.fits(me.casemap, who));
    match account {
        Account::Named(login) => Some(login.clone()),
        // Every line tells its host.
        Account::Nobody => {
            host().map(|(_, name)| Login { name: name.to_ascii_lowercase(), certain: true })
        }
        Account::Unknown => None,
    }
}

/// What a speaker keeps under every nick.
pub(super) fn key_of(spoken: &Spoken, relayed: Option<&str>) -> String {
    let key = spoken.account.clone().unwrap_or_else(|| spoken.who.id());
    match relayed {
        Some(name) => format!("{key}/{name}"),
        None => key,
    }
}
