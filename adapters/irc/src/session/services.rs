//! What changes after the welcome in what the server offers: capabilities, and with them a login.
//! Pure but for the deadline of a login; the same steps as in `register`, taken late.
use crate::{
    caps::SASL,
    config::Config,
    identity::Identity,
    line::IrcLine,
    sasl::{Login, Progress},
};
use irc::proto::{CapSubCommand, Command, Message};
use std::sync::Arc;
use tokio::time::Instant;

pub(super) struct Services {
    config: Arc<Config>,
    login: Option<Login>,
}

impl Services {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self { config, login: None }
    }

    /// When a login has had time enough.
    pub(super) fn due(&self) -> Option<Instant> {
        self.login.as_ref().map(Login::deadline)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            self.after(Progress::Failed("no answer to the login".into()));
        }
    }

    pub(super) fn take(&mut self, me: &mut Identity, message: &Message) -> Vec<IrcLine> {
        if !matches!(message.command, Command::CAP(..)) {
            let progress = self.login.as_mut().map(|login| login.take(message));
            return progress.map(|progress| self.after(progress)).unwrap_or_default();
        }
        let mut lines = me.caps.take(message);
        if !me.caps.has(SASL) {
            self.login = None;
        } else if offers_login(message) && me.account.is_none() {
            lines.extend(self.begin(me));
        }
        lines
    }

    fn begin(&mut self, me: &Identity) -> Vec<IrcLine> {
        self.login = Login::new(&self.config, me.caps.value(SASL), me.secure);
        let progress = self.login.as_mut().map(Login::begin);
        progress.map(|progress| self.after(progress)).unwrap_or_default()
    }

    fn after(&mut self, progress: Progress) -> Vec<IrcLine> {
        match progress {
            Progress::Say(lines) => return lines,
            Progress::Done => tracing::info!("logged in"),
            Progress::Failed(reason) => tracing::warn!(error = reason, "login failed"),
        }
        self.login = None;
        vec![]
    }
}

/// The server offers to log in now, or grants that we do.
fn offers_login(message: &Message) -> bool {
    let Command::CAP(_, CapSubCommand::NEW | CapSubCommand::ACK, first, second) = &message.command
    else {
        return false;
    };
    let mut words = second.iter().chain(first).flat_map(|words| words.split_whitespace());
    words.any(|word| word.split('=').next() == Some(SASL))
}
