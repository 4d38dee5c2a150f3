//! What people typed, without what their client put around it: colours, CTCP, tricks.
//! Only for text that comes in.

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Text(String),
    /// A CTCP question or statement: its word and the rest.
    Ctcp(&'a str, &'a str),
}

pub(crate) fn said(text: &str) -> Said<'_> {
    match text.strip_prefix('\u{1}') {
        Some(ctcp) => {
            let ctcp = ctcp.trim_end_matches('\u{1}');
            let (word, rest) = ctcp.split_once(' ').unwrap_or((ctcp, ""));
            Said::Ctcp(word, rest)
        }
        None => Said::Text(plain(text)),
    }
}

/// Text without formatting codes, control characters and invisible letters; the joiners that
/// emoji and many scripts need stay.
pub(crate) fn plain(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        match letter {
            '\u{3}' => rest = after_colours(rest, 2, |c| c.is_ascii_digit()),
            '\u{4}' => rest = after_colours(rest, 6, |c| c.is_ascii_hexdigit()),
            '\t' => found.push(' '),
            _ if letter.is_control() || is_invisible(letter) => {}
            _ => found.push(letter),
        }
    }
    found
}

/// Skips `fg[,bg]`; a comma without a second colour is text.
fn after_colours(text: &str, width: usize, is_digit: fn(char) -> bool) -> &str {
    let skip = |text| {
        let digits = str::chars(text).take(width).take_while(|c| is_digit(*c)).count();
        text.split_at_checked(digits).unwrap_or((text, ""))
    };
    let (first, rest) = skip(text);
    match rest.strip_prefix(',').map(skip) {
        Some((second, rest)) if !first.is_empty() && !second.is_empty() => rest,
        _ => rest,
    }
}

fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(plain(text), expected, "{text:?}");
    }

    #[test]
    fn formatting_is_no_text() {
        check("\u{2}bold\u{2} \u{1d}it\u{1f}un\u{16}\u{11}\u{1e}\u{f}", "bold itun");
        check("\u{3}04,12red\u{3}", "red");
        check("\u{3}52fifty", "fifty");
        check("\u{3}123", "3");
        check("\u{3}4,hello", ",hello");
        check("\u{3},4", ",4");
        check("\u{4}ff0000,00ff00red", "red");
        check("a\tb\u{7f}", "a b");
        check("ab\u{202e}cd\u{200b}e\u{feff}", "abcde");
        check("\u{1f469}\u{200d}\u{1f680}", "\u{1f469}\u{200d}\u{1f680}");
    }

    #[test]
    fn ctcp_is_set_apart() {
        assert_eq!(said("\u{1}ACTION !imagine\u{1}"), Said::Ctcp("ACTION", "!imagine"));
        assert_eq!(said("\u{1}VERSION\u{1}"), Said::Ctcp("VERSION", ""));
        assert_eq!(said("\u{1}VERSION"), Said::Ctcp("VERSION", ""));
        assert_eq!(said("hi"), Said::Text("hi".into()));
    }
}
