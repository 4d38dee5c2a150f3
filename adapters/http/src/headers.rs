//! Values of headers, made of facts; nothing from outside gets into one unfiltered.
//! Types are a closed list: whatever a browser could run is not on it.
use crate::{
    range::{self, Part},
    server::Peer,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use inkwire_core::Linked;
use std::net::IpAddr;

/// A picture that is taken back must be gone soon, and from shared caches at once: they would keep
/// it where nobody can reach it. A tag makes asking again cheap.
pub(crate) const CACHING: &str = "private, max-age=300";

/// On every answer that does not say otherwise.
pub(crate) const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; img-src 'self'; media-src 'self'"),
    ),
    (
        HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("noindex, nofollow, noarchive"),
    ),
    // Chat clients in browsers show the picture on a page of their own.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    ),
];

/// What may be served, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Webp,
    Png,
    Jpeg,
    Gif,
    Mp4,
    /// Never guessed to be more than that, whatever it looks like.
    Text,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Webp, Self::Png, Self::Jpeg, Self::Gif, Self::Mp4, Self::Text];

    pub(crate) fn of(mime: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.mime() == mime)
    }

    /// As a header says it.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            kind => kind.mime(),
        }
    }

    pub(crate) fn has_ending(ending: &str) -> bool {
        Self::ALL.iter().any(|kind| kind.ending() == ending)
    }

    pub(crate) fn mime(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Mp4 => "video/mp4",
            Self::Text => "text/plain",
        }
    }

    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Webp => "webp",
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::Mp4 => "mp4",
            Self::Text => "txt",
        }
    }
}

/// The blob's own name, quoted: it is named by its content.
pub(crate) fn tag(linked: &Linked) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || "-_:.".contains(*c);
    format!("\"{}\"", linked.media.0.chars().filter(safe).collect::<String>())
}

pub(crate) fn disposition(file_name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = file_name.chars().take(120).map(safe).collect();
    format!("inline; filename=\"{name}\"")
}

/// Whether one of the tags in the header, or `*`, is ours.
pub(crate) fn matches(asked: &HeaderMap, name: HeaderName, tag: &str) -> bool {
    let tags = text(asked, name).unwrap_or_default().split(',').map(str::trim);
    tags.into_iter().any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// Which part is asked for; a part of something else is the whole of this.
pub(crate) fn part(asked: &HeaderMap, tag: &str, length: u64) -> Part {
    match asked.get(header::IF_RANGE) {
        Some(other) if other.as_bytes() != tag.as_bytes() => Part::Whole,
        _ => range::part(text(asked, header::RANGE), length),
    }
}

fn text(asked: &HeaderMap, name: HeaderName) -> Option<&str> {
    asked.get(name)?.to_str().ok()
}

/// Who asks: the other end, or whom a proxy of ours names last.
pub(crate) fn caller(asked: &HeaderMap, peer: Peer) -> IpAddr {
    let named = asked.get_all("x-forwarded-for").iter().next_back();
    let last = named.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.filter(|_| peer.is_proxy).unwrap_or(peer.ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn tags_match_weakly_and_in_lists() {
        let check = |value: &str, expected| {
            let asked = asked(header::IF_NONE_MATCH, value);
            assert_eq!(matches(&asked, header::IF_NONE_MATCH, "\"9f2c\""), expected, "{value}");
        };
        check("\"9f2c\"", true);
        check("W/\"9f2c\"", true);
        check("\"a\", \"9f2c\"", true);
        check("*", true);
        check("9f2c", false);
        check("", false);
    }

    #[test]
    fn only_a_proxy_of_ours_names_the_caller() {
        let check = |value: &str, is_proxy, expected: &str| {
            let peer = Peer { ip: "192.0.2.1".parse().unwrap(), is_proxy };
            let asked = asked(HeaderName::from_static("x-forwarded-for"), value);
            assert_eq!(caller(&asked, peer).to_string(), expected, "{value}");
        };
        check("198.51.100.7", true, "198.51.100.7");
        check("10.0.0.1, 198.51.100.7", true, "198.51.100.7");
        check("198.51.100.7", false, "192.0.2.1");
        check("unknown", true, "192.0.2.1");
    }

    #[test]
    fn a_file_name_cannot_leave_its_quotes() {
        let check = |name: &str, expected: &str| assert_eq!(disposition(name), expected);
        check("2026-11-20-k7f-fox.webp", "inline; filename=\"2026-11-20-k7f-fox.webp\"");
        check("a\"; x=\r\n/ü", "inline; filename=\"a___x_____\"");
    }

    #[test]
    fn what_a_browser_could_run_is_not_served() {
        let check = |mime: &str, expected| assert_eq!(Kind::of(mime), expected, "{mime}");
        check("image/webp", Some(Kind::Webp));
        check("text/plain", Some(Kind::Text));
        check("image/svg+xml", None);
        check("text/html", None);
        check("IMAGE/PNG", None);
    }
}
