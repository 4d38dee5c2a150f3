//! JSON as Python writes it: NaN and Infinity become null, half surrogates and broken UTF-8 become
//! replacement characters. Strict text takes the fast way and is parsed once.
use serde::de::DeserializeOwned;

/// `None` for what is no JSON of that kind even then.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok().or_else(|| serde_json::from_str(&clean(bytes)).ok())
}

fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = rest.find('"') {
        let (outside, inside) = rest.split_at(at);
        out.push_str(&without_tokens(outside));
        let end = string_end(inside);
        let (literal, after) = inside.split_at(end);
        out.push_str(&whole_escapes(literal));
        rest = after;
    }
    out.push_str(&without_tokens(rest));
    out
}

fn without_tokens(text: &str) -> String {
    text.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null")
}

/// Bytes of the string literal that `text` begins with, its quotes included.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A `\ud800` without its other half is no text.
fn whole_escapes(literal: &str) -> String {
    let mut out = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let length = match (surrogate(escape, 0), surrogate(escape, 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(_), _) => {
                out.push('\u{FFFD}');
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            (None, _) => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        let (kept, after) = escape.split_at(length);
        out.push_str(kept);
        rest = after;
    }
    out + rest
}

fn surrogate(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    (0xD800..=0xDFFF).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn python_json_is_read() {
        let check = |text: &[u8], expected: Value| assert_eq!(parse(text), Some(expected));
        check(b"{\"a\": NaN}", json!({"a": null}));
        check(b"[-Infinity, Infinity, 1]", json!([null, null, 1]));
        check(br#"["NaN \" Infinity", NaN]"#, json!(["NaN \" Infinity", null]));
        check(br#"["\ud83d\ude00", "\ud83d x"]"#, json!(["\u{1F600}", "\u{FFFD} x"]));
        check(b"[\"\xff\"]", json!(["\u{FFFD}"]));
        assert_eq!(parse::<Value>(b"<html>"), None);
        assert_eq!(parse::<Value>(b"{\"a\": NaN"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _: Option<Value> = parse(&bytes);
        }

        #[test]
        fn escapes_and_quotes_never_panic(text in r#"[\[\]{}"\\udDcC8é0, NaInfty-]{0,60}"#) {
            let _: Option<Value> = parse(text.as_bytes());
        }

        #[test]
        fn strict_json_is_unchanged(text in any::<String>()) {
            let value = json!([text, 1.5]);
            prop_assert_eq!(parse(value.to_string().as_bytes()), Some(value));
        }
    }
}
