//! What `/history` and `/queue` say, decoded. Pure and forgiving: fields come and go between
//! versions, and one odd entry must not hide the others.
use super::{errors, events::is_blocked};
use crate::engine::EngineError;
use inkwire_core::ArtifactKind;
use serde_json::Value;
use std::collections::BTreeSet;

/// A file in the words that `/view` wants back; never a path of ours.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) subfolder: String,
    pub(super) folder: String,
    pub(super) kind: ArtifactKind,
    /// As its name says.
    pub(super) mime: &'static str,
}

/// Prompt ids; waiting ones in no particular order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Queue {
    pub(super) running: BTreeSet<String>,
    pub(super) pending: BTreeSet<String>,
}

impl Queue {
    pub(super) fn read(answer: &Value) -> Self {
        let ids = |key: &str| {
            let items = answer.get(key).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(|item| item.get(1)?.as_str().map(str::to_owned)).collect()
        };
        Self { running: ids("queue_running"), pending: ids("queue_pending") }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        self.running.iter().chain(&self.pending)
    }
}

/// The files of an entry of the history, or why there are none.
pub(super) fn outcome(entry: &Value) -> Result<Vec<File>, EngineError> {
    match entry.pointer("/status/status_str").and_then(Value::as_str) {
        Some("error") => Err(failure(entry)),
        // Old servers and replaced queues say nothing about success.
        _ => Some(files(entry)).filter(|files| !files.is_empty()).ok_or(EngineError::Empty),
    }
}

/// Errors and interrupts share a status; the messages tell them apart.
fn failure(entry: &Value) -> EngineError {
    let messages = entry.pointer("/status/messages").and_then(Value::as_array);
    let find = |kind: &str| {
        let of_kind = messages
            .into_iter()
            .flatten()
            .filter(move |message| message.get(0).and_then(Value::as_str) == Some(kind));
        of_kind.filter_map(|message| message.get(1)).find(|data| !is_blocked(data))
    };
    if let Some(error) = find("execution_error") {
        errors::of_node(error)
    } else if find("execution_interrupted").is_some() {
        EngineError::Interrupted
    } else {
        errors::of_node(&Value::Null)
    }
}

/// Kept files if there are any, else those that the engine will wipe.
fn files(entry: &Value) -> Vec<File> {
    let nodes = entry.get("outputs").and_then(Value::as_object);
    let lists = nodes.into_iter().flat_map(|nodes| nodes.values()).filter_map(Value::as_object);
    let items = lists.flat_map(|lists| lists.values()).filter_map(Value::as_array).flatten();
    let all: Vec<File> = items.filter_map(file).collect();
    let any_kept = all.iter().any(|file| file.folder == "output");
    let wanted = if any_kept { "output" } else { "temp" };
    all.into_iter().filter(|file| file.folder == wanted).collect()
}

fn file(item: &Value) -> Option<File> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("filename").filter(|name| !name.is_empty())?;
    let (kind, mime) = kind_of(&name)?;
    Some(File {
        name,
        subfolder: text("subfolder").unwrap_or_default(),
        folder: text("type").unwrap_or_else(|| "output".into()),
        kind,
        mime,
    })
}

/// By extension: the key a file stands under says nothing (videos come as `images`).
fn kind_of(name: &str) -> Option<(ArtifactKind, &'static str)> {
    use ArtifactKind::{Audio, Image, Text, Video};
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match extension.as_str() {
        "png" => (Image, "image/png"),
        "jpg" | "jpeg" => (Image, "image/jpeg"),
        "webp" => (Image, "image/webp"),
        "gif" => (Image, "image/gif"),
        "mp4" | "mov" => (Video, "video/mp4"),
        "webm" => (Video, "video/webm"),
        "mkv" => (Video, "video/x-matroska"),
        "flac" => (Audio, "audio/flac"),
        "mp3" => (Audio, "audio/mpeg"),
        "wav" => (Audio, "audio/wav"),
        "ogg" | "opus" => (Audio, "audio/ogg"),
        "m4a" => (Audio, "audio/mp4"),
        "txt" => (Text, "text/plain"),
        _ => return None,
    })
}
