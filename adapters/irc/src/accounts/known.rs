//! Who is logged in as whom, as far as the server told it unasked, or not long ago.
//! An entry ends with the nick, with a room that showed it, or with its time. Bounded.
use super::{Login, Need, account_name};
use crate::{identity::Identity, masks::Speaker};
use irc::proto::{Command, Message, Prefix};
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// How long an answer of services is believed for harmless words.
const KEPT: Duration = Duration::from_mins(5);
/// The same for "none", whatever depends on it: it gives nobody anything.
const KEPT_NONE: Duration = Duration::from_secs(30);
/// More than most rooms hold; beyond it everything is forgotten and asked again.
const MOST: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) account: Option<String>,
    pub(super) is_robot: bool,
    /// User and host: whoever else has the nick is a stranger.
    place: String,
    /// When services said so; `None` where the server tells of every change.
    asked: Option<Instant>,
}

impl Entry {
    pub(super) fn login(&self) -> Option<Login> {
        let certain = self.asked.is_none();
        self.account.clone().map(|name| Login { name, certain })
    }

    fn is_current(&self, me: &Identity, need: Need, now: Instant) -> bool {
        let Some(asked) = self.asked else { return is_told(me) };
        let kept = match (need, &self.account) {
            (Need::Certain, Some(_)) => return false,
            (Need::Certain, None) => KEPT_NONE,
            _ => KEPT,
        };
        now.duration_since(asked) < kept
    }
}

#[derive(Default)]
pub(super) struct Known(HashMap<String, Entry>);

impl Known {
    /// What is known of a speaker, as well as is needed.
    pub(super) fn of(
        &self,
        me: &Identity,
        who: &Speaker,
        need: Need,
        now: Instant,
    ) -> Option<&Entry> {
        let entry = self.0.get(&me.casemap.fold(&who.nick))?;
        (entry.is_current(me, need, now) && entry.place == who.place()).then_some(entry)
    }

    /// Keeps an answer for a while.
    pub(super) fn keep(
        &mut self,
        me: &Identity,
        who: &Speaker,
        account: Option<String>,
        is_robot: bool,
        now: Instant,
    ) {
        let entry = Entry { account, is_robot, place: who.place(), asked: Some(now) };
        self.put(me, &who.nick, entry);
    }

    /// Takes from a message what it tells of others.
    pub(super) fn learn(&mut self, me: &Identity, message: &Message) {
        match &message.command {
            Command::KICK(_, nick, _) => return self.gone(me, nick),
            // Who logs out meanwhile does so unheard.
            Command::CAP(..) if !is_told(me) => return self.0.clear(),
            _ => {}
        }
        let Some(Prefix::Nickname(nick, user, host)) = &message.prefix else { return };
        if me.is_me(nick) && matches!(message.command, Command::JOIN(..)) {
            self.0.clear();
        }
        match &message.command {
            Command::PART(..) | Command::QUIT(_) => self.gone(me, nick),
            Command::NICK(new) => [nick, new].into_iter().for_each(|nick| self.forget(me, nick)),
            Command::CHGHOST(user, host) => {
                if let Some(entry) = self.0.get_mut(&me.casemap.fold(nick)) {
                    entry.place = format!("{user}@{host}");
                }
            }
            Command::JOIN(_, Some(account), _) | Command::ACCOUNT(account) if is_told(me) => {
                let who = Speaker { nick: nick.clone(), user: user.clone(), host: host.clone() };
                let account = account_name(account);
                let entry = Entry { account, is_robot: false, place: who.place(), asked: None };
                self.put(me, nick, entry);
            }
            Command::JOIN(..) | Command::ACCOUNT(_) => self.forget(me, nick),
            _ => {}
        }
    }

    /// Whom we do not see, we do not hear of.
    fn gone(&mut self, me: &Identity, nick: &str) {
        if me.is_me(nick) {
            self.0.clear();
        }
        self.forget(me, nick);
    }

    fn forget(&mut self, me: &Identity, nick: &str) {
        self.0.remove(&me.casemap.fold(nick));
    }

    fn put(&mut self, me: &Identity, nick: &str, entry: Entry) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(me.casemap.fold(nick), entry);
    }
}

/// Only together these tell of everybody in our rooms.
fn is_told(me: &Identity) -> bool {
    me.caps.has("extended-join") && me.caps.has("account-notify")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me(caps: &[&str]) -> Identity {
        let mut me = Identity::new("ink");
        me.caps = crate::caps::Caps::of(caps);
        me
    }

    fn speaker(nick: &str) -> Speaker {
        Speaker { nick: nick.into(), user: "a".into(), host: "h".into() }
    }

    /// What account `Ann` (`a@h`) has for certain after these lines.
    fn check(caps: &[&str], lines: &[&str], expected: Option<&str>) {
        let (me, mut known) = (me(caps), Known::default());
        for line in lines {
            known.learn(&me, &line.parse().unwrap());
        }
        let found = known.of(&me, &speaker("Ann"), Need::Certain, Instant::now());
        let found = found.map(|entry| entry.account.as_deref().unwrap_or("nobody"));
        assert_eq!(found, expected, "{lines:?}");
    }

    #[test]
    fn a_server_that_tells_everything_need_not_be_asked() {
        let check = |lines: &[&str], expected| {
            check(&["account-notify", "extended-join"], lines, expected);
        };
        let join = ":ann!a@h JOIN #art Boss :Ann";
        check(&[join], Some("boss"));
        check(&[":ann!a@h JOIN #art * :Ann"], Some("nobody"));
        check(&[join, ":ann!a@h ACCOUNT *"], Some("nobody"));
        check(&[join, ":ann!a@h ACCOUNT other"], Some("other"));
        check(&[":ann!a@h ACCOUNT boss"], Some("boss"));
        check(&[join, ":ann!a@h CHGHOST b there"], None);
        check(&[":ann!x@y JOIN #art Boss :Ann", ":ann!x@y CHGHOST a h"], Some("boss"));
        check(&[":ann!x@y JOIN #art Boss :Ann"], None);
    }

    #[test]
    fn whoever_leaves_or_changes_is_a_stranger() {
        let check = |line: &str| {
            let join = ":ann!a@h JOIN #art Boss :Ann";
            check(&["account-notify", "extended-join"], &[join, line], None);
        };
        check(":ann!a@h QUIT :bye");
        check(":ann!a@h PART #art");
        check(":op!o@h KICK #art Ann :out");
        check(":ann!a@h NICK bob");
        check(":bob!a@h NICK ANN");
        check(":ann!a@h JOIN #art");
        check(":ink!i@h PART #art");
        check(":op!o@h KICK #art ink");
        check(":ink!i@h JOIN #art");
    }

    #[test]
    fn a_server_that_stops_telling_has_told_nothing() {
        let (told, mut known) = (me(&["account-notify", "extended-join"]), Known::default());
        known.learn(&told, &":ann!a@h JOIN #art Boss :Ann".parse().unwrap());
        known.learn(&me(&["extended-join"]), &":s CAP ink DEL :account-notify".parse().unwrap());
        assert_eq!(known.of(&told, &speaker("ann"), Need::Recent, Instant::now()), None);
    }

    #[test]
    fn half_a_story_is_none() {
        for caps in [&[][..], &["account-notify"], &["extended-join"]] {
            check(caps, &[":ann!a@h JOIN #art Boss :Ann"], None);
            check(caps, &[":ann!a@h ACCOUNT boss"], None);
        }
    }

    #[test]
    fn answers_are_believed_for_a_while_and_never_for_certain() {
        let (me, mut known, now) = (me(&[]), Known::default(), Instant::now());
        let (ann, bob) = (speaker("ann"), speaker("bob"));
        known.keep(&me, &ann, Some("boss".into()), false, now);
        known.keep(&me, &bob, None, false, now);
        let check = |who: &Speaker, need, after: Duration, expected: bool| {
            let found = known.of(&me, who, need, now + after);
            assert_eq!(found.is_some(), expected, "{who:?} {after:?}");
            assert!(found.and_then(Entry::login).is_none_or(|login| !login.certain));
        };
        check(&ann, Need::Recent, Duration::ZERO, true);
        check(&ann, Need::Certain, Duration::ZERO, false);
        check(
            &Speaker { host: "other".into(), ..ann.clone() },
            Need::Recent,
            Duration::ZERO,
            false,
        );
        check(&ann, Need::Recent, KEPT, false);
        check(&bob, Need::Certain, Duration::ZERO, true);
        check(&bob, Need::Certain, KEPT_NONE, false);
        check(&bob, Need::Recent, KEPT_NONE, true);
    }

    #[test]
    fn memory_is_bounded() {
        let (me, mut known) = (me(&["account-notify", "extended-join"]), Known::default());
        for n in 0..3 * MOST {
            known.learn(&me, &format!(":n{n}!a@h JOIN #art boss :Ann").parse().unwrap());
        }
        assert!(known.0.len() <= MOST);
    }
}
