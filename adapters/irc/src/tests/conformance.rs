//! The behaviour that every adapter must show, over a scripted server.
use super::ircd::{Ircd, Script};
use crate::{Config, Flood, Irc, Server};
use async_trait::async_trait;
use inkwire_conformance::{Features, Peer, Shown, exercise};
use inkwire_core::{Adapter, Native};
use std::sync::Arc;

struct Network {
    ircd: Ircd,
    irc: Arc<Irc>,
    last: String,
    said: u64,
    labels: bool,
}

impl Network {
    /// With labels a server says of each line what became of it.
    async fn start(labels: bool) -> Self {
        let caps = if labels { "labeled-response " } else { "" };
        let caps = format!("{caps}account-tag batch message-tags server-time");
        let script = Script { caps, greets: true, ..Script::default() };
        let (ircd, port) = Ircd::listen(script).await;
        let config = Config {
            servers: vec![Server { host: "127.0.0.1".into(), port: Some(port) }],
            tls: false,
            channels: vec!["#art".into()],
            flood: Flood::off(),
            ..Config::default()
        };
        let irc = Irc::new("irc.test".into(), config).unwrap();
        Self { ircd, irc: Arc::new(irc), last: String::new(), said: 0, labels }
    }
}

#[async_trait]
impl Peer for Network {
    fn adapter(&self) -> Arc<dyn Adapter> {
        self.irc.clone()
    }

    fn features(&self) -> Features {
        Features {
            overhears: true,
            replays: true,
            disconnects: true,
            refuses: self.labels,
            ..Features::default()
        }
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

    async fn refuse_next(&mut self) {
        self.ircd.refuse_next("439 inkwire #art :Target change too fast");
    }

    async fn disconnect(&mut self) {
        self.ircd.hang_up().await;
    }
}

#[tokio::test]
async fn every_behaviour_of_an_adapter() {
    let report = exercise(|| Network::start(false)).await;
    report.expect_clean();
    assert!(report.skipped.len() <= 4, "{report}");
}

#[tokio::test]
async fn every_behaviour_where_lines_are_confirmed() {
    let report = exercise(|| Network::start(true)).await;
    report.expect_clean();
    assert!(report.skipped.len() <= 3, "{report}");
}
