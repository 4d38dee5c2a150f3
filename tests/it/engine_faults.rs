//! The client against a replayed server that misbehaves: what is true is found out, nothing runs
//! twice, nothing is left running.
#![allow(clippy::expect_used, reason = "a test fails loudly")]
use crate::engine_suite::{Bench, Events, STUCK, hurried, is_picture, quick, task};
use inkwire::engine::{
    Engine, EngineError, EngineEvent, Task,
    comfyui::{ComfyConfig, ComfyUi, ConfigError},
};
use inkwire_core::EngineHealth;
use inkwire_testkit::{
    replay::{Mischief, PostFault, Recorded, Replay, ViewFault, read},
    tls,
};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

fn recorded() -> Vec<Recorded> {
    let mut all = read(include_str!("../data/comfyui/no_model_graphs.jsonl"));
    all.drain(..1);
    all.truncate(1);
    all
}

async fn bench() -> (Replay, Bench) {
    let server = Replay::start(recorded()).await;
    let bench = Bench::new(&server.url).await;
    (server, bench)
}

fn count(server: &Replay, call: &str) -> usize {
    server.calls().iter().filter(|made| made.starts_with(call)).count()
}

fn id(task: &Task) -> &str {
    task.attempt.native.as_deref().expect("an id")
}

async fn health(bench: &Bench, wanted: EngineHealth) {
    let mut status = bench.engine.status();
    let seen = status.wait_for(|status| status.health == wanted);
    timeout(STUCK, seen).await.expect("the health comes").expect("an engine");
}

#[tokio::test]
async fn a_prompt_is_followed_by_its_frames() {
    let (server, bench) = bench().await;
    let run = bench.start(&task(quick()));
    let events = run.events.clone();
    is_picture(&run.end().await.expect("renders"));
    let events = events.all();
    assert!(events.iter().any(|event| matches!(event, EngineEvent::Preview { .. })));
    let last = events.iter().rev().find(|event| matches!(event, EngineEvent::Progress { .. }));
    assert_eq!(last, Some(&EngineEvent::Progress { done: 4, total: 4 }));
    assert_eq!(count(&server, "POST /prompt"), 1);
    assert!(server.calls().iter().all(|call| !call.contains("number")), "never a number");
}

#[tokio::test]
async fn every_recorded_end_is_understood() {
    let lab = read(include_str!("../data/comfyui/lab_nodes.jsonl"));
    for (note, expected) in [
        ("ExecutionBlocker with message: execution_error frame but status success", Ok(1)),
        ("silent ExecutionBlocker: success with NO outputs", Err(EngineError::Empty)),
        ("NaN in PNG prompt chunk", Ok(1)),
        ("OOM", Err(EngineError::OutOfMemory)),
        ("KeyError", Err(EngineError::Node { node: "LabRaise".into(), message: "'boom'".into() })),
        ("interrupt", Err(EngineError::Interrupted)),
        ("node expansion: ids with dots, display_node", Ok(1)),
    ] {
        let one = lab.iter().find(|one| one.note == note).expect("recorded").clone();
        let task = task(Value::Object(one.graph.clone()));
        let server = Replay::start(vec![one]).await;
        let bench = Bench::new(&server.url).await;
        let ended = bench.start(&task).end().await.map(|outputs| outputs.len());
        assert_eq!(ended, expected, "{note}");
    }
}

#[tokio::test]
async fn the_end_is_found_without_a_socket() {
    for mischief in [
        Mischief { silent: true, ..Mischief::default() },
        Mischief { no_sockets: true, ..Mischief::default() },
        Mischief { late_history: 4, ..Mischief::default() },
    ] {
        let server = Replay::start(recorded()).await;
        server.misbehave(mischief.clone());
        let bench = Bench::at_once(hurried(&server.url));
        let ended = bench.start(&task(quick())).end().await;
        is_picture(&ended.unwrap_or_else(|error| panic!("{mischief:?}: {error}")));
    }
}

#[tokio::test]
async fn a_socket_that_stays_silent_is_replaced() {
    let (server, bench) = bench().await;
    server.misbehave(Mischief { silent: true, hold: true, ..Mischief::default() });
    let run = bench.start(&task(quick()));
    health(&bench, EngineHealth::Degraded).await;
    server.called("GET /ws", 2).await;
    server.release();
    is_picture(&run.end().await.expect("polled"));
    server.misbehave(Mischief::default());
    is_picture(&bench.start(&task(quick())).end().await.expect("heard again"));
    health(&bench, EngineHealth::Up).await;
}

#[tokio::test]
async fn an_unanswered_post_is_looked_for_and_not_repeated() {
    let (server, bench) = bench().await;
    let fault = |post| Mischief { posts: [post].into(), ..Mischief::default() };
    server.misbehave(fault(PostFault::TakenThenBroken));
    is_picture(&bench.start(&task(quick())).end().await.expect("it was taken"));
    assert_eq!(count(&server, "POST /prompt"), 1);

    server.misbehave(fault(PostFault::LostThenBroken));
    let ended = bench.start(&task(quick())).end().await;
    assert_eq!(ended.err(), Some(EngineError::Lost));
    server.misbehave(fault(PostFault::Status(500)));
    let ended = bench.start(&task(quick())).end().await;
    assert_eq!(ended.err(), Some(EngineError::Lost));
    assert_eq!(count(&server, "POST /prompt"), 3, "once for each task");
}

#[tokio::test]
async fn a_prompt_of_which_a_part_is_refused_does_not_run() {
    let (server, bench) = bench().await;
    let posts = [PostFault::Complaint].into();
    server.misbehave(Mischief { posts, hold: true, ..Mischief::default() });
    let ended = bench.start(&task(quick())).end().await;
    let why = "CheckpointLoaderSimple has no ckpt_name \"nope.safetensors\"";
    assert_eq!(ended.err(), Some(EngineError::Invalid(why.into())));
    assert_eq!(count(&server, "POST /interrupt"), 1);
}

#[tokio::test]
async fn a_server_that_gives_ids_of_its_own_is_followed_by_them() {
    let (server, bench) = bench().await;
    let posts = [PostFault::Renamed].into();
    server.misbehave(Mischief { posts, silent: true, ..Mischief::default() });
    let task = task(quick());
    let run = bench.start(&task);
    let events = run.events.clone();
    is_picture(&run.end().await.expect("renders"));
    let renamed = format!("{}-renamed", id(&task));
    assert_eq!(events.all().first(), Some(&EngineEvent::Submitted(renamed)));
}

#[tokio::test]
async fn a_busy_server_is_waited_for_and_the_wait_can_be_cancelled() {
    let (server, bench) = bench().await;
    let posts = [429, 503].map(PostFault::Status).into();
    server.misbehave(Mischief { posts, ..Mischief::default() });
    is_picture(&bench.start(&task(quick())).end().await.expect("in the end"));
    assert_eq!(count(&server, "POST /prompt"), 3);

    let posts = [PostFault::Status(429); 500].into();
    server.misbehave(Mischief { posts, ..Mischief::default() });
    let before = count(&server, "POST /prompt");
    let run = bench.start(&task(quick()));
    server.called("POST /prompt", before + 1).await;
    run.cancel.cancel();
    assert_eq!(run.end().await.err(), Some(EngineError::Cancelled));
}

#[tokio::test]
async fn refusals_of_the_server_and_of_others_differ() {
    let (server, bench) = bench().await;
    for (status, expected) in [
        (413, EngineError::Invalid("it is too large for the engine".into())),
        (400, EngineError::Unavailable("it answered 400".into())),
        (401, EngineError::Unavailable("it answered 401".into())),
        (302, EngineError::Unavailable("it answered 302".into())),
    ] {
        let posts = [PostFault::Status(status)].into();
        server.misbehave(Mischief { posts, ..Mischief::default() });
        assert_eq!(bench.start(&task(quick())).end().await.err(), Some(expected));
    }
}

#[tokio::test]
async fn a_lost_interrupt_is_sent_again_until_the_prompt_is_gone() {
    let (server, bench) = bench().await;
    server.misbehave(Mischief { hold: true, lost_interrupts: 1, ..Mischief::default() });
    let (running, waiting) = (task(quick()), task(quick()));
    let first = bench.start(&running);
    first.events.wait_for(|event| *event == EngineEvent::Started).await;
    let second = bench.start(&waiting);
    second.events.wait_for(|event| matches!(event, EngineEvent::Submitted(_))).await;
    second.cancel.cancel();
    assert_eq!(second.end().await.err(), Some(EngineError::Cancelled));
    assert_eq!(count(&server, "POST /interrupt"), 0, "what waits is deleted");
    first.cancel.cancel();
    assert_eq!(first.end().await.err(), Some(EngineError::Cancelled));
    let interrupts: Vec<_> =
        server.calls().into_iter().filter(|call| call.starts_with("POST /interrupt")).collect();
    assert_eq!(interrupts.len(), 2);
    assert!(interrupts.iter().all(|call| call.contains(id(&running))), "{interrupts:?}");
}

#[tokio::test]
async fn a_restart_loses_what_ran() {
    let (server, bench) = bench().await;
    server.misbehave(Mischief { hold: true, ..Mischief::default() });
    let run = bench.start(&task(quick()));
    run.events.wait_for(|event| *event == EngineEvent::Started).await;
    server.restart();
    assert_eq!(run.end().await.err(), Some(EngineError::Lost));
}

#[tokio::test]
async fn a_server_out_of_reach_is_looked_for_again() {
    let (server, bench) = bench().await;
    server.misbehave(Mischief { hold: true, ..Mischief::default() });
    let task = task(quick());
    let run = bench.start(&task);
    run.events.wait_for(|event| *event == EngineEvent::Started).await;
    server.misbehave(Mischief { down: Some(502), hold: true, ..Mischief::default() });
    run.events.wait_for(|event| *event == EngineEvent::Reconnecting).await;
    health(&bench, EngineHealth::Down).await;
    let refused = bench.start(&task).end().await;
    assert!(matches!(refused, Err(EngineError::Unavailable(_))), "the breaker is open");
    server.misbehave(Mischief::default());
    server.release();
    is_picture(&run.end().await.expect("it went on"));
    health(&bench, EngineHealth::Up).await;
}

#[tokio::test]
async fn a_server_whose_worker_is_dead_is_left_for_another() {
    let server = Replay::start(recorded()).await;
    let mut config = hurried(&server.url);
    config.times.idle_queue = Duration::from_secs(1);
    let bench = Bench::with(config).await;
    server.misbehave(Mischief { dead: true, ..Mischief::default() });
    let task = task(quick());
    assert_eq!(bench.start(&task).end().await.err(), Some(EngineError::Stalled));
    let unqueued = format!("POST /queue {{\"delete\":[\"{}\"]}}", id(&task));
    server.called(&unqueued, 1).await;
    health(&bench, EngineHealth::Up).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let server = Replay::start(recorded()).await;
    let mut config = hurried(&server.url);
    config.times.call = Duration::from_millis(300);
    config.times.unreachable = Duration::from_secs(1);
    let bench = Bench::with(config).await;
    server.misbehave(Mischief { hold: true, ..Mischief::default() });
    let run = bench.start(&task(quick()));
    run.events.wait_for(|event| *event == EngineEvent::Started).await;
    server.misbehave(Mischief { hold: true, hang: true, ..Mischief::default() });
    let ended = run.end().await;
    assert_eq!(ended.err(), Some(EngineError::Unavailable("it does not answer in time".into())));
    health(&bench, EngineHealth::Down).await;
    server.misbehave(Mischief::default());
    health(&bench, EngineHealth::Up).await;
}

#[tokio::test]
async fn a_prompt_given_up_is_stopped_when_its_server_comes_back() {
    let server = Replay::start(recorded()).await;
    let mut config = hurried(&server.url);
    config.times.unreachable = Duration::from_millis(500);
    let bench = Bench::with(config).await;
    server.misbehave(Mischief { hold: true, ..Mischief::default() });
    let task = task(quick());
    let run = bench.start(&task);
    run.events.wait_for(|event| *event == EngineEvent::Started).await;
    server.misbehave(Mischief { hold: true, down: Some(500), ..Mischief::default() });
    let ended = run.end().await;
    assert!(matches!(ended, Err(EngineError::Unavailable(_))), "{:?}", ended.err());
    server.misbehave(Mischief { hold: true, ..Mischief::default() });
    server.called(&format!("POST /interrupt {{\"prompt_id\":\"{}\"}}", id(&task)), 1).await;
}

#[tokio::test]
async fn a_broken_download_is_repeated_and_a_vanished_file_is_a_lost_run() {
    let (server, bench) = bench().await;
    let views =
        [ViewFault::Truncated, ViewFault::Status(500), ViewFault::Html, ViewFault::Truncated];
    server.misbehave(Mischief { views: views.into(), ..Mischief::default() });
    is_picture(&bench.start(&task(quick())).end().await.expect("the fifth is whole"));
    let views = [ViewFault::Html; 5].into();
    server.misbehave(Mischief { views, ..Mischief::default() });
    let ended = bench.start(&task(quick())).end().await;
    assert!(matches!(ended, Err(EngineError::BadOutput(_))), "{:?}", ended.err());
    server.misbehave(Mischief::default());
    server.forget_files();
    assert_eq!(bench.start(&task(quick())).end().await.err(), Some(EngineError::Lost));
    assert_eq!(count(&server, "POST /free {\"free_memory\":true}"), 1, "nor named again");
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_costs_no_memory() {
    let server = Replay::start(recorded()).await;
    let mut config = hurried(&server.url);
    config.limits.download = 500;
    let bench = Bench::with(config.clone()).await;
    let ended = bench.start(&task(quick())).end().await;
    assert!(matches!(ended, Err(EngineError::BadOutput(_))), "{:?}", ended.err());
    assert_eq!(count(&server, "GET /view"), 1, "it would not get smaller");

    config.limits.download = 1000;
    config.limits.frame = 200;
    let bench = Bench::with(config).await;
    is_picture(&bench.start(&task(quick())).end().await.expect("by polling"));
}

#[tokio::test]
async fn strangers_are_counted_and_left_alone() {
    let (server, bench) = bench().await;
    server.misbehave(Mischief { strangers: true, ..Mischief::default() });
    let mut status = bench.engine.status();
    let seen = status.wait_for(|status| status.foreign == 2);
    timeout(STUCK, seen).await.expect("they are seen").expect("an engine");
    is_picture(&bench.start(&task(quick())).end().await.expect("renders"));
    assert!(server.calls().iter().all(|call| !call.contains("stranger")), "{:?}", server.calls());
}

#[tokio::test]
async fn prompts_are_wiped_from_the_history_when_the_watch_ends() {
    let server = Replay::start(recorded()).await;
    let task = task(quick());
    let bench = Bench::new(&server.url).await;
    is_picture(&bench.start(&task).end().await.expect("renders"));
    assert!(server.knows(id(&task)), "for a while, should we crash now");
    drop(bench);
    server.called(&format!("POST /history {{\"delete\":[\"{}\"]}}", id(&task)), 1).await;
}

#[tokio::test]
async fn a_prefix_and_a_secret_header_are_used_for_both_http_and_socket() {
    let secret = "Bearer s3cret";
    let server = Replay::start_behind(recorded(), "/behind/proxy", Some(secret)).await;
    let config = ComfyConfig {
        url: format!("{}/", server.url),
        headers: vec![("Authorization".into(), secret.into())],
        ..ComfyConfig::default()
    };
    renders_over_http_and_socket(config, &server).await;
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_for_both_http_and_socket() {
    let server = Replay::start(recorded()).await;
    let front = tls::front(server.url.trim_start_matches("http://").to_owned()).await;
    let config = ComfyConfig {
        url: format!("https://localhost:{}", front.port),
        ca_file: Some("tests/data/tls/localhost.pem".into()),
        ..ComfyConfig::default()
    };
    renders_over_http_and_socket(config.clone(), &server).await;

    let strict = ComfyUi::new(ComfyConfig { ca_file: None, ..config }).expect("valid");
    let cancel = CancellationToken::new();
    let refused = strict.render(&task(quick()), &Events::default(), cancel).await;
    assert!(matches!(refused, Err(EngineError::Unavailable(_))), "{:?}", refused.err());
}

async fn renders_over_http_and_socket(config: ComfyConfig, server: &Replay) {
    let engine = ComfyUi::new(config).expect("a valid configuration");
    let token = CancellationToken::new();
    let (events, cancel) = (Events::default(), CancellationToken::new());
    let task = task(quick());
    let work = async {
        let mut status = engine.status();
        status.wait_for(|status| status.health == EngineHealth::Up).await.expect("an engine");
        is_picture(&engine.render(&task, &events, cancel).await.expect("renders"));
        server.called("GET /ws", 1).await;
        token.cancel();
    };
    let both = async { tokio::join!(work, engine.run(token.clone())) };
    timeout(STUCK, both).await.expect("it ends");
}

#[tokio::test]
async fn one_look_tells_version_and_catalogue() {
    let server = Replay::start(recorded()).await;
    let engine = ComfyUi::new(hurried(&server.url)).expect("a valid configuration");
    let status = engine.inspect().await.expect("it answers");
    assert_eq!(status.version.as_deref(), Some("0.3.64"));
    assert_eq!(status.catalog.checkpoints, ["a.safetensors", "sub/b.safetensors"]);
    server.misbehave(Mischief { down: Some(404), ..Mischief::default() });
    let refused = engine.inspect().await;
    assert_eq!(refused.err(), Some(EngineError::Unavailable("it answered 404".into())));
}

#[test]
fn unusable_settings_are_refused() {
    let check = |config: ComfyConfig| ComfyUi::new(config).err().expect("refused");
    let at = |url: &str| ComfyConfig { url: url.into(), ..ComfyConfig::default() };
    for url in ["", "localhost:8188", "ftp://x", "http://", "http://x/?token=1"] {
        assert!(matches!(check(at(url)), ConfigError::Url { .. }), "{url}");
    }
    assert!(matches!(check(at("http://ann:pw@x")), ConfigError::Credentials(_)));
    let headers = vec![("X-Key".into(), "a\nb".into())];
    let config = ComfyConfig { headers, ..ComfyConfig::default() };
    assert!(matches!(check(config), ConfigError::Header { .. }));
    let config = ComfyConfig { ca_file: Some("/nowhere/ca.pem".into()), ..ComfyConfig::default() };
    assert!(matches!(check(config), ConfigError::CaFile { .. }));
}
