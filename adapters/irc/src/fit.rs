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

/// As `shorten`, but a link at the end stays there.
pub(crate) fn tighten(text: &str, max: usize) -> String {
    let (words, last) = text.rsplit_once(' ').unwrap_or(("", text));
    match max.checked_sub(last.len() + 1) {
        Some(room) if is_link(last) && text.len() > max => {
            format!("{} {last}", shorten(words, room)).trim_start().to_owned()
        }
        _ => shorten(text, max),
    }
}

/// True if the text needs no more than so many pieces.
pub(crate) fn fits(text: &str, max: usize, lines: usize) -> bool {
    text.len() <= max || split(text, max, lines.saturating_add(1), None).len() <= lines
}

/// At most `lines` pieces of at most `max` bytes. The last one tells when there is more, and ends
/// with the link to all of it.
pub(crate) fn split(text: &str, max: usize, lines: usize, more: Option<&str>) -> Vec<String> {
    let (mut found, mut rest) = (vec![], text.trim());
    while !rest.is_empty() && found.len() + 1 < lines && rest.len() > max {
        let piece = head(rest, max);
        if piece.is_empty() {
            break;
        }
        found.push(piece.trim_end().to_owned());
        rest = rest.get(piece.len()..).unwrap_or_default().trim_start();
    }
    let last = match more {
        Some(link) if rest.len() > max => tighten(&format!("{rest} {link}"), max),
        _ => shorten(rest, max),
    };
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
        assert_eq!(split(text, max, lines, None), expected, "{text} {max} {lines}");
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

    #[test]
    fn a_link_stays_whole_and_last() {
        let link = "https://a.example/x";
        let check = |text: &str, max, expected: &str| assert_eq!(tighten(text, max), expected);
        check("a red fox https://a.example/x", 80, "a red fox https://a.example/x");
        check("a red fox https://a.example/x", 28, "a re… https://a.example/x");
        check("a red fox https://a.example/x", 19, "a red fox …");
        check("https://a.example/x", 19, link);
        check("https://a.example/x", 18, "…");
        let more = |lines, expected: &[&str]| {
            let text = "one two three four five six seven eight nine ten";
            assert_eq!(split(text, 30, lines, Some(link)), expected);
        };
        more(1, &["one … https://a.example/x"]);
        more(2, &["one two three four five six", "seven eight nine ten"]);
    }

    #[test]
    fn what_fits_is_known_beforehand() {
        let check = |text: &str, max, lines, expected| {
            assert_eq!(fits(text, max, lines), expected, "{text} {max} {lines}");
        };
        check("a red fox", 9, 1, true);
        check("a red fox", 8, 1, false);
        check("a red fox", 8, 2, true);
        check("a red fox jumps", 6, 2, false);
    }

    proptest! {
        #[test]
        fn pieces_fit_and_are_few(text in "\\PC*", max in 0usize..80, lines in 1usize..4) {
            let pieces = split(&text, max, lines, None);
            prop_assert!(pieces.len() <= lines);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= max && !piece.is_empty()));
        }

        #[test]
        fn a_link_is_whole_and_last_or_absent(
            words in "[a-z\u{e9}\u{1f98a} ]{0,300}", max in 0usize..200, lines in 1usize..4,
        ) {
            let link = "https://pics.example/i/aBcDeFgHiJkLmNoPqRsTu";
            let tight = tighten(&format!("{words} {link}"), max);
            let split = split(&words, max, lines, Some(link));
            for line in split.iter().chain([&tight]) {
                prop_assert!(line.len() <= max);
                prop_assert!(!line.contains("http") || line.ends_with(link), "{}", line);
            }
            let is_cut = !fits(&words, max, lines) && max > link.len();
            prop_assert_eq!(split.last().is_some_and(|last| last.ends_with(link)), is_cut);
        }

        #[test]
        fn nothing_is_lost_while_lines_last(text in "[a-z ]{0,200}", max in 1usize..40) {
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            let pieces = split(&text, max, usize::MAX, None);
            prop_assert_eq!(letters(&pieces.concat()), letters(&text));
        }
    }
}
