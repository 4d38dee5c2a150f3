//! Limits under a clock that is set by hand.
use super::*;
use inkwire_core::{AdapterId, Address, Author, Body, EventKey, Heard, Place, Powers, Time, Trust};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
struct Hand(AtomicU64);

impl Hand {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}

fn limits(person: u32, room: u32, everybody: u32) -> (Limits, Arc<Hand>) {
    let rate = |messages| {
        let each = NonZeroU32::new(messages).unwrap();
        Rate { per_minute: each, burst: each }
    };
    let rates = Rates { person: rate(person), room: rate(room), everybody: rate(everybody) };
    let clock = Arc::new(Hand::default());
    (Limits::new(&rates, clock.clone()), clock)
}

fn request(room: &str, kind: PlaceKind) -> Request {
    let adapter = AdapterId::from("irc");
    Request {
        id: EventKey::from("1"),
        from: Author {
            adapter: adapter.clone(),
            id: "ann".into(),
            name: "ann".into(),
            trust: Trust::Account,
            powers: Powers::default(),
        },
        reply_to: Address { adapter, room: room.into(), message: None, thread: None },
        place: Place { kind, encrypted: false },
        heard: Heard::Prefix,
        about: None,
        body: Body::Text("queue".into()),
        attachments: vec![],
        patience: None,
        sent_at: Time(0),
    }
}

fn say(limits: &Limits, person: &str, room: &str) -> Toll {
    limits.check(&person.into(), &request(room, PlaceKind::Group))
}

fn refused(scope: LimitScope, seconds: u64) -> Toll {
    let retry_in = Duration::from_secs(seconds);
    Toll::Refuse(Rejection::RateLimited { scope, retry_in })
}

#[test]
fn a_flood_is_told_once_and_then_ignored_until_quiet() {
    let (limits, clock) = limits(2, 100, 100);
    assert_eq!(say(&limits, "ann", "#art"), Toll::Pass);
    assert_eq!(say(&limits, "ann", "#art"), Toll::Pass);
    assert_eq!(say(&limits, "ann", "#art"), refused(LimitScope::Person, 30));
    assert_eq!(say(&limits, "bob", "#art"), Toll::Pass, "others are not held up");
    clock.pass(20);
    assert_eq!(say(&limits, "ann", "#art"), Toll::Silence);
    clock.pass(11);
    assert_eq!(say(&limits, "ann", "#art"), Toll::Pass);
    assert_eq!(say(&limits, "ann", "#art"), Toll::Silence, "still noisy");
    clock.pass(90);
    assert_eq!(say(&limits, "ann", "#art"), Toll::Pass);
    assert_eq!(say(&limits, "ann", "#art"), Toll::Pass);
    assert_eq!(say(&limits, "ann", "#art"), refused(LimitScope::Person, 30));
}

#[test]
fn rooms_and_everybody_have_limits_of_their_own() {
    let (limits, _clock) = limits(100, 2, 3);
    assert_eq!(say(&limits, "ann", "#art"), Toll::Pass);
    assert_eq!(say(&limits, "bob", "#art"), Toll::Pass);
    assert_eq!(say(&limits, "eve", "#art"), refused(LimitScope::Room, 30));
    assert_eq!(say(&limits, "dan", "#art"), Toll::Silence, "one notice for the room");
    assert_eq!(say(&limits, "ann", "#den"), Toll::Pass);
    assert_eq!(say(&limits, "ann", "#den"), refused(LimitScope::Everybody, 20));
}

#[test]
fn whoever_waits_for_an_answer_gets_one() {
    let (limits, _clock) = limits(1, 1, 100);
    assert_eq!(limits.check(&"bob".into(), &request("calls", PlaceKind::Api)), Toll::Pass);
    let request = request("calls", PlaceKind::Api);
    let tolls: Vec<_> = (0..3).map(|_| limits.check(&"ann".into(), &request)).collect();
    let refused = refused(LimitScope::Person, 60);
    assert_eq!(tolls, [Toll::Pass, refused.clone(), refused]);
}

#[test]
fn hints_are_rare() {
    let (limits, clock) = limits(100, 100, 100);
    assert!(limits.may_hint(&"bot".into()));
    assert!(!limits.may_hint(&"bot".into()));
    assert!(limits.may_hint(&"ann".into()));
    clock.pass(31);
    assert!(limits.may_hint(&"bot".into()));
}

#[test]
fn many_strangers_are_forgotten() {
    let (limits, clock) = limits(1, u32::MAX, u32::MAX);
    for stranger in 0..30_000 {
        say(&limits, &stranger.to_string(), "#art");
        say(&limits, &stranger.to_string(), "#art");
        if stranger % 100 == 0 {
            clock.pass(1);
        }
    }
    assert!(limits.people.len() < 20_000, "{}", limits.people.len());
    assert!(limits.told.lock().unwrap().len() <= MOST_KEYS);
    clock.pass(120);
    limits.sweep();
    assert_eq!((limits.people.len(), limits.told.lock().unwrap().len()), (0, 0));
}
