//! The behaviour that every adapter must show, over a scripted server.
use super::ircd::{Ircd, Script};
use crate::{Config, Flood, Irc};
use async_trait::async_trait;
use inkwire_conformance::{Features, Peer, Shown, exercise};
use inkwire_core::{Adapter, Native};
use std::sync::Arc;

struct Network {
    ircd: Ircd,
    irc: Arc<Irc>,
    last: String,
    said: u64,
}

impl Network {
    async fn start() -> Self {
        let (ircd, port) = Ircd::listen(Script::default()).await;
        let config = Config {
            host: "127.0.0.1".into(),
            port: Some(port),
            tls: false,
            channels: vec!["#art".into()],
            flood: Flood::off(),
            ..Config::default()
        };
        let irc = Irc::new("irc.test".into(), config).unwrap();
        Self { ircd, irc: Arc::new(irc), last: String::new(), said: 0 }
    }
}

#[async_trait]
impl Peer for Network {
    fn adapter(&self) -> Arc<dyn Adapter> {
        self.irc.clone()
    }

    fn features(&self) -> Features {
        Features { overhears: true, replays: true, disconnects: true, ..Features::default() }
    }

    fn room(&self) -> Native {
        "#art".into()
    }

    async fn connected(&mut self) {
        self.ircd.joined().await;
    }

    async fn say(&mut self, who: &str, text: &str) {
        self.said += 1;
        let text = text.replace(['\r', '\n'], " ");
        self.last = format!("@msgid=m{} :{who}!{who}@host PRIVMSG #art :{text}", self.said);
        self.ircd.send(&self.last).await;
    }

    async fn say_again(&mut self) {
        self.ircd.send(&self.last).await;
    }

    async fn shown(&mut self) -> Shown {
        Shown::text(self.ircd.said().await.1)
    }

    async fn disconnect(&mut self) {
        self.ircd.hang_up().await;
    }
}

#[tokio::test]
async fn every_behaviour_of_an_adapter() {
    let report = exercise(Network::start).await;
    report.expect_clean();
    assert!(report.skipped.len() <= 4, "{report}");
}
