//! The client against the simulator, well and ill behaved: the same truths as with recordings.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails loudly")]
use crate::engine_suite::{Bench, STUCK, engine_suite, hurried, is_picture, quick, task};
use inkwire::{
    config::{Environment, load},
    engine::{Engine, EngineError, EngineEvent, Task},
    job::Render,
    simulator::{Fault, Log, Options, Simulator},
    workflow::{Library, bind, check::against, offers},
};
use inkwire_core::EngineHealth;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::timeout,
};

async fn simulator() -> Simulator {
    Simulator::start(Options::default()).await.expect("a port")
}

async fn bench() -> (Simulator, Bench) {
    let simulator = simulator().await;
    let bench = Bench::new(&simulator.url()).await;
    (simulator, bench)
}

/// With a sampler, which can run out of memory, fail and be held.
fn sampled() -> Task {
    let (library, _) = Library::shipped();
    let workflow = library.get("sd15").expect("shipped");
    let render = Render {
        positive: "a red fox".into(),
        checkpoint: "v1-5-pruned-emaonly-fp16.safetensors".into(),
        width: 64,
        height: 64,
        steps: 4,
        cfg: 7.0,
        sampler: "euler".into(),
        scheduler: "normal".into(),
        seed: uuid::Uuid::new_v4().as_fields().0.into(),
        ..Render::default()
    };
    Task { graph: bind(workflow, &render, 0).expect("bound"), render, ..task(quick()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulator_passes_for_a_comfyui() {
    engine_suite(&simulator().await.url()).await;
}

#[tokio::test]
async fn the_end_is_found_whatever_the_sockets_do() {
    for fault in [Fault::WsSilent, Fault::WsDeaf, Fault::WsClose, Fault::StaleClose] {
        let simulator = simulator().await;
        simulator.faults().set(fault, true);
        let bench = Bench::at_once(hurried(&simulator.url()));
        is_picture(&bench.start(&task(quick())).end().await.expect("painted"));
        is_picture(&bench.start(&sampled()).end().await.expect("painted"));
        assert_eq!(simulator.log().runs().len(), 2, "{fault:?}: each once");
    }
}

#[tokio::test]
async fn odd_answers_are_seen_through() {
    for (fault, times) in [
        (Fault::HistoryLate, 3),
        (Fault::NotANumber, 50),
        (Fault::PostReset, 1),
        (Fault::PostBroken, 1),
        (Fault::ViewTruncated, 2),
        (Fault::ViewBroken, 2),
    ] {
        let (simulator, bench) = bench().await;
        simulator.faults().next(times, fault);
        is_picture(&bench.start(&sampled()).end().await.expect("painted"));
        assert!(simulator.faults().hits(fault) > 0, "{fault:?} struck");
        assert_eq!(simulator.log().count("POST /prompt"), 1, "{fault:?}: never twice");
        assert_eq!(simulator.log().runs().len(), 1, "{fault:?}: never twice");
    }
}

#[tokio::test]
async fn a_server_that_answers_nothing_for_a_while_is_waited_for() {
    for fault in [Fault::Slow, Fault::SlowPost] {
        let (simulator, bench) = bench().await;
        let faults = simulator.faults();
        faults.set(fault, true);
        let run = bench.start(&task(quick()));
        timeout(STUCK, faults.struck(fault, 1)).await.expect("it hangs");
        faults.set(fault, false);
        is_picture(&run.end().await.expect("painted"));
        assert_eq!(simulator.log().runs().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_busy_server_gets_the_prompt_once() {
    let (simulator, bench) = bench().await;
    simulator.faults().next(1, Fault::PostTooMany);
    simulator.faults().next(1, Fault::PostUnavailable);
    is_picture(&bench.start(&task(quick())).end().await.expect("in the end"));
    assert_eq!(simulator.log().count("POST /prompt"), 3);
    assert_eq!(simulator.log().submitted().len(), 1);
}

#[tokio::test]
async fn what_ends_a_run_is_named_and_the_next_one_paints() {
    for (fault, expected) in [
        (Fault::PostLost, EngineError::Lost),
        (Fault::PostHtml, EngineError::Lost),
        (Fault::PostTooLarge, EngineError::Invalid("it is too large for the engine".into())),
        (Fault::Restart, EngineError::Lost),
        (Fault::OutOfMemory, EngineError::OutOfMemory),
        (Fault::ViewMissing, EngineError::Lost),
        (Fault::NoOutputs, EngineError::Empty),
    ] {
        let (simulator, bench) = bench().await;
        simulator.faults().next(1, fault);
        let ended = bench.start(&sampled()).end().await;
        assert_eq!(ended.err(), Some(expected), "{fault:?}");
        is_picture(&bench.start(&sampled()).end().await.expect("painted"));
        assert_eq!(simulator.faults().hits(fault), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn refusals_are_one_plain_sentence() {
    for fault in [Fault::PostRefused, Fault::NodeErrors] {
        let (simulator, bench) = bench().await;
        simulator.faults().next(1, fault);
        let ended = bench.start(&sampled()).end().await;
        let Err(EngineError::Invalid(why)) = ended else { panic!("{fault:?}: {ended:?}") };
        assert!(!why.is_empty() && why.len() < 300 && !why.contains(char::is_control), "{why}");
        let taken_back = |call| simulator.log().count(call) > 0;
        assert!(
            simulator.log().submitted().is_empty()
                || taken_back("POST /queue")
                || taken_back("POST /interrupt"),
            "{fault:?}: half a result is not painted to the end"
        );
    }
    let (simulator, bench) = bench().await;
    simulator.faults().next(1, Fault::NodeFails);
    let ended = bench.start(&sampled()).end().await;
    let Err(EngineError::Node { node, message }) = ended else { panic!("{ended:?}") };
    assert_eq!(node, "KSampler");
    assert!(!message.contains('/') && !message.contains("tensor("), "{message}");
}

#[tokio::test]
async fn bytes_that_are_no_picture_are_bad_output() {
    let (simulator, bench) = bench().await;
    simulator.faults().set(Fault::NotAPicture, true);
    let ended = bench.start(&task(quick())).end().await;
    assert!(matches!(ended, Err(EngineError::BadOutput(_))), "{ended:?}");
}

#[tokio::test]
async fn prompts_that_never_run_are_taken_back() {
    let simulator = simulator().await;
    let mut config = hurried(&simulator.url());
    config.times.idle_queue = Duration::from_secs(1);
    let bench = Bench::with(config).await;
    simulator.faults().set(Fault::Stalled, true);
    let ended = bench.start(&task(quick())).end().await;
    assert_eq!(ended.err(), Some(EngineError::Stalled));
    let taken_back = |log: &Log| log.count("POST /queue") > 0;
    timeout(STUCK, simulator.log().when(taken_back)).await.expect("it is deleted");
    simulator.faults().set(Fault::Stalled, false);
    let up = async {
        let mut status = bench.engine.status();
        status.wait_for(|status| status.health == EngineHealth::Up).await.expect("an engine");
    };
    timeout(STUCK, up).await.expect("it is used again");
    is_picture(&bench.start(&task(quick())).end().await.expect("painted"));
    assert_eq!(simulator.log().runs().len(), 1, "the one given up never ran");
}

#[tokio::test]
async fn a_lost_interrupt_is_repeated() {
    let (simulator, bench) = bench().await;
    let faults = simulator.faults();
    faults.next(1, Fault::InterruptLost);
    faults.hold();
    let run = bench.start(&sampled());
    run.events.wait_for(|event| *event == EngineEvent::Started).await;
    timeout(STUCK, faults.held()).await.expect("the gate is reached");
    run.cancel.cancel();
    timeout(STUCK, faults.struck(Fault::InterruptLost, 1)).await.expect("an interrupt is lost");
    let again = |log: &Log| log.count("POST /interrupt") >= 2;
    timeout(STUCK, simulator.log().when(again)).await.expect("it is sent again");
    faults.release();
    assert_eq!(run.end().await.err(), Some(EngineError::Cancelled));
    is_picture(&bench.start(&sampled()).end().await.expect("the next one runs"));
}

#[tokio::test]
async fn a_server_that_is_gone_for_a_while_is_taken_up_again() {
    let (simulator, bench) = bench().await;
    let faults = simulator.faults();
    faults.hold();
    let run = bench.start(&sampled());
    run.events.wait_for(|event| *event == EngineEvent::Started).await;
    faults.set(Fault::Unavailable, true);
    run.events.wait_for(|event| *event == EngineEvent::Reconnecting).await;
    faults.clear();
    is_picture(&run.end().await.expect("it went on"));
    assert_eq!(simulator.log().runs().len(), 1);
}

#[tokio::test]
async fn prompts_of_strangers_are_counted_and_left_alone() {
    let (simulator, bench) = bench().await;
    simulator.faults().hold();
    let body = serde_json::json!({ "prompt": sampled().graph }).to_string();
    post(&simulator, "/prompt", &body).await;
    let mut status = bench.engine.status();
    let seen = status.wait_for(|status| status.foreign == 1);
    timeout(STUCK, seen).await.expect("it is seen").expect("an engine");
    let ours = bench.start(&sampled());
    ours.events.wait_for(|event| matches!(event, EngineEvent::Submitted(_))).await;
    ours.cancel.cancel();
    assert_eq!(ours.end().await.err(), Some(EngineError::Cancelled));
    assert_eq!(simulator.log().count("POST /interrupt"), 0, "what waits is deleted");
    simulator.faults().release();
    is_picture(&bench.start(&sampled()).end().await.expect("painted"));
    assert_eq!(simulator.log().runs().len(), 2, "the stranger's ran, and our last one");
}

/// As somebody at the server's own page does.
async fn post(simulator: &Simulator, path: &str, body: &str) {
    let mut stream = TcpStream::connect(simulator.address()).await.expect("it listens");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn shipped_workflows_and_models_fit_the_simulator() {
    let (_simulator, bench) = bench().await;
    let catalog = bench.engine.status().borrow().catalog.clone();
    let config = load(None, &Environment::default()).expect("the shipped configuration");
    let (library, problems) = Library::shipped();
    assert_eq!(problems, []);
    for workflow in library.iter() {
        let models = config.models.models.values();
        let of_it = models.filter(|model| model.workflow == workflow.name);
        let files: Vec<String> = of_it.map(|model| model.checkpoint.clone()).collect();
        assert!(!files.is_empty(), "{} has a model", workflow.name);
        assert_eq!(against(workflow, &catalog.nodes, &files), [], "{}", workflow.name);
        for file in &files {
            assert!(offers(workflow, file, &catalog.nodes), "{} with {file}", workflow.name);
        }
    }
}

/// The whole product, as its first users meet it.
#[tokio::test]
async fn the_demo_paints_with_every_shipped_model() {
    let simulator = simulator().await;
    let models = ["sd15", "sdxl", "sd35", "flux", "lumina2", "sketch"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_inkwire"))
        .args(["demo", "--engine", &simulator.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program");
    let mut input = child.stdin.take().expect("its input");
    let ask = |model| format!("!imagine a red fox --model {model} --size 256x256\n");
    let typed = "!models\n".to_owned() + &models.map(ask).concat();
    input.write_all(typed.as_bytes()).await.expect("it listens");
    drop(input);
    let output = timeout(STUCK, child.wait_with_output()).await.expect("it ends").expect("output");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains("on no engine"), "{said}");
    let painted = said.lines().filter(|line| line.starts_with("http://127.0.0.1:")).count();
    assert_eq!(painted, models.len(), "{said}");
    for model in models {
        assert!(said.contains(&format!(" · {model} · 256×256")), "{model}: {said}");
    }
    assert_eq!(simulator.log().runs().len(), models.len());
}
