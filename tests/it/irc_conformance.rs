//! The behaviour that every adapter must show, over servers that are not ours.
use crate::irc_scene::{BOT, ROOM, config, irc};
use async_trait::async_trait;
use inkwire_conformance::{Features, Peer, Shown, exercise};
use inkwire_core::{Adapter, Native};
use inkwire_irc::Irc;
use inkwire_testkit::irc::{Client, Inspircd, Ngircd, Options};
use std::{collections::BTreeMap, sync::Arc};

/// What a line may hold beside who said it and where.
const MAX_SAID: usize = 380;

/// One adapter on a server with others; its room and its people go with it.
struct Network {
    port: u16,
    irc: Arc<Irc>,
    operator: Client,
    people: BTreeMap<String, Client>,
}

impl Network {
    async fn start(port: u16) -> Self {
        let mut operator = Client::operator(port, "network").await.unwrap();
        operator.enter(ROOM).await.unwrap();
        Self { port, irc: Arc::new(irc(config(port))), operator, people: BTreeMap::new() }
    }
}

#[async_trait]
impl Peer for Network {
    fn adapter(&self) -> Arc<dyn Adapter> {
        self.irc.clone()
    }

    fn features(&self) -> Features {
        Features { overhears: true, disconnects: true, ..Features::default() }
    }

    fn room(&self) -> Native {
        ROOM.into()
    }

    async fn connected(&mut self) {
        let came = format!("JOIN :{ROOM}");
        while !self.operator.sees(&came).await.unwrap().contains(&format!(":{BOT}!")) {}
    }

    async fn say(&mut self, who: &str, text: &str) {
        if !self.people.contains_key(who) {
            let person = Client::join(self.port, who, ROOM).await.unwrap();
            self.people.insert(who.to_owned(), person);
        }
        let text = text.replace(['\r', '\n', '\0'], " ");
        let end = text.floor_char_boundary(MAX_SAID);
        self.people.get_mut(who).unwrap().say(ROOM, text.get(..end).unwrap()).await.unwrap();
    }

    async fn shown(&mut self) -> Shown {
        Shown::text(self.operator.hears(BOT, ROOM).await.unwrap())
    }

    async fn disconnect(&mut self) {
        self.operator.send(&format!("KILL {BOT} :why not")).await.unwrap();
    }
}

#[tokio::test]
async fn every_behaviour_on_ngircd() {
    let Some(server) = Ngircd::start().await.unwrap() else { return };
    let report = exercise(|| Network::start(server.port)).await;
    report.expect_clean();
    assert!(report.skipped.len() <= 4, "{report}");
}

#[tokio::test]
async fn every_behaviour_on_inspircd() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let report = exercise(|| Network::start(server.port)).await;
    report.expect_clean();
    assert!(report.skipped.len() <= 4, "{report}");
}
