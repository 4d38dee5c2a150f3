//! What only admins may ask for.
use super::*;

fn flush(scope: FlushScope, running: bool) -> Command {
    Command::Admin(Admin::Flush { scope, running })
}

#[test]
fn admin_flush_ends_what_waits_and_counts_it() {
    let mut other = row("c1", "cat");
    other.room = "#den".into();
    other.model = "flux".into();
    let rows = [row("a1", "ann"), row("b1", "Bob"), other].map(|row| (row, Phase::Waiting));
    let world = world().admin().with(&rows).with(&[(row("b2", "Bob"), Phase::Running)]);
    let check = |scope, running, expected: &[&str]| {
        let decision = world.decide(flush(scope, running));
        assert_eq!(cancels(&decision), expected);
        let begun = expected.iter().filter(|job| **job == "b2").count();
        let flushed = Answer::Flushed { waiting: expected.len() - begun, running: begun };
        assert_eq!(said(decision), flushed);
    };
    check(FlushScope::All, false, &["a1", "b1", "c1"]);
    check(FlushScope::All, true, &["a1", "b1", "c1", "b2"]);
    check(FlushScope::User("bob".into()), true, &["b1", "b2"]);
    check(FlushScope::User("irc/ann".into()), false, &["a1"]);
    check(FlushScope::Room("#DEN".into()), false, &["c1"]);
    check(FlushScope::Model("SDX".into()), false, &["a1", "b1"]);
    check(FlushScope::User("nobody".into()), true, &[]);
    let refused = refusal(world.decide(flush(FlushScope::Model("sdx1".into()), false)));
    assert!(matches!(refused, Rejection::UnknownName { .. }), "{refused:?}");
}

#[test]
fn admin_models_name_what_an_engine_lacks() {
    let world = world().admin();
    let Answer::EngineModels(lines) = said(world.decide(Command::Admin(Admin::Models))) else {
        panic!("models");
    };
    let line = lines.first().expect("an engine");
    assert_eq!((line.engine.as_str(), line.up), ("gpu1", true));
    assert_eq!((line.configured.len(), line.missing.clone()), (0, vec!["sdxl".to_owned()]));
    assert_eq!((line.installed.len(), line.loras.len()), (1, 1));
}

#[test]
fn admin_pause_stops_the_queue() {
    let decision = world().admin().decide(Command::Admin(Admin::Pause));
    assert_eq!(decision.changes, [Change::Pause(true)]);
    assert_eq!(said(decision), Answer::Paused);
}

#[test]
fn admin_resume_starts_it_again() {
    let decision = world().admin().decide(Command::Admin(Admin::Resume));
    assert_eq!(decision.changes, [Change::Pause(false)]);
    assert_eq!(said(decision), Answer::Resumed);
}

#[test]
fn admin_engines_show_health() {
    let decision = world().admin().decide(Command::Admin(Admin::Engines));
    let Answer::Engines(lines) = said(decision) else { panic!("engines") };
    let health: Vec<_> = lines.iter().map(|line| line.health).collect();
    assert_eq!(health, [EngineHealth::Up, EngineHealth::Down]);
}

#[test]
fn admin_unload_names_the_engines() {
    let unload = |engine: Option<&str>| {
        let engine = engine.map(str::to_owned);
        world().admin().decide(Command::Admin(Admin::Unload(engine)))
    };
    let all = unload(None);
    assert_eq!(all.acts, [Act::Unload(vec!["gpu1".into()])]);
    assert_eq!(said(all), Answer::Unloading(vec!["gpu1".into()]));
    assert_eq!(unload(Some("GPU2")).acts, [Act::Unload(vec!["gpu2".into()])]);
    assert!(matches!(refusal(unload(Some("gpu"))), Rejection::UnknownName { .. }));
}

#[test]
fn admin_reload_leaves_the_answer_to_whoever_reads() {
    let decision = world().admin().decide(Command::Admin(Admin::Reload));
    assert_eq!((decision.outcome, decision.acts), (None, vec![Act::Reload]));
}
