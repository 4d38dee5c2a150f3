//! What a registered connection does with each message; the loop around it does the I/O.
//! Everything here is plain state: messages in, reactions out.
use crate::{
    config::Config,
    identity::Identity,
    line::IrcLine,
    parting::parting,
    receive::{Heard, Receiver},
    register::Caps,
    rooms::Rooms,
};
use inkwire_core::{AdapterError, AdapterId, Request, Rules, Time};
use irc::proto::{Command, Message, Response};
use tokio::{sync::watch, time::Instant};

/// Answers to CTCP, all askers together.
const VERSIONS: usize = 3;
const VERSIONS_WITHIN_MS: u64 = 60_000;

#[derive(Debug)]
pub(crate) enum Reaction {
    Say(IrcLine),
    Ask(Box<Request>),
}

pub(crate) struct Session {
    identity: watch::Sender<Identity>,
    rooms: Rooms,
    receiver: Receiver,
    versions: Vec<Time>,
}

impl Session {
    pub(crate) fn new(
        adapter: AdapterId,
        config: &Config,
        mut me: Identity,
        caps: Caps,
        now: Time,
    ) -> Self {
        let rooms = Rooms::new(&config.channels);
        me.settled = rooms.settled();
        Self {
            identity: watch::Sender::new(me),
            rooms,
            receiver: Receiver::new(adapter, config.prefix.clone(), caps, now),
            versions: vec![],
        }
    }

    pub(crate) fn identity(&self) -> watch::Receiver<Identity> {
        self.identity.subscribe()
    }

    /// When `join` has something to say.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.rooms.due()
    }

    pub(crate) fn join(&mut self) -> Vec<IrcLine> {
        self.rooms.join(Instant::now())
    }

    pub(crate) fn take(
        &mut self,
        message: &Message,
        rules: &Rules,
        now: Time,
    ) -> Result<Option<Reaction>, AdapterError> {
        match &message.command {
            Command::PING(word, more) => {
                let pong = Command::PONG(more.as_ref().unwrap_or(word).clone(), None);
                return Ok(Some(Reaction::Say(IrcLine::command(pong))));
            }
            Command::ERROR(reason) => return Err(parting(reason)),
            Command::Response(Response::ERR_YOUREBANNEDCREEP, args) => {
                return Err(parting(&format!("banned: {}", args.join(" "))));
            }
            Command::PRIVMSG(..) => {}
            _ => self.learn(message),
        }
        let heard = self.receiver.take(&self.identity.borrow(), rules, message, now);
        Ok(heard.and_then(|heard| self.react(heard, now)))
    }

    fn learn(&mut self, message: &Message) {
        let Self { identity, rooms, .. } = self;
        identity.send_modify(|me| {
            me.learn(message);
            if rooms.take(me, message) {
                me.rooms = rooms.joined(me.casemap);
                me.settled = rooms.settled();
            }
        });
    }

    fn react(&mut self, heard: Heard, now: Time) -> Option<Reaction> {
        match heard {
            Heard::Request(request) => Some(Reaction::Ask(request)),
            Heard::Version { nick } => {
                self.versions
                    .retain(|asked| asked.until(now).as_millis() < VERSIONS_WITHIN_MS.into());
                if self.versions.len() >= VERSIONS {
                    return None;
                }
                self.versions.push(now);
                let answer = concat!("VERSION inkwire ", env!("CARGO_PKG_VERSION"));
                IrcLine::ctcp_reply(&nick, answer).map(Reaction::Say)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inkwire_core::Surface;
    use proptest::prelude::*;

    const NOW: Time = Time(1_795_161_600_000);

    fn session() -> Session {
        let config = Config { channels: vec!["#art".into()], ..Config::default() };
        let caps = ["account-tag", "batch", "server-time"].map(str::to_owned).into();
        Session::new("irc.test".into(), &config, Identity::new("ink"), caps, NOW)
    }

    fn said(session: &mut Session, line: &str, now: Time) -> Option<String> {
        let rules = Surface::default().triggers;
        match session.take(&line.parse().unwrap(), &rules, now).unwrap()? {
            Reaction::Say(line) => Some(String::from_utf8_lossy(line.as_bytes()).into_owned()),
            Reaction::Ask(request) => panic!("{request:?}"),
        }
    }

    #[tokio::test]
    async fn pings_come_back_as_they_were() {
        let mut session = session();
        for (ping, pong) in [
            ("PING a", "PONG a\r\n"),
            ("PING :two words", "PONG :two words\r\n"),
            ("PING from to", "PONG to\r\n"),
        ] {
            assert_eq!(said(&mut session, ping, NOW).as_deref(), Some(pong));
        }
    }

    #[tokio::test]
    async fn a_version_is_told_a_few_times_a_minute() {
        let (mut session, ask) = (session(), ":ann!a@h PRIVMSG ink :\u{1}VERSION\u{1}");
        for _ in 0..VERSIONS {
            let answer = said(&mut session, ask, NOW).unwrap();
            assert!(answer.starts_with("NOTICE ann :\u{1}VERSION inkwire "), "{answer}");
        }
        assert_eq!(said(&mut session, ask, NOW), None);
        let later = NOW.after(std::time::Duration::from_mins(1));
        assert!(said(&mut session, ask, later).is_some());
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_says_is_fatal(
            lines in prop::collection::vec(
                "(@[a-z=;/\\\\:0-9-]{0,12} )?(:[a-z!@.]{0,9} )?\
                 (PRIVMSG|JOIN|KICK|NICK|CAP|BATCH|MODE|PONG|CHGHOST|PART|00[15]|396|47[1-7]|\\PC{0,4})\
                 ( [#a-z*+,=\u{1}-]{0,8}){0,16}( :\\PC{0,12})?",
                1..20,
            ),
        ) {
            let mut session = session();
            for message in lines.iter().filter_map(|line| line.parse::<Message>().ok()) {
                let taken = session.take(&message, &Surface::default().triggers, NOW);
                prop_assert!(taken.is_ok());
            }
        }
    }
}
