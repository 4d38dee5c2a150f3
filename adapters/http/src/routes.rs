//! One question, one answer: `/i/ID` is a page or a text, `/i/ID.webp` the page's picture, all
//! else is nothing.
//! Ids are looked up and never become paths; every "nothing" looks the same from outside.
use crate::{
    callers::{Misses, WINDOW},
    headers::{self, Kind},
    page::{self, Page},
    range::Part,
    reply,
    server::Peer,
};
use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::Response,
};
use inkwire_core::{Linked, Media};
use std::{net::IpAddr, sync::Arc};

const ID_LENGTH: usize = 22;

/// What the routes need of the service.
pub(crate) struct Links {
    media: Arc<dyn Media>,
    /// Without a slash at its end.
    base: String,
    misses: Misses,
}

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted<'a> {
    Page(&'a str),
    Picture(&'a str),
}

impl Links {
    pub(crate) fn new(media: Arc<dyn Media>, base: String) -> Self {
        Self { media, base, misses: Misses::default() }
    }

    async fn answer(&self, asked: &Parts, caller: IpAddr) -> Response {
        if !matches!(asked.method, Method::GET | Method::HEAD) {
            let refused = reply::plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
            return reply::with(refused, header::ALLOW, "GET, HEAD");
        }
        let Some(wanted) = wanted(asked.uri.path()) else { return reply::nothing() };
        if self.misses.too_many(caller) {
            let refused = reply::plain(StatusCode::TOO_MANY_REQUESTS, "Too many wrong links.\n");
            return reply::with(refused, header::RETRY_AFTER, &WINDOW.as_secs().to_string());
        }
        self.found(wanted, &asked.headers).await.unwrap_or_else(|| {
            self.misses.add(caller);
            reply::nothing()
        })
    }

    async fn found(&self, wanted: Wanted<'_>, asked: &HeaderMap) -> Option<Response> {
        let (Wanted::Page(id) | Wanted::Picture(id)) = wanted;
        let linked = self.media.resolve(id).await?;
        let kind = Kind::of(&linked.mime)?;
        match wanted {
            Wanted::Page(_) if kind != Kind::Text => Some(self.page(id, &linked, kind)),
            _ => self.file(asked, &linked, kind).await,
        }
    }

    fn page(&self, id: &str, linked: &Linked, kind: Kind) -> Response {
        let html = page::html(&Page { base: &self.base, id, linked, kind });
        let answer = reply::text(StatusCode::OK, "text/html; charset=utf-8", html);
        let answer = reply::with(answer, header::CACHE_CONTROL, headers::CACHING);
        reply::with(answer, header::CONTENT_SECURITY_POLICY, page::POLICY)
    }

    /// `None` if the file itself is gone.
    async fn file(&self, asked: &HeaderMap, linked: &Linked, kind: Kind) -> Option<Response> {
        let tag = headers::tag(linked);
        let answer = if headers::matches(asked, header::IF_NONE_MATCH, &tag) {
            reply::bare(StatusCode::NOT_MODIFIED)
        } else {
            let answer = self.content(linked, headers::part(asked, &tag, linked.bytes)).await?;
            if !answer.status().is_success() {
                return Some(answer);
            }
            let name = headers::disposition(&linked.file_name);
            let answer = reply::with(answer, header::CONTENT_TYPE, kind.content_type());
            let answer = reply::with(answer, header::ACCEPT_RANGES, "bytes");
            reply::with(answer, header::CONTENT_DISPOSITION, &name)
        };
        let answer = reply::with(answer, header::ETAG, &tag);
        Some(reply::with(answer, header::CACHE_CONTROL, headers::CACHING))
    }

    async fn content(&self, linked: &Linked, part: Part) -> Option<Response> {
        let all = linked.bytes;
        let reader = self.media.open(&linked.media).await?;
        let (answer, range) = match part {
            Part::Whole => return reply::bytes(StatusCode::OK, reader, 0, all).await,
            Part::Bytes(first, last) => {
                let status = StatusCode::PARTIAL_CONTENT;
                let answer = reply::bytes(status, reader, first, last - first + 1).await?;
                (answer, format!("bytes {first}-{last}/{all}"))
            }
            Part::Unsatisfiable => {
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                (reply::plain(status, "No such range.\n"), format!("bytes */{all}"))
            }
        };
        Some(reply::with(answer, header::CONTENT_RANGE, &range))
    }
}

/// Answers one request; the headers that all answers have are set here alone.
pub(crate) async fn answer(
    State(links): State<Arc<Links>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    let (request, _) = request.into_parts();
    let caller = headers::caller(&request.headers, peer);
    let mut answer = links.answer(&request, caller).await;
    for (name, value) in headers::ALWAYS {
        answer.headers_mut().entry(name).or_insert(value);
    }
    let route = match wanted(request.uri.path()) {
        Some(Wanted::Page(_)) => "page",
        Some(Wanted::Picture(_)) => "picture",
        None => "other",
    };
    let status = answer.status().as_str().to_owned();
    metrics::counter!("inkwire_http_requests_total", "route" => route, "status" => status)
        .increment(1);
    answer
}

/// The path is taken as it came, without decoding: an id has no character that could be encoded.
/// The ending is for people and previewers, the type is what the picture is.
fn wanted(path: &str) -> Option<Wanted<'_>> {
    let name = path.strip_prefix("/i/")?;
    let is_id = |id: &str| {
        id.len() == ID_LENGTH && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    match name.split_once('.') {
        None => is_id(name).then_some(Wanted::Page(name)),
        Some((id, ending)) => {
            (is_id(id) && Kind::has_ending(ending)).then_some(Wanted::Picture(id))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_id_is_looked_up() {
        const ID: &str = "Xk3vQ9pLm2RtYw7ZbN4c-_";
        let check = |path: String, expected| assert_eq!(wanted(&path), expected, "{path}");
        check(format!("/i/{ID}"), Some(Wanted::Page(ID)));
        check(format!("/i/{ID}.webp"), Some(Wanted::Picture(ID)));
        check(format!("/i/{ID}.jpg"), Some(Wanted::Picture(ID)));
        check(format!("/i/{ID}.txt"), Some(Wanted::Picture(ID)));
        for path in [
            "",
            "/",
            "/i",
            "/i/",
            "/i//",
            "/i/short",
            "/favicon.ico",
            "/i/../i",
            "*",
            "/i/%58k3vQ9pLm2RtYw7ZbN4c-_",
            "/i/..%2f..%2fetc%2fpasswd",
            "/i/....................//",
        ] {
            check(path.to_owned(), None);
        }
        for path in [".svg", ".html", ".webp.html", ".", "/", "/..", "%00", "x", ".webp/"] {
            check(format!("/i/{ID}{path}"), None);
        }
        check(format!("//i/{ID}"), None);
        check(format!("/I/{ID}"), None);
    }
}
