//! How much each may ask for: messages a minute, jobs waiting, jobs running; and that whoever
//! asks for much holds up nobody who asks for little.
use super::{engine, network, store};
use inkwire::{app::Setup, intake::limits::Rate};
use inkwire_core::{
    Admitted, Answer, JobId, LimitScope, Outcome, Place, PlaceKind, Rejection, Request,
};
use inkwire_testkit::{Bridge, FakeEngine, Manner, Mood, Script, Scripted, rates, settle, setup};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tempfile::TempDir;

async fn open(engine: Arc<FakeEngine>, change: impl FnOnce(&mut Setup)) -> (Bridge, Script) {
    let blobs = TempDir::new().unwrap();
    let mut setup = setup(store(), vec![engine], &blobs);
    setup.engines.iter_mut().for_each(|engine| engine.seats = 1);
    change(&mut setup);
    let (adapter, script) = Scripted::new("irc", Manner::Polite);
    setup.adapters.push(Box::new(adapter));
    let bridge = Bridge::run(setup, blobs).await;
    settle().await;
    (bridge, script)
}

/// Says everything there is to say in a row; each line gets a key of its own.
struct Speaker {
    script: Script,
    lines: usize,
}

impl Speaker {
    async fn ask(&mut self, change: impl FnOnce(&mut Request), nick: &str, text: &str) -> Admitted {
        self.lines += 1;
        let mut request = self.script.request(&format!("e{}", self.lines), nick, text);
        change(&mut request);
        self.script.hand_in(request).await.unwrap().remove(0)
    }

    async fn say(&mut self, nick: &str, text: &str) -> Option<Outcome> {
        self.ask(|_| {}, nick, text).await.outcome
    }

    async fn say_in(&mut self, room: &str, nick: &str, text: &str) -> Option<Outcome> {
        self.ask(|request| request.reply_to.room = room.into(), nick, text).await.outcome
    }
}

fn limited(outcome: Option<&Outcome>) -> Option<LimitScope> {
    match outcome {
        Some(Outcome::Rejected(Rejection::RateLimited { scope, retry_in })) => {
            assert!(!retry_in.is_zero(), "it says when to come back");
            Some(*scope)
        }
        _ => None,
    }
}

fn is_answer(outcome: Option<&Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Answer(_)))
}

async fn speaker(change: impl FnOnce(&mut Setup)) -> (Bridge, Speaker) {
    let (bridge, script) = open(engine(Mood::Hangs), change).await;
    (bridge, Speaker { script, lines: 0 })
}

#[tokio::test(start_paused = true)]
async fn a_person_who_goes_on_is_told_once_and_others_are_not_touched() {
    let (bridge, mut people) = speaker(|setup| setup.rates.person = rates(3).person).await;
    for _ in 0..3 {
        assert!(is_answer(people.say("ann", "styles").await.as_ref()));
    }
    let told = people.say("ann", "styles").await;
    assert_eq!(limited(told.as_ref()), Some(LimitScope::Person));
    for _ in 0..50 {
        assert_eq!(people.say("ann", "styles").await, None, "silence after one notice");
    }
    assert!(is_answer(people.say("bob", "styles").await.as_ref()));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(is_answer(people.say("ann", "styles").await.as_ref()), "quiet for a while");
    bridge.stop().await;
}

/// On IRC, where a notice a line would make the flood two.
#[tokio::test]
async fn a_flooder_on_irc_gets_one_notice_beyond_the_answers() {
    let (bridge, mut network) = network::open(store(), engine(Mood::Works), |setup| {
        setup.rates.person =
            Rate { per_minute: NonZeroU32::MIN, burst: NonZeroU32::new(5).unwrap() };
    })
    .await;
    for text in ["styles", "me", "queue", "about", "status"].repeat(8) {
        network.send(&format!(":ann!a@h PRIVMSG #art :!{text}")).await;
    }
    for n in 0..40 {
        network.send(&format!(":ann!a@h PRIVMSG #art :!weather in hall {n}")).await;
    }
    network.send(":bob!b@h PRIVMSG #art :!styles").await;
    let mut told = vec![];
    loop {
        let line = network.heard("").await;
        if line.contains("bob") {
            break;
        }
        told.extend(line.contains("ann").then_some(line));
    }
    let (notices, answers): (Vec<_>, _) =
        told.iter().partition(|line| line.contains("a little fast"));
    assert_eq!((notices.len(), answers.len()), (1, 5), "{told:#?}");
    bridge.stop().await;
}

/// Words for other robots are none of our business, however many they are.
#[tokio::test(start_paused = true)]
async fn words_that_are_not_for_us_use_up_nothing() {
    let (bridge, mut people) = speaker(|setup| setup.rates.person = rates(3).person).await;
    for text in ["weather in Rome", "admin pause", "flush", "room set steps 3", ""].repeat(20) {
        assert_eq!(people.say("ann", text).await, None, "{text}");
    }
    for _ in 0..3 {
        assert!(is_answer(people.say("ann", "styles").await.as_ref()));
    }
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_room_and_everybody_have_limits_of_their_own() {
    let (bridge, mut people) = speaker(|setup| setup.rates.room = rates(2).room).await;
    for (nick, expected) in [("ann", None), ("bob", None), ("cid", Some(LimitScope::Room))] {
        let outcome = people.say_in("#art", nick, "styles").await;
        assert_eq!(limited(outcome.as_ref()), expected, "{nick}");
    }
    assert_eq!(people.say_in("#art", "dan", "styles").await, None, "told once a room");
    assert!(is_answer(people.say_in("#other", "dan", "styles").await.as_ref()));
    bridge.stop().await;

    let (bridge, mut people) = speaker(|setup| setup.rates.everybody = rates(2).everybody).await;
    let mut scopes = vec![];
    for room in ["#a", "#b", "#c"] {
        scopes.push(limited(people.say_in(room, room, "styles").await.as_ref()));
    }
    assert_eq!(scopes, [None, None, Some(LimitScope::Everybody)]);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_refilled_by_the_minute() {
    let (bridge, mut people) = speaker(|setup| {
        setup.rates.person.per_minute = NonZeroU32::new(6).unwrap();
        setup.rates.person.burst = NonZeroU32::MIN;
    })
    .await;
    assert!(is_answer(people.say("ann", "styles").await.as_ref()));
    assert!(limited(people.say("ann", "styles").await.as_ref()).is_some());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(is_answer(people.say("ann", "styles").await.as_ref()), "one more in ten seconds");
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waits_is_always_answered() {
    let (bridge, mut people) = speaker(|setup| setup.rates.person = rates(1).person).await;
    let api = |request: &mut Request| {
        request.place = Place { kind: PlaceKind::Api, encrypted: false };
    };
    people.ask(api, "ann", "styles").await;
    for _ in 0..5 {
        let refused = people.ask(api, "ann", "styles").await.outcome;
        assert_eq!(limited(refused.as_ref()), Some(LimitScope::Person));
    }
    bridge.stop().await;
}

fn refused(outcome: Option<Outcome>) -> Option<Rejection> {
    match outcome {
        Some(Outcome::Rejected(why)) => Some(why),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_jobs_are_capped_for_a_person_and_for_a_room() {
    let (bridge, mut people) = speaker(|setup| {
        setup.policy.terms.caps.waiting_per_person = 2;
        setup.policy.terms.caps.waiting_per_room = 5;
    })
    .await;
    people.say("zed", "imagine what runs").await;
    settle().await;
    for (nick, expected) in [
        ("ann", None),
        ("ann", None),
        ("ann", Some((LimitScope::Person, 2))),
        ("bob", None),
        ("bob", None),
        ("cid", None),
        ("cid", Some((LimitScope::Room, 5))),
    ] {
        let expected = expected.map(|(scope, max)| Rejection::TooManyJobs { scope, max });
        assert_eq!(refused(people.say(nick, "imagine a boat").await), expected, "{nick}");
    }
    let elsewhere = people.say_in("#other", "cid", "imagine a boat").await;
    assert_eq!(refused(elsewhere), None, "another room has room");
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_says_when_to_come_back_and_takes_jobs_again() {
    let (bridge, mut people) = speaker(|setup| setup.policy.terms.caps.waiting = 2).await;
    for nick in ["zed", "ann", "bob"] {
        assert_eq!(refused(people.say(nick, "imagine a boat").await), None, "{nick}");
        settle().await;
    }
    let Some(Rejection::QueueFull { retry_in }) = refused(people.say("cid", "imagine x").await)
    else {
        panic!("the queue is full")
    };
    assert!(retry_in >= Duration::from_secs(1), "{retry_in:?}");
    people.say("ann", "cancel").await;
    settle().await;
    assert_eq!(refused(people.say("cid", "imagine x").await), None);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn running_jobs_are_capped_for_a_person_a_room_and_all() {
    for (person, room, all, nicks, expected) in [
        (1, 9, 9, ["ann", "ann", "bob"], ["render 0", "render 2"]),
        (9, 1, 9, ["ann", "bob", "cid"], ["render 0", ""]),
        (9, 9, 1, ["ann", "bob", "cid"], ["render 0", ""]),
        (9, 9, 9, ["ann", "ann", "ann"], ["render 0", "render 1"]),
    ] {
        let engine = engine(Mood::Hangs);
        let (bridge, script) = open(engine.clone(), |setup| {
            setup.engines.iter_mut().for_each(|engine| engine.seats = 2);
            setup.running.per_person = person;
            setup.running.per_room = room;
            setup.running.all = all;
        })
        .await;
        for (n, nick) in nicks.into_iter().enumerate() {
            script.say(&format!("e{n}"), nick, &format!("imagine {n}")).await.unwrap();
            settle().await;
        }
        let calls = engine.calls();
        let expected: Vec<_> = expected.into_iter().filter(|call| !call.is_empty()).collect();
        assert_eq!(calls, expected, "{person} {room} {all}");
        bridge.stop().await;
    }
}

/// Over the whole ring: one person hands in thirty jobs, another a single one.
#[tokio::test(start_paused = true)]
async fn one_job_does_not_wait_for_thirty_of_somebody_else() {
    let engine = Arc::new(FakeEngine::new(1000, Mood::Works));
    let (bridge, mut script) = open(engine.clone(), |_| {}).await;
    let mut flood = vec![];
    for n in 0..30 {
        flood.push(script.shout(&format!("e{n}"), "ann", &format!("imagine wall {n}")).await);
    }
    for commit in flood {
        commit.await.unwrap().unwrap();
    }
    settle().await;
    let bob = script.say("b", "bob", "imagine a door").await.unwrap().remove(0);
    let Some(Outcome::Accepted { position: Some(position), .. }) = bob.outcome else {
        panic!("{bob:?}")
    };
    assert!(position <= 2, "told {position}");
    let listed = script.say("q", "bob", "queue").await.unwrap().remove(0);
    let Some(Outcome::Answer(Answer::Queue(report))) = listed.outcome else { panic!("a queue") };
    let waiting: Vec<&JobId> = report.waiting.iter().map(|line| &line.job).collect();
    let place = waiting.iter().position(|job| Some(*job) == bob.job.as_ref()).unwrap();
    assert!(place <= 1, "listed as {place}: {waiting:?}");
    for _ in 0..31 {
        let end = script.ending().await.unwrap();
        assert!(matches!(end.delivery.outcome, Outcome::Finished { .. }));
    }
    let calls = engine.calls();
    let turn = calls.iter().position(|call| call == "render a door").unwrap();
    assert!(turn <= 2, "painted as {turn}: {calls:?}");
    assert_eq!(calls.len(), 31);
    bridge.stop().await;
}
