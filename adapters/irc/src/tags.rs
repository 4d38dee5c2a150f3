//! What is said about a line beside it: labels, what it answers, the batch it belongs to.
//! Only values are escaped here; keys are ours.

/// What servers take of a client's tags, without `@` and the space after them.
const MAX_TAGS: usize = 4094;

/// Tags of one line, written as `@key=value;key=value `; empty for none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tags(String);

impl Tags {
    /// A tag that does not fit is left out: no line depends on one.
    pub(crate) fn with(mut self, key: &'static str, value: &str) -> Self {
        let before = self.0.len();
        let gap = if self.0.is_empty() { "" } else { ";" };
        self.0 = format!("{}{gap}{key}={}", self.0, escaped(value));
        if self.0.len() > MAX_TAGS {
            self.0.truncate(before);
        }
        self
    }

    /// As it stands before a line.
    pub(crate) fn prefix(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!("@{} ", self.0) }
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            ';' => text.push_str("\\:"),
            ' ' => text.push_str("\\s"),
            '\\' => text.push_str("\\\\"),
            letter if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') => {}
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tags: &[(&'static str, &str)], expected: &str) {
        let tags = tags.iter().fold(Tags::default(), |tags, (key, value)| tags.with(key, value));
        assert_eq!(tags.prefix(), expected);
    }

    #[test]
    fn values_are_escaped() {
        check(&[], "");
        check(&[("label", "s1")], "@label=s1 ");
        check(&[("label", "s1"), ("+reply", "a;b c\\d")], "@label=s1;+reply=a\\:b\\sc\\\\d ");
        check(&[("+reply", "a\r\nQUIT\0\u{2028}\u{e9}")], "@+reply=aQUIT\u{e9} ");
    }

    #[test]
    fn a_tag_that_does_not_fit_is_left_out() {
        check(
            &[("label", "s1"), ("+reply", &"x".repeat(5000)), ("batch", "b")],
            "@label=s1;batch=b ",
        );
        check(&[("+reply", &" ".repeat(2048))], "");
    }
}
