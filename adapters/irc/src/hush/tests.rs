//! Circles and floods end, people do not notice, and memory stays what it is.
use super::*;
use proptest::prelude::*;

use std::sync::LazyLock;

static NOW: LazyLock<Instant> = LazyLock::new(Instant::now);

fn at(secs: u64) -> Instant {
    *NOW + Duration::from_secs(secs)
}

/// By prefix.
fn ann(text: &str) -> Asking<'_> {
    Asking { who: "ann", place: "#art", text, by: Heard::Prefix }
}

fn by_name(text: &str) -> Asking<'_> {
    Asking { by: Heard::Name, ..ann(text) }
}

/// Which of these lines, said at these seconds, are heard.
fn check(lines: &[(u64, Asking<'_>)], expected: &[bool]) {
    let mut hush = Hush::default();
    let heard: Vec<_> = lines.iter().map(|(secs, said)| hush.hears(said, at(*secs))).collect();
    assert_eq!(heard, expected, "{lines:?}");
}

fn every(secs: u64, times: u64, asking: Asking<'_>) -> Vec<(u64, Asking<'_>)> {
    (0..times).map(|n| (n * secs, asking)).collect()
}

#[test]
fn the_same_words_are_heard_until_they_are_a_circle() {
    let queue = by_name("queue");
    check(&every(15, 6, queue), &[true, true, true, true, false, false]);
    check(&every(31, 6, queue), &[true; 6]);
    let mut lines = every(15, 5, queue);
    lines.extend([(61, Asking { place: "#den", ..queue }), (62, by_name("status")), (165, queue)]);
    check(&lines, &[true, true, true, true, false, true, true, true]);
    for by in [Heard::Prefix, Heard::Direct] {
        let again = every(11, 10, Asking { by, ..ann("again") });
        check(&again, &[true, true, true, true, true, true, true, true, true, false]);
    }
}

#[test]
fn a_machine_that_answers_us_is_heard_twice_and_then_muted() {
    let lines = [
        (0, by_name("k1 queued, 3 ahead")),
        (2, by_name("k2 queued, 4 ahead")),
        (4, by_name("k3 queued, 5 ahead")),
        (6, by_name("k4 queued, 6 ahead")),
        (8, by_name("k5 queued, 7 ahead")),
        (60, by_name("quite different")),
        (9 + 600, by_name("quite different")),
    ];
    check(&lines, &[true, true, false, false, false, false, true]);
    let slow: Vec<_> = lines.iter().take(4).map(|(secs, said)| (secs * 3, *said)).collect();
    check(&slow, &[true; 4]);
}

#[test]
fn people_are_heard_whatever_they_want() {
    let wishes = ["imagine a red fox", "imagine a fox", "imagine a blue fox", "queue", "again"];
    check(&wishes.map(|text| (0, by_name(text))), &[true; 5]);
    check(&["again", "again", "queue", "status"].map(|text| (0, by_name(text))), &[true; 4]);
    check(&every(1, 9, ann("again")), &[true; 9]);
    check(&every(1, 4, Asking { by: Heard::Direct, ..ann("again") }), &[true; 4]);
    let texts: Vec<_> = (0..25).map(|n| format!("imagine {n} foxes")).collect();
    let lines: Vec<_> = texts.iter().map(|text| (0, ann(text))).collect();
    check(&lines, &[true; 25]);
}

#[test]
fn whoever_asks_far_too_much_is_not_heard_for_five_minutes() {
    let mut hush = Hush::default();
    let mut says = |n: usize, secs| hush.hears(&ann(&format!("imagine {n}")), at(secs));
    let heard = (0..40).filter(|n| says(*n, 20)).count();
    assert_eq!(heard, FLOOD);
    assert!(!says(50, 20 + 299));
    assert!(says(51, 20 + 300));
}

/// Two of us in one room, each answering whatever it hears from the other.
#[test]
fn two_of_us_fall_silent_within_six_lines() {
    let (mut one, mut other) = (Hush::default(), Hush::default());
    let mut said = 1;
    for turn in 0.. {
        let (hush, who) = if turn % 2 == 0 { (&mut one, "two") } else { (&mut other, "one") };
        let text = format!("k{turn} is no command; try help");
        let asking = Asking { who, ..by_name(&text) };
        if !hush.hears(&asking, at(turn)) {
            break;
        }
        said += 1;
    }
    assert!(said <= 6, "{said}");
}

#[test]
fn those_who_shout_are_not_forgotten_for_those_who_pass() {
    let mut hush = Hush::default();
    let lines: Vec<_> = (0..=FLOOD).map(|n| format!("imagine {n}")).collect();
    for text in &lines {
        hush.hears(&ann(text), at(0));
    }
    for n in 0..MOST_SPEAKERS - 1 {
        assert!(hush.hears(&Asking { who: &n.to_string(), ..ann("queue") }, at(0)));
    }
    assert!(!hush.hears(&ann("please"), at(200)));
    assert!(hush.hears(&Asking { who: "late", ..ann("queue") }, at(200)));
    assert_eq!(hush.speakers.len(), 2, "whoever was quiet is forgotten");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn memory_is_bounded(said in prop::collection::vec((0u16..2000, "[a-c]{0,2}", any::<bool>()), 0..3000)) {
        let mut hush = Hush::default();
        for (who, text, named) in said {
            let (who, by) = (who.to_string(), if named { Heard::Name } else { Heard::Direct });
            hush.hears(&Asking { who: &who, by, ..ann(&text) }, at(0));
        }
        prop_assert!(hush.speakers.len() <= MOST_SPEAKERS);
        prop_assert!(hush.speakers.values().all(|past| past.lines.len() <= FLOOD));
    }
}
