//! People, engines and disks at their worst, while the service runs: a clear word to whom it
//! concerns, and nothing lost.
use crate::{
    engine,
    engine_suite::STUCK,
    house::{House, asked, comfy, is_finished, simulator},
    store,
};
use inkwire::{
    app::EngineSetup,
    engine::{Engine, EngineError, EventSink, Output, Status, Task},
    simulator::{Fault, Options, Simulator},
    store::{
        Store, StoreError,
        faulty::{Fault as Failing, FaultyStore, Point, Side},
    },
};
use inkwire_core::{
    Answer, EngineHealth, Failure, Note, Outcome, Refused, Rejection,
    render::{Context, outcome},
};
use inkwire_testkit::{
    Bridge, FakeEngine, Manner, Mood, Script, Scripted, Seen, free_port, settle, setup,
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

// --- an engine that is not there ---

#[tokio::test]
async fn a_job_waits_for_an_engine_that_is_down_and_runs_when_it_comes() {
    let port = free_port().await.unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let mut house = House::at_once(store(), vec![comfy("one", &url)], |_| {}).await;
    let accepted = house.ask("ann", "imagine a fox").await.outcome;
    let Some(Outcome::Accepted { notes, eta, .. }) = accepted else { panic!("{accepted:?}") };
    let told = notes.iter().any(|note| matches!(note, Note::NoEngine { .. }));
    assert!(told && eta.is_none(), "it says that none is up: {notes:?}");
    let simulator = Simulator::start(Options { port, ..Options::default() }).await.unwrap();
    assert!(is_finished(&house.ending().await.delivery.outcome));
    assert_eq!(simulator.log().runs().len(), 1);
    house.bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_no_engine_takes_expires() {
    let engine = engine(Mood::Works);
    engine.health(EngineHealth::Down);
    let (bridge, mut script) = open(store(), engine.clone()).await;
    script.say("e1", "ann", "imagine a fox").await.unwrap();
    tokio::time::sleep(Duration::from_mins(59)).await;
    while let Ok(seen) = script.seen.try_recv() {
        let Seen::Parcel(parcel) = seen else { continue };
        assert!(!parcel.delivery.outcome.is_terminal(), "an hour is granted");
    }
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(script.ending().await.unwrap().delivery.outcome, Outcome::Expired);
    engine.health(EngineHealth::Up);
    settle().await;
    assert_eq!(engine.calls(), Vec::<String>::new(), "it does not run after all");
    bridge.stop().await;
}

#[tokio::test]
async fn a_comfyui_that_dies_in_the_middle_costs_a_run_and_no_job() {
    let simulator = simulator().await;
    let port = simulator.address().port();
    let mut house = House::open(vec![comfy("one", &simulator.url())], |_| {}).await;
    simulator.faults().hold();
    let job = house.ask("ann", "imagine a fox").await.job;
    timeout(STUCK, simulator.faults().held()).await.unwrap();
    simulator.stop().await;
    let reborn = Simulator::start(Options { port, ..Options::default() }).await.unwrap();
    let end = house.ending().await.delivery;
    assert_eq!(end.job, job);
    assert!(is_finished(&end.outcome), "{:?}", end.outcome);
    assert_eq!(reborn.log().runs().len(), 1);
    house.bridge.stop().await;
}

#[tokio::test]
async fn what_an_engine_does_wrong_is_told_in_a_word_and_the_next_job_is_painted() {
    for (fault, expected) in [
        (Fault::NotAPicture, Failure::BadPicture),
        (Fault::Bomb, Failure::BadPicture),
        (Fault::OutOfMemory, Failure::OutOfMemory),
        (Fault::NoOutputs, Failure::Empty),
        (Fault::PostTooLarge, Failure::Invalid("it is too large for the engine".into())),
    ] {
        let simulator = simulator().await;
        let mut house = House::open(vec![comfy("one", &simulator.url())], |_| {}).await;
        simulator.faults().set(fault, true);
        let text = "imagine a fox --model sdxl -w 64 -h 64";
        assert_eq!(house.paint(text).await, Outcome::Failed(expected), "{fault:?}");
        simulator.faults().set(fault, false);
        assert!(is_finished(&house.paint(text).await), "{fault:?}: the next one");
        house.bridge.stop().await;
    }
}

#[tokio::test]
async fn out_of_memory_is_tried_again_with_the_memory_freed() {
    let simulator = simulator().await;
    let mut house = House::open(vec![comfy("one", &simulator.url())], |_| {}).await;
    simulator.faults().next(1, Fault::OutOfMemory);
    assert!(is_finished(&house.paint("imagine a fox --model sdxl -w 64 -h 64").await));
    asked(&simulator, "POST /free", 1).await;
    assert_eq!(simulator.log().runs().len(), 2);
    house.bridge.stop().await;
}

// --- words from outside ---

/// An engine whose every word is an attack on the room.
struct Rude(watch::Sender<Status>);

const RUDE: &str = "first\r\nQUIT :gone\0\u{1b}[31m\u{202e}evil\u{7}\n:s KILL ink";

#[async_trait::async_trait]
impl Engine for Rude {
    fn id(&self) -> &'static str {
        "rude"
    }

    fn status(&self) -> watch::Receiver<Status> {
        self.0.subscribe()
    }

    async fn run(&self, token: CancellationToken) {
        token.cancelled().await;
    }

    async fn render(
        &self,
        task: &Task,
        _: &dyn EventSink,
        _: CancellationToken,
    ) -> Result<Vec<Output>, EngineError> {
        let message = RUDE.to_owned();
        Err(match task.render.prompt.as_str() {
            "node" => EngineError::Node { node: message.clone(), message },
            _ => EngineError::Invalid(message),
        })
    }

    async fn resume(
        &self,
        task: &Task,
        events: &dyn EventSink,
        cancel: CancellationToken,
    ) -> Result<Vec<Output>, EngineError> {
        self.render(task, events, cancel).await
    }

    async fn unload(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// As an adapter would show it.
fn assert_clean(said: &Outcome) {
    let job = "k7f".into();
    let lines = outcome(said, &Context { prefix: "!", job: Some(&job) });
    for line in lines {
        let bad = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!line.contains(bad), "{line:?}");
        assert!(line.len() < 4000, "{} bytes", line.len());
    }
}

#[tokio::test(start_paused = true)]
async fn an_engines_words_reach_a_room_without_their_tricks() {
    let catalog = FakeEngine::new(1, Mood::Works).status().borrow().clone();
    let engine: Arc<dyn Engine> = Arc::new(Rude(watch::Sender::new(catalog)));
    let (bridge, mut script) = open(store(), engine).await;
    for prompt in ["node", "refusal"] {
        script.say(prompt, "ann", &format!("imagine {prompt}")).await.unwrap();
        let end = script.ending().await.unwrap().delivery.outcome;
        let told = matches!(&end, Outcome::Failed(Failure::Node { .. } | Failure::Invalid(_)));
        assert!(told, "{end:?}");
        assert_clean(&end);
    }
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn peoples_words_are_shown_without_their_tricks() {
    let (bridge, mut script) = open(store(), engine(Mood::Works)).await;
    let odd = "a\r\nQUIT\0 \u{1b}[31m\u{202e}fox\u{7}";
    for (n, (text, is_painted)) in [
        (format!("imagine {odd}"), true),
        (format!("imagine fox --model sdxl --no {odd}"), true),
        (format!("imagine fox --model sk\r\nQUIT\0{odd}"), false),
        (format!("imagine fox --sampler {odd}"), false),
        (format!("imagine fox --{odd}"), false),
        (format!("info {odd}"), false),
        (format!("{odd} {odd}"), false),
    ]
    .into_iter()
    .enumerate()
    {
        let admitted = script.say(&format!("e{n}"), "ann", &text).await.unwrap().remove(0);
        admitted.outcome.iter().for_each(assert_clean);
        let accepted = matches!(admitted.outcome, Some(Outcome::Accepted { .. }));
        if is_painted {
            assert!(accepted, "{text:?}: {:?}", admitted.outcome);
        }
        if accepted {
            let end = script.ending().await.unwrap().delivery.outcome;
            assert!(is_finished(&end), "{text:?}");
            assert_clean(&end);
        }
    }
    let listed = script.say("q", "ann", "me").await.unwrap().remove(0);
    assert!(matches!(listed.outcome, Some(Outcome::Answer(Answer::Me(_)))));
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn lines_of_any_length_and_bytes_are_answered() {
    let (bridge, script) = open(store(), engine(Mood::Hangs)).await;
    let long = "imagine ".to_owned() + &"a".repeat(1 << 20);
    let refused = script.say("long", "ann", &long).await.unwrap().remove(0).outcome;
    let Some(Outcome::Rejected(Rejection::PromptTooLong { max })) = refused else {
        panic!("{refused:?}")
    };
    assert!(max > 100);
    let flags = "imagine x ".to_owned() + &"--no --no ".repeat(100_000);
    let brackets = "imagine ".to_owned() + &"(".repeat(500_000);
    let binary: String = (0..=255_u8).map(char::from).cycle().take(4096).collect();
    for (n, text) in
        [flags, brackets, binary.clone(), format!("imagine {binary}")].iter().enumerate()
    {
        let answered = script.say(&format!("e{n}"), "ann", text).await.unwrap().remove(0);
        answered.outcome.iter().for_each(assert_clean);
    }
    let fine = script.say("fine", "ann", "imagine a fox").await.unwrap().remove(0).outcome;
    assert!(matches!(fine, Some(Outcome::Accepted { .. })), "{fine:?}");
    bridge.stop().await;
}

/// The same attacks, as they come out of the real IRC adapter.
#[cfg(feature = "irc")]
#[tokio::test]
async fn an_engine_puts_no_line_of_its_own_on_the_wire() {
    let catalog = FakeEngine::new(1, Mood::Works).status().borrow().clone();
    let engine: Arc<dyn Engine> = Arc::new(Rude(watch::Sender::new(catalog)));
    let (bridge, mut network) = crate::network::open(store(), engine, |_| {}).await;
    for prompt in ["node", "refusal"] {
        network.send(&format!(":ann!a@h PRIVMSG #art :!imagine {prompt}")).await;
        let told = network.heard("failed").await;
        assert!(told.starts_with("PRIVMSG #art :") && told.contains("gone"), "{told:?}");
        assert!(!told.contains(char::is_control), "{told:?}");
    }
    // A line of its own would come before the next answer.
    network.send(":wit!w@h PRIVMSG #art :!styles").await;
    let next = network.heard("").await;
    assert!(next.starts_with("NOTICE #art :wit: "), "{next:?}");
    bridge.stop().await;
}

#[cfg(feature = "irc")]
#[tokio::test]
async fn broken_lines_on_the_wire_do_no_harm() {
    let (bridge, mut network) = crate::network::open(store(), engine(Mood::Hangs), |_| {}).await;
    let long = [&b":ann!a@h PRIVMSG #art :!imagine "[..], &vec![b'a'; 100_000]].concat();
    for line in [
        &long[..],
        b":ann!a@h PRIVMSG #art :!imagine \xff\xfe\x80 fox\0\x01\x02",
        b":ann!a@h PRIVMSG #art :!\x01ACTION imagine\x01",
        b"\xff\xff\xff\xff",
        b":::: :::",
        b"@=;;=;=\\ :x PRIVMSG",
        b"",
    ] {
        network.send_bytes(line).await;
        network.witness().await;
        network.heard("wit: ").await;
    }
    bridge.stop().await;
}

// --- a full disk ---

async fn open(store: Arc<dyn Store>, engine: Arc<dyn Engine>) -> (Bridge, Script) {
    let blobs = TempDir::new().unwrap();
    let mut setup = setup(store, vec![], &blobs);
    setup.engines = vec![EngineSetup { engine, seats: 1, idle_unload: None }];
    let (adapter, script) = Scripted::new("irc", Manner::Polite);
    setup.adapters.push(Box::new(adapter));
    let bridge = Bridge::run(setup, blobs).await;
    settle().await;
    (bridge, script)
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_kept_is_not_acknowledged_and_works_once_there_is_room() {
    let faulty = Arc::new(FaultyStore::new(store()));
    let (bridge, mut script) = open(faulty.clone(), engine(Mood::Works)).await;
    faulty.arm(Point::Admit, Side::Before, 0, Failing::Error(StoreError::Full));
    let refused = script.say("e1", "ann", "imagine a fox").await;
    assert!(matches!(refused, Err(Refused::Storage)), "{refused:?}");
    let again = script.say("e1", "ann", "imagine a fox").await.unwrap().remove(0);
    assert!(!again.duplicate, "nothing of the first try is left");
    assert!(is_finished(&script.ending().await.unwrap().delivery.outcome));
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_picture_is_kept_until_there_is_room_for_its_end() {
    for point in [Point::Claim, Point::Finish] {
        let faulty = Arc::new(FaultyStore::new(store()));
        let engine = engine(Mood::Works);
        let (bridge, mut script) = open(faulty.clone(), engine.clone()).await;
        for _ in 0..5 {
            faulty.arm(point, Side::Before, 0, Failing::Error(StoreError::Full));
        }
        let job = script.say("e1", "ann", "imagine a fox").await.unwrap().remove(0).job;
        let end = script.ending().await.unwrap().delivery;
        assert_eq!(end.job, job);
        assert!(is_finished(&end.outcome), "{point:?}: {:?}", end.outcome);
        assert_eq!(engine.calls(), ["render a fox"], "{point:?}: painted once");
        bridge.stop().await;
    }
}
