//! The gate that every prompt passes, whoever wrote it: length, nesting, weights and tags.
//! Pure; it never drops words silently, what may not be in a prompt is refused by name.
use super::spelling::{clean, clip, pattern};
use inkwire_core::{Allowed, Note, Rejection};
use regex::{Captures, Regex};
use std::sync::LazyLock;

pub const MOST_CHARACTERS: usize = 2000;
pub const MOST_BYTES: usize = 8 * 1024;
const DEEPEST: u64 = 20;
const HEAVIEST: f64 = 2.0;

/// Whatever `ComfyUI` would read as a weight: a number, in the wide sense, before a parenthesis.
static WEIGHT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i):\s*([+-]?(?:\d[\d_]*\.?[\d_]*(?:e[+-]?\d+)?|\.\d[\d_]*(?:e[+-]?\d+)?|inf(?:inity)?|nan))\s*\)",
    )
});

/// Tags that load files.
static TAG: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)<\s*(lora|lyco|hypernet)\s*:\s*([^:>]*)|\b(embedding):(\S*)"));

/// A prompt fit to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Gated {
    pub text: String,
    /// The first weight that was brought into range.
    pub note: Option<Note>,
}

/// Cleans a prompt, and refuses what no engine should be asked; passing twice changes nothing.
pub fn gate(prompt: &str) -> Result<Gated, Rejection> {
    let too_long = Rejection::PromptTooLong { max: MOST_CHARACTERS };
    if prompt.len() > 2 * MOST_BYTES {
        return Err(too_long);
    }
    let text = clean(prompt).trim().to_owned();
    if text.len() > MOST_BYTES || text.chars().count() > MOST_CHARACTERS {
        return Err(too_long);
    }
    shallow(&text)?;
    untagged(&text)?;
    weigh(&text)
}

fn shallow(text: &str) -> Result<(), Rejection> {
    let (mut depth, mut deepest, mut escaped) = (0_u64, 0, false);
    for c in text.chars() {
        match c {
            '(' if !escaped => depth += 1,
            ')' if !escaped => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        deepest = deepest.max(depth);
    }
    if deepest <= DEEPEST {
        return Ok(());
    }
    Err(Rejection::BadValue {
        flag: "nested parentheses".to_owned(),
        value: deepest.to_string(),
        allowed: Allowed::Integer { min: 0, max: DEEPEST },
        nearest: None,
    })
}

fn untagged(text: &str) -> Result<(), Rejection> {
    let Some(tag) = TAG.captures(text) else { return Ok(()) };
    let part =
        |first, second| tag.get(first).or_else(|| tag.get(second)).map_or("", |m| m.as_str());
    Err(Rejection::Tag {
        tag: format!("{}:{}", part(1, 3).to_lowercase(), clip(part(2, 4).trim())),
    })
}

fn weigh(text: &str) -> Result<Gated, Rejection> {
    let (mut note, mut senseless) = (None, None);
    let weighed = WEIGHT.replace_all(text, |found: &Captures| {
        let (whole, number) = found_text(found);
        match read(number) {
            None => {
                senseless.get_or_insert_with(|| clip(number));
                whole.to_owned()
            }
            Some(weight) if (0.0..=HEAVIEST).contains(&weight) => whole.to_owned(),
            Some(weight) => {
                let given = weight.clamp(0.0, HEAVIEST).to_string();
                let weight = format!(":{given})");
                let (flag, asked) = ("weight".to_owned(), clip(number));
                note.get_or_insert(Note::Clamped { flag, asked, given });
                weight
            }
        }
    });
    match senseless {
        None => Ok(Gated { text: weighed.into_owned(), note }),
        Some(value) => Err(Rejection::BadValue {
            flag: "weight".to_owned(),
            value,
            allowed: Allowed::Decimal { min: 0.0, max: HEAVIEST },
            nearest: None,
        }),
    }
}

fn found_text<'a>(found: &'a Captures) -> (&'a str, &'a str) {
    let part = |at| found.get(at).map_or("", |m| m.as_str());
    (part(0), part(1))
}

/// A weight that is a finite number and not minus nothing.
fn read(number: &str) -> Option<f64> {
    let weight: f64 = number.replace('_', "").parse().ok()?;
    (weight.is_finite() && !(weight == 0.0 && weight.is_sign_negative())).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(prompt: &str) -> String {
        gate(prompt).expect(prompt).text
    }

    #[test]
    fn weights_are_brought_into_range() {
        let check = |prompt: &str, expected: &str| assert_eq!(text(prompt), expected, "{prompt}");
        check("a (fox:1.3) runs", "a (fox:1.3) runs");
        check("(fox:0) (owl: .5 )", "(fox:0) (owl: .5 )");
        check("(fox:9) and (owl:1e3)", "(fox:2) and (owl:2)");
        check("(fox:-1)", "(fox:0)");
        check("(fox:1_0)", "(fox:2)");
        check("(a fox (red:3):1.1)", "(a fox (red:2):1.1)");
        check("at 12:30 :) (a: b) \\(x:9\\)", "at 12:30 :) (a: b) \\(x:9\\)");
        let note = gate("(fox:9) (owl:8)").unwrap().note;
        let clamped = Note::Clamped { flag: "weight".into(), asked: "9".into(), given: "2".into() };
        assert_eq!(note, Some(clamped));
    }

    #[test]
    fn senseless_weights_are_refused() {
        for weight in ["nan", "NaN", "inf", "-Infinity", "1e309", "-0", "٣", "１"] {
            let refused = gate(&format!("a (fox:{weight})"));
            assert!(matches!(refused, Err(Rejection::BadValue { .. })), "{weight}: {refused:?}");
        }
    }

    #[test]
    fn tags_that_load_files_are_refused_by_name() {
        let check = |prompt: &str, tag: &str| {
            assert_eq!(gate(prompt), Err(Rejection::Tag { tag: tag.to_owned() }));
        };
        check("a fox <lora:detail:0.8>", "lora:detail");
        check("a fox < LoRA : ../../x", "lora:../../x");
        check("embedding:easynegative, bad", "embedding:easynegative,");
        check("(Embedding:x:1.2)", "embedding:x:1.2)");
        assert_eq!(text("5 < 6 lora: wood"), "5 < 6 lora: wood");
    }

    #[test]
    fn nesting_and_length_have_limits() {
        let nested = |depth: usize| format!("{}x{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(text(&nested(20)), nested(20));
        assert!(matches!(gate(&nested(21)), Err(Rejection::BadValue { .. })));
        assert!(gate(&"\\(".repeat(100)).is_ok());
        assert!(gate(&"ж".repeat(2000)).is_ok());
        let too_long = Err(Rejection::PromptTooLong { max: 2000 });
        assert_eq!(gate(&"ж".repeat(2001)), too_long);
        assert_eq!(gate(&"x".repeat(1 << 20)), too_long);
    }

    #[test]
    fn text_is_cleaned_and_composed() {
        assert_eq!(text(" e\u{301}\u{3}4,5te\u{301}\r\n\u{202e}x\0 "), "été  x");
    }

    proptest! {
        #[test]
        fn passing_twice_changes_nothing(prompt in "[ -~()\\\\:.0-9a-z\u{300}-\u{310}]{0,80}") {
            if let Ok(once) = gate(&prompt) {
                let twice = gate(&once.text).unwrap();
                prop_assert_eq!(&twice.text, &once.text);
                prop_assert!(twice.note.is_none());
            }
        }

        #[test]
        fn nothing_makes_it_panic(prompt in any::<String>()) {
            if let Ok(gated) = gate(&prompt) {
                prop_assert!(gated.text.chars().count() <= MOST_CHARACTERS);
            }
        }
    }
}
