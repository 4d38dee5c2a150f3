//! Recordings: one JSON object a line, in the order in which things happened between a client and a
//! real server.
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a server did with one prompt.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    pub id: String,
    pub note: String,
    pub graph: Map<String, Value>,
    /// Text frames about it.
    pub frames: Vec<Value>,
    /// Its entry in the history.
    pub entry: Option<Value>,
    /// What `/view` gave for it, by file name.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// The prompts of a recording that were accepted.
pub fn read(text: &str) -> Vec<Recorded> {
    let mut all: Vec<Recorded> = vec![];
    for line in text.lines() {
        // Python's NaN and Infinity are no JSON.
        let strict = || line.replace("NaN", "null").replace("Infinity", "null");
        let line = serde_json::from_str(line).or_else(|_| serde_json::from_str(&strict()));
        let line: Value = line.expect("a recording");
        let about = line["text"]["data"]["prompt_id"].as_str();
        if let Some(id) = about.filter(|_| line["dir"] == "recv")
            && let Some(prompt) = all.iter_mut().find(|prompt| prompt.id == id)
        {
            prompt.frames.push(line["text"].clone());
        }
        match line["path"].as_str() {
            Some("/prompt") if line["status"] == 200 && line["method"] == "POST" => {
                all.push(accepted(&line));
            }
            Some(path) if path.starts_with("/history/") => {
                if let Some(prompt) = all.iter_mut().find(|prompt| path.ends_with(&prompt.id)) {
                    prompt.entry = line["body"].get(&prompt.id).cloned();
                }
            }
            Some(path) if path.starts_with("/view?filename=") => {
                if let (Some(prompt), Some(body)) = (all.last_mut(), line["body"]["b64"].as_str()) {
                    prompt.files.insert(file_name(path), decode(body));
                }
            }
            _ => {}
        }
    }
    all.retain(|prompt| prompt.entry.is_some());
    all
}

fn accepted(line: &Value) -> Recorded {
    Recorded {
        id: line["body"]["prompt_id"].as_str().expect("an id").into(),
        note: line["note"].as_str().unwrap_or_default().into(),
        graph: line["req"]["json"]["prompt"].as_object().expect("a graph").clone(),
        ..Recorded::default()
    }
}

fn file_name(path: &str) -> String {
    let query = path.trim_start_matches("/view?filename=");
    query.split('&').next().unwrap_or_default().to_owned()
}

/// Base 64 with padding.
fn decode(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|c| DIGITS.iter().position(|digit| *digit == c));
    let (mut bytes, mut held, mut bits) = (vec![], 0_usize, 0);
    for digit in digits {
        held = (held << 6 | digit) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xFF).expect("one byte"));
        }
    }
    bytes
}

/// A preview frame with metadata, of a picture that is only a beginning.
pub(super) fn preview(id: &str) -> Vec<u8> {
    let metadata =
        format!(r#"{{"node_id": "3", "prompt_id": "{id}", "image_type": "image/jpeg"}}"#);
    let length = u32::try_from(metadata.len()).expect("short");
    let jpeg = [0xFF, 0xD8, 0xFF, 0xE0];
    [&4_u32.to_be_bytes()[..], &length.to_be_bytes(), metadata.as_bytes(), &jpeg].concat()
}
