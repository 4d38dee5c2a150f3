//! Recorded scenarios played again: the same requests at the same points must bring the same
//! frames in the same order with the same fields, and the same answers.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::client::{Frame, Socket, get, post, request};
use crate::simulator::{Options, Simulator, shipped};

/// How exactly a scenario can be repeated.
#[derive(Clone, Copy, PartialEq)]
enum Pace {
    /// Every frame.
    Exact,
    /// The number of sampler steps and of status frames was a matter of timing.
    Loose,
}

fn lines(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/comfyui").join(name);
    let text = std::fs::read_to_string(path).expect("a recording");
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    // An answer is recorded when it is complete; what matters is when it was asked for.
    let start = |line: &Value| {
        line["t"].as_f64().unwrap_or_default() - line["ms"].as_f64().unwrap_or_default() / 1000.0
    };
    lines.sort_by(|a, b| start(a).total_cmp(&start(b)));
    lines
}

/// One scenario on its way.
struct Replay {
    simulator: Simulator,
    pace: Pace,
    sockets: BTreeMap<String, Socket>,
    /// Frames that came before they were expected.
    early: BTreeMap<String, Frame>,
    /// Recorded ids and names with those of this run.
    names: BTreeMap<String, String>,
}

impl Replay {
    async fn start(pace: Pace) -> Self {
        let mut models = shipped();
        let files = [
            "sd15-random-b.safetensors",
            "sd15-random.safetensors",
            "sub/tiny-c.safetensors",
            "tiny-a.safetensors",
            "tiny-b.safetensors",
        ];
        models.insert("checkpoints".to_owned(), files.map(str::to_owned).to_vec());
        let simulator = Simulator::start(Options { models, ..Options::default() }).await.unwrap();
        simulator.faults().hold();
        let (sockets, early, names) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { simulator, pace, sockets, early, names }
    }

    /// Fills the node cache with what the recorded server knew from scenarios before.
    async fn prime(&self, lines: &[Value]) {
        let known = lines.iter().find(|line| line["text"]["type"] == "execution_cached");
        let known = known.map(|line| line["text"]["data"]["nodes"].clone()).unwrap_or_default();
        let known = known.as_array().cloned().unwrap_or_default();
        let first = lines.iter().find(|line| line["req"]["json"]["prompt"].is_object());
        let Some(first) = first.filter(|_| !known.is_empty()) else { return };
        let mut graph = first["req"]["json"]["prompt"].clone();
        for (id, node) in graph.as_object_mut().unwrap() {
            if !known.contains(&json!(id)) {
                let inputs = node["inputs"].as_object_mut().unwrap();
                inputs.values_mut().find(|value| !value.is_array()).map(other);
            }
        }
        post(&self.simulator, "/prompt", &json!({"prompt": graph, "prompt_id": "prime"})).await;
        self.simulator.faults().release();
        let done = || async { get(&self.simulator, "/history/prime").await.json() != json!({}) };
        while !done().await {}
        self.simulator.faults().hold();
    }

    async fn line(&mut self, line: &Value) {
        let connection = line["conn"].as_str().unwrap_or_default().to_owned();
        match (line["kind"].as_str(), line["dir"].as_str()) {
            (Some("http"), _) => self.http(line).await,
            (Some("ws"), Some("open")) => {
                let client = line["url"].as_str().unwrap().split_once("clientId=").unwrap().1;
                let socket = Socket::open(&self.simulator, client).await;
                self.sockets.insert(connection, socket);
            }
            (Some("ws"), Some("send")) => {
                self.sockets
                    .get_mut(&connection)
                    .unwrap()
                    .send(line["text"].as_str().unwrap())
                    .await;
            }
            (Some("ws"), Some("recv")) => self.frame(&connection, &expected(line)).await,
            (Some("ws"), Some("close")) => drop(self.sockets.remove(&connection)),
            _ => {}
        }
    }

    async fn frame(&mut self, connection: &str, expected: &Frame) {
        let step =
            |frame: &Frame| frame.kind.starts_with("binary") || frame.kind.starts_with("progress");
        let loose = self.pace == Pace::Loose;
        if loose && expected.kind == "status" {
            return;
        }
        loop {
            let frame = self.next(connection).await;
            if loose && frame.kind == "status" {
                continue;
            }
            if frame.kind != expected.kind && loose && step(expected) {
                self.early.insert(connection.to_owned(), frame);
                return;
            }
            if frame.kind != expected.kind && loose && step(&frame) {
                continue;
            }
            assert_eq!(frame.kind, expected.kind, "on {connection}: {frame:?}\n{expected:?}");
            assert_eq!(
                fields(&frame.data),
                fields(&expected.data),
                "{} on {connection}: {}",
                frame.kind,
                frame.data
            );
            return;
        }
    }

    /// The next frame of a socket; lets the worker go on when there is none to come.
    async fn next(&mut self, connection: &str) -> Frame {
        if let Some(frame) = self.early.remove(connection) {
            return frame;
        }
        let (faults, log) = (self.simulator.faults(), self.simulator.log());
        let socket = self.sockets.get_mut(connection).expect("an open socket");
        loop {
            if log.frames(&socket.client) > socket.got {
                return socket.next().await.expect("a frame");
            }
            tokio::select! {
                frame = socket.next() => return frame.expect("a frame"),
                () = faults.held() => {
                    if log.frames(&socket.client) == socket.got {
                        faults.pass(1);
                    }
                }
            }
        }
    }

    async fn http(&mut self, line: &Value) {
        let path = self.translated(line["path"].as_str().unwrap());
        let raw = line["req"]["raw"].as_str().map(str::to_owned);
        let json = line["req"].get("json").map(Value::to_string);
        let body = self.translated(&raw.or(json).unwrap_or_default());
        let start = format!("{} {path}", line["method"].as_str().unwrap());
        let answer =
            request(&self.simulator, &start, &[], body.as_bytes()).await.expect("an answer");
        let place = format!("{start} {body}\n{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(json!(answer.status), line["status"], "{place}");
        let recorded = line["headers"].as_object().unwrap();
        for name in recorded
            .keys()
            .filter(|name| !["connection", "transfer-encoding"].contains(&name.as_str()))
        {
            assert!(answer.header(name).is_some(), "no {name}: {place}");
        }
        if recorded.get("content-type").is_some_and(|kind| kind.as_str().unwrap().contains("json"))
        {
            assert_eq!(answer.header("content-type"), recorded["content-type"].as_str());
            let (mut given, mut wanted) = (answer.json(), line["body"].clone());
            if let (Some(mine), Some(theirs)) =
                (given["prompt_id"].as_str(), wanted["prompt_id"].as_str())
            {
                self.names.insert(theirs.to_owned(), mine.to_owned());
            }
            self.learn_files(&given, &wanted);
            if line["status"] == 400 {
                [&mut given, &mut wanted].into_iter().for_each(without_tracebacks);
                assert_eq!(given, wanted, "{place}");
            } else {
                assert_eq!(fields(&given), fields(&wanted), "{place}");
            }
        }
    }

    /// Files get other numbers here, and a folder may hold the date.
    fn learn_files(&mut self, given: &Value, wanted: &Value) {
        let names = |value: &Value| {
            let text = value.to_string();
            let names = text.split("\"filename\":\"").skip(1);
            names.map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        self.names.extend(names(wanted).into_iter().zip(names(given)));
        let today = |value: &Value| {
            let text = value.to_string();
            text.split_once("sub/dir/2").map(|(_, rest)| format!("2{}", &rest[..9]))
        };
        self.names.extend(today(wanted).zip(today(given)));
    }

    fn translated(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (theirs, mine)| text.replace(theirs, mine))
    }
}

/// Another valid value.
fn other(value: &mut Value) {
    *value = match value.as_u64() {
        Some(number) => json!(number + 1),
        None => value.as_f64().map_or(json!("other"), |number| json!(number + 1.0)),
    };
}

fn expected(line: &Value) -> Frame {
    match line.get("binary") {
        Some(binary) => {
            let event = binary["event"].as_u64().unwrap();
            let data = match event {
                4 => binary["metadata"].clone(),
                _ => json!({"format": binary["format"]}),
            };
            Frame { kind: format!("binary {event}"), data }
        }
        None => Frame {
            kind: line["text"]["type"].as_str().unwrap().to_owned(),
            data: line["text"]["data"].clone(),
        },
    }
}

/// Every path to a value, where ids and numbers of entries do not matter.
fn fields(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(value, String::new(), &mut found);
    found
}

fn walk(value: &Value, path: String, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let id = name.len() == 36 || name.parse::<u32>().is_ok();
                let name = if id { "*" } else { name };
                walk(value, format!("{path}.{name}"), found);
            }
        }
        Value::Array(entries) if entries.iter().any(Value::is_object) => {
            for entry in entries {
                walk(entry, format!("{path}[]"), found);
            }
        }
        _ => {
            found.insert(path);
        }
    }
}

/// Line numbers inside of the real server are nobody's business.
fn without_tracebacks(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("traceback");
            fields.values_mut().for_each(without_tracebacks);
        }
        Value::Array(entries) => entries.iter_mut().for_each(without_tracebacks),
        _ => {}
    }
}

async fn check(name: &str, pace: Pace) {
    let mut replay = Replay::start(pace).await;
    let lines = lines(name);
    replay.prime(&lines).await;
    for line in &lines {
        replay.line(line).await;
    }
    replay.simulator.stop().await;
}

#[tokio::test]
async fn a_picture_with_previews() {
    check("txt2img_preview.jsonl", Pace::Exact).await;
}

#[tokio::test]
async fn a_picture_with_previews_that_say_whose_they_are() {
    check("txt2img_preview_metadata.jsonl", Pace::Exact).await;
}

#[tokio::test]
async fn prompts_that_are_partly_or_wholly_known() {
    check("cached_twice.jsonl", Pace::Exact).await;
}

#[tokio::test]
async fn graphs_without_a_model() {
    check("no_model_graphs.jsonl", Pace::Exact).await;
}

#[tokio::test]
async fn interrupts() {
    check("interrupt_running.jsonl", Pace::Loose).await;
}

#[tokio::test]
async fn deleting_and_clearing_the_queue() {
    check("queue_delete_clear.jsonl", Pace::Loose).await;
}

#[tokio::test]
async fn refused_graphs() {
    check("validation_errors.jsonl", Pace::Exact).await;
}
