//! The console as the suite and people see it, over pipes instead of a terminal.
//! No test needs a tty.
use crate::{Console, ConsoleConfig, Terminal};
use async_trait::async_trait;
use inkwire_conformance::{Call, Peer, Service, Shelf, Shown};
use inkwire_core::{
    Adapter, AdapterError, Address, Admitted, Answer, Author, Body, Delivery, Failure, Health,
    JobId, Latest, Native, Outcome, Parcel, Powers, Receipt, Refused, Rejection, SendError, SlotId,
    Submission, Trust,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines},
    task::JoinHandle,
};

struct Keyboard {
    console: Arc<Console>,
    typed: DuplexStream,
    printed: Lines<BufReader<DuplexStream>>,
}

impl Keyboard {
    fn new() -> Self {
        let (typed, input) = tokio::io::duplex(1024 * 1024);
        let (output, printed) = tokio::io::duplex(1024 * 1024);
        let terminal = Terminal::over(input, output, false);
        let console = Arc::new(Console::new(ConsoleConfig::default(), terminal));
        Self { console, typed, printed: BufReader::new(printed).lines() }
    }
}

#[async_trait]
impl Peer for Keyboard {
    fn adapter(&self) -> Arc<dyn Adapter> {
        self.console.clone()
    }

    fn room(&self) -> Native {
        crate::render::ROOM.into()
    }

    fn author(&self, _who: &str) -> String {
        "operator".to_owned()
    }

    async fn say(&mut self, _who: &str, text: &str) {
        self.typed.write_all(format!("{text}\n").as_bytes()).await.expect("a console that reads");
    }

    async fn shown(&mut self) -> Shown {
        let line = self.printed.next_line().await.expect("text").expect("a console that writes");
        Shown::text(line)
    }
}

#[tokio::test]
async fn conforms() {
    let report = inkwire_conformance::exercise(|| async { Keyboard::new() }).await;
    println!("{report}");
    report.expect_clean();
}

/// A console that runs, and everything around it.
struct Session {
    typed: DuplexStream,
    printed: DuplexStream,
    service: Service,
    running: JoinHandle<Result<(), AdapterError>>,
}

impl Session {
    fn start(live: bool) -> Self {
        let (typed, input) = tokio::io::duplex(4 * 1024 * 1024);
        let (output, printed) = tokio::io::duplex(1024 * 1024);
        let console = Console::new(ConsoleConfig::default(), Terminal::over(input, output, live));
        let (service, mut link) = Service::new(&console, Arc::new(Shelf));
        let running = tokio::spawn(async move { console.run(&mut link).await });
        Self { typed, printed, service, running }
    }

    async fn type_in(&mut self, bytes: &[u8]) {
        self.typed.write_all(bytes).await.expect("a console that reads");
    }

    async fn heard(&mut self) -> (String, Submission) {
        let held = self.service.submissions.recv().await.expect("a console that asks");
        match held.batch.requests.first().map(|request| &request.body) {
            Some(Body::Text(text)) => (text.clone(), held),
            other => panic!("not a line: {other:?}"),
        }
    }

    /// Ends the input, waits until the console says so, and returns all that it printed.
    async fn finish(self) -> String {
        let Self { typed, mut printed, service, running } = self;
        drop(typed);
        input_ended(&service).await;
        service.lane.close();
        running.await.expect("no panic").expect("a good end");
        let mut text = String::new();
        printed.read_to_string(&mut text).await.expect("text");
        text
    }
}

/// A guard, not a measure: it fails instead of hanging.
async fn input_ended(service: &Service) {
    let mut health = service.health.subscribe();
    let ended = health.wait_for(|health| *health == Health::InputEnded);
    let ended = tokio::time::timeout(Duration::from_mins(1), ended).await;
    ended.expect("an end of input").expect("a console");
}

fn commit(held: Submission, outcome: Option<Outcome>) {
    let request = held.batch.requests[0].id.clone();
    let admitted =
        Admitted { request, job: Some("k7f".into()), outcome, duplicate: false, answer: None };
    held.done.send(Ok(vec![admitted])).expect("a console that waits");
}

fn parcel(id: &str, outcome: Outcome) -> Parcel {
    let to =
        Address { adapter: "console".into(), room: "console".into(), message: None, thread: None };
    let asker = Author {
        adapter: "console".into(),
        id: "operator".into(),
        name: "operator".to_owned(),
        trust: Trust::Account,
        powers: Powers::default(),
    };
    let delivery = Delivery {
        id: id.into(),
        to,
        asker,
        answers: None,
        slot: SlotId::from("s1"),
        seq: 1,
        job: Some("k7f".into()),
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

fn progress(job: &str, done: u32) -> Latest {
    let to = parcel("d0", Outcome::Expired).delivery.to;
    let (slot, job) =
        (if job == "k7f" { "s1".into() } else { SlotId::from(job) }, JobId::from(job));
    Latest {
        slot,
        job,
        to,
        outcome: Outcome::Progress { done, total: 20, label: None },
        shown: vec![],
    }
}

#[tokio::test]
async fn odd_bytes_become_bounded_lines() {
    let check = async |typed: &[u8], expected: &str| {
        let mut session = Session::start(false);
        session.type_in(typed).await;
        session.type_in(b"\n").await;
        let (text, held) = session.heard().await;
        assert_eq!(text, expected);
        commit(held, None);
        session.finish().await
    };
    check(b"!imagine a fox\r", "imagine a fox").await;
    check(b"imagine a fox", "imagine a fox").await;
    check(b"\n \n!\n!queue", "queue").await;
    check(b"!imagine \xff\xfe fox", "imagine \u{fffd}\u{fffd} fox").await;
    check(b"!imagine a\0b", "imagine a\0b").await;
    let mut long = vec![b'x'; 1024 * 1024];
    long.extend(b"\n!queue");
    let printed = check(&long, "queue").await;
    assert_eq!(printed, "That line is too long; at most 16 kB fit\n");
}

#[tokio::test]
async fn a_last_line_needs_no_end() {
    let mut session = Session::start(false);
    session.type_in(b"!queue").await;
    session.typed.shutdown().await.expect("an end of input");
    let (text, held) = session.heard().await;
    assert_eq!(text, "queue");
    commit(held, Some(Outcome::Rejected(Rejection::EmptyPrompt)));
    let printed = session.finish().await;
    assert_eq!(printed, "Say what to paint, such as: imagine a red fox in the snow\n");
}

#[tokio::test(start_paused = true)]
async fn a_saturated_service_is_asked_again() {
    let mut session = Session::start(false);
    session.type_in(b"!queue\n").await;
    let (_, held) = session.heard().await;
    let first = held.batch.requests[0].id.clone();
    held.done.send(Err(Refused::Saturated { retry_in: Duration::from_secs(10) })).expect("a wait");
    let (_, held) = session.heard().await;
    assert_eq!(held.batch.requests[0].id, first, "the same event");
    held.done.send(Err(Refused::Storage)).expect("a wait");
    assert_eq!(session.finish().await, "Not taken: it could not be stored; see the log\n");
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_reading_ends_the_input() {
    let Session { typed, printed, service, running } = Session::start(false);
    drop(printed);
    service.lane.push(parcel("d1", Outcome::Expired));
    let receipt = service.lane.receipt(&"d1".into()).await;
    assert_eq!(receipt, Receipt::Failed(SendError::Gone));
    input_ended(&service).await;
    service.lane.close();
    running.await.expect("no panic").expect("a good end");
    drop(typed);
}

#[tokio::test(start_paused = true)]
async fn progress_is_drawn_in_place_and_gone_at_the_end() {
    let session = Session::start(true);
    for news in [progress("k7f", 5), progress("m2x", 1), progress("k7f", 10)] {
        session.service.lane.tell(news);
        tokio::time::sleep(crate::REDRAW * 2).await;
    }
    session.service.lane.push(parcel("d1", Outcome::Failed(Failure::Empty)));
    session.service.lane.receipt(&"d1".into()).await;
    let printed = session.finish().await.replace("\r\u{1b}[2K", "\n");
    insta::assert_snapshot!(printed);
}

#[tokio::test]
async fn nobody_watching_means_no_drawing() {
    let session = Session::start(false);
    session.service.lane.tell(progress("k7f", 5));
    session.service.lane.push(parcel("d1", Outcome::Answer(Answer::Paused)));
    session.service.lane.receipt(&"d1".into()).await;
    assert!(matches!(session.service.lane.calls()[..], [Call::Begin(_), Call::Settle(..)]));
    assert_eq!(session.finish().await, "Paused: running jobs end, no new ones start\n");
}

#[tokio::test]
async fn there_is_one_run() {
    let console = Console::new(ConsoleConfig::default(), Terminal::over(&b""[..], vec![], false));
    let (service, mut link) = Service::new(&console, Arc::new(Shelf));
    service.lane.close();
    console.run(&mut link).await.expect("a good end");
    console.run(&mut link).await.expect("nothing more to do");
}
