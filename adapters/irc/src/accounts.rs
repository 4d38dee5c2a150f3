//! Which account somebody is logged in to: as the server tags it, as it told before, or as it
//! answers when asked. Lines wait here for such an answer, a few seconds, in each person's order.
//! Pure, with time handed in; nobody but the server is asked.
mod answers;
mod known;
mod lookup;

use crate::{identity::Identity, line::IrcLine, receive::Spoken};
use answers::{Answer, is_refusal, may_be_asked, question};
use irc::proto::{Command, Message, Prefix};
use known::Known;
use lookup::{Lookup, token};
use std::time::Duration;
use tokio::time::Instant;

/// Lines that wait for an answer, all together.
const MOST_WAITING: usize = 64;
const PATIENCE: Duration = Duration::from_secs(5);
/// The same where much depends on it: some servers hold back what they are asked at first.
const LONG_PATIENCE: Duration = Duration::from_secs(15);
/// A question that is not answered by then never will be.
const FORGOTTEN: Duration = Duration::from_mins(1);
/// Servers charge for questions: so many at once, then one in each interval.
const AT_ONCE: u32 = 3;
const INTERVAL: Duration = Duration::from_secs(2);
/// The same where a server says that it takes whatever comes.
const SAFE_INTERVAL: Duration = Duration::from_millis(100);

/// How much depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Harmless words where questions are dear.
    Nothing,
    /// Harmless words: a few minutes do not matter.
    Recent,
    /// Words of which more is done for some than for others.
    Certain,
}

impl Need {
    fn patience(self) -> Duration {
        if self == Self::Certain { LONG_PATIENCE } else { PATIENCE }
    }
}

/// An account that somebody is logged in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// In plain lower case, as the operator's lists are: servers fold no account names.
    pub(crate) name: String,
    /// It is so now; else it was so a few minutes ago, and rank must not follow from it.
    pub(crate) certain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Account {
    Named(Login),
    /// Services know of none, or were not asked.
    Nobody,
    /// It was asked for and nobody said.
    Unknown,
}

/// A line whose speaker is as known as can be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) spoken: Spoken,
    pub(crate) account: Account,
    /// As the server says; relays may be robots.
    pub(crate) is_robot: bool,
}

#[derive(Default)]
pub(crate) struct Accounts {
    known: Known,
    lookups: Vec<Lookup>,
    /// Questions so far.
    questions: u64,
    /// When the next question may go, had none been saved up.
    full_at: Option<Instant>,
}

impl Accounts {
    /// The line again, with what is known of its speaker; `None` while that is asked for.
    pub(crate) fn ask(
        &mut self,
        me: &Identity,
        spoken: Spoken,
        need: Need,
        now: Instant,
    ) -> Option<Settled> {
        if me.caps.has("account-tag") {
            let name = spoken.account.as_deref().and_then(account_name);
            return Some(settled(spoken, name.map(|name| Login { name, certain: true }), false));
        }
        let nick = me.casemap.fold(&spoken.who.nick);
        let is_owed = |lookup: &Lookup| lookup.since + FORGOTTEN > now;
        self.lookups.retain(|lookup| !lookup.waiting.is_empty() || is_owed(lookup));
        let all_waiting: usize = self.lookups.iter().map(|lookup| lookup.waiting.len()).sum();
        let open = self.lookups.iter_mut().find(|lookup| lookup.nick == nick);
        let waits = open.as_ref().is_some_and(|lookup| !lookup.waiting.is_empty());
        if !waits {
            if let Some(entry) = self.known.of(me, &spoken.who, need, now) {
                return Some(settled(spoken, entry.login(), entry.is_robot));
            }
            if need == Need::Nothing {
                return Some(settled(spoken, None, false));
            }
        }
        match open {
            _ if all_waiting >= MOST_WAITING || !may_be_asked(&nick) => {
                return Some(stranger(spoken));
            }
            Some(lookup) if waits => {
                lookup.need = lookup.need.max(need);
                lookup.waiting.push(spoken);
            }
            // Tokens tell the answers apart.
            Some(lookup) if me.isupport.whox => lookup.again(need, spoken, now),
            Some(_) => return Some(stranger(spoken)),
            None => self.lookups.push(Lookup::new(nick, need, spoken, now)),
        }
        None
    }

    /// The lines that a message settles.
    pub(crate) fn learn(&mut self, me: &Identity, message: &Message, now: Instant) -> Vec<Settled> {
        self.known.learn(me, message);
        match (&message.command, &message.prefix) {
            (Command::NICK(new), Some(Prefix::Nickname(old, ..))) => {
                let gone = [old, new].map(|nick| me.casemap.fold(nick));
                return self.give_up(|lookup| gone.contains(&lookup.nick));
            }
            (Command::QUIT(_), Some(Prefix::Nickname(nick, ..))) => {
                return self.give_up(|lookup| me.casemap.same(&lookup.nick, nick));
            }
            _ => {}
        }
        let ended = if is_refusal(message) {
            self.oldest_question()
        } else {
            self.lookups.iter_mut().position(|lookup| lookup.take(me, message))
        };
        let lookup = ended.map(|index| self.lookups.remove(index));
        lookup.map(|lookup| self.settle(me, lookup, now)).unwrap_or_default()
    }

    /// The lines that have waited long enough.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Settled> {
        self.give_up(|lookup| lookup.ends() <= now)
    }

    /// All lines that wait, when there is nobody any more to answer.
    pub(crate) fn end(&mut self) -> Vec<Settled> {
        self.give_up(|_| true)
    }

    /// The questions that may go now; what much depends on first.
    pub(crate) fn questions(&mut self, me: &Identity, now: Instant) -> Vec<IrcLine> {
        let mut lines = vec![];
        let interval = if me.isupport.safe_rate { SAFE_INTERVAL } else { INTERVAL };
        while self.ready_at().is_none_or(|ready| ready <= now) {
            let open = self.lookups.iter_mut().filter(|lookup| lookup.asked.is_none());
            let Some(next) = open.min_by_key(|l| (l.need != Need::Certain, l.since)) else {
                break;
            };
            lines.push(question(me, &next.nick, token(self.questions)));
            next.asked = Some(self.questions);
            self.questions += 1;
            self.full_at = self.full_at.max(Some(now)).map(|full| full + interval);
        }
        lines
    }

    /// When `expire` or `questions` has something to say.
    pub(crate) fn due(&self) -> Option<Instant> {
        let waiting = self.lookups.iter().filter(|lookup| !lookup.waiting.is_empty());
        let open = self.lookups.iter().any(|lookup| lookup.asked.is_none());
        let ready = open.then(|| self.ready_at()).flatten();
        waiting.map(Lookup::ends).chain(ready).min()
    }

    /// `None`: at any time.
    fn ready_at(&self) -> Option<Instant> {
        self.full_at?.checked_sub(INTERVAL * (AT_ONCE - 1))
    }

    /// Servers answer in order.
    fn oldest_question(&self) -> Option<usize> {
        let asked = self.lookups.iter().enumerate().filter(|(_, lookup)| lookup.asked.is_some());
        asked.min_by_key(|(_, lookup)| lookup.asked).map(|(index, _)| index)
    }

    fn settle(&mut self, me: &Identity, lookup: Lookup, now: Instant) -> Vec<Settled> {
        let Lookup { answer, waiting, .. } = lookup;
        let Answer { who, account, is_robot } = answer;
        let Some(who) = who.filter(|_| !waiting.is_empty()) else {
            return waiting.into_iter().map(stranger).collect();
        };
        let name = account.and_then(|name| account_name(&name));
        self.known.keep(me, &who, name.clone(), is_robot, now);
        let login = name.map(|name| Login { name, certain: true });
        let tell = |spoken: Spoken| {
            let same = spoken.who.place() == who.place();
            if same { settled(spoken, login.clone(), is_robot) } else { stranger(spoken) }
        };
        waiting.into_iter().map(tell).collect()
    }

    /// Nobody answers, or the answer would be about somebody else.
    fn give_up(&mut self, is_hopeless: impl Fn(&Lookup) -> bool) -> Vec<Settled> {
        let hopeless = self.lookups.iter_mut().filter(|lookup| is_hopeless(lookup));
        let waiting: Vec<_> = hopeless.flat_map(|lookup| lookup.waiting.drain(..)).collect();
        self.lookups.retain(|lookup| lookup.asked.is_some() || !lookup.waiting.is_empty());
        waiting.into_iter().map(stranger).collect()
    }
}

fn settled(spoken: Spoken, login: Option<Login>, is_robot: bool) -> Settled {
    let is_robot = is_robot || spoken.is_robot;
    let account = login.map_or(Account::Nobody, Account::Named);
    Settled { spoken, account, is_robot }
}

fn stranger(spoken: Spoken) -> Settled {
    let is_robot = spoken.is_robot;
    Settled { spoken, account: Account::Unknown, is_robot }
}

/// An account as we call it. Signs for "none" are none, and so is what would pass for a nick of
/// ours: those begin with `~`.
fn account_name(name: &str) -> Option<String> {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let none = matches!(name, "" | "*" | "0") || name.starts_with('~') || name.contains(odd);
    (!none).then(|| name.to_ascii_lowercase())
}
