//! Our own adapter for one network on this machine, with its flood limits as a measurement needs
//! them.
use anyhow::Context;
use inkwire_irc::Irc;
use serde_json::{Value, json};

pub(crate) const ID: &str = "irc.bench";
pub(crate) const NICK: &str = "inkbot";

pub(crate) fn without_flood_control(port: u16, room: &str) -> Value {
    network(port, room, &json!({ "enabled": false }))
}

/// The defaults, with every interval so many times shorter.
pub(crate) fn hurried(port: u16, room: &str, times: u64) -> Value {
    let usual = inkwire_irc::Flood::default();
    let flood = json!({
        "interval_ms": usual.interval_ms / times,
        "target_interval_ms": usual.target_interval_ms / times,
    });
    network(port, room, &flood)
}

fn network(port: u16, room: &str, flood: &Value) -> Value {
    json!({
        "server": format!("127.0.0.1:{port}"),
        "tls": false,
        "nick": NICK,
        "channels": [room],
        "flood": flood,
    })
}

pub(crate) fn adapter(network: Value) -> anyhow::Result<Irc> {
    Irc::new(ID.into(), serde_json::from_value(network)?).context("a network")
}
