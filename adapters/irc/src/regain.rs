//! Getting the nick that we want while somebody else has it: watched for, and taken when free.
//! Pure but for the clock, and never in a tight loop: every step has a back-off of its own.
use crate::{config::Config, identity::Identity, line::IrcLine, words::numeric};
use irc::proto::{Command, Message, Prefix};
use std::time::Duration;
use tokio::time::Instant;

/// Until then the server has told what it supports.
const SETTLE: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_mins(1);
const TRY: Backoff = Backoff { first: Duration::from_secs(5), longest: Duration::from_mins(10) };
const SERVICES: Backoff =
    Backoff { first: Duration::from_mins(1), longest: Duration::from_hours(1) };
/// A nick that we lose sooner than this was not really ours.
const KEPT: Duration = Duration::from_mins(10);
const NICKSERV: &str = "NickServ";

struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    fn after(&self, tries: u32) -> Duration {
        self.first.saturating_mul(2u32.saturating_pow(tries)).min(self.longest)
    }
}

/// When something may be done next, and how often it was.
#[derive(Clone, Copy)]
struct Turn {
    at: Instant,
    tries: u32,
}

impl Turn {
    fn done(&mut self, backoff: &Backoff, now: Instant) {
        self.at = now + backoff.after(self.tries);
        self.tries = self.tries.saturating_add(1);
    }
}

pub(crate) struct Regain {
    wanted: String,
    enabled: bool,
    /// Since when it is ours.
    held: Option<Instant>,
    /// Nobody has it, as far as we know.
    free: bool,
    watch: Watch,
    take: Turn,
    /// `None` where there is no such service.
    services: Option<Turn>,
}

/// How we learn that the nick is free.
#[derive(Clone, Copy)]
enum Watch {
    /// We ask at this time; the server may have a better way, or have none.
    Ask { at: Instant, monitor: bool },
    /// The server tells us.
    Told,
}

impl Regain {
    pub(crate) fn new(config: &Config) -> Self {
        let soon = Turn { at: Instant::now() + SETTLE, tries: 0 };
        Self {
            wanted: config.nick.clone(),
            enabled: config.regain,
            held: None,
            free: false,
            watch: Watch::Ask { at: soon.at, monitor: true },
            take: soon,
            services: Some(soon),
        }
    }

    /// As much of it as the server takes.
    fn wanted(&self, me: &Identity) -> &str {
        let most = me.isupport.nick_len.unwrap_or(usize::MAX);
        self.wanted.get(..most).unwrap_or(&self.wanted)
    }

    /// When `say` has something to say.
    pub(crate) fn due(&self, me: &Identity) -> Option<Instant> {
        if !self.enabled || me.is_me(self.wanted(me)) {
            return None;
        }
        let asking = match self.watch {
            Watch::Ask { at, .. } => Some(at),
            Watch::Told => None,
        };
        let taking = self.free.then_some(self.take.at);
        let services = self.services.filter(|_| me.account.is_some()).map(|turn| turn.at);
        [asking, taking, services].into_iter().flatten().min()
    }

    /// What there is to do by now.
    pub(crate) fn say(&mut self, me: &Identity, now: Instant) -> Vec<IrcLine> {
        if !self.enabled || me.is_me(self.wanted(me)) {
            return vec![];
        }
        let mut commands = vec![];
        if self.free && self.take.at <= now {
            self.take.done(&TRY, now);
            commands.push(Command::NICK(self.wanted(me).to_owned()));
        }
        if let Some(turn) = self.services.as_mut().filter(|turn| turn.at <= now)
            && me.account.is_some()
        {
            turn.done(&SERVICES, now);
            let request = format!("REGAIN {}", self.wanted(me));
            commands.push(Command::PRIVMSG(NICKSERV.into(), request));
        }
        commands.extend(self.ask(me, now));
        commands.into_iter().map(IrcLine::command).collect()
    }

    fn ask(&mut self, me: &Identity, now: Instant) -> Option<Command> {
        let Watch::Ask { at, monitor } = self.watch else { return None };
        if at > now {
            return None;
        }
        if monitor && me.isupport.monitor {
            self.watch = Watch::Told;
            return Some(Command::MONITOR("+".into(), Some(self.wanted(me).to_owned())));
        }
        self.watch = Watch::Ask { at: now + ASK_EVERY, monitor };
        Some(Command::ISON(vec![self.wanted(me).to_owned()]))
    }

    /// Takes from a message whether the nick is ours, free or taken.
    pub(crate) fn take(&mut self, me: &Identity, message: &Message) -> Option<IrcLine> {
        if !self.enabled {
            return None;
        }
        let now = Instant::now();
        match (me.is_me(self.wanted(me)), self.held) {
            (true, None) => return self.gained(me, now),
            (false, Some(since)) => {
                self.lost(now.duration_since(since), now);
                return None;
            }
            (true, Some(_)) => return None,
            (false, None) => {}
        }
        if let Some((number, args)) = numeric(message) {
            self.told(me, number, args);
        }
        let wanted = |nick: &str| me.casemap.same(nick, self.wanted(me));
        match (&message.command, &message.prefix) {
            (Command::NICK(new), _) if wanted(new) => self.free = false,
            (Command::NICK(_) | Command::QUIT(_), Some(Prefix::Nickname(nick, ..)))
                if wanted(nick) =>
            {
                self.free = true;
            }
            _ => {}
        }
        None
    }

    fn told(&mut self, me: &Identity, number: u16, args: &[String]) {
        let wanted = |nick: &str| me.casemap.same(nick, self.wanted(me));
        let named = |at: usize, separator: char| {
            let mut nicks = args.get(at).into_iter().flat_map(|nicks| nicks.split(separator));
            nicks.any(|nick| wanted(nick.split('!').next().unwrap_or_default().trim()))
        };
        match number {
            303 => self.free = !named(1, ' '),
            730 if named(1, ',') => self.free = false,
            731 if named(1, ',') => self.free = true,
            // The list is full: we have to ask.
            734 if matches!(self.watch, Watch::Told) => {
                self.watch = Watch::Ask { at: Instant::now(), monitor: false };
            }
            433 if named(1, ' ') => self.free = false,
            401 if args.get(1).is_some_and(|nick| nick.eq_ignore_ascii_case(NICKSERV)) => {
                self.services = None;
            }
            _ => {}
        }
    }

    fn gained(&mut self, me: &Identity, now: Instant) -> Option<IrcLine> {
        (self.held, self.free) = (Some(now), false);
        let told = matches!(self.watch, Watch::Told);
        self.watch = Watch::Ask { at: now, monitor: true };
        let unwatch = Command::MONITOR("-".into(), Some(self.wanted(me).to_owned()));
        told.then(|| IrcLine::command(unwatch))
    }

    fn lost(&mut self, kept: Duration, now: Instant) {
        self.held = None;
        self.watch = Watch::Ask { at: now + SETTLE, monitor: true };
        if kept >= KEPT {
            self.take.tries = 0;
            self.services.iter_mut().for_each(|turn| turn.tries = 0);
        }
        let soonest = now + SETTLE;
        self.take.at = self.take.at.max(soonest);
        self.services.iter_mut().for_each(|turn| turn.at = turn.at.max(soonest));
    }
}

#[cfg(test)]
mod tests;
