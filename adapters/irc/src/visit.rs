//! A short visit to a network, for whoever wants to know whether it would work: it connects, logs
//! in and leaves. It comes into no room and says nothing to anybody.
use crate::{
    Irc,
    connection::{Connection, Registered},
    dial::{Target, dial, lost},
    register::Registration,
};
use inkwire_core::AdapterError;

/// What a network made of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// `HOST:PORT`.
    pub server: String,
    pub tls: bool,
    pub nick: String,
    /// That the services know us by.
    pub account: Option<String>,
    /// Granted ones.
    pub capabilities: Vec<String>,
}

impl Irc {
    /// Visits the first server.
    ///
    /// # Errors
    /// As `run`: what a connection would end with.
    pub async fn visit(&self) -> Result<Visit, AdapterError> {
        let none = || lost("no server is configured".into());
        let server = self.config.servers.first().ok_or_else(none)?;
        let mut target = Target::new(server, self.config.tls, None);
        loop {
            let stream = dial(&self.config, self.tls.as_ref(), &target).await?;
            let mut registration = Registration::new(&self.config, &target);
            match Connection::register(&mut registration, stream).await? {
                Registered::Upgrade(port) => target = target.upgraded(port),
                Registered::Welcome(connection) => {
                    let me = connection.leave().await;
                    let Target { host, port, tls } = target;
                    return Ok(Visit {
                        server: format!("{host}:{port}"),
                        tls,
                        capabilities: me.caps.names().into_iter().map(str::to_owned).collect(),
                        nick: me.nick,
                        account: me.account,
                    });
                }
            }
        }
    }
}
