//! A message on IRC becomes a `Request`, or nothing: most lines are not meant for us.
//! Pure, with time handed in; who may do what is decided elsewhere.
mod batches;
mod freshness;
mod place;
mod replayed;
mod request;
mod spoken;

pub(crate) use replayed::Replayed;
pub(crate) use spoken::Spoken;

use crate::{
    accounts::{Accounts, Login, Need, Settled},
    config::Config,
    hush::{Asking, Hush},
    identity::Identity,
    line::IrcLine,
    masks::{Mask, Speaker, Who},
    relays::{Relays, Source},
    strip::{Said, said},
};
use batches::{Batches, Part};
use freshness::Freshness;
use inkwire_core::{AdapterId, Request, Surface, Time, trigger::Words};
use irc::proto::{Command, Message};
use place::Prefixes;
pub(crate) use place::Spot;
use request::Asked;
use tokio::{sync::watch, time::Instant};

/// What a line asks of us.
#[derive(Debug)]
pub(crate) enum Heard {
    Request(Box<Request>),
    /// A CTCP question in private: its word, and what follows that.
    Ctcp {
        nick: String,
        word: String,
        rest: String,
    },
    /// Something that the server is to be asked first.
    Question(IrcLine),
    /// An invitation into this room by somebody whom we follow.
    Invited(String),
}

/// The time by both clocks: what people are told and what servers say goes by the wall's, which
/// may jump; what is waited for does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) time: Time,
    pub(crate) instant: Instant,
}

impl Now {
    pub(crate) fn at(time: Time) -> Self {
        Self { time, instant: Instant::now() }
    }
}

pub(crate) struct Receiver {
    adapter: AdapterId,
    prefixes: Prefixes,
    relays: Relays,
    ignored: Vec<Who>,
    /// Hosts that an operator takes for an account.
    hosts: Vec<(Mask, String)>,
    /// Accounts whose invitations are followed.
    inviters: Vec<String>,
    connected: Time,
    /// Requests so far.
    requests: u64,
    batches: Batches,
    freshness: Freshness,
    replayed: watch::Sender<Replayed>,
    accounts: Accounts,
    hush: Hush,
}

/// What is the case while one message is looked at.
#[derive(Clone, Copy)]
struct Here<'a> {
    me: &'a Identity,
    surface: &'a Surface,
    now: Now,
}

impl Receiver {
    pub(crate) fn new(adapter: AdapterId, config: &Config, connected: Time) -> Self {
        let hosts = config.hostmask_accounts.iter();
        Self {
            adapter,
            prefixes: Prefixes::new(config),
            relays: Relays::new(&config.relays),
            ignored: config.ignore.iter().map(|mask| Who::new(mask)).collect(),
            hosts: hosts.map(|host| (Mask::new(&host.mask), host.account.clone())).collect(),
            inviters: config.inviters.iter().map(|name| name.to_ascii_lowercase()).collect(),
            connected,
            requests: 0,
            batches: Batches::default(),
            freshness: Freshness::default(),
            replayed: watch::Sender::new(Replayed::default()),
            accounts: Accounts::default(),
            hush: Hush::default(),
        }
    }

    /// What we said before, as far as a history told it.
    pub(crate) fn replayed(&self) -> watch::Receiver<Replayed> {
        self.replayed.subscribe()
    }

    /// When `wake` has something to say.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.accounts.due()
    }

    pub(crate) fn wake(&mut self, me: &Identity, surface: &Surface, now: Now) -> Vec<Heard> {
        let settled = self.accounts.expire(now.instant);
        self.conclude(Here { me, surface, now }, settled)
    }

    /// What was heard and waits, when the connection ends.
    pub(crate) fn end(&mut self, me: &Identity, surface: &Surface, now: Now) -> Vec<Heard> {
        let settled = self.accounts.end();
        self.conclude(Here { me, surface, now }, settled)
    }

    pub(crate) fn take(
        &mut self,
        me: &Identity,
        surface: &Surface,
        message: &Message,
        now: Now,
    ) -> Vec<Heard> {
        let here = Here { me, surface, now };
        let spoken = match &message.command {
            Command::BATCH(..) => self.batch(here, message),
            Command::PRIVMSG(..) => self.line(here, message),
            // Nobody's notices are answered, but ours are known again.
            Command::NOTICE(..) => {
                self.line(here, message);
                None
            }
            _ if self.batches.is_replayed(me, message) => None,
            Command::INVITE(..) => Spoken::invitation(me, message, now.time),
            _ => {
                self.freshness.learn(me, message, now.time);
                let settled = self.accounts.learn(me, message, now.instant);
                return self.conclude(here, settled);
            }
        };
        match spoken.and_then(|spoken| self.hear(here, spoken)) {
            Some(Hearing::Settled(settled)) => self.conclude(here, vec![settled]),
            Some(Hearing::Ctcp(ctcp)) => vec![ctcp],
            None => self.conclude(here, vec![]),
        }
    }

    // --- what was said now ---

    fn batch(&mut self, here: Here<'_>, message: &Message) -> Option<Spoken> {
        let Self { batches, freshness, .. } = self;
        match &message.command {
            Command::BATCH(reference, ..) if reference.starts_with('-') => {
                batches.close(reference.trim_start_matches('-'))
            }
            _ => {
                let is_old = |spoken: &Spoken| freshness.is_old(here.me, spoken);
                batches.open(here.me, message, here.now.time, is_old);
                None
            }
        }
    }

    fn line(&mut self, here: Here<'_>, message: &Message) -> Option<Spoken> {
        let spoken = Spoken::of(here.me, message, here.now.time)?;
        match self.batches.take(here.me, message, spoken) {
            Part::Live(spoken) if !self.freshness.is_old(here.me, &spoken) => Some(spoken),
            Part::Live(spoken) | Part::Replayed(spoken) => {
                metrics::counter!("inkwire_irc_replays_total").increment(1);
                if here.me.is_me(&spoken.who.nick) {
                    let spot = Spot::of(here.me, &spoken.target);
                    let room = spot.as_ref().and_then(Spot::room).unwrap_or(&spoken.target);
                    let target = here.me.casemap.fold(room);
                    self.replayed.send_modify(|replayed| replayed.add(target, spoken.text));
                }
                None
            }
            Part::Kept => None,
        }
    }

    /// Whom nobody answers, whatever they say.
    fn is_ignored(&self, me: &Identity, who: &Speaker, account: Option<&str>) -> bool {
        me.is_me(&who.nick)
            || who.is_service()
            || self.ignored.iter().any(|ignored| ignored.is(me.casemap, who, account))
    }

    /// Words for us, from somebody who is heard.
    fn hear(&mut self, here: Here<'_>, mut spoken: Spoken) -> Option<Hearing> {
        let spot = Spot::of(here.me, &spoken.target)?;
        if self.is_ignored(here.me, &spoken.who, spoken.account.as_deref()) {
            return None;
        }
        if spoken.is_invitation {
            return self.invited(here, spoken);
        }
        match said(&spoken.text) {
            Said::Text(text) => spoken.text = text,
            Said::Ctcp(word, rest) => {
                let (nick, word, rest) = (spoken.who.nick, word.to_owned(), rest.to_owned());
                let is_ours = spot.is_direct() && !spoken.is_robot;
                return is_ours.then_some(Hearing::Ctcp(Heard::Ctcp { nick, word, rest }));
            }
        }
        let Aim { words, behind, need } = self.aim(here, &spot, &spoken)?;
        let who = request::key_of(&spoken, behind.as_deref());
        let asking = Asking { who: &who, place: &spoken.target, text: words.text, by: words.by };
        if !self.hush.hears(&asking, here.now.instant) {
            return None;
        }
        self.accounts.ask(here.me, spoken, need, here.now.instant).map(Hearing::Settled)
    }

    /// Like words of which much depends on who says them.
    fn invited(&mut self, here: Here<'_>, spoken: Spoken) -> Option<Hearing> {
        if self.inviters.is_empty() {
            return None;
        }
        let who = request::key_of(&spoken, None);
        let by = inkwire_core::Heard::Direct;
        let asking = Asking { who: &who, place: &spoken.target, text: &spoken.text, by };
        if !self.hush.hears(&asking, here.now.instant) {
            return None;
        }
        self.accounts.ask(here.me, spoken, Need::Certain, here.now.instant).map(Hearing::Settled)
    }

    /// `None` if these words are for nobody here.
    fn aim<'a>(&self, here: Here<'_>, spot: &Spot<'_>, spoken: &'a Spoken) -> Option<Aim<'a>> {
        let Spoken { who, account, text, is_robot, .. } = spoken;
        let source = self.relays.source(here.me.casemap, who, account.as_deref(), text);
        let is_relay = source != Source::Speaker;
        let relayed = match source {
            Source::Behind(relayed) => Some(relayed),
            Source::Speaker if !here.me.caps.has("account-tag") => self.relays.perhaps(text),
            Source::Speaker | Source::Relay => None,
        };
        let behind =
            relayed.and_then(|relayed| Some((self.words(here, spot, relayed.text)?, relayed.name)));
        let own = self.words(here, spot, text).filter(|_| is_relay || !is_robot);
        let at_least =
            if behind.is_some() || here.me.isupport.whox { Need::Recent } else { Need::Nothing };
        let need = match &own {
            _ if is_relay => Need::Nothing,
            Some(words) => place::need(here.surface, words).max(at_least),
            None => at_least,
        };
        match behind {
            // Until it is known for a relay, whatever it says is its own.
            Some((words, name)) => Some(Aim { words, behind: is_relay.then_some(name), need }),
            None => Some(Aim { words: own?, behind: None, need }),
        }
    }

    fn words<'a>(&self, here: Here<'_>, spot: &Spot<'_>, text: &'a str) -> Option<Words<'a>> {
        self.prefixes.hear(here.me, &here.surface.triggers, spot, text)
    }

    // --- what becomes of it ---

    /// What those want who are known now, and what is to be asked about others.
    fn conclude(&mut self, here: Here<'_>, settled: Vec<Settled>) -> Vec<Heard> {
        let mut heard: Vec<_> =
            settled.into_iter().filter_map(|settled| self.outcome(here, &settled)).collect();
        let questions = self.accounts.questions(here.me, here.now.instant);
        heard.extend(questions.into_iter().map(Heard::Question));
        heard
    }

    fn outcome(&mut self, here: Here<'_>, settled: &Settled) -> Option<Heard> {
        let Settled { spoken, account, .. } = settled;
        let login = request::login(here.me, &self.hosts, &spoken.who, account);
        let name = login.as_ref().map(|login| login.name.as_str());
        if self.is_ignored(here.me, &spoken.who, name) {
            return None;
        }
        if spoken.is_invitation {
            let login = login.filter(|login| login.certain && self.inviters.contains(&login.name));
            return login.map(|_| Heard::Invited(spoken.text.clone()));
        }
        self.request(here, settled, login).map(|request| Heard::Request(Box::new(request)))
    }

    fn request(
        &mut self,
        here: Here<'_>,
        settled: &Settled,
        login: Option<Login>,
    ) -> Option<Request> {
        let Settled { spoken, is_robot, .. } = settled;
        let spot = Spot::of(here.me, &spoken.target)?;
        let account = login.as_ref().map(|login| login.name.as_str());
        let source = self.relays.source(here.me.casemap, &spoken.who, account, &spoken.text);
        let text = match &source {
            Source::Behind(relayed) => relayed.text,
            // Relays alone may be robots.
            Source::Speaker if *is_robot => return None,
            Source::Speaker | Source::Relay => spoken.text.as_str(),
        };
        let words = self.words(here, &spot, text)?;
        self.requests += 1;
        let number = format!("{}-{}", self.connected.0, self.requests);
        let asked = Asked { spoken, spot, words, login, source };
        Some(asked.request(here.me, &self.adapter, number))
    }
}

/// Words that are for us, unless they turn out to be nobody's.
struct Aim<'a> {
    words: Words<'a>,
    /// Who is behind the relay that this is.
    behind: Option<String>,
    /// How well the speaker must be known.
    need: Need,
}

/// A line for us.
enum Hearing {
    Settled(Settled),
    Ctcp(Heard),
}

#[cfg(test)]
mod tests;
