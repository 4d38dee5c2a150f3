//! IRC: one network, one connection, lines in and lines out.
//! Reading order: dial, register, connection, session, receive; then send, render, line. No
//! decision about a job is made here.
mod accounts;
mod caps;
mod casemap;
mod config;
mod connection;
mod ctcp;
mod dial;
mod fit;
mod flood;
mod framing;
mod hand_in;
mod hush;
mod identity;
mod isupport;
mod lag;
mod line;
mod listen;
mod masks;
mod members;
mod notes;
mod parting;
mod quota;
mod receipts;
mod receive;
mod regain;
mod register;
mod relays;
mod renames;
mod render;
mod rooms;
mod sasl;
mod send;
mod session;
mod stamp;
mod strip;
mod sts;
mod tags;
mod tls;
mod visit;
mod words;

pub use config::{
    Channel, Config, ConfigError, Flood, HostmaskAccount, Mechanism, OnFailure, Relay, Sasl,
    Secret, Server, Socks5, Timeouts, Verb,
};

pub use visit::Visit;

use async_trait::async_trait;
use connection::{Connection, Registered};
use dial::{Target, dial, lost};
use inkwire_core::{Adapter, AdapterError, AdapterId, Capabilities, Health, Link, Notes};
use notes::keep;
use register::Registration;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tls::Tls;
use tokio::sync::watch;

/// Bytes of text in a line where nick, host and room are the shortest.
const MAX_TEXT: usize = 490;
/// A host that told us to come back by TLS is only tried that way, though it promised nothing yet.
const UPGRADED: Duration = Duration::from_hours(1);

/// The adapter for one network.
pub struct Irc {
    id: AdapterId,
    config: Arc<Config>,
    /// Set up where it may be needed.
    tls: Option<Tls>,
    connected_before: AtomicBool,
    /// Which server is next.
    turn: AtomicUsize,
}

/// A connection that a server welcomed.
struct Welcomed {
    connection: Box<Connection>,
    target: Target,
}

impl Irc {
    /// Reads secrets and certificates; connects to nothing.
    pub fn new(id: AdapterId, mut config: Config) -> Result<Self, ConfigError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(ConfigError::Invalid(problems.join("; ")));
        }
        config.read_secrets()?;
        let tls = (config.tls || config.sts).then(|| Tls::new(&config)).transpose()?;
        let (connected_before, turn) = (AtomicBool::new(false), AtomicUsize::new(0));
        Ok(Self { id, config: Arc::new(config), tls, connected_before, turn })
    }

    async fn connect(&self, link: &mut Link) -> Result<(), AdapterError> {
        let token = link.token.clone();
        let welcomed = tokio::select! {
            welcomed = self.welcomed(link) => welcomed?,
            () = token.cancelled() => return Ok(()),
        };
        let Welcomed { connection, target } = welcomed;
        connection.serve(&self.id, &self.config, &target, link).await
    }

    async fn welcomed(&self, link: &mut Link) -> Result<Welcomed, AdapterError> {
        let turn = self.turn.load(Ordering::Relaxed) % self.config.servers.len().max(1);
        let none = || lost("no server is configured".into());
        let server = self.config.servers.get(turn).ok_or_else(none)?;
        let kept = sts::port(&link.notes, &server.host, link.clock.now());
        let mut target = Target::new(server, self.config.tls, kept.filter(|_| self.config.sts));
        loop {
            let Target { host, port, tls } = &target;
            tracing::info!(adapter = %self.id, host, port, tls, "connecting");
            let stream = dial(&self.config, self.tls.as_ref(), &target).await?;
            let mut registration = Registration::new(&self.config, &target);
            let registered = Connection::register(&mut registration, stream).await;
            if registered.is_err() {
                // A promise of TLS holds although nothing came of the connection.
                let now = link.clock.now();
                self.promised(link, sts::promise(registration.caps(), &target, now));
            }
            match registered? {
                Registered::Welcome(connection) => return Ok(Welcomed { connection, target }),
                Registered::Upgrade(port) => {
                    tracing::info!(adapter = %self.id, port, "server wants TLS");
                    target = target.upgraded(port);
                    let now = link.clock.now();
                    link.notes.extend([sts::note(&target.host, port, UPGRADED, now)]);
                }
            }
        }
    }

    fn promised(&self, link: &mut Link, promise: Notes) {
        if promise.is_empty() {
            return;
        }
        link.notes.extend(promise.clone());
        let (notes, kept) = watch::channel(Notes::new());
        notes.send_replace(promise);
        link.tasks.spawn(format!("{} keeps a promise", self.id), keep(link.inbox.clone(), kept));
    }
}

#[async_trait]
impl Adapter for Irc {
    fn id(&self) -> &AdapterId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        let update_interval = Duration::from_millis(self.config.flood.interval_ms);
        Capabilities {
            max_text: MAX_TEXT,
            update_interval,
            answers_at_once: true,
            ..Capabilities::default()
        }
    }

    async fn run(&self, link: &mut Link) -> Result<(), AdapterError> {
        if self.connected_before.swap(true, Ordering::Relaxed) {
            metrics::counter!("inkwire_irc_reconnects_total").increment(1);
        }
        let ended = self.connect(link).await;
        if let Err(error) = &ended {
            self.turn.fetch_add(1, Ordering::Relaxed);
            link.health.set(Health::Down(error.to_string()));
        }
        ended
    }
}

#[cfg(test)]
mod tests;
