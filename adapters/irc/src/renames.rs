//! Who goes by another nick since, as far as we saw the change; few are remembered.
//! Whatever shows that a nick has a new owner ends what is known about its old one.
use crate::casemap::Casemap;
use std::collections::VecDeque;

const MOST: usize = 64;

/// From then to now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Renames(VecDeque<(String, String)>);

impl Renames {
    /// What somebody of this nick is called now.
    pub(crate) fn now<'a>(&'a self, nick: &'a str, casemap: Casemap) -> &'a str {
        let known = self.0.iter().find(|(then, _)| casemap.same(then, nick));
        known.map_or(nick, |(_, now)| now)
    }

    pub(crate) fn renamed(&mut self, nick: &str, new: &str, casemap: Casemap) {
        for (_, now) in self.0.iter_mut().filter(|(_, now)| casemap.same(now, nick)) {
            new.clone_into(now);
        }
        self.seen(new, casemap);
        self.seen(nick, casemap);
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((nick.to_owned(), new.to_owned()));
    }

    /// Somebody has this nick now, whoever had it before.
    pub(crate) fn seen(&mut self, nick: &str, casemap: Casemap) {
        self.0.retain(|(then, _)| !casemap.same(then, nick));
    }

    pub(crate) fn knows(&self, nick: &str, casemap: Casemap) -> bool {
        self.0.iter().any(|(then, _)| casemap.same(then, nick))
    }

    /// Whoever was called this is nobody any more.
    pub(crate) fn left(&mut self, nick: &str, casemap: Casemap) {
        self.0.retain(|(_, now)| !casemap.same(now, nick));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASEMAP: Casemap = Casemap::Rfc1459;

    fn check(renames: &Renames, nick: &str, expected: &str) {
        assert_eq!(renames.now(nick, CASEMAP), expected);
    }

    #[test]
    fn a_nick_is_followed_until_somebody_else_has_it() {
        let mut renames = Renames::default();
        renames.renamed("ann", "bea", CASEMAP);
        renames.renamed("Bea", "cat", CASEMAP);
        check(&renames, "ANN", "cat");
        check(&renames, "bea", "cat");
        check(&renames, "dan", "dan");
        renames.seen("bea", CASEMAP);
        check(&renames, "bea", "bea");
        renames.renamed("cat", "ann", CASEMAP);
        check(&renames, "ann", "ann");
        check(&renames, "cat", "ann");
        renames.left("ann", CASEMAP);
        check(&renames, "cat", "cat");
    }

    #[test]
    fn few_are_remembered() {
        let mut renames = Renames::default();
        for n in 0..1000 {
            renames.renamed(&format!("a{n}"), &format!("b{n}"), CASEMAP);
        }
        assert_eq!(renames.0.len(), MOST);
    }
}
