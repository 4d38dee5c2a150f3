//! The forms of answers: JSON, empty bodies and errors, with the headers of the real one.
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

const JSON: &str = "application/json; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], value.to_string()).into_response()
}

pub(super) fn raw_json(text: String) -> Response {
    ([(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// A status and nothing else.
pub(super) fn empty(status: StatusCode) -> Response {
    (status, Body::empty()).into_response()
}

/// What a handler that trips answers.
pub(super) fn broken() -> Response {
    let headers = [(header::CONTENT_TYPE, TEXT), (header::CONNECTION, "close")];
    let text = "500 Internal Server Error\n\nServer got itself in trouble";
    (StatusCode::INTERNAL_SERVER_ERROR, headers, text).into_response()
}

/// What the handler of static files says of a path that no route knows.
pub(super) fn not_found() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/octet-stream")];
    (StatusCode::NOT_FOUND, headers, Body::empty()).into_response()
}

pub(super) fn wrong_method() -> Response {
    let headers = [(header::CONTENT_TYPE, TEXT)];
    (StatusCode::METHOD_NOT_ALLOWED, headers, "405: Method Not Allowed").into_response()
}

pub(super) fn too_large(limit: usize) -> Response {
    let headers = [(header::CONTENT_TYPE, TEXT)];
    let text = format!("Maximum request body size {limit} exceeded.");
    (StatusCode::PAYLOAD_TOO_LARGE, headers, text).into_response()
}

/// A page as a proxy before a server sends it.
pub(super) fn page(status: StatusCode) -> Response {
    let text = format!("<html><body><h1>{status}</h1></body></html>");
    (status, [(header::CONTENT_TYPE, "text/html")], text).into_response()
}
