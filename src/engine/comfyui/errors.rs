//! What a `ComfyUI` complains about, in one short plain sentence without paths, dumps and control
//! characters. Its own texts are for its owner's log, not for a chat room.
use crate::engine::EngineError;
use serde_json::Value;

/// Characters of any text from outside that we pass on.
const LONGEST: usize = 200;
const HIDDEN: &str = "[path]";

/// An `execution_error` message.
pub(super) fn of_node(error: &Value) -> EngineError {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    if is_out_of_memory(text("exception_type"), text("exception_message")) {
        return EngineError::OutOfMemory;
    }
    let node = Some(scrub(text("node_type"))).filter(|node| !node.is_empty());
    let said = [text("exception_message"), text("exception_type")].map(scrub);
    EngineError::Node {
        node: node.unwrap_or_else(|| "unknown".into()),
        message: said
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_else(|| "no reason given".into()),
    }
}

fn is_out_of_memory(kind: &str, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    kind.contains("OutOfMemory")
        || kind == "MemoryError"
        || ["out of memory", "not enough memory", "allocate memory", "allocation on device"]
            .iter()
            .any(|words| message.contains(words))
}

/// The body of a refusal, or of an acceptance with complaints. `None`: it gives no reason that
/// `ComfyUI` would give, so somebody in between may have spoken.
pub(super) fn of_validation(body: &Value) -> Option<String> {
    let mut complaints = node_complaints(body);
    if let Some(first) = complaints.next() {
        let more = complaints.count();
        let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
        return Some(scrub(&first) + &more);
    }
    let error = body.get("error")?;
    Some(match error.get("type").and_then(Value::as_str)? {
        "prompt_no_outputs" => "the workflow has no output node".into(),
        "no_prompt" => "the workflow is empty".into(),
        "prompt_outputs_failed_validation" => "the engine finds a fault in the workflow".into(),
        _ => scrub(error.get("message").and_then(Value::as_str).unwrap_or_default()),
    })
}

/// Where the fault is upstream of an output, only this part of the answer says what it is.
fn node_complaints(body: &Value) -> impl Iterator<Item = String> {
    let nodes = body.get("node_errors").and_then(Value::as_object);
    nodes.into_iter().flat_map(|nodes| nodes.values()).flat_map(|node| {
        let class = node.get("class_type").and_then(Value::as_str).unwrap_or("a node");
        let errors = node.get("errors").and_then(Value::as_array).into_iter().flatten();
        errors.map(move |error| complaint(class, error))
    })
}

fn complaint(class: &str, error: &Value) -> String {
    let text = |path: &str| error.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let (details, input) = (text("/details"), text("/extra_info/input_name"));
    let received = error.pointer("/extra_info/received_value");
    let received =
        received.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let received = received.map(|value| shortened(&value, 60)).unwrap_or_default();
    match text("/type") {
        "value_not_in_list" => format!("{class} has no {input} \"{received}\""),
        "value_smaller_than_min" | "value_bigger_than_max" => {
            format!("{class}: {input} {}", beyond(text("/message")))
        }
        "required_input_missing" => format!("{class} lacks its input {details}"),
        "invalid_input_type" => format!("{class} cannot take \"{received}\" for {input}"),
        "return_type_mismatch" => {
            let given = between(details, "received_type(", ")");
            format!("{class}: {input} is linked to {}", given.unwrap_or("something else"))
        }
        "bad_linked_input" => format!("{class}: {input} is not linked properly"),
        // What stands there is a Python exception.
        "exception_during_validation" | "exception_during_inner_validation" => {
            format!("{class} is not linked properly")
        }
        "custom_validation_failed" => {
            format!("{class}: {}", details.rsplit(" - ").next().unwrap_or(details))
        }
        _ => format!("{class}: {}", text("/message")),
    }
}

/// From `Value 0 smaller than min of 1`: numbers as they were sent, however large.
fn beyond(message: &str) -> String {
    let message = message.trim_start_matches("Value ");
    match (message.split_once(" smaller than min of "), message.split_once(" bigger than max of "))
    {
        (Some((value, least)), _) => format!("{value} is too small (at least {least})"),
        (_, Some((value, most))) => format!("{value} is too large (at most {most})"),
        _ => "is out of range".into(),
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// The first line with something in it, fit to be shown to anybody.
pub(super) fn scrub(text: &str) -> String {
    let text = text.split("Traceback (most recent call last)").next().unwrap_or_default();
    let mut lines = text.lines().map(|line| line.trim_start_matches('*').trim());
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    // Cut before the work: a dump can have megabytes in one line.
    let line: String = line.chars().take(LONGEST * 10).filter(|c| !is_hidden(*c)).collect();
    let line = line.split("tensor(").next().unwrap_or_default();
    shortened(without_paths(line).trim(), LONGEST)
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most - 1) {
        Some((at, last)) if at + last.len_utf8() < text.len() => {
            format!("{}\u{2026}", text.get(..at).unwrap_or_default())
        }
        _ => text.to_owned(),
    }
}

/// Quoted paths whole, as they may hold spaces; bare ones up to the next delimiter.
fn without_paths(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
        let quoted = quote.and_then(|quote| {
            let inside = rest.get(1..)?;
            Some((quote, inside.get(..inside.find(quote)?)?))
        });
        let taken = match quoted {
            Some((quote, path)) if is_path(path) => {
                out.extend([quote]);
                out.push_str(HIDDEN);
                out.extend([quote]);
                path.len() + 2
            }
            _ => bare(rest, &mut out),
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

/// Copies one word or one delimiter; tells how many bytes that took.
fn bare(rest: &str, out: &mut String) -> usize {
    let ends = |c: char| c.is_whitespace() || "'\"`()[]{}<>,;=|".contains(c);
    let word = rest.split(ends).next().unwrap_or_default();
    if word.is_empty() {
        let delimiter = rest.chars().next();
        out.extend(delimiter);
        return delimiter.map_or(rest.len(), char::len_utf8);
    }
    if !is_path(word) {
        out.push_str(word);
        return word.len();
    }
    out.push_str(HIDDEN);
    rest.find(|c: char| c.is_whitespace() || "'\"`)]>,;".contains(c)).unwrap_or(rest.len())
}

/// Absolute paths, home folders and addresses; `sub/model.safetensors` is a model's name.
fn is_path(word: &str) -> bool {
    let word = word.trim_start_matches(':');
    let mut start = word.chars();
    let (first, second, third) = (start.next(), start.next(), start.next());
    let is_drive = first.is_some_and(|c| c.is_ascii_alphabetic())
        && second == Some(':')
        && matches!(third, Some('\\' | '/'));
    let is_rooted = matches!(first, Some('/' | '~' | '\\')) && second.is_some();
    is_drive || is_rooted || word.contains("://") || word.contains("../") || word.contains(":/")
}
