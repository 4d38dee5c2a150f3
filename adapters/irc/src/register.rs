//! From the first byte to the server's welcome: capabilities, account, nick.
//! Pure but for its deadlines: messages in, lines out.
use crate::{
    caps::{Caps, SASL, cap},
    config::{Config, OnFailure},
    dial::{Target, lost},
    line::IrcLine,
    parting::{THROTTLED, parting},
    sasl::{Login, Progress},
    sts::Offer,
};
use inkwire_core::AdapterError;
use irc::proto::{CapSubCommand, Command, Message, Response};
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::time::Instant;

enum Phase {
    /// Capabilities are listed and asked for.
    Asking,
    LoggingIn(Box<Login>),
    /// `CAP END` was said; whether it was with an account.
    Ended {
        logged_in: bool,
    },
}

pub(crate) struct Registration<'a> {
    config: &'a Config,
    /// The connection has TLS.
    tls: bool,
    /// Nobody on the way can read along.
    secure: bool,
    nicks_tried: usize,
    caps: Caps,
    phase: Phase,
    /// Something that we understand was said.
    greeted: bool,
    deadline: Instant,
}

/// What a message asks of us.
#[derive(Debug)]
pub(crate) enum Step {
    Say(Vec<IrcLine>),
    Welcome(Caps),
    /// Hang up at once and come back by TLS on this port.
    Upgrade(u16),
    /// Say this, and hang up.
    Leave(IrcLine, AdapterError),
}

impl<'a> Registration<'a> {
    pub(crate) fn new(config: &'a Config, target: &Target) -> Self {
        Self {
            config,
            tls: target.tls,
            secure: target.is_secure(),
            nicks_tried: 0,
            caps: Caps::new(config.sasl.is_some()),
            phase: Phase::Asking,
            greeted: false,
            deadline: Instant::now() + Duration::from_secs(config.timeouts.register_secs),
        }
    }

    pub(crate) fn nick(&self) -> &str {
        &self.config.nick
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    pub(crate) fn write_limit(&self) -> Duration {
        self.config.timeouts.write()
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

    /// As far as they are known.
    pub(crate) fn caps(&self) -> &Caps {
        &self.caps
    }

    pub(crate) fn deadline(&self) -> Instant {
        match &self.phase {
            Phase::LoggingIn(login) => login.deadline().min(self.deadline),
            _ => self.deadline,
        }
    }

    /// What it means that the deadline passed.
    pub(crate) fn overdue(&mut self) -> Result<Step, AdapterError> {
        let reason = match self.phase {
            Phase::LoggingIn(_) => "no answer to the login",
            Phase::Asking | Phase::Ended { .. } => "no welcome",
        };
        if self.deadline() < self.deadline && !self.must_log_in() {
            return Ok(self.after(Progress::Failed(reason.to_owned())));
        }
        Err(lost(reason.to_owned()))
    }

    fn must_log_in(&self) -> bool {
        self.config.sasl.as_ref().is_some_and(|sasl| sasl.on_failure == OnFailure::Retry)
    }

    /// What it means that the connection broke.
    pub(crate) fn broken(&self, error: AdapterError) -> AdapterError {
        match error {
            AdapterError::Disconnected(reason) if !self.tls && !self.greeted => {
                lost(format!("{reason} without a word; if this port is for TLS, set tls: true"))
            }
            error => error,
        }
    }

    pub(crate) fn take(&mut self, message: &Message) -> Result<Step, AdapterError> {
        self.greeted = true;
        match &message.command {
            Command::CAP(..) => Ok(self.capabilities(message)),
            Command::Response(response, args) => self.response(*response, args, message),
            Command::PING(word, _) => {
                Ok(Step::Say(vec![IrcLine::command(Command::PONG(word.clone(), None))]))
            }
            Command::ERROR(reason) => Err(parting(reason)),
            _ => Ok(self.log_in(message)),
        }
    }

    fn response(
        &mut self,
        response: Response,
        args: &[String],
        message: &Message,
    ) -> Result<Step, AdapterError> {
        let text = args.last().map(String::as_str).unwrap_or_default();
        match response {
            Response::RPL_WELCOME => self.welcome(),
            Response::ERR_NICKNAMEINUSE
            | Response::ERR_ERRONEOUSNICKNAME
            | Response::ERR_NICKCOLLISION
            | Response::ERR_UNAVAILRESOURCE => self.next_nick(),
            Response::ERR_PASSWDMISMATCH => Err(AdapterError::Unauthorized(text.to_owned())),
            Response::ERR_YOUREBANNEDCREEP => Err(parting(&format!("banned: {text}"))),
            _ => Ok(self.log_in(message)),
        }
    }

    fn welcome(&mut self) -> Result<Step, AdapterError> {
        let logged_in = matches!(self.phase, Phase::Ended { logged_in: true });
        if self.must_log_in() && !logged_in {
            return Err(lost("the server offers no login (sasl) now".into()));
        }
        Ok(Step::Welcome(std::mem::take(&mut self.caps)))
    }

    fn next_nick(&mut self) -> Result<Step, AdapterError> {
        let Config { nick, alt_nicks, .. } = self.config;
        let made = || alternative(nick, self.nicks_tried.saturating_sub(alt_nicks.len()) + 1);
        let next = alt_nicks.get(self.nicks_tried).cloned().or_else(made);
        self.nicks_tried += 1;
        let none = || AdapterError::SentAway { reason: "no nick is free".into(), wait: THROTTLED };
        let next = next.ok_or_else(none)?;
        tracing::info!(next = next, "nick taken");
        Ok(Step::Say(vec![IrcLine::command(Command::NICK(next))]))
    }

    fn capabilities(&mut self, message: &Message) -> Step {
        let requests = self.caps.take(message);
        if let Some(port) = self.strict_transport() {
            return Step::Upgrade(port);
        }
        if matches!(self.phase, Phase::Asking) && self.caps.settled() {
            return self.begin_login();
        }
        Step::Say(requests)
    }

    /// The port for TLS, where the server wants us there.
    fn strict_transport(&mut self) -> Option<u16> {
        let offer = Offer::of(&self.caps).filter(|_| self.config.sts && !self.tls)?;
        offer.port
    }

    fn begin_login(&mut self) -> Step {
        let offered = self.caps.has(SASL).then(|| self.caps.value(SASL));
        let login = offered.and_then(|offered| Login::new(self.config, offered, self.secure));
        let Some(mut login) = login else { return Step::Say(self.end(false)) };
        let begun = login.begin();
        self.phase = Phase::LoggingIn(Box::new(login));
        self.after(begun)
    }

    fn log_in(&mut self, message: &Message) -> Step {
        let Phase::LoggingIn(login) = &mut self.phase else { return Step::Say(vec![]) };
        let progress = login.take(message);
        self.after(progress)
    }

    fn after(&mut self, progress: Progress) -> Step {
        match progress {
            Progress::Say(lines) => Step::Say(lines),
            Progress::Done => Step::Say(self.end(true)),
            Progress::Failed(reason) if self.must_log_in() => {
                let quit = IrcLine::command(Command::QUIT(Some("login failed".into())));
                Step::Leave(quit, AdapterError::Unauthorized(reason))
            }
            Progress::Failed(reason) => {
                tracing::warn!(error = reason, "login failed, going on without an account");
                Step::Say(self.end(false))
            }
        }
    }

    fn end(&mut self, logged_in: bool) -> Vec<IrcLine> {
        self.phase = Phase::Ended { logged_in };
        vec![IrcLine::command(cap(CapSubCommand::END, None))]
    }
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
