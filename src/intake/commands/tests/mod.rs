//! Every command by what it decides; and that none is without an example and a test.
mod admin;
mod everybody;
mod room;
mod world;

use super::*;
use crate::{
    intake::{facts::Phase, parse::parse, presets::Ceilings},
    job::{JobState, LinkPolicy},
    store::JobRecord,
};
use inkwire_core::{
    EngineHealth, FlushScope, Heard, Imagine, JobRef, JobStateName, LimitScope, Note, PlaceKind,
    Room,
};
use std::time::Duration;
use world::{World, ann, record, row, world};

fn fox() -> Imagine {
    Imagine { prompt: "a fox".into(), ..Imagine::default() }
}

fn imagine(world: &World, wish: Imagine) -> Decision {
    world.decide(Command::Imagine(Box::new(wish)))
}

fn of(image: Option<u16>) -> JobRef {
    JobRef { job: "k7f".into(), image }
}

fn said(decision: Decision) -> Answer {
    match decision.outcome {
        Some(Outcome::Answer(answer)) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

fn refusal(decision: Decision) -> Rejection {
    assert_eq!((decision.jobs.len(), decision.changes.len()), (0, 0));
    match decision.outcome {
        Some(Outcome::Rejected(rejection)) => rejection,
        other => panic!("not refused: {other:?}"),
    }
}

/// The jobs that it cancels, in the name of Ann, and nothing else.
fn cancels(decision: &Decision) -> Vec<String> {
    let job = |change: &Change| match change {
        Change::Cancel { job, by } if *by == ann() => job.0.clone(),
        other => panic!("{other:?}"),
    };
    decision.changes.iter().map(job).collect()
}

/// The row that a command is written by.
fn name(command: &Command) -> &'static str {
    match command {
        Command::Imagine(_) => "imagine",
        Command::Cancel(_) => "cancel",
        Command::Queue => "queue",
        Command::Status(_) => "status",
        Command::Info(_) => "info",
        Command::Again(_) => "again",
        Command::Delete(_) => "delete",
        Command::Models => "models",
        Command::Workflows => "workflows",
        Command::Styles => "styles",
        Command::Me => "me",
        Command::Help(_) => "help",
        Command::About => "about",
        Command::Room(Room::Show) => "room",
        Command::Room(Room::Set(_)) => "room set",
        Command::Room(Room::Unset(_)) => "room unset",
        Command::Room(Room::Flush { .. }) => "room flush",
        Command::Admin(Admin::Flush { .. }) => "admin flush",
        Command::Admin(Admin::Models) => "admin models",
        Command::Admin(Admin::Pause) => "admin pause",
        Command::Admin(Admin::Resume) => "admin resume",
        Command::Admin(Admin::Engines) => "admin engines",
        Command::Admin(Admin::Unload(_)) => "admin unload",
        Command::Admin(Admin::Reload) => "admin reload",
    }
}

#[test]
fn every_example_is_read_as_its_own_command() {
    for row in TABLE {
        assert!(!row.examples.is_empty(), "{} has no example", row.name);
        for example in row.examples {
            let read = parse(example, Heard::Prefix, row.role.into(), &Ceilings::default());
            let read = read.expect(example).expect(example);
            assert_eq!(name(&read), row.name, "{example}");
            assert_eq!(matches!(read, Command::Admin(_)), row.role == Role::Admin, "{example}");
        }
        assert!(row.usage.starts_with(row.name), "{}", row.usage);
    }
}

#[test]
fn every_command_has_a_test_of_its_name() {
    let tests =
        concat!(include_str!("everybody.rs"), include_str!("room.rs"), include_str!("admin.rs"));
    for row in TABLE {
        let test = format!("\nfn {}_", row.name.replace(' ', "_"));
        assert!(tests.contains(&test), "{} has no test", row.name);
    }
}

#[test]
fn the_reference_is_the_committed_page() {
    let page = reference();
    for row in TABLE {
        assert!(page.contains(row.summary), "{}", row.name);
    }
    let committed = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md"));
    assert!(page == committed, "docs/commands.md is out of date; it should be:\n{page}");
}

/// Read as somebody who may, decided for somebody who may not.
#[test]
fn only_those_who_may_are_obeyed() {
    let lesser = |role| match role {
        Role::Everybody => vec![],
        Role::RoomOperator => vec![Role::Everybody],
        Role::Admin => vec![Role::Everybody, Role::RoomOperator],
    };
    for row in TABLE {
        for role in lesser(row.role) {
            let example = row.examples.first().expect("an example");
            let read = parse(example, Heard::Prefix, row.role.into(), &Ceilings::default());
            let command = read.expect(example).expect(example);
            let world = World { rights: role.into(), ..world() };
            let refused = refusal(world.decide(command));
            assert_eq!(refused, Rejection::NotAllowed, "{role:?}: {example}");
        }
    }
}

#[test]
fn subjects_are_what_must_be_loaded() {
    let check = |command: Command, expected: Subject| assert_eq!(subject(&command), expected);
    let job = || Subject::Job("k7f".into());
    check(Command::Cancel(JobSelector::Id("k7f".into())), job());
    check(Command::Cancel(JobSelector::Last), Subject::None);
    check(Command::Status(Some("k7f".into())), job());
    check(Command::Status(None), Subject::Newest);
    check(Command::Again(None), Subject::Newest);
    check(Command::Info(of(Some(2))), job());
    check(Command::Me, Subject::NewestIds);
    check(Command::Queue, Subject::None);
}
