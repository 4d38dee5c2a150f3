//! The pure parts against recordings of a real server, and against bytes that no server sends.
use super::{
    catalog::{catalog, describe},
    errors::{of_validation, scrub},
    events::Frame,
    history::{Queue, outcome},
    lenient,
    progress::Gauge,
};
use crate::{
    engine::{EngineError, Status},
    workflow::Graph,
};
use bytes::Bytes;
use inkwire_core::ArtifactKind;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fmt::Write;

macro_rules! recording {
    ($name:literal) => {
        lines(include_str!(concat!("../../../tests/data/comfyui/", $name, ".jsonl")))
    };
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| lenient::parse(line.as_bytes()).unwrap()).collect()
}

fn note(line: &Value) -> &str {
    line["note"].as_str().unwrap_or("-")
}

/// The history entries of a recording, with the note of the POST that made each.
fn entries(lines: &[Value]) -> Vec<(String, Value)> {
    let (mut found, mut posted) = (vec![], String::new());
    for line in lines {
        match (line["method"].as_str(), line["path"].as_str()) {
            (Some("POST"), Some("/prompt")) => posted = note(line).to_owned(),
            (Some("GET"), Some(path)) if path.starts_with("/history/") => {
                for entry in line["body"].as_object().unwrap().values() {
                    found.push((posted.clone(), entry.clone()));
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn refusals_become_one_plain_sentence() {
    let mut said = String::new();
    for line in recording!("validation_errors") {
        if line["path"] != "/prompt" {
            continue;
        }
        let sentence = of_validation(&line["body"]);
        assert!(line["status"] != 400 || sentence.is_some(), "{line}");
        writeln!(said, "{} {}: {}", line["status"], note(&line), sentence.unwrap_or_default())
            .unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn histories_tell_pictures_from_failures() {
    let mut said = String::new();
    for recorded in [
        recording!("no_model_graphs"),
        recording!("lab_nodes"),
        recording!("other_outputs"),
        recording!("cached_twice"),
        recording!("interrupt_running"),
        recording!("execution_error_node_http"),
    ] {
        for (note, entry) in entries(&recorded) {
            let ended = match outcome(&entry) {
                Ok(files) => files.iter().fold(String::new(), |text, file| {
                    format!(
                        "{text} {:?} {}/{}/{}",
                        file.kind, file.folder, file.subfolder, file.name
                    )
                }),
                Err(error) => format!(" {error}"),
            };
            writeln!(said, "{note}:{ended}").unwrap();
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn odd_entries_are_tolerated() {
    let check = |entry: Value, expected: Result<usize, EngineError>| {
        assert_eq!(outcome(&entry).map(|files| files.len()), expected, "{entry}");
    };
    let outputs =
        json!({"1": {"images": ["x.png", null, {"filename": "a.png"}, {"filename": ""}]}});
    check(json!({"status": null, "outputs": outputs}), Ok(1));
    check(json!({"outputs": outputs}), Ok(1));
    check(json!({"status": null, "outputs": {}}), Err(EngineError::Empty));
    check(json!([]), Err(EngineError::Empty));
    let unknown = EngineError::Node { node: "unknown".into(), message: "no reason given".into() };
    check(json!({"status": {"status_str": "error"}, "outputs": outputs}), Err(unknown));
}

#[test]
fn one_bad_item_does_not_hide_a_queue() {
    let answer =
        json!({"queue_running": [[1, "a"], "x", [2]], "queue_pending": [[3, null], [4, "b"]]});
    let queue = Queue::read(&answer);
    assert_eq!(queue.ids().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(Queue::read(&Value::Null), Queue::default());
}

#[test]
fn recorded_frames_move_a_prompt_to_its_end() {
    let lines = recording!("txt2img_preview");
    let posted = lines.iter().find(|line| line["path"] == "/prompt").unwrap();
    let graph: Graph = serde_json::from_value(posted["req"]["json"]["prompt"].clone()).unwrap();
    let (mut gauge, mut ends, mut shown) = (Gauge::new(&graph), 0, vec![]);
    for line in lines.iter().filter(|line| line["dir"] == "recv" && line["text"].is_object()) {
        match Frame::text(line["text"].to_string().as_bytes()) {
            Frame::Cached { nodes, .. } => gauge.cached(&nodes),
            Frame::Executing { node, .. } => gauge.executing(&node),
            Frame::Nodes { nodes, .. } => gauge.steps(&nodes),
            Frame::Ended { .. } => ends += 1,
            _ => {}
        }
        if shown.last() != Some(&gauge.shown()) {
            shown.push(gauge.shown());
        }
    }
    assert_eq!(ends, 2, "success, then the end of execution");
    assert_eq!(shown.first(), Some(&(0, 0)));
    assert_eq!(shown.last(), Some(&(10, 10)), "4 steps and 6 other nodes: {shown:?}");
}

#[test]
fn a_blocked_branch_ends_nothing() {
    let blocked = recording!("lab_nodes")
        .into_iter()
        .find(|line| line["text"]["data"]["exception_type"] == "ExecutionBlocked")
        .unwrap();
    assert_eq!(Frame::text(blocked["text"].to_string().as_bytes()), Frame::Other);
}

#[test]
fn frames_of_unknown_shape_are_ignored() {
    for text in [
        "",
        "[]",
        "{",
        r#"{"type":"status","data":{"status":{"exec_info":{"queue_remaining":0}}}}"#,
        r#"{"type":"executing","data":{"node":"3"}}"#,
        r#"{"type":"progress","data":{"value":"1","max":2,"node":"3","prompt_id":"p"}}"#,
        r#"{"type":"execution_start","data":{"prompt_id":7}}"#,
        r#"{"type":"lab.custom","data":{"prompt_id":"p"}}"#,
    ] {
        assert_eq!(Frame::text(text.as_bytes()), Frame::Other, "{text}");
    }
    let nan =
        br#"{"type":"progress","data":{"value":1,"max":4,"node":"3","prompt_id":"p","x":NaN}}"#;
    assert!(matches!(Frame::text(nan), Frame::Nodes { .. }));
}

const JPEG: [u8; 5] = [0xFF, 0xD8, 0xFF, 0xE0, 0];

fn with_metadata(metadata: &str) -> Vec<u8> {
    let length = u32::try_from(metadata.len()).unwrap();
    [&4_u32.to_be_bytes()[..], &length.to_be_bytes(), metadata.as_bytes(), &JPEG].concat()
}

#[test]
fn previews_are_taken_out_of_their_frames() {
    let preview = |prompt: Option<&str>| Frame::Preview {
        prompt: prompt.map(str::to_owned),
        mime: "image/jpeg",
        bytes: Bytes::from_static(&JPEG),
    };
    let plain = [&[0, 0, 0, 1, 0, 0, 0, 1][..], &JPEG].concat();
    assert_eq!(Frame::binary(plain.into()), preview(None));
    let named = with_metadata(r#"{"prompt_id": "p", "image_type": "image/jpeg"}"#);
    assert_eq!(Frame::binary(named.into()), preview(Some("p")));
    let text = [&[0, 0, 0, 3, 0, 0, 0, 1][..], b"1working"].concat();
    assert_eq!(Frame::binary(text.into()), Frame::Other);
}

#[test]
fn frames_cut_anywhere_are_ignored_or_shorter_pictures() {
    let whole = with_metadata(r#"{"prompt_id": "p"}"#);
    let picture = whole.len() - JPEG.len();
    for cut in 0..whole.len() {
        let frame = Frame::binary(whole[..cut].to_vec().into());
        let is_preview = matches!(frame, Frame::Preview { .. });
        assert_eq!(is_preview, cut >= picture + 3, "cut at {cut}");
    }
}

#[test]
fn scrubbed_text_holds_no_paths_dumps_and_control_characters() {
    let check = |text: &str, expected: &str| assert_eq!(scrub(text), expected, "{text}");
    check("plain words, and/or 3/4", "plain words, and/or 3/4");
    check("cannot open /home/ann/models/x.pt now", "cannot open [path] now");
    check("in '/srv/my models/x' and \"C:\\a b\\c\"", "in '[path]' and \"[path]\"");
    check("file=~/x; see http://10.0.0.1:8188/view?token=1", "file=[path]; see [path]");
    check("Invalid image file: ../../etc/passwd", "Invalid image file: [path]");
    check("no sub/tiny.safetensors here", "no sub/tiny.safetensors here");
    check("\n  first\r\nsecond", "first");
    check("a\u{0}b\u{7}\u{202E}c\u{200B}d", "abcd");
    check("bad\nTraceback (most recent call last):\n  File", "bad");
    check("shape is tensor([1., 2.]) of x", "shape is");
    check("it's 5 o'clock", "it's 5 o'clock");
    assert_eq!(scrub(&"é".repeat(500)).chars().count(), 200);
}

#[test]
fn a_dump_without_line_breaks_takes_no_time() {
    let dump = "0.1, ".repeat(1 << 20);
    assert!(scrub(&dump).len() < 1000);
}

#[test]
fn kinds_go_by_extension() {
    let kind = |name: &str| {
        let entry = json!({"outputs": {"1": {"gifs": [{"filename": name}]}}});
        outcome(&entry).ok().and_then(|files| files.first().map(|file| file.kind))
    };
    assert_eq!(kind("A.PNG"), Some(ArtifactKind::Image));
    assert_eq!(kind("a.mp4"), Some(ArtifactKind::Video));
    assert_eq!(kind("a.latent"), None);
    assert_eq!(kind("png"), None);
}

/// JSON of any shape, in the words that a server uses.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "status",
        "status_str",
        "messages",
        "outputs",
        "images",
        "filename",
        "type",
        "error",
        "node_errors",
        "errors",
        "details",
        "extra_info",
        "queue_running",
        "queue_pending",
        "input",
        "required",
        "options",
        "min",
        "max",
        "1",
    ]);
    let word = prop::sample::select(vec!["error", "execution_error", "INT", "COMBO", "a.png", ""]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..5).prop_map(|map| map
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_panics(answer in any_json()) {
        drop((outcome(&answer), Queue::read(&answer), of_validation(&answer)));
        describe(&answer, &mut Status::default());
        drop(serde_json::from_value(answer).map(catalog));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), event in 0_u32..6) {
        let mut framed = event.to_be_bytes().to_vec();
        framed.extend(&bytes);
        Frame::binary(framed.into());
        Frame::text(&bytes);
    }

    #[test]
    fn scrubbed_text_is_short_and_clean(text in any::<String>()) {
        let clean = scrub(&text);
        prop_assert!(clean.chars().count() <= 200);
        prop_assert!(!clean.chars().any(char::is_control));
    }

    #[test]
    fn rooted_paths_never_survive(before in "[a-z '\"(=]{0,8}", path in "(/[a-z]{2,6}){2,4}", after in "[ '\",)]{0,3}") {
        let text = format!("{before} {path}{after}");
        prop_assert!(!scrub(&text).contains(&path), "{}", scrub(&text));
    }
}
