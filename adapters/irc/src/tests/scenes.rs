//! One connection in all its fates, over a pipe, with time paused where it matters.
use super::{
    ircd::{Ircd, Script},
    welcomed,
};
use crate::{Channel, Config, Flood, Sasl, dial::Target};
use inkwire_conformance::{Call, Service, Shelf};
use inkwire_core::{
    Adapter, AdapterError, AdapterId, Address, Author, Body, Capabilities, Delivery, Failure,
    Health, JobId, Link, Outcome, Parcel, Powers, Receipt, Rejection, SendError, Trust,
};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::Instant};

struct Named(AdapterId);

#[async_trait::async_trait]
impl Adapter for Named {
    fn id(&self) -> &AdapterId {
        &self.0
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn run(&self, _: &mut Link) -> Result<(), AdapterError> {
        Ok(())
    }
}

pub(super) struct Scene {
    pub(super) ircd: Ircd,
    pub(super) service: Service,
    running: JoinHandle<Result<(), AdapterError>>,
    sent: u64,
}

pub(super) fn config() -> Config {
    let channels = vec![Channel::from("#art"), "#quiet".into()];
    Config { channels, flood: Flood::off(), ..Config::default() }
}

impl Scene {
    pub(super) fn start(script: Script, config: Config) -> Self {
        let (ircd, stream) = Ircd::pipe(script);
        let id = AdapterId("irc.test".into());
        let (service, mut link) = Service::new(&Named(id.clone()), Arc::new(Shelf));
        let running = tokio::spawn(async move {
            let connection = welcomed(&config, Box::new(stream)).await?;
            let target = Target { host: "irc.example".into(), port: 6697, tls: true };
            connection.serve(&id, &config.into(), &target, &mut link).await
        });
        Self { ircd, service, running, sent: 0 }
    }

    pub(super) async fn joined(script: Script, config: Config) -> Self {
        let mut scene = Self::start(script, config);
        scene.ircd.joined().await;
        assert_eq!(scene.service.health.get(), Health::Up);
        scene
    }

    pub(super) async fn friendly() -> Self {
        Self::joined(Script::default(), config()).await
    }

    pub(super) fn parcel(&mut self, room: &str, outcome: Outcome) -> Parcel {
        self.sent += 1;
        let adapter = AdapterId("irc.test".into());
        let id = format!("d{}", self.sent);
        let asker = Author {
            adapter: adapter.clone(),
            id: "~ann".into(),
            name: "ann".into(),
            trust: Trust::Unverified,
            powers: Powers::default(),
        };
        let delivery = Delivery {
            id: id.as_str().into(),
            to: Address { adapter, room: room.into(), message: None, thread: None },
            asker,
            answers: None,
            slot: id.as_str().into(),
            seq: self.sent,
            job: Some(JobId(format!("k{}", self.sent))),
            private: false,
            expires: None,
            outcome,
        };
        Parcel {
            delivery,
            at: inkwire_core::Time(1_795_161_900_000),
            shown: vec![],
            state: None,
            in_doubt: false,
        }
    }

    pub(super) fn push(&mut self, room: &str, outcome: Outcome) -> Parcel {
        let parcel = self.parcel(room, outcome);
        self.service.lane.push(parcel.clone());
        parcel
    }

    pub(super) async fn ended(self) -> Result<(), AdapterError> {
        self.running.await.unwrap()
    }

    /// Text of the next request, which is committed.
    pub(super) async fn answered(&mut self) -> String {
        let submission = self.service.submissions.recv().await.unwrap();
        submission.done.send(Ok(vec![])).unwrap();
        let texts = submission.batch.requests.into_iter().map(|request| match request.body {
            Body::Text(text) => text,
            other => panic!("{other:?}"),
        });
        texts.collect::<Vec<_>>().join("; ")
    }

    /// Text of the next request; it is left without an answer.
    pub(super) async fn asked(&mut self) -> String {
        let request = self.service.submissions.recv().await.unwrap().batch.requests.pop().unwrap();
        match request.body {
            Body::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }
}

// --- registration ---

#[tokio::test]
async fn we_answer_to_the_nick_that_the_server_gave_us() {
    let script = Script {
        taken_nicks: vec!["inkwire".into()],
        forced_nick: Some("Guest7".into()),
        ..Script::default()
    };
    let mut scene = Scene::joined(script, config()).await;
    scene.ircd.send(":ann!a@h PRIVMSG #art :inkwire_: not ours").await;
    scene.ircd.send(":ann!a@h PRIVMSG #art :guest7: queue").await;
    assert_eq!(scene.asked().await, "queue");
}

#[tokio::test]
async fn a_server_without_capabilities_will_do() {
    let script = Script { caps: String::new(), ..Script::default() };
    let mut scene = Scene::joined(script, config()).await;
    scene.ircd.send(":ann!a@h PRIVMSG #art :!queue").await;
    assert_eq!(scene.asked().await, "queue");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_welcomes_is_left() {
    let script = Script { welcomes: false, ..Script::default() };
    let started = Instant::now();
    let error = Scene::start(script, config()).ended().await.unwrap_err();
    assert_eq!(error.to_string(), "connection lost: no welcome");
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_nobody_answers_is_given_up() {
    let script = Script { caps: "sasl".into(), ..Script::default() };
    let script = Script { welcomes: false, ..script };
    let account = Sasl { account: "ink".into(), password: Some("pw".into()), ..Sasl::default() };
    let config = Config { sasl: Some(account), ..config() };
    let started = Instant::now();
    let error = Scene::start(script, config).ended().await.unwrap_err();
    assert_eq!(error.to_string(), "connection lost: no answer to the login");
    assert_eq!(started.elapsed().as_secs(), 15);
}

#[tokio::test]
async fn a_ban_says_how_long_to_stay_away() {
    let farewell = Some("ERROR :Closing Link: 10.0.0.1 (K-Lined)".to_owned());
    let error = Scene::start(Script { farewell, ..Script::default() }, config()).ended().await;
    let Err(AdapterError::SentAway { wait, .. }) = error else { panic!("{error:?}") };
    assert_eq!(wait, Duration::from_mins(15));
}

// --- staying connected ---

#[tokio::test(start_paused = true)]
async fn silence_is_asked_about_and_then_taken_for_death() {
    let mut scene = Scene::friendly().await;
    let started = Instant::now();
    assert_eq!(scene.ircd.heard("PING").await, "PING inkwire-1");
    assert_eq!(started.elapsed().as_secs(), 60);
    assert_eq!(scene.ircd.heard("PING").await, "PING inkwire-2", "the answer counts as a sign");
    assert_eq!(started.elapsed().as_secs(), 120);

    let script = Script { caps: String::new(), ..Script::default() };
    let scene = Scene::joined(Script { pongs: false, ..script }, config()).await;
    let started = Instant::now();
    let error = scene.ended().await.unwrap_err();
    assert_eq!(error.to_string(), "connection lost: no answer to a ping");
    assert_eq!(started.elapsed().as_secs(), 90);
}

#[tokio::test]
async fn pings_are_answered_while_a_commit_is_awaited() {
    let mut scene = Scene::friendly().await;
    scene.ircd.send(":ann!a@h PRIVMSG #art :!queue").await;
    let held = scene.service.submissions.recv().await.unwrap();
    scene.ircd.send("PING :some server").await;
    assert_eq!(scene.ircd.heard("PONG").await, "PONG :some server");
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_kick_is_followed_by_a_join() {
    let mut scene = Scene::friendly().await;
    let started = Instant::now();
    scene.ircd.heard("JOIN").await;
    scene.ircd.send(":op!o@h KICK #art inkwire :out").await;
    assert_eq!(scene.ircd.heard("JOIN").await, "JOIN #art");
    assert!((5..8).contains(&started.elapsed().as_secs()));
}

#[tokio::test]
async fn lines_that_make_no_sense_are_no_reason_to_hang_up() {
    let mut scene = Scene::friendly().await;
    for bytes in [
        b":\r\n@\r\n: \r\n@a= :\r\n".to_vec(),
        b":invalid :message\r\nMODE\r\nMODE #art +zz\r\n:s 005\r\n:s 001\r\nCAP\r\nBATCH\r\n"
            .to_vec(),
        b"\xff\xfe\x00\x01\r\n:ann!a@h PRIVMSG #art\r\n:ann!a@h PRIVMSG\r\n".to_vec(),
        [vec![b'x'; 50_000], b"\r\n".to_vec()].concat(),
    ] {
        scene.ircd.send_bytes(&bytes).await;
    }
    scene.ircd.send_bytes(b":ann!a@h PRIVMSG #art :!imagine caf\xe9\r\n").await;
    assert_eq!(scene.asked().await, "imagine caf\u{e9}");
}

#[tokio::test]
async fn the_server_hanging_up_is_an_error_and_what_was_heard_is_kept() {
    let mut scene = Scene::friendly().await;
    scene.ircd.send(":ann!a@h PRIVMSG #art :!one").await;
    assert_eq!(scene.answered().await, "one");
    scene.ircd.send(":ann!a@h PRIVMSG #art :!two").await;
    scene.ircd.hang_up().await;
    assert_eq!(scene.asked().await, "two");
    assert!(matches!(scene.ended().await, Err(AdapterError::Disconnected(_))));
}

// --- answering ---

#[tokio::test]
async fn a_private_answer_goes_to_the_asker_alone() {
    let mut scene = Scene::friendly().await;
    let parcel = scene.parcel("#art", Outcome::Expired);
    let delivery = Delivery { private: true, ..parcel.delivery };
    scene.service.lane.push(Parcel { delivery, ..parcel });
    let (target, text) = scene.ircd.said().await;
    assert_eq!(target, "ann");
    assert!(text.starts_with("k1 expired"), "{text}");
}

#[tokio::test]
async fn nothing_private_goes_to_a_nick_that_a_relay_named() {
    let mut scene = Scene::friendly().await;
    let mut parcel = scene.parcel("#art", Outcome::Expired);
    parcel.delivery.private = true;
    parcel.delivery.asker.powers.relay = true;
    scene.service.lane.push(parcel.clone());
    let receipt = scene.service.lane.receipt(&parcel.delivery.id).await;
    assert_eq!(receipt, Receipt::Failed(SendError::Forbidden));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_we_are_not_in_is_tried_later() {
    let mut scene = Scene::friendly().await;
    let parcel = scene.push("#elsewhere", Outcome::Expired);
    let receipt = scene.service.lane.receipt(&parcel.delivery.id).await;
    assert!(matches!(receipt, Receipt::Failed(SendError::After(_))), "{receipt:?}");
    let begun = scene.service.lane.calls().contains(&Call::Begin(parcel.delivery.id));
    assert!(!begun, "nothing was begun, so nothing is in doubt");
}

#[tokio::test]
async fn a_slot_says_once_that_it_goes_on_and_once_how_it_ended() {
    let mut scene = Scene::friendly().await;
    let first = scene.push("#art", Outcome::Cancelling);
    let Receipt::Sent(posted) = scene.service.lane.receipt(&first.delivery.id).await else {
        panic!("not sent")
    };
    let started = scene.parcel("#art", Outcome::Started { engine: "e".into() });
    scene.service.lane.push(Parcel { shown: posted.clone(), ..started.clone() });
    let silent = scene.service.lane.receipt(&started.delivery.id).await;
    assert_eq!(silent, Receipt::Sent(posted.clone()));
    let ended = scene.parcel("#art", Outcome::Failed(Failure::Empty));
    scene.service.lane.push(Parcel { shown: posted.clone(), ..ended.clone() });
    let Receipt::Sent(all) = scene.service.lane.receipt(&ended.delivery.id).await else {
        panic!("not sent")
    };
    assert_eq!((all.len(), all.first()), (2, posted.first()));
    assert!(scene.ircd.said().await.1.contains("is being stopped"));
    assert!(scene.ircd.said().await.1.contains("failed"));
}

#[tokio::test(start_paused = true)]
async fn results_go_before_answers_and_answers_before_progress() {
    let flood = Flood { burst: 1, target_burst: 1, target_interval_ms: 2000, ..Flood::default() };
    let mut scene = Scene::joined(Script::default(), Config { flood, ..config() }).await;
    let started = Instant::now();
    for outcome in [
        Outcome::Cancelling,
        Outcome::Started { engine: "e".into() },
        Outcome::Rejected(Rejection::EmptyPrompt),
        Outcome::Expired,
    ] {
        scene.push("#art", outcome);
    }
    let mut order = vec![];
    for _ in 0..4 {
        order.push((scene.ircd.said().await.1, started.elapsed().as_secs()));
    }
    let seconds: Vec<_> = order.iter().map(|(_, at)| *at).collect();
    assert_eq!(seconds, [2, 4, 6, 10], "the JOIN went first, and whether the end arrived is asked");
    let words = ["expired", "what to paint", "stopped", "started"];
    let found = order.iter().zip(words).all(|((text, _), word)| text.contains(word));
    assert!(found, "{order:?}");
}

#[tokio::test(start_paused = true)]
async fn without_rooms_nothing_is_waited_for() {
    let mut scene = Scene::start(Script::default(), Config { channels: vec![], ..config() });
    let started = Instant::now();
    scene.push("ann", Outcome::Expired);
    assert_eq!(scene.ircd.said().await.0, "ann");
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_crash_after_begin_leaves_it_in_doubt_and_it_is_said_again() {
    let mut scene = Scene::friendly().await;
    let parcel = scene.parcel("#art", Outcome::Expired);
    scene.service.lane.push(Parcel { in_doubt: true, ..parcel });
    assert!(scene.ircd.said().await.1.starts_with("ann: k1 "), "the job id makes it known");
}

#[tokio::test]
async fn the_end_is_said_to_the_server() {
    let mut scene = Scene::friendly().await;
    scene.service.token.cancel();
    scene.ircd.send(":ann!a@h PRIVMSG #art :!too late\r\nPING done").await;
    scene.ircd.heard("PONG").await;
    scene.service.lane.close();
    assert!(scene.ircd.heard("QUIT").await.starts_with("QUIT"));
    assert!(scene.service.submissions.try_recv().is_err());
    assert!(scene.ended().await.is_ok());
}
