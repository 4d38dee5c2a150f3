//! Answers, whole: status, length and body. What they say is decided in `routes`.
//! Every answer is made here, so none lacks its length.
use axum::{
    body::Body,
    http::{HeaderName, StatusCode, header},
    response::Response,
};
use inkwire_core::Reader;
use tokio::io::{AsyncReadExt, copy, sink};
use tokio_util::io::ReaderStream;

const CHUNK: usize = 64 * 1024;

/// The same for what never was, is no more, and was never well-formed.
pub(crate) fn nothing() -> Response {
    plain(StatusCode::NOT_FOUND, "There is nothing here, or not any more.\n")
}

pub(crate) fn plain(status: StatusCode, body: &str) -> Response {
    let answer = text(status, "text/plain; charset=utf-8", body.to_owned());
    with(answer, header::CACHE_CONTROL, "no-store")
}

pub(crate) fn text(status: StatusCode, mime: &str, body: String) -> Response {
    let length = body.len().to_string();
    let mut answer = bare(status);
    *answer.body_mut() = Body::from(body);
    let answer = with(answer, header::CONTENT_TYPE, mime);
    with(answer, header::CONTENT_LENGTH, &length)
}

pub(crate) fn bare(status: StatusCode) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// `length` bytes after the first `skip`; `None` if it is shorter than that.
pub(crate) async fn bytes(
    status: StatusCode,
    mut reader: Reader,
    skip: u64,
    length: u64,
) -> Option<Response> {
    let skipped = copy(&mut (&mut reader).take(skip), &mut sink()).await.ok()?;
    if skipped < skip {
        return None;
    }
    let mut answer = bare(status);
    let stream = ReaderStream::with_capacity(reader.take(length), CHUNK);
    *answer.body_mut() = Body::from_stream(stream);
    Some(with(answer, header::CONTENT_LENGTH, &length.to_string()))
}

/// A value that no header can hold is left out.
pub(crate) fn with(mut answer: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = value.parse() {
        answer.headers_mut().insert(name, value);
    }
    answer
}
