//! The rooms we are to be in: asked for at once, and again after a kick or a refusal.
//! Pure but for the clock: messages in, lines out.
use crate::{casemap::Casemap, config::Channel, identity::Identity, line::IrcLine};
use irc::proto::{Command, Message, Prefix, Response};
use rand::Rng;
use secrecy::ExposeSecret;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// A server that says nothing about a JOIN is asked again after this.
const UNANSWERED: Duration = Duration::from_mins(1);
/// Bytes of names and keys in one JOIN.
const MAX_JOIN: usize = 400;

struct Room {
    channel: Channel,
    joined: Option<Instant>,
    answered: bool,
    again: Instant,
    tries: u32,
}

pub(crate) struct Rooms(Vec<Room>);

impl Rooms {
    pub(crate) fn new(channels: &[Channel]) -> Self {
        let again = Instant::now();
        let room = |channel: &Channel| {
            let channel = channel.clone();
            Room { channel, joined: None, answered: false, again, tries: 0 }
        };
        Self(channels.iter().map(room).collect())
    }

    /// When `join` has something to say.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.iter().filter(|room| room.joined.is_none()).map(|room| room.again).min()
    }

    /// Asks for every room that is due, in as few lines as fit.
    pub(crate) fn join(&mut self, now: Instant) -> Vec<IrcLine> {
        let mut due: Vec<_> =
            self.0.iter_mut().filter(|room| room.joined.is_none() && room.again <= now).collect();
        // Keys belong to the first names of a line.
        due.sort_by_key(|room| room.channel.key.is_none());
        let (mut lines, mut names, mut keys) = (vec![], String::new(), String::new());
        for room in due {
            room.again = now + UNANSWERED;
            let key = room.channel.key.as_ref().map_or("", |key| key.expose_secret());
            let more = room.channel.name.len() + key.len() + 2;
            if !names.is_empty() && names.len() + keys.len() + more > MAX_JOIN {
                lines.push(join(std::mem::take(&mut names), std::mem::take(&mut keys)));
            }
            append(&mut names, &room.channel.name);
            append(&mut keys, key);
        }
        if !names.is_empty() {
            lines.push(join(names, keys));
        }
        lines
    }

    /// True if we came into a room, left one or were refused.
    pub(crate) fn take(&mut self, me: &Identity, message: &Message) -> bool {
        let ours = matches!(&message.prefix, Some(Prefix::Nickname(nick, ..)) if me.is_me(nick));
        match &message.command {
            Command::JOIN(room, ..) if ours => self.entered(me.casemap, room),
            Command::PART(room, _) if ours => self.left(me.casemap, room),
            Command::KICK(room, nick, _) if me.is_me(nick) => self.left(me.casemap, room),
            Command::Response(response, args) if is_refusal(*response) => {
                args.get(1).is_some_and(|room| self.left(me.casemap, room))
            }
            _ => false,
        }
    }

    /// The rooms we are in: by folded name, as the configuration spells them.
    pub(crate) fn joined(&self, casemap: Casemap) -> BTreeMap<String, String> {
        let joined = self.0.iter().filter(|room| room.joined.is_some());
        joined
            .map(|room| &room.channel.name)
            .map(|name| (casemap.fold(name), name.clone()))
            .collect()
    }

    pub(crate) fn settled(&self) -> bool {
        self.0.iter().all(|room| room.answered)
    }

    fn find(&mut self, casemap: Casemap, name: &str) -> Option<&mut Room> {
        self.0.iter_mut().find(|room| casemap.same(&room.channel.name, name))
    }

    fn entered(&mut self, casemap: Casemap, name: &str) -> bool {
        let Some(room) = self.find(casemap, name) else { return false };
        (room.joined, room.answered) = (Some(Instant::now()), true);
        tracing::info!(room = name, "room joined");
        true
    }

    fn left(&mut self, casemap: Casemap, name: &str) -> bool {
        let Some(room) = self.find(casemap, name) else { return false };
        let stayed = room.joined.take().map(|since| since.elapsed()).unwrap_or_default();
        let tries = if stayed > LONGEST_WAIT { 0 } else { room.tries };
        let wait = (FIRST_WAIT * 2u32.saturating_pow(tries)).min(LONGEST_WAIT);
        (room.answered, room.tries) = (true, (tries + 1).min(16));
        room.again = Instant::now() + wait.mul_f64(rand::rng().random_range(1.0..1.5));
        tracing::warn!(room = name, wait = wait.as_secs(), "not in room");
        true
    }
}

fn append(list: &mut String, item: &str) {
    if !list.is_empty() && !item.is_empty() {
        list.push(',');
    }
    list.push_str(item);
}

fn join(names: String, keys: String) -> IrcLine {
    IrcLine::command(Command::JOIN(names, Some(keys).filter(|keys| !keys.is_empty()), None))
}

fn is_refusal(response: Response) -> bool {
    matches!(
        response,
        Response::ERR_NOSUCHCHANNEL
            | Response::ERR_TOOMANYCHANNELS
            | Response::ERR_UNAVAILRESOURCE
            | Response::ERR_CHANNELISFULL
            | Response::ERR_INVITEONLYCHAN
            | Response::ERR_BANNEDFROMCHAN
            | Response::ERR_BADCHANNELKEY
            | Response::ERR_BADCHANMASK
            | Response::ERR_NOCHANMODES
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rooms: &mut Rooms) -> Vec<String> {
        let lines = rooms.join(Instant::now());
        lines.iter().map(|l| String::from_utf8_lossy(l.as_bytes()).trim_end().to_owned()).collect()
    }

    fn take(rooms: &mut Rooms, line: &str) -> bool {
        rooms.take(&Identity::new("ink"), &line.parse().unwrap())
    }

    #[tokio::test]
    async fn rooms_with_keys_come_first() {
        let keyed = Channel { name: "#key".into(), key: Some("k".into()) };
        let mut rooms = Rooms::new(&["#a".into(), keyed, "#b".into()]);
        assert_eq!(lines(&mut rooms), ["JOIN #key,#a,#b k"]);
        assert_eq!(lines(&mut rooms), [""; 0], "asked once");
    }

    #[tokio::test]
    async fn many_rooms_take_several_lines() {
        let names: Vec<Channel> =
            (0..40).map(|n| format!("#room-number-{n}").as_str().into()).collect();
        let lines = lines(&mut Rooms::new(&names));
        assert_eq!(lines.len(), 2);
        assert_eq!(lines.iter().flat_map(|line| line.split(',')).count(), 40);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kick_is_answered_later_and_later() {
        let mut rooms = Rooms::new(&["#art".into()]);
        assert_eq!(lines(&mut rooms), ["JOIN #art"]);
        assert!(!rooms.settled());
        for wait in [5, 10, 20] {
            assert!(take(&mut rooms, ":Ink!i@h JOIN #ART"));
            assert!(rooms.settled() && rooms.due().is_none());
            assert!(take(&mut rooms, ":op!o@h KICK #art ink :out"));
            assert_eq!(lines(&mut rooms), [""; 0]);
            let due = rooms.due().unwrap() - Instant::now();
            assert!(
                due >= Duration::from_secs(wait) && due < Duration::from_secs(wait * 3 / 2 + 1)
            );
            tokio::time::advance(due).await;
            assert_eq!(lines(&mut rooms), ["JOIN #art"]);
        }
    }

    #[tokio::test]
    async fn a_refusal_settles_a_room_too() {
        let mut rooms = Rooms::new(&["#art".into()]);
        assert!(take(&mut rooms, ":s 474 ink #art :Cannot join channel (+b)"));
        assert!(rooms.settled() && rooms.joined(Casemap::Ascii).is_empty());
        assert!(!take(&mut rooms, ":s 474 ink #other :Cannot join channel (+b)"));
        assert!(!take(&mut rooms, ":ann!a@h JOIN #art"));
    }
}
