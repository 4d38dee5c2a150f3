//! How typed words are cleaned, compared and corrected. Pure; linear in the length of the text.
//! Knows no command and no catalogue: candidates are handed in.
use inkwire_core::Rejection;
use regex::Regex;
use std::{collections::BTreeMap, sync::LazyLock};
use unicode_normalization::UnicodeNormalization;

/// The longest piece of somebody's text that a refusal repeats, in characters.
const MOST_ECHOED: usize = 40;
/// Names offered instead of a wrong one.
const MOST_OFFERED: usize = 3;

/// Colours as IRC clients send them: a control character and the digits that belong to it.
static COLOURS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?")
});

/// Compiles a pattern that stands in our own source.
#[allow(clippy::expect_used)] // invariant: every constant pattern is compiled by a test
pub(super) fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("a constant pattern")
}

/// Text without control, formatting and direction codes, in NFC; line breaks become spaces.
pub fn clean(text: &str) -> String {
    COLOURS.replace_all(text, "").chars().filter_map(visible).nfc().collect()
}

fn visible(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{feff}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// The form in which words are compared: NFKC, lower case, nothing invisible.
pub fn fold(word: &str) -> String {
    let joiner = |c: &char| matches!(c, '\u{200c}' | '\u{200d}');
    let shown = word.chars().filter_map(visible).filter(|c| !joiner(c));
    shown.nfkc().flat_map(char::to_lowercase).collect()
}

/// As much of somebody's text as a refusal may repeat.
pub fn clip(text: &str) -> String {
    text.chars().take(MOST_ECHOED).collect()
}

/// The valid word that was probably meant.
pub fn nearest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<String> {
    ranked(word, valid).into_iter().next().map(str::to_owned)
}

/// The thing that `value` names: itself in any case, or by a beginning that it has alone.
pub fn pick<'a, T: Copy>(
    kind: &str,
    value: &str,
    things: &[(&'a str, T)],
) -> Result<(&'a str, T), Rejection> {
    let wanted = fold(value);
    let same = things.iter().find(|(name, _)| *name == value);
    if let Some(thing) = same.or_else(|| things.iter().find(|(name, _)| fold(name) == wanted)) {
        return Ok(*thing);
    }
    let begins = |name: &str| !wanted.is_empty() && fold(name).starts_with(&wanted);
    let longer: Vec<_> = things.iter().filter(|(name, _)| begins(name)).collect();
    let near = match longer.as_slice() {
        [thing] => return Ok(**thing),
        [] => ranked(value, things.iter().map(|(name, _)| *name)),
        _ => longer.iter().map(|(name, _)| *name).collect(),
    };
    let nearest = near.into_iter().take(MOST_OFFERED).map(str::to_owned).collect();
    Err(Rejection::UnknownName { kind: kind.to_owned(), value: clip(value), nearest })
}

/// What `pick` chooses from.
pub fn entries<T>(map: &BTreeMap<String, T>) -> Vec<(&str, &T)> {
    map.iter().map(|(name, thing)| (name.as_str(), thing)).collect()
}

/// Valid words that could have been meant, the likeliest first.
fn ranked<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = fold(&clip(word));
    let length = word.chars().count();
    let tolerated = (length / 3).clamp(1, 3);
    let distance = |name: &str| {
        let name = fold(&clip(name));
        match strsim::damerau_levenshtein(&word, &name) {
            near if near <= tolerated => Some(near),
            _ if length >= 3 && name.starts_with(&word) => Some(tolerated + 1),
            _ => None,
        }
    };
    let valid = valid.into_iter().filter(|_| length > 1);
    let mut near: Vec<_> = valid.filter_map(|name| Some((distance(name)?, name))).collect();
    near.sort_unstable();
    near.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_seen_is_taken_out() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text), expected, "{text:?}");
        check("a\u{2}b\u{f}c\u{1}", "abc");
        check("\u{3}4,12red\u{3} 5", "red 5");
        check("\u{3}41x \u{4}ff0000y", "x y");
        check("a\tb\r\nc\u{2028}d", "a b  c d");
        check("\u{202e}evil\u{2069}\u{200b}\u{feff}", "evil");
        check("👩\u{200d}🚀 ☀\u{fe0f}", "👩\u{200d}🚀 ☀\u{fe0f}");
        check("e\u{301}", "é");
    }

    #[test]
    fn names_are_found_by_case_and_beginning() {
        let names = ["sdxl", "sdxl-turbo", "Flux", "sketch"].map(|name| (name, ()));
        let check = |value: &str, expected: Result<&str, &[&str]>| {
            let found = pick("model", value, &names).map(|(name, ())| name);
            let expected = expected.map_err(|nearest| Rejection::UnknownName {
                kind: "model".into(),
                value: value.into(),
                nearest: nearest.iter().map(|name| (*name).to_owned()).collect(),
            });
            assert_eq!(found, expected, "{value}");
        };
        check("SDXL", Ok("sdxl"));
        check("ｆｌｕｘ", Ok("Flux"));
        check("fl", Ok("Flux"));
        check("sk", Ok("sketch"));
        check("sd", Err(&["sdxl", "sdxl-turbo"]));
        check("sdx", Err(&["sdxl", "sdxl-turbo"]));
        check("flxu", Err(&["Flux"]));
        check("skecth", Err(&["sketch"]));
        check("", Err(&[]));
        check("dall-e", Err(&[]));
    }

    #[test]
    fn the_nearest_word_is_near() {
        let check = |word: &str, expected: Option<&str>| {
            let near = nearest(word, ["count", "cfg", "no", "model"]);
            assert_eq!(near.as_deref(), expected, "{word}");
        };
        check("cuont", Some("count"));
        check("conut", Some("count"));
        check("modle", Some("model"));
        check("mod", Some("model"));
        check("on", Some("no"));
        check("x", None);
        check("elephant", None);
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(text in any::<String>()) {
            let once = clean(&text);
            prop_assert_eq!(clean(&once), once.clone());
            prop_assert!(!once.chars().any(char::is_control));
        }
    }
}
