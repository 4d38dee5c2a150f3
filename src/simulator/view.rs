//! `GET /view`: files whole, in part, unchanged or as a smaller copy.
use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use image::{DynamicImage, ImageFormat};

use super::faults::Fault;
use super::files::{self, File};
use super::{Server, answer, calendar, lock, png};

pub(super) async fn get(
    State(server): State<Arc<Server>>,
    Query(fields): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let file = match find(&server, &fields) {
        Ok(file) => file,
        Err(status) => return answer::empty(status),
    };
    let strikes = |fault| server.faults.strikes(fault);
    if strikes(Fault::ViewMissing) {
        return answer::empty(StatusCode::NOT_FOUND);
    }
    if strikes(Fault::ViewBroken) {
        return answer::broken();
    }
    if strikes(Fault::NotAPicture) {
        return file.with(b"these bytes are no picture".to_vec()).whole();
    }
    if strikes(Fault::Bomb) {
        return file.with(png::bomb()).whole();
    }
    if strikes(Fault::ViewTruncated) {
        return file.half();
    }
    match (fields.get("preview"), fields.get("channel").map(String::as_str)) {
        (Some(preview), _) => file.preview(preview),
        (None, Some("rgb" | "a")) => file.converted(ImageFormat::Png, 0),
        _ if file.unchanged(&headers) => file.not_modified(),
        _ => match file.range(&headers) {
            Some((start, end)) => file.part(start, end),
            None => file.whole(),
        },
    }
}

/// The file that is meant, or why there is none.
fn find(server: &Server, fields: &BTreeMap<String, String>) -> Result<Found, StatusCode> {
    let name = fields.get("filename").ok_or(StatusCode::NOT_FOUND)?;
    if name.is_empty() || name.starts_with('/') || name.contains("..") {
        return Err(StatusCode::BAD_REQUEST);
    }
    let kind = fields.get("type").map_or("output", String::as_str);
    if !matches!(kind, "output" | "input" | "temp") {
        return Err(StatusCode::BAD_REQUEST);
    }
    let mut place = files::parse(name, kind);
    if let Some(subfolder) = fields.get("subfolder").filter(|subfolder| !subfolder.is_empty()) {
        if subfolder.starts_with('/') || subfolder.split('/').any(|part| part == "..") {
            return Err(StatusCode::FORBIDDEN);
        }
        subfolder.trim_end_matches('/').clone_into(&mut place.subfolder);
    }
    let file = lock(&server.files).get(&place).cloned().ok_or(StatusCode::NOT_FOUND)?;
    Ok(Found { name: place.name, file })
}

struct Found {
    name: String,
    file: File,
}

impl Found {
    fn with(self, bytes: Vec<u8>) -> Self {
        Self { file: File { bytes: bytes.into(), ..self.file }, ..self }
    }

    fn whole(&self) -> Response {
        let headers = [(header::CONTENT_TYPE, mime(&self.name).to_owned())];
        (self.stamps(), headers, Body::from(Bytes::from_owner(self.file.bytes.clone())))
            .into_response()
    }

    fn part(&self, start: usize, end: usize) -> Response {
        let bytes = self.file.bytes.get(start..end).unwrap_or_default().to_vec();
        let range = format!("bytes {start}-{}/{}", end.saturating_sub(1), self.file.bytes.len());
        let headers =
            [(header::CONTENT_TYPE, mime(&self.name).to_owned()), (header::CONTENT_RANGE, range)];
        (StatusCode::PARTIAL_CONTENT, self.stamps(), headers, bytes).into_response()
    }

    fn not_modified(&self) -> Response {
        (StatusCode::NOT_MODIFIED, self.stamps()).into_response()
    }

    /// Promises all, sends half, and then the line breaks.
    fn half(&self) -> Response {
        let half = self.file.bytes.get(..self.file.bytes.len() / 2).unwrap_or_default().to_vec();
        let end = async {
            // What is sent already has to leave the buffer first.
            tokio::task::yield_now().await;
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
        };
        let body = Body::from_stream(stream::iter([Ok(half)]).chain(stream::once(end)));
        let headers = [
            (header::CONTENT_TYPE, mime(&self.name).to_owned()),
            (header::CONTENT_LENGTH, self.file.bytes.len().to_string()),
        ];
        (self.stamps(), headers, body).into_response()
    }

    /// `webp;90`, `jpeg;80`: any other word means WebP.
    fn preview(&self, wish: &str) -> Response {
        let (format, quality) = wish.split_once(';').unwrap_or((wish, ""));
        let quality = quality.parse().unwrap_or(90_u16);
        let Some(quality) = u8::try_from(quality).ok().filter(|quality| *quality <= 100) else {
            return answer::broken();
        };
        match format {
            "jpeg" => self.converted(ImageFormat::Jpeg, quality),
            _ => self.converted(ImageFormat::WebP, quality),
        }
    }

    fn converted(&self, format: ImageFormat, quality: u8) -> Response {
        let Some(picture) = png::decode(&self.file.bytes) else { return answer::broken() };
        let Some(bytes) = encode(&picture.into(), format, quality) else { return answer::broken() };
        let disposition = format!("filename=\"{}\"", self.name);
        let headers = [
            (header::CONTENT_TYPE, format.to_mime_type().to_owned()),
            (header::CONTENT_DISPOSITION, disposition),
        ];
        (headers, bytes).into_response()
    }

    fn unchanged(&self, headers: &HeaderMap) -> bool {
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        known.is_some_and(|known| known.contains(&self.file.etag))
    }

    /// The half-open range that is asked for, if it makes sense.
    fn range(&self, headers: &HeaderMap) -> Option<(usize, usize)> {
        let text = headers.get(header::RANGE)?.to_str().ok()?.strip_prefix("bytes=")?;
        let (start, end) = text.split_once('-')?;
        let length = self.file.bytes.len();
        let (start, end) = match (start.parse().ok(), end.parse::<usize>().ok()) {
            (Some(start), end) => (start, end.map_or(length, |end| end.saturating_add(1))),
            (None, Some(last)) => (length.saturating_sub(last), length),
            (None, None) => return None,
        };
        let end = end.min(length);
        (start < end).then_some((start, end))
    }

    fn stamps(&self) -> [(header::HeaderName, String); 4] {
        [
            (header::CONTENT_DISPOSITION, format!("filename=\"{}\"", self.name)),
            (header::ETAG, format!("\"{}\"", self.file.etag)),
            (header::LAST_MODIFIED, calendar::http_date(self.file.modified)),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
        ]
    }
}

fn encode(picture: &DynamicImage, format: ImageFormat, quality: u8) -> Option<Vec<u8>> {
    let mut bytes = Cursor::new(vec![]);
    match format {
        ImageFormat::Jpeg => {
            let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(
                &mut bytes,
                quality.clamp(1, 100),
            );
            picture.write_with_encoder(encoder).ok()?;
        }
        _ => picture.write_to(&mut bytes, format).ok()?,
    }
    Some(bytes.into_inner())
}

/// Content type by name; what a browser would run is sent as plain bytes.
fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}
