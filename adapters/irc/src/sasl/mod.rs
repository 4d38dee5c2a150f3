//! Logging in to an account: one mechanism after the other, until one works.
//! Pure but for its deadline, for registration and for later alike: messages in, lines out.
mod pieces;
mod scram;

#[cfg(test)]
mod tests;

use crate::{
    config::{Config, Mechanism, Sasl},
    line::IrcLine,
};
use irc::proto::{Command, Message, Response};
use pieces::{Joined, Pieces, lines};
use scram::{Broken, Scram};
use secrecy::{ExposeSecret, zeroize::Zeroizing};
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// What a message means for the login.
#[derive(Debug)]
pub(crate) enum Progress {
    Say(Vec<IrcLine>),
    /// Logged in; numeric 900 says to which account.
    Done,
    /// Nothing is left to try.
    Failed(String),
}

enum Exchange {
    /// Nothing was begun.
    None,
    External,
    Plain,
    Scram(Box<Scram>),
    /// The server is not what it says: whatever it answers, this is over.
    Aborted(&'static str),
}

pub(crate) struct Login {
    sasl: Sasl,
    /// Still to be tried.
    left: VecDeque<Mechanism>,
    exchange: Exchange,
    incoming: Pieces,
    /// Why the last mechanism did not work.
    refused: String,
    patience: Duration,
    deadline: Instant,
}

impl Login {
    /// `None` where no account is configured. `offered` is the value of the capability `sasl`,
    /// `secure` whether nobody on the way can read along.
    pub(crate) fn new(config: &Config, offered: &str, secure: bool) -> Option<Self> {
        let sasl = config.sasl.clone()?;
        let certificate = secure && config.client_cert_file.is_some();
        let fits = |mechanism: &Mechanism| match mechanism {
            Mechanism::External => certificate,
            Mechanism::ScramSha256 => sasl.password.is_some(),
            Mechanism::Plain => sasl.password.is_some() && secure,
        };
        let order = sasl.order().iter().copied();
        let left: VecDeque<_> =
            order.filter(fits).filter(|mechanism| lists(offered, *mechanism)).collect();
        let refused = match offered {
            "" => "no mechanism that we can use".to_owned(),
            offered => format!("no mechanism that we can use among {offered}"),
        };
        let patience = Duration::from_secs(config.timeouts.sasl_secs);
        Some(Self {
            sasl,
            left,
            exchange: Exchange::None,
            incoming: Pieces::default(),
            refused,
            patience,
            deadline: Instant::now() + patience,
        })
    }

    /// Begins with the first mechanism.
    pub(crate) fn begin(&mut self) -> Progress {
        self.incoming = Pieces::default();
        let Some(mechanism) = self.left.pop_front() else {
            return Progress::Failed(std::mem::take(&mut self.refused));
        };
        self.deadline = Instant::now() + self.patience;
        self.exchange = match mechanism {
            Mechanism::External => Exchange::External,
            Mechanism::Plain => Exchange::Plain,
            Mechanism::ScramSha256 => match self.scram() {
                Ok(scram) => Exchange::Scram(Box::new(scram)),
                Err(reason) => {
                    self.refused = reason;
                    return self.begin();
                }
            },
        };
        say(name(mechanism))
    }

    /// When the server has had time enough to answer.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Takes any message; what is not about the login asks nothing.
    pub(crate) fn take(&mut self, message: &Message) -> Progress {
        match &message.command {
            Command::AUTHENTICATE(piece) => match self.incoming.take(piece) {
                Joined::More => Progress::Say(vec![]),
                Joined::Whole(challenge) => self.answer(&challenge),
                Joined::Broken => self.abort("the server says what nobody can read"),
            },
            Command::Response(response, args) => {
                let text = args.last().map(String::as_str).unwrap_or_default();
                self.result(*response, args, text)
            }
            _ => Progress::Say(vec![]),
        }
    }

    fn result(&mut self, response: Response, args: &[String], text: &str) -> Progress {
        match response {
            Response::ERR_SASLALREADY => Progress::Done,
            Response::RPL_SASLSUCCESS => self.success(),
            // Another answer says that the mechanism at hand has failed.
            Response::RPL_SASLMECHS => {
                let offered = args.get(1).map(String::as_str).unwrap_or_default();
                self.left.retain(|mechanism| lists(offered, *mechanism));
                Progress::Say(vec![])
            }
            Response::ERR_NICKLOCKED
            | Response::ERR_SASLFAIL
            | Response::ERR_SASLTOOLONG
            | Response::ERR_SASLABORT => {
                if let Exchange::Aborted(reason) = self.exchange {
                    return Progress::Failed(reason.to_owned());
                }
                text.clone_into(&mut self.refused);
                self.begin()
            }
            _ => Progress::Say(vec![]),
        }
    }

    /// Whoever says so without having proved that it knows the password, is not the server.
    fn success(&mut self) -> Progress {
        match &self.exchange {
            Exchange::Aborted(reason) => Progress::Failed((*reason).to_owned()),
            Exchange::Scram(scram) if !scram.is_proven() => {
                Progress::Failed("the server did not prove that it knows the password".into())
            }
            _ => Progress::Done,
        }
    }

    fn answer(&mut self, challenge: &[u8]) -> Progress {
        let said = match &mut self.exchange {
            Exchange::None | Exchange::Aborted(_) => return Progress::Say(vec![]),
            Exchange::External => Ok(Zeroizing::default()),
            Exchange::Plain => Ok(plain(&self.sasl)),
            Exchange::Scram(scram) => scram.answer(challenge),
        };
        match said {
            Ok(answer) => Progress::Say(lines(&answer)),
            // It says so by a numeric, too.
            Err(Broken::Refused) => Progress::Say(vec![]),
            Err(Broken::Untrusted(reason)) => self.abort(reason),
        }
    }

    /// Nothing else is tried: the next mechanism might tell an impostor the password.
    fn abort(&mut self, reason: &'static str) -> Progress {
        self.exchange = Exchange::Aborted(reason);
        say("*")
    }

    fn scram(&self) -> Result<Scram, String> {
        let password = self.sasl.password.as_ref().map_or("", |password| password.expose_secret());
        Scram::new(&self.sasl.account, password)
    }
}

fn name(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::ScramSha256 => "SCRAM-SHA-256",
        Mechanism::External => "EXTERNAL",
        Mechanism::Plain => "PLAIN",
    }
}

/// Servers that speak the first version of the protocol list nothing.
fn lists(offered: &str, mechanism: Mechanism) -> bool {
    offered.is_empty() || offered.split(',').any(|one| one.eq_ignore_ascii_case(name(mechanism)))
}

fn say(word: &str) -> Progress {
    Progress::Say(vec![IrcLine::command(Command::AUTHENTICATE(word.to_owned()))])
}

/// Who we want to be, who we are, and the proof.
fn plain(sasl: &Sasl) -> Zeroizing<Vec<u8>> {
    let password = sasl.password.as_ref().map_or("", |password| password.expose_secret());
    let account = sasl.account.as_str();
    Zeroizing::new([account, account, password].join("\0").into_bytes())
}
