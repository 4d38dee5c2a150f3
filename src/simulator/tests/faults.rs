//! Each fault does what its name says, as often as it was asked to.
use serde_json::{Value, json};

use super::client::{Answer, Frame, Socket, get, post, sketch};
use crate::simulator::{Fault, Options, Simulator};

async fn start() -> Simulator {
    Simulator::start(Options::default()).await.unwrap()
}

/// Runs one prompt to its end and gives its id and frames.
async fn run(simulator: &Simulator, body: &Value) -> (String, Vec<Frame>) {
    let mut socket = Socket::open(simulator, "runner").await;
    let mut body = body.clone();
    body["client_id"] = json!("runner");
    let answer = post(simulator, "/prompt", &body).await.expect("an answer");
    let id = answer.json()["prompt_id"].as_str().expect("an id").to_owned();
    (id, socket.until_end().await)
}

async fn entry(simulator: &Simulator, id: &str) -> Value {
    get(simulator, &format!("/history/{id}")).await.json()[id].clone()
}

/// A prompt with a sampler.
fn painting(seed: u64) -> Value {
    json!({"prompt": {
        "1": {"class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["1", 1]}},
        "3": {"class_type": "EmptyLatentImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "4": {"class_type": "KSampler", "inputs": {
            "seed": seed, "steps": 3, "cfg": 7.0, "sampler_name": "euler",
            "scheduler": "normal", "denoise": 1.0, "model": ["1", 0], "positive": ["2", 0],
            "negative": ["2", 0], "latent_image": ["3", 0]}},
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "p"}},
    }})
}

const FILE: &str = "/view?filename=x_00001_.png&subfolder=&type=output";

#[tokio::test]
async fn a_post_that_gets_no_good_answer_is_queued_all_the_same() {
    let simulator = start().await;
    let faults = simulator.faults();
    faults.next(1, Fault::PostReset);
    assert!(post(&simulator, "/prompt", &sketch("a", 1)).await.is_none());
    faults.next(1, Fault::PostBroken);
    assert_eq!(post(&simulator, "/prompt", &sketch("a", 2)).await.unwrap().status, 500);
    assert_eq!(post(&simulator, "/prompt", &sketch("a", 3)).await.unwrap().status, 200);
    simulator.log().when(|log| log.runs().len() == 3).await;
    assert_eq!((faults.hits(Fault::PostReset), faults.hits(Fault::PostBroken)), (1, 1));
}

#[tokio::test]
async fn a_refused_post_queues_nothing() {
    let simulator = start().await;
    simulator.faults().next(1, Fault::PostLost);
    assert!(post(&simulator, "/prompt", &sketch("a", 1)).await.is_none());
    let check = async |fault, status| {
        simulator.faults().next(1, fault);
        let answer = post(&simulator, "/prompt", &sketch("a", 1)).await.unwrap();
        assert_eq!(answer.status, status, "{fault:?}");
        answer
    };
    assert_eq!(check(Fault::PostRefused, 400).await.json()["node_errors"], json!({}));
    check(Fault::PostTooLarge, 413).await;
    check(Fault::PostTooMany, 429).await;
    check(Fault::PostUnavailable, 503).await;
    assert!(check(Fault::PostHtml, 200).await.body.starts_with(b"<html>"));
    check(Fault::Unavailable, 503).await;
    assert_eq!(simulator.log().submitted(), []);
    let answer = check(Fault::NodeErrors, 200).await.json();
    assert_ne!(answer["node_errors"], json!({}));
    assert_eq!(simulator.log().submitted().len(), 1);
}

#[tokio::test]
async fn a_slow_server_answers_when_it_is_let_go() {
    let simulator = start().await;
    for fault in [Fault::Slow, Fault::SlowPost] {
        let faults = simulator.faults();
        faults.set(fault, true);
        let (body, release) = (sketch("a", 1), async {
            faults.struck(fault, 1).await;
            faults.set(fault, false);
        });
        let (answer, ()) = tokio::join!(post(&simulator, "/prompt", &body), release);
        assert_eq!(answer.unwrap().status, 200);
    }
}

#[tokio::test]
async fn files_can_be_missing_broken_cut_or_hostile() {
    let simulator = start().await;
    run(&simulator, &sketch("a", 1)).await;
    let whole = get(&simulator, FILE).await;
    let check = async |fault| -> Answer {
        simulator.faults().next(1, fault);
        get(&simulator, FILE).await
    };
    assert_eq!(check(Fault::ViewMissing).await.status, 404);
    assert_eq!(check(Fault::ViewBroken).await.status, 500);
    let cut = check(Fault::ViewTruncated).await;
    assert_eq!(cut.header("content-length"), whole.header("content-length"));
    assert!(cut.body.len() < whole.body.len());
    assert!(!check(Fault::NotAPicture).await.body.starts_with(b"\x89PNG"));
    let bomb = check(Fault::Bomb).await;
    assert!(bomb.body.starts_with(b"\x89PNG") && bomb.body.len() < 100);
    assert_eq!(bomb.header("content-type"), Some("image/png"));
    assert_eq!(get(&simulator, FILE).await.body, whole.body);
}

#[tokio::test]
async fn samplers_fail_with_things_that_nobody_should_see() {
    let simulator = start().await;
    let check = async |fault, kind: &str, inside: &str| {
        simulator.faults().next(1, fault);
        let (id, frames) = run(&simulator, &painting(1)).await;
        let error = frames.iter().find(|frame| frame.kind == "execution_error").expect("an error");
        assert_eq!(error.data["exception_type"], kind);
        assert!(error.data["exception_message"].as_str().unwrap().contains(inside));
        let entry = entry(&simulator, &id).await;
        assert_eq!(entry["status"]["status_str"], "error");
        assert_eq!(entry["status"]["completed"], false);
    };
    check(Fault::OutOfMemory, "torch.OutOfMemoryError", "out of memory").await;
    check(Fault::NodeFails, "RuntimeError", "/opt/comfyui/models").await;
    let (id, _) = run(&simulator, &painting(1)).await;
    assert_eq!(entry(&simulator, &id).await["status"]["status_str"], "success");
}

#[tokio::test]
async fn a_huge_order_runs_out_of_memory_by_itself() {
    let simulator = start().await;
    let mut body = painting(1);
    body["prompt"]["3"]["inputs"] = json!({"width": 16384, "height": 16384, "batch_size": 64});
    let (_, frames) = run(&simulator, &body).await;
    assert!(frames.iter().any(|frame| frame.data["exception_type"] == "torch.OutOfMemoryError"));
}

#[tokio::test]
async fn results_can_come_late_empty_or_with_nan() {
    let simulator = start().await;
    let faults = simulator.faults();
    faults.next(2, Fault::HistoryLate);
    let (id, _) = run(&simulator, &sketch("a", 1)).await;
    assert_eq!(entry(&simulator, &id).await, Value::Null);
    assert_eq!(entry(&simulator, &id).await, Value::Null);
    assert_ne!(entry(&simulator, &id).await, Value::Null);
    faults.next(1, Fault::NotANumber);
    let answer = get(&simulator, &format!("/history/{id}")).await;
    assert!(String::from_utf8(answer.body).unwrap().contains("NaN"));
    faults.next(1, Fault::NoOutputs);
    let (id, _) = run(&simulator, &sketch("a", 2)).await;
    assert_eq!(entry(&simulator, &id).await["outputs"], json!({}));
    assert_eq!(entry(&simulator, &id).await["status"]["completed"], true);
}

#[tokio::test]
async fn a_stalled_worker_accepts_and_never_runs() {
    let simulator = start().await;
    let faults = simulator.faults();
    faults.set(Fault::Stalled, true);
    assert_eq!(post(&simulator, "/prompt", &sketch("a", 1)).await.unwrap().status, 200);
    faults.struck(Fault::Stalled, 1).await;
    let queue = get(&simulator, "/queue").await.json();
    assert_eq!(
        (queue["queue_running"].as_array().unwrap().len(), simulator.log().runs()),
        (0, vec![])
    );
    assert_eq!(queue["queue_pending"].as_array().unwrap().len(), 1);
    faults.set(Fault::Stalled, false);
    simulator.log().when(|log| log.runs().len() == 1).await;
}

#[tokio::test]
async fn lost_interrupts_need_to_be_sent_again() {
    let simulator = start().await;
    let faults = simulator.faults();
    faults.hold();
    let mut socket = Socket::open(&simulator, "a").await;
    post(&simulator, "/prompt", &sketch("a", 1)).await.unwrap();
    faults.held().await;
    faults.next(2, Fault::InterruptLost);
    for _ in 0..3 {
        assert_eq!(post(&simulator, "/interrupt", &Value::Null).await.unwrap().status, 200);
    }
    let frames = socket.until_end().await;
    assert!(frames.iter().any(|frame| frame.kind == "execution_interrupted"));
    assert_eq!(faults.hits(Fault::InterruptLost), 2);
}

#[tokio::test]
async fn a_restart_forgets_everything_but_saved_files() {
    let simulator = start().await;
    let (old, _) = run(&simulator, &sketch("a", 1)).await;
    let mut socket = Socket::open(&simulator, "a").await;
    simulator.faults().next(1, Fault::Restart);
    let lost = post(&simulator, "/prompt", &sketch("a", 2)).await.unwrap().json();
    while socket.next().await.is_some() {}
    for id in [old.as_str(), lost["prompt_id"].as_str().unwrap()] {
        assert_eq!(entry(&simulator, id).await, Value::Null);
    }
    let queue = get(&simulator, "/queue").await.json();
    assert_eq!(queue, json!({"queue_running": [], "queue_pending": []}));
    assert_eq!(get(&simulator, FILE).await.status, 200);
    let (id, _) = run(&simulator, &sketch("a", 3)).await;
    assert_eq!(entry(&simulator, &id).await["prompt"][0], 0);
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_run_leaves_no_trace() {
    let simulator = start().await;
    let faults = simulator.faults();
    faults.hold();
    post(&simulator, "/prompt", &painting(1)).await.unwrap();
    faults.held().await;
    simulator.restart();
    faults.release();
    let (id, _) = run(&simulator, &sketch("a", 1)).await;
    let history = get(&simulator, "/history").await.json();
    assert_eq!(history.as_object().unwrap().keys().collect::<Vec<_>>(), [&id]);
}

#[tokio::test]
async fn sockets_can_be_silent_deaf_or_closed() {
    let simulator = start().await;
    let (faults, log) = (simulator.faults(), simulator.log());
    let ended = async |color| {
        let answer = post(&simulator, "/prompt", &sketch("a", color)).await.unwrap().json();
        let id = answer["prompt_id"].as_str().unwrap().to_owned();
        while entry(&simulator, &id).await.is_null() {}
    };
    let mut socket = Socket::open(&simulator, "a").await;
    socket.next().await.expect("the first status");
    faults.set(Fault::WsSilent, true);
    ended(1).await;
    assert_eq!(log.frames("a"), 1);
    faults.set(Fault::WsSilent, false);
    drop(socket);

    faults.next(1, Fault::WsDeaf);
    let deaf = Socket::open(&simulator, "deaf").await;
    ended(2).await;
    assert_eq!((log.frames("deaf"), faults.hits(Fault::WsDeaf)), (0, 1));
    drop(deaf);

    let mut closed = Socket::open(&simulator, "a").await;
    faults.next(1, Fault::WsClose);
    ended(3).await;
    while closed.next().await.is_some() {}
    assert_eq!(faults.hits(Fault::WsClose), 1);
}

#[tokio::test]
async fn a_stale_close_silences_the_newer_socket() {
    let check = async |stale, hears| {
        let simulator = start().await;
        simulator.faults().set(Fault::StaleClose, stale);
        let mut first = Socket::open(&simulator, "a").await;
        first.next().await.expect("a status");
        let mut second = Socket::open(&simulator, "a").await;
        second.next().await.expect("a status");
        first.close().await;
        let before = simulator.log().frames("a");
        simulator.log().when(|log| log.closed("a") == 1).await;
        let (_, _) = run(&simulator, &sketch("b", 1)).await;
        assert_eq!(simulator.log().frames("a") > before, hears);
    };
    check(false, true).await;
    check(true, false).await;
}

#[tokio::test]
async fn the_gate_lets_a_run_go_step_by_step() {
    let simulator = start().await;
    let faults = simulator.faults();
    faults.hold();
    let mut socket = Socket::open(&simulator, "a").await;
    let mut body = painting(1);
    body["client_id"] = json!("a");
    post(&simulator, "/prompt", &body).await.unwrap();
    for _ in 0..4 {
        faults.held().await;
        faults.pass(1);
    }
    faults.held().await;
    let sent = simulator.log().frames("a");
    let running = get(&simulator, "/queue").await.json()["queue_running"].clone();
    assert_eq!((running.as_array().unwrap().len(), simulator.log().frames("a")), (1, sent));
    faults.release();
    let end = socket.until_end().await;
    assert_eq!(end.iter().filter(|frame| frame.kind == "progress").count(), 3);
}
