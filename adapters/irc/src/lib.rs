//! IRC: one network, one connection, lines in and lines out.
//! Reading order: connection, register, session, receive; then send, render, line. No decision
//! about a job is made here.
mod casemap;
mod config;
mod connection;
mod fit;
mod flood;
mod framing;
mod identity;
mod line;
mod parting;
mod receive;
mod register;
mod render;
mod rooms;
mod send;
mod session;
mod stamp;
mod strip;
mod tls;

pub use config::{Channel, Config, ConfigError, Flood, Sasl};

use async_trait::async_trait;
use connection::Connection;
use inkwire_core::{Adapter, AdapterError, AdapterId, Capabilities, Health, Link};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio_rustls::TlsConnector;

/// Bytes of text in a line where nick, host and room are the shortest.
const MAX_TEXT: usize = 490;

/// The adapter for one network.
pub struct Irc {
    id: AdapterId,
    config: Config,
    tls: Option<TlsConnector>,
    connected_before: AtomicBool,
}

impl Irc {
    /// Reads secrets and certificates; connects to nothing.
    pub fn new(id: AdapterId, mut config: Config) -> Result<Self, ConfigError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(ConfigError::Invalid(problems.join("; ")));
        }
        config.read_secrets()?;
        let tls = config.tls.then(|| tls::connector(config.ca_file.as_deref())).transpose()?;
        Ok(Self { id, config, tls, connected_before: AtomicBool::new(false) })
    }

    async fn connect(&self, link: &Link) -> Result<(), AdapterError> {
        let welcomed = async {
            let stream = connection::dial(&self.config, self.tls.as_ref()).await?;
            Connection::register(&self.config, stream).await
        };
        let connection = tokio::select! {
            connection = welcomed => connection?,
            () = link.token.cancelled() => return Ok(()),
        };
        connection.serve(&self.id, &self.config, link).await
    }
}

#[async_trait]
impl Adapter for Irc {
    fn id(&self) -> &AdapterId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        let update_interval = Duration::from_millis(self.config.flood.interval_ms);
        Capabilities { max_text: MAX_TEXT, update_interval, ..Capabilities::default() }
    }

    async fn run(&self, link: &mut Link) -> Result<(), AdapterError> {
        if self.connected_before.swap(true, Ordering::Relaxed) {
            metrics::counter!("inkwire_irc_reconnects_total").increment(1);
        }
        let ended = self.connect(link).await;
        if let Err(error) = &ended {
            link.health.set(Health::Down(error.to_string()));
        }
        ended
    }
}

#[cfg(test)]
mod tests;
