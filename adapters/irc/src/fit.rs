//! Makes text fit into a number of bytes without breaking what people see as one letter.
//! Pure; control characters are the gate's business.
use unicode_segmentation::UnicodeSegmentation;

const ELLIPSIS: &str = "…";
const ELLIPSIS_WORD: &str = " …";

/// The longest beginning of at most `max` bytes, with an ellipsis where something was left out;
/// empty if not even that fits. After a whole word the ellipsis stands alone, as it would spoil
/// a link.
pub(crate) fn shorten(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let Some(room) = max.checked_sub(ELLIPSIS_WORD.len()) else { return String::new() };
    let kept = head(text, room);
    let at_word_end = text.get(kept.len()..).is_none_or(|rest| rest.starts_with(' '));
    let end = if at_word_end && !kept.is_empty() { ELLIPSIS_WORD } else { ELLIPSIS };
    format!("{}{end}", kept.trim_end())
}

/// At most `lines` pieces of at most `max` bytes; the last one tells when there is more.
pub(crate) fn split(text: &str, max: usize, lines: usize) -> Vec<String> {
    let (mut found, mut rest) = (vec![], text.trim());
    while !rest.is_empty() && found.len() + 1 < lines && rest.len() > max {
        let piece = head(rest, max);
        if piece.is_empty() {
            break;
        }
        found.push(piece.trim_end().to_owned());
        rest = rest.get(piece.len()..).unwrap_or_default().trim_start();
    }
    let last = shorten(rest, max);
    if !last.is_empty() {
        found.push(last);
    }
    found
}

/// As many whole graphemes as fit; whole words, unless that would waste more than half. A link is
/// whole or absent.
fn head(text: &str, max: usize) -> &str {
    let ends = text.grapheme_indices(true).map(|(start, grapheme)| start + grapheme.len());
    let end = ends.take_while(|end| *end <= max).last().unwrap_or(0);
    let (whole, rest) = text.split_at_checked(end).unwrap_or(("", text));
    if rest.is_empty() || rest.starts_with(' ') {
        return whole;
    }
    let word = whole.rfind(' ').map_or(0, |space| space + 1);
    let is_link = text.get(word..).is_some_and(is_link);
    if is_link || word > max / 2 { whole.get(..word).unwrap_or(whole).trim_end() } else { whole }
}

fn is_link(word: &str) -> bool {
    word.starts_with("https://") || word.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, max: usize, lines: usize, expected: &[&str]) {
        assert_eq!(split(text, max, lines), expected, "{text} {max} {lines}");
    }

    #[test]
    fn text_breaks_at_spaces_and_graphemes() {
        check("a red fox", 9, 2, &["a red fox"]);
        check("a red fox", 8, 2, &["a red", "fox"]);
        check("a red fox jumps", 9, 1, &["a red …"]);
        check("abcdefghij", 5, 2, &["abcde", "fghij"]);
        check("abcdefghijk", 5, 2, &["abcde", "f…"]);
        check("\u{1f469}\u{200d}\u{1f680}\u{1f469}\u{200d}\u{1f680}", 12, 1, &["…"]);
        check("e\u{301}e\u{301}e\u{301}", 8, 1, &["e\u{301}…"]);
        check("at https://a.example/i/x now", 24, 1, &["at …"]);
        check("abc", 2, 3, &["ab", "c"]);
        check("\u{1f98a}", 2, 3, &[]);
        check("", 10, 3, &[]);
    }

    proptest! {
        #[test]
        fn pieces_fit_and_are_few(text in "\\PC*", max in 0usize..80, lines in 1usize..4) {
            let pieces = split(&text, max, lines);
            prop_assert!(pieces.len() <= lines);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= max && !piece.is_empty()));
        }

        #[test]
        fn nothing_is_lost_while_lines_last(text in "[a-z ]{0,200}", max in 1usize..40) {
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            let pieces = split(&text, max, usize::MAX);
            prop_assert_eq!(letters(&pieces.concat()), letters(&text));
        }
    }
}
