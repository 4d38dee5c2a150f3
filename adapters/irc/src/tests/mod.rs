//! The adapter against servers: a scripted one, and a real one where it is installed.
mod at_once;
mod certificate;
mod conformance;
mod dial;
mod doubt;
mod hearing;
mod hostile;
mod ircd;
mod presence;
mod real;
mod registering;
mod scenes;
mod secure;
mod speaking;

use crate::{
    Config,
    connection::{Connection, Registered},
    dial::{Stream, Target},
    register::Registration,
};
use inkwire_core::AdapterError;

/// Registers over a stream, as with a server on this machine.
async fn welcomed(config: &Config, stream: Stream) -> Result<Connection, AdapterError> {
    let target = Target { host: "localhost".into(), port: 6667, tls: false };
    match Connection::register(&mut Registration::new(config, &target), stream).await? {
        Registered::Welcome(connection) => Ok(*connection),
        Registered::Upgrade(port) => panic!("TLS is wanted on {port}"),
    }
}
