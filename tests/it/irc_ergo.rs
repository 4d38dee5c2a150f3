//! What only the newest of servers have: SCRAM, labels, multiline, a room's memory. Runs where
//! `INKWIRE_TEST_ERGO` names the program of a real Ergo.
use crate::irc_scene::{PASSWORD, ROOM, Scene, config, irc};
use inkwire_conformance::{Service, Shelf};
use inkwire_core::{
    Adapter, Address, Author, Body, Delivery, Outcome, Parcel, Powers, Receipt, Time, Trust,
};
use inkwire_irc::{Config, Mechanism, Sasl};
use inkwire_testkit::irc::{Client, Ergo};
use std::sync::Arc;
use tokio::task::JoinHandle;

const PAINTER: &str = "painter";
const MULTILINE: &str = "batch message-tags draft/multiline";

#[tokio::test]
async fn it_logs_in_by_scram_and_takes_the_name_of_its_account() {
    let Some(server) = Ergo::start().await.unwrap() else { return };
    server.register(PAINTER, PASSWORD).await.unwrap();
    let sasl = Sasl {
        account: PAINTER.into(),
        password: Some(PASSWORD.into()),
        mechanisms: vec![Mechanism::ScramSha256],
        ..Sasl::default()
    };
    let config = Config { sasl: Some(sasl), ..config(server.port) };
    let wit = Client::join(server.port, "wit", ROOM).await.unwrap();
    let mut scene = Scene::start(wit, config, |_| {}).await;
    scene.wit.sees(&format!(":{PAINTER}!")).await.unwrap();
    scene.wit.say(ROOM, &format!("{PAINTER}: queue")).await.unwrap();
    let answer = scene.wit.hears(PAINTER, ROOM).await.unwrap();
    assert!(answer.starts_with("wit: "), "{answer}");
    scene.close().await;
}

/// The adapter on its own, between the server and a scripted service.
struct Run {
    service: Service,
    running: JoinHandle<()>,
}

impl Run {
    async fn start(port: u16, wit: &mut Client) -> Self {
        let irc = irc(config(port));
        let (service, mut link) = Service::new(&irc, Arc::new(Shelf));
        let running = tokio::spawn(async move { drop(irc.run(&mut link).await) });
        wit.sees(&format!(" JOIN {ROOM}")).await.unwrap();
        Self { service, running }
    }

    /// How the delivery ended.
    async fn receipt(&self, parcel: Parcel) -> Receipt {
        let id = parcel.delivery.id.clone();
        self.service.lane.push(parcel);
        self.service.lane.receipt(&id).await
    }

    /// As a crash would.
    fn die(self) {
        self.running.abort();
    }
}

fn ending(job: &str, in_doubt: bool) -> Parcel {
    let adapter = inkwire_core::AdapterId::from("irc.test");
    let asker = Author {
        adapter: adapter.clone(),
        id: "~wit@host".into(),
        name: "wit".into(),
        trust: Trust::Unverified,
        powers: Powers::default(),
    };
    let delivery = Delivery {
        id: job.into(),
        to: Address { adapter, room: ROOM.into(), message: None, thread: None },
        asker,
        answers: None,
        slot: job.into(),
        seq: 1,
        job: Some(job.into()),
        private: false,
        expires: None,
        outcome: Outcome::Expired,
    };
    Parcel { delivery, at: Time(1_795_161_900_000), shown: vec![], state: None, in_doubt }
}

#[tokio::test]
async fn what_the_room_remembers_is_not_said_again_after_a_crash() {
    let Some(server) = Ergo::start().await.unwrap() else { return };
    let mut wit = Client::join(server.port, "wit", ROOM).await.unwrap();
    let run = Run::start(server.port, &mut wit).await;
    assert!(matches!(run.receipt(ending("k1", false)).await, Receipt::Sent(_)));
    assert!(wit.hears("inkwire", ROOM).await.unwrap().contains("k1 "));
    run.die();
    wit.sees(" QUIT ").await.unwrap();

    let run = Run::start(server.port, &mut wit).await;
    assert!(matches!(run.receipt(ending("k1", true)).await, Receipt::Sent(_)));
    assert!(matches!(run.receipt(ending("k2", true)).await, Receipt::Sent(_)));
    let next = wit.hears("inkwire", ROOM).await.unwrap();
    assert!(next.contains("k2 "), "k1 is known, k2 was never said: {next}");
    run.die();
}

#[tokio::test]
async fn many_lines_of_one_person_are_one_request() {
    let Some(server) = Ergo::start().await.unwrap() else { return };
    let mut ann = Client::connect(server.port, "ann", MULTILINE).await.unwrap();
    ann.enter(ROOM).await.unwrap();
    let mut run = Run::start(server.port, &mut ann).await;
    for line in [
        "BATCH +m draft/multiline #art",
        "@batch=m PRIVMSG #art :!imagine a red",
        "@batch=m;draft/multiline-concat PRIVMSG #art : fox",
        "@batch=m PRIVMSG #art :in the snow",
        "BATCH -m",
    ] {
        ann.send(line).await.unwrap();
    }
    let held = run.service.submissions.recv().await.unwrap();
    let [request] = held.batch.requests.as_slice() else { panic!("{:?}", held.batch) };
    let Body::Text(text) = &request.body else { panic!("{request:?}") };
    assert_eq!(
        text.split_whitespace().collect::<Vec<_>>().join(" "),
        "imagine a red fox in the snow"
    );
    run.die();
}
