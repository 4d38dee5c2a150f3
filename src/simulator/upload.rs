//! `POST /upload/image`: a small reader of multipart forms and the rules of file names.
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::files::{Files, Place};
use super::{Server, answer, http, lock};

/// One field of a form.
struct Part<'a> {
    name: String,
    file: Option<String>,
    bytes: &'a [u8],
}

pub(super) async fn image(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Ok(body) = body else { return answer::too_large(http::MAX_BODY) };
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = kind.and_then(|kind| kind.split_once("boundary=")).map(|(_, boundary)| boundary);
    let Some(boundary) = boundary else { return answer::broken() };
    let parts = parts(&body, boundary.trim_matches('"'));
    let text = |name: &str| {
        let part = parts.iter().find(|part| part.name == name)?;
        std::str::from_utf8(part.bytes).ok()
    };
    let Some(part) = parts.iter().find(|part| part.name == "image") else {
        return answer::empty(StatusCode::BAD_REQUEST);
    };
    let kind = text("type").unwrap_or("input");
    let Some(name) = part.file.as_deref() else { return answer::broken() };
    if !matches!(kind, "input" | "temp" | "output") || name.len() > 255 {
        return answer::broken();
    }
    let subfolder = text("subfolder").unwrap_or_default();
    let escapes = |path: &str| path.starts_with('/') || path.split('/').any(|part| part == "..");
    if name.is_empty() || escapes(name) || escapes(subfolder) {
        return answer::empty(StatusCode::BAD_REQUEST);
    }
    let place =
        Place { kind: kind.to_owned(), subfolder: subfolder.to_owned(), name: name.to_owned() };
    let overwrite = matches!(text("overwrite"), Some("true" | "1"));
    let name = store(&mut lock(&server.files), place, part.bytes, overwrite);
    answer::json(StatusCode::OK, &json!({"name": name, "subfolder": subfolder, "type": kind}))
}

/// Keeps the bytes; another picture of the same name gets a number.
fn store(files: &mut Files, mut place: Place, bytes: &[u8], overwrite: bool) -> String {
    let name = place.name.clone();
    let (stem, ending) = name.rfind('.').map_or((name.as_str(), ""), |at| name.split_at(at));
    let mut count = 0;
    while let Some(file) = files.get(&place)
        && !overwrite
    {
        if *file.bytes == *bytes {
            return place.name;
        }
        count += 1;
        place.name = format!("{stem} ({count}){ending}");
    }
    files.put(place.clone(), bytes.to_vec());
    place.name
}

/// The parts of a form; whatever cannot be read is left out.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<Part<'a>> {
    let line = format!("--{boundary}");
    let mut parts = vec![];
    let mut rest = body;
    while let Some((_, after)) = split(rest, line.as_bytes()) {
        let Some((head, content)) = split(after, b"\r\n\r\n") else { break };
        let Some((bytes, _)) = split(content, format!("\r\n{line}").as_bytes()) else { break };
        let head = String::from_utf8_lossy(head);
        if let Some(name) = attribute(&head, "name") {
            parts.push(Part { name, file: attribute(&head, "filename"), bytes });
        }
        rest = content.get(bytes.len()..).unwrap_or_default();
    }
    parts
}

/// `name="value"` in the head of a part.
fn attribute(head: &str, name: &str) -> Option<String> {
    let mut fields = head.lines().flat_map(|line| line.split(';')).map(str::trim);
    let value = fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim_matches('"').to_owned())
}

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((bytes.get(..at)?, bytes.get(at + mark.len()..)?))
}
