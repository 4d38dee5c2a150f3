//! From the first byte to the server's welcome: capabilities, account, nick.
//! Pure but for its deadlines: messages in, lines out.
use crate::{
    config::{Config, Sasl},
    line::IrcLine,
    parting::{THROTTLED, parting},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use inkwire_core::AdapterError;
use irc::proto::{CapSubCommand, Command, Message, Response};
use secrecy::ExposeSecret;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::Instant;

const WELCOME_WITHIN: Duration = Duration::from_secs(30);
const SASL_WITHIN: Duration = Duration::from_secs(15);
/// SASL sends this many bytes at a time, and says so when the last piece is full.
const SASL_PIECE: usize = 400;
const SASL: &str = "sasl";
const WANTED: &[&str] = &["account-tag", "batch", "chghost", "message-tags", "server-time"];

/// Names of granted capabilities.
pub(crate) type Caps = BTreeSet<String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Login {
    NotYet,
    Asked,
    Done,
}

pub(crate) struct Registration<'a> {
    config: &'a Config,
    nicks_tried: usize,
    offered: Caps,
    granted: Caps,
    login: Login,
    deadline: Instant,
}

/// What a message asks of us.
#[derive(Debug)]
pub(crate) enum Step {
    Say(Vec<IrcLine>),
    Welcome(Caps),
}

impl<'a> Registration<'a> {
    pub(crate) fn new(config: &'a Config) -> Self {
        let deadline = Instant::now() + WELCOME_WITHIN;
        let (offered, granted) = (Caps::new(), Caps::new());
        Self { config, nicks_tried: 0, offered, granted, login: Login::NotYet, deadline }
    }

    /// What a connection begins with.
    pub(crate) fn opening(&self) -> Vec<IrcLine> {
        let Config { nick, username, realname, password, .. } = self.config;
        let pass = password.as_ref().map(|word| Command::PASS(word.expose_secret().to_owned()));
        let user = Command::USER(username.clone(), "0".into(), realname.clone());
        let first = cap(CapSubCommand::LS, Some("302".into()));
        let commands = [Some(first), pass, Some(Command::NICK(nick.clone())), Some(user)];
        commands.into_iter().flatten().map(IrcLine::command).collect()
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What it means that the deadline passed.
    pub(crate) fn overdue(&self) -> AdapterError {
        let reason = match self.login {
            Login::Asked => "no answer to the login",
            Login::NotYet | Login::Done => "no welcome",
        };
        AdapterError::Disconnected(reason.to_owned())
    }

    pub(crate) fn take(&mut self, message: &Message) -> Result<Step, AdapterError> {
        match &message.command {
            Command::CAP(_, verb, first, second) => {
                Ok(Step::Say(self.capabilities(*verb, first.as_deref(), second.as_deref())))
            }
            Command::AUTHENTICATE(word) if word == "+" && self.login == Login::Asked => {
                Ok(Step::Say(self.config.sasl.as_ref().map(credentials).unwrap_or_default()))
            }
            Command::Response(response, args) => self.response(*response, args),
            Command::PING(word, _) => {
                Ok(Step::Say(vec![IrcLine::command(Command::PONG(word.clone(), None))]))
            }
            Command::ERROR(reason) => Err(parting(reason)),
            _ => Ok(Step::Say(vec![])),
        }
    }

    fn response(&mut self, response: Response, args: &[String]) -> Result<Step, AdapterError> {
        let text = args.last().map(String::as_str).unwrap_or_default();
        match response {
            Response::RPL_WELCOME if self.config.sasl.is_some() && self.login != Login::Done => {
                Err(AdapterError::Unauthorized("the server offers no SASL PLAIN".into()))
            }
            Response::RPL_WELCOME => Ok(Step::Welcome(std::mem::take(&mut self.granted))),
            Response::ERR_NICKNAMEINUSE
            | Response::ERR_ERRONEOUSNICKNAME
            | Response::ERR_NICKCOLLISION
            | Response::ERR_UNAVAILRESOURCE => self.next_nick(),
            Response::RPL_SASLSUCCESS => {
                self.login = Login::Done;
                Ok(Step::Say(vec![end()]))
            }
            Response::ERR_NICKLOCKED
            | Response::ERR_SASLFAIL
            | Response::ERR_SASLTOOLONG
            | Response::ERR_SASLABORT
            | Response::ERR_PASSWDMISMATCH => Err(AdapterError::Unauthorized(text.to_owned())),
            Response::ERR_YOUREBANNEDCREEP => Err(parting(&format!("banned: {text}"))),
            _ => Ok(Step::Say(vec![])),
        }
    }

    fn next_nick(&mut self) -> Result<Step, AdapterError> {
        self.nicks_tried += 1;
        let reason = || "no nick is free".to_owned();
        let nick = alternative(&self.config.nick, self.nicks_tried)
            .ok_or_else(|| AdapterError::SentAway { reason: reason(), wait: THROTTLED })?;
        Ok(Step::Say(vec![IrcLine::command(Command::NICK(nick))]))
    }

    /// `CAP * LS * :more` goes on in the next line, `CAP * LS :last` does not.
    fn capabilities(
        &mut self,
        verb: CapSubCommand,
        first: Option<&str>,
        second: Option<&str>,
    ) -> Vec<IrcLine> {
        let names = second.or(first).unwrap_or_default().split_whitespace();
        let names = names.map(|name| name.split_once('=').map_or(name, |(name, _)| name));
        match verb {
            CapSubCommand::LS => {
                self.offered.extend(
                    names.filter(|name| WANTED.contains(name) || *name == SASL).map(str::to_owned),
                );
                if second.is_some() { vec![] } else { self.request() }
            }
            CapSubCommand::ACK => {
                let asked = names.filter(|name| self.offered.contains(*name));
                self.granted.extend(asked.map(str::to_owned));
                self.log_in()
            }
            // One that is refused takes the others with it; only the login matters enough to ask again.
            CapSubCommand::NAK if self.wants_sasl() && self.offered.len() > 1 => {
                self.offered = [SASL.to_owned()].into();
                vec![IrcLine::command(cap(CapSubCommand::REQ, Some(SASL.into())))]
            }
            CapSubCommand::NAK => vec![end()],
            _ => vec![],
        }
    }

    fn wants_sasl(&self) -> bool {
        self.config.sasl.is_some() && self.offered.contains(SASL)
    }

    fn request(&self) -> Vec<IrcLine> {
        let sasl = self.wants_sasl().then_some(SASL);
        let wanted = WANTED.iter().copied().filter(|name| self.offered.contains(*name));
        let names: Vec<_> = wanted.chain(sasl).collect();
        if names.is_empty() {
            return vec![end()];
        }
        vec![IrcLine::command(cap(CapSubCommand::REQ, Some(names.join(" "))))]
    }

    fn log_in(&mut self) -> Vec<IrcLine> {
        if self.config.sasl.is_none() || !self.granted.contains(SASL) {
            return vec![end()];
        }
        self.login = Login::Asked;
        self.deadline = self.deadline.min(Instant::now() + SASL_WITHIN);
        vec![IrcLine::command(Command::AUTHENTICATE("PLAIN".into()))]
    }
}

fn cap(verb: CapSubCommand, names: Option<String>) -> Command {
    Command::CAP(None, verb, None, names)
}

fn end() -> IrcLine {
    IrcLine::command(cap(CapSubCommand::END, None))
}

fn credentials(sasl: &Sasl) -> Vec<IrcLine> {
    let Some(password) = &sasl.password else { return vec![] };
    let user = &sasl.username;
    let plain = STANDARD.encode(format!("{user}\0{user}\0{}", password.expose_secret()));
    let pieces = plain.as_bytes().chunks(SASL_PIECE).map(String::from_utf8_lossy);
    let full = plain.len().is_multiple_of(SASL_PIECE).then(|| "+".into());
    let words = pieces.chain(full).map(|piece| Command::AUTHENTICATE(piece.into_owned()));
    words.map(IrcLine::command).collect()
}

/// The nth nick to try instead; never longer than servers take at the least, or than `nick`.
fn alternative(nick: &str, n: usize) -> Option<String> {
    let suffix = match n {
        1 | 2 => "_".repeat(n),
        3..=9 => n.to_string(),
        _ => return None,
    };
    let room = nick.len().max(9) - suffix.len();
    Some(format!("{}{suffix}", nick.get(..room).unwrap_or(nick)))
}

#[cfg(test)]
mod tests;
