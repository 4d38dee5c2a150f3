//! When two nicks or rooms are the same one, by the rules that the server announces.
//! For comparing alone: what is shown keeps its spelling.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Casemap {
    Ascii,
    /// The protocol's own: `{}|~` are the small letters of `[]\^`.
    #[default]
    Rfc1459,
    Rfc1459Strict,
}

impl Casemap {
    /// Unknown rules fold the least, so that nobody passes for somebody else.
    pub(crate) fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "rfc1459" => Self::Rfc1459,
            "rfc1459-strict" | "strict-rfc1459" => Self::Rfc1459Strict,
            _ => Self::Ascii,
        }
    }

    pub(crate) fn fold(self, name: &str) -> String {
        name.chars().map(|letter| self.small(letter)).collect()
    }

    pub(crate) fn same(self, one: &str, other: &str) -> bool {
        let small = |letter| self.small(letter);
        one.chars().map(small).eq(other.chars().map(small))
    }

    fn small(self, letter: char) -> char {
        match (letter, self) {
            ('[', Self::Rfc1459 | Self::Rfc1459Strict) => '{',
            (']', Self::Rfc1459 | Self::Rfc1459Strict) => '}',
            ('\\', Self::Rfc1459 | Self::Rfc1459Strict) => '|',
            ('^', Self::Rfc1459) => '~',
            _ => letter.to_ascii_lowercase(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &str, one: &str, other: &str, expected: bool) {
        let casemap = Casemap::named(rules);
        assert_eq!(casemap.same(one, other), expected, "{rules}: {one} {other}");
        assert_eq!(casemap.fold(one) == casemap.fold(other), expected);
    }

    #[test]
    fn names_are_compared_as_the_server_does() {
        check("ascii", "Ann", "aNN", true);
        check("ascii", "a[", "a{", false);
        check("rfc1459", "A[\\]^", "a{|}~", true);
        check("rfc1459-strict", "a[\\]", "a{|}", true);
        check("rfc1459-strict", "a^", "a~", false);
        check("rfc7613", "\u{c4}nn", "\u{e4}nn", false);
        check("ascii", "ann", "anna", false);
    }
}
