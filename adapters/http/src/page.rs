//! The page behind a link: the picture, its words, and what preview bots look for.
//! No script, no style from elsewhere; every foreign word is escaped.
use crate::headers::Kind;
use inkwire_core::{
    Linked,
    render::{bytes, date, excerpt},
};

/// Allows the style below by its hash, and pictures from here.
pub(crate) const POLICY: &str = concat!(
    "default-src 'none'; img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; ",
    "frame-ancestors 'none'; sandbox; style-src 'sha256-F4FFBnp7JQchd8I4TFkpp8DfexEGnk757xP+Y6fXuDc='"
);

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:grid;place-items:center;\
font:16px/1.5 system-ui,sans-serif;background:light-dark(#fafafa,#16161a)}\
figure{margin:2vmin;text-align:center}\
img,video{max-width:96vw;max-height:84vh;width:auto;height:auto;border-radius:6px}\
figcaption{max-width:70ch;margin:1rem auto 0;overflow-wrap:anywhere}\
small{display:block;opacity:.65}";

/// Longest title, in characters.
const TITLE: usize = 300;

pub(crate) struct Page<'a> {
    /// Of this server as seen from outside, without a slash at its end.
    pub(crate) base: &'a str,
    pub(crate) id: &'a str,
    pub(crate) linked: &'a Linked,
    pub(crate) kind: Kind,
}

pub(crate) fn html(page: &Page<'_>) -> String {
    let title = page.linked.title.as_deref().map(|title| excerpt(title, TITLE));
    let title = escaped(title.as_deref().unwrap_or("A picture"));
    let (head, shown, facts) = (head(page, &title), shown(page, &title), facts(page.linked));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n{head}</head>\n<body>\n<figure>\n{shown}\n\
         <figcaption>{title}<small>{facts}</small></figcaption>\n</figure>\n</body>\n</html>\n"
    )
}

fn head(page: &Page<'_>, title: &str) -> String {
    let base = escaped(page.base);
    let (id, linked) = (page.id, page.linked);
    let (address, file) = (format!("{base}/i/{id}"), format!("{base}/i/{}", file(page)));
    let (width, height) = (linked.width.to_string(), linked.height.to_string());
    let (kind, card) = match page.kind {
        Kind::Mp4 => ("video", "summary"),
        _ => ("image", "summary_large_image"),
    };
    let property =
        |name: &str, value: &str| format!("<meta property=\"og:{name}\" content=\"{value}\">\n");
    let named = |name: &str, value: &str| format!("<meta name=\"{name}\" content=\"{value}\">\n");
    [
        "<meta charset=\"utf-8\">\n".to_owned(),
        named("viewport", "width=device-width"),
        named("robots", "noindex"),
        format!("<title>{title}</title>\n"),
        property("title", title),
        property("type", "website"),
        property("site_name", "inkwire"),
        property("url", &address),
        property(kind, &file),
        property(&format!("{kind}:type"), page.kind.mime()),
        property(&format!("{kind}:width"), &width),
        property(&format!("{kind}:height"), &height),
        named("twitter:card", card),
        named("twitter:title", title),
        named("twitter:image", &file),
        format!("<style>{STYLE}</style>\n"),
    ]
    .concat()
}

/// Relative addresses, so that a proxy may put the server anywhere.
fn shown(page: &Page<'_>, title: &str) -> String {
    let (file, Linked { width, height, .. }) = (file(page), page.linked);
    match page.kind {
        Kind::Mp4 => format!(
            "<video src=\"{file}\" width=\"{width}\" height=\"{height}\" controls loop></video>"
        ),
        _ => format!(
            "<a href=\"{file}\"><img src=\"{file}\" width=\"{width}\" height=\"{height}\" \
             alt=\"{title}\"></a>"
        ),
    }
}

fn file(page: &Page<'_>) -> String {
    format!("{}.{}", page.id, page.kind.ending())
}

fn facts(linked: &Linked) -> String {
    let size = format!("{}×{}", linked.width, linked.height);
    let job = linked.job.as_ref().map(|job| escaped(&job.0));
    let mut facts: Vec<_> = job.into_iter().chain([size, bytes(linked.bytes)]).collect();
    facts.extend(linked.expires.map(|time| format!("kept until {}", date(time))));
    facts.join(" · ")
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use inkwire_core::Time;
    use sha2::{Digest, Sha256};

    fn linked(title: Option<&str>) -> Linked {
        Linked {
            media: "9f2c".into(),
            mime: "image/webp".to_owned(),
            bytes: 312_000,
            width: 1024,
            height: 768,
            job: Some("k7f".into()),
            title: title.map(str::to_owned),
            file_name: "fox.webp".to_owned(),
            expires: Some(Time(1_795_161_900_000)),
        }
    }

    fn page(title: Option<&str>, kind: Kind) -> String {
        let (base, id) = ("https://pics.example", "Xk3vQ9pLm2RtYw7ZbN4cJd");
        html(&Page { base, id, linked: &linked(title), kind })
    }

    #[test]
    fn pages_look_like_this() {
        insta::assert_snapshot!("page", page(Some("a red fox & its \"den\""), Kind::Webp));
        insta::assert_snapshot!("page_private_video", page(None, Kind::Mp4));
    }

    #[test]
    fn a_title_is_only_text() {
        let html = page(Some("\"><script>alert('x')</script>\n<!-- &"), Kind::Webp);
        assert!(!html.contains("<script") && !html.contains("<!-- "), "{html}");
        assert!(html.contains("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)"), "{html}");
    }

    #[test]
    fn the_policy_allows_the_style_and_nothing_more() {
        let hash = base64(&Sha256::digest(STYLE));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "the style's hash is {hash}");
    }

    fn base64(bytes: &[u8]) -> String {
        const SYMBOLS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let group = |three: &[u8]| {
            let bits =
                (0..3).fold(0, |bits, i| bits << 8 | usize::from(*three.get(i).unwrap_or(&0)));
            let symbol = |i: usize| {
                let used = i <= three.len();
                if used { char::from(SYMBOLS[bits >> (18 - 6 * i) & 63]) } else { '=' }
            };
            (0..4).map(symbol).collect::<String>()
        };
        bytes.chunks(3).map(group).collect()
    }
}
