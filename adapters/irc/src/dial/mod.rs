//! The way to a server: an address, a socket, TLS. Nothing is said here.
mod race;
mod socket;

use crate::{
    config::{Config, Server, Timeouts},
    tls::Tls,
};
use inkwire_core::AdapterError;
use std::{net::IpAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}
pub(crate) type Stream = Box<dyn Io>;

/// Where to, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
}

impl Target {
    /// As configured, or by TLS where the host has promised to have it on `port`.
    pub(crate) fn new(server: &Server, tls: bool, promised: Option<u16>) -> Self {
        let target = Self { host: server.host.clone(), port: server.port(tls), tls };
        match promised {
            Some(port) if !tls => target.upgraded(port),
            _ => target,
        }
    }

    pub(crate) fn upgraded(self, port: u16) -> Self {
        Self { port, tls: true, ..self }
    }

    /// Whether nobody on the way can read along.
    pub(crate) fn is_secure(&self) -> bool {
        let ip = self.host.parse::<IpAddr>();
        self.tls || self.host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

pub(crate) async fn dial(
    config: &Config,
    tls: Option<&Tls>,
    target: &Target,
) -> Result<Stream, AdapterError> {
    let Timeouts { connect_secs, tls_secs, .. } = config.timeouts;
    let tcp = timed(connect_secs, socket::open(config, target)).await.flatten();
    let tcp = tcp.map_err(|e| lost(format!("connect to {}:{}: {e}", target.host, target.port)))?;
    if !target.tls {
        return Ok(Box::new(tcp));
    }
    let Some(tls) = tls else { return Err(lost("tls: is not set up".into())) };
    let secured = timed(tls_secs, tls.connect(&target.host, tcp)).await;
    let slow = |_| lost("tls: no answer; use the port for TLS, usually 6697".into());
    Ok(Box::new(secured.map_err(slow)??))
}

async fn timed<T>(seconds: u64, work: impl Future<Output = T>) -> std::io::Result<T> {
    let late = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer");
    timeout(Duration::from_secs(seconds), work).await.map_err(late)
}

pub(crate) fn lost(reason: String) -> AdapterError {
    AdapterError::Disconnected(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(server: &str, tls: bool, promised: Option<u16>, expected: (u16, bool)) {
        let target = Target::new(&server.parse().unwrap(), tls, promised);
        assert_eq!((target.port, target.tls), expected, "{server}");
    }

    #[test]
    fn a_promise_of_tls_is_kept_and_never_widened() {
        check("irc.example", false, None, (6667, false));
        check("irc.example:7000", false, Some(7001), (7001, true));
        check("irc.example", true, None, (6697, true));
        check("irc.example:7000", true, Some(7001), (7000, true));
    }

    #[test]
    fn only_tls_and_this_machine_are_secure() {
        let secure = |host: &str, tls| Target::new(&host.parse().unwrap(), tls, None).is_secure();
        assert!(secure("irc.example", true) && !secure("irc.example", false));
        assert!(secure("localhost", false) && secure("127.0.0.1", false) && secure("::1", false));
        assert!(!secure("192.0.2.1", false) && !secure("localhost.example", false));
    }
}
