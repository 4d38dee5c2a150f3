//! What is asked about the room that is spoken in.
use super::*;
use inkwire_core::{Origin, RoomDefault};

fn set(world: &World, wish: Imagine) -> Decision {
    world.decide(Command::Room(Room::Set(Box::new(wish))))
}

/// What the room paints with from now on, and nothing else.
fn kept(decision: &Decision) -> Imagine {
    let [Change::Prefer { adapter, room, defaults }] = decision.changes.as_slice() else {
        panic!("{decision:?}")
    };
    assert_eq!((adapter.0.as_str(), room.0.as_str()), ("irc", "#art"));
    Imagine::clone(defaults)
}

fn line(flag: &str, value: &str, from: Origin) -> RoomDefault {
    RoomDefault { flag: flag.into(), value: value.into(), from, available: true }
}

fn small() -> Imagine {
    Imagine { width: Some(64), height: Some(128), steps: Some(9), ..Imagine::default() }
}

#[test]
fn room_shows_what_holds_and_who_says_so() {
    let mut world = world();
    world.presets.models.get_mut("sdxl").expect("known").steps = Some(30);
    let shown = |world: &World| match said(world.decide(Command::Room(Room::Show))) {
        Answer::Room(lines) => lines,
        other => panic!("{other:?}"),
    };
    let before = [
        line("model", "sdxl", Origin::Operator),
        line("size", "512x512", Origin::Service),
        line("count", "1", Origin::Service),
        line("steps", "30", Origin::Model),
    ];
    assert_eq!(shown(&world), before);
    world.room = Imagine { model: Some("fox".into()), ..small() };
    let gone = RoomDefault { available: false, ..line("model", "fox", Origin::Room) };
    let after = [
        gone,
        line("model", "sdxl", Origin::Operator),
        line("size", "64x128", Origin::Room),
        line("count", "1", Origin::Service),
        line("steps", "9", Origin::Room),
    ];
    assert_eq!(shown(&world), after);
}

#[test]
fn room_set_keeps_what_a_flag_would_have_given() {
    let world = world().operator();
    let check = |wish: Imagine, expected: Imagine| assert_eq!(kept(&set(&world, wish)), expected);
    let none = Imagine::default;
    check(
        Imagine { model: Some("SD".into()), ..none() },
        Imagine { model: Some("sdxl".into()), ..none() },
    );
    check(
        Imagine { style: Some("FILM".into()), ..none() },
        Imagine { style: Some("film".into()), ..none() },
    );
    check(
        Imagine { width: Some(65), height: Some(130), ..none() },
        Imagine { width: Some(64), height: Some(128), ..none() },
    );
    let kept_alone = Imagine { seed: Some(4), private: true, prompt: "x".into(), ..small() };
    check(kept_alone, small());
    let decision = set(&world, Imagine { steps: Some(90), ..none() });
    assert_eq!(kept(&decision), Imagine { steps: Some(60), ..none() });
    let notes =
        vec![Note::Clamped { flag: "--steps".into(), asked: "90".into(), given: "60".into() }];
    let now = vec![line("steps", "60", Origin::Room)];
    assert_eq!(said(decision), Answer::RoomChanged { now, notes });
}

#[test]
fn room_set_refuses_what_a_flag_would_be_refused() {
    let world = world().operator();
    let none = Imagine::default;
    for wish in [
        Imagine { count: Some(9), ..none() },
        Imagine { steps: Some(9_000), ..none() },
        Imagine { model: Some("nonsense".into()), ..none() },
        Imagine { style: Some("nonsense".into()), ..none() },
        Imagine { cfg: Some(5.0), ..none() },
        Imagine { negative: Some("<lora:x>".into()), ..none() },
        Imagine { aspect: Some((99, 1)), ..none() },
    ] {
        let asked = imagine(&world, Imagine { prompt: "a fox".into(), ..wish.clone() });
        assert_eq!(refusal(set(&world, wish)), refusal(asked));
    }
}

#[test]
fn room_set_adds_to_what_is_set_and_a_shape_replaces_a_size() {
    let mut world = world().operator();
    world.room = small();
    let shape = Imagine { aspect: Some((16, 9)), ..Imagine::default() };
    let shaped = Imagine { width: None, height: None, aspect: Some((16, 9)), ..small() };
    assert_eq!(kept(&set(&world, shape)), shaped);
    world.room = shaped;
    let sized = Imagine { width: Some(64), height: Some(128), ..Imagine::default() };
    assert_eq!(kept(&set(&world, sized)), small());
}

#[test]
fn room_unset_forgets_one_or_all() {
    let mut world = world().operator();
    world.room = small();
    let unset =
        |flag: Option<&str>| world.decide(Command::Room(Room::Unset(flag.map(str::to_owned))));
    let one = unset(Some("steps"));
    assert_eq!(kept(&one), Imagine { steps: None, ..small() });
    let now = vec![line("steps", "20", Origin::Service)];
    assert_eq!(said(one), Answer::RoomChanged { now, notes: vec![] });
    assert_eq!(kept(&unset(None)), Imagine::default());
    let nothing = Answer::RoomChanged { now: vec![], notes: vec![] };
    assert_eq!(said(unset(Some("style"))), nothing);
    for flag in crate::intake::parse::flags::OF_ROOMS {
        let mut full = world_of_everything();
        let all = full.room.clone();
        assert_ne!(
            kept(&full.decide(Command::Room(Room::Unset(Some(flag.into()))))),
            all,
            "{flag}"
        );
        full.room = Imagine::default();
    }
}

fn world_of_everything() -> World {
    let mut world = world().operator();
    let text = || Some("x".to_owned());
    world.room = Imagine {
        model: text(),
        style: text(),
        negative: text(),
        sampler: text(),
        scheduler: text(),
        aspect: Some((1, 1)),
        count: Some(1),
        cfg: Some(1.0),
        ..small()
    };
    world
}

#[test]
fn room_flush_ends_the_jobs_of_this_room_alone() {
    let mut elsewhere = row("c1", "cat");
    elsewhere.room = "#den".into();
    let mut namesake = row("d1", "dan");
    namesake.adapter = "matrix".into();
    let rows = [row("a1", "ann"), row("b1", "bob"), elsewhere, namesake];
    let world = world().operator().with(&rows.map(|row| (row, Phase::Waiting)));
    let world = world.with(&[(row("b2", "bob"), Phase::Running)]);
    let flush = |running| world.decide(Command::Room(Room::Flush { running }));
    assert_eq!(cancels(&flush(false)), ["a1", "b1"]);
    assert_eq!(cancels(&flush(true)), ["a1", "b1", "b2"]);
    assert_eq!(said(flush(true)), Answer::Flushed { waiting: 2, running: 1 });
}

#[test]
fn where_only_one_listens_there_is_no_room() {
    for kind in [PlaceKind::Direct, PlaceKind::Api] {
        let mut world = world().admin();
        world.request.place.kind = kind;
        for about in [Room::Show, Room::Unset(None), Room::Flush { running: true }] {
            assert_eq!(refusal(world.decide(Command::Room(about))), Rejection::NotAllowed);
        }
    }
}
