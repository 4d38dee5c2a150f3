//! What we said ourselves, as a history told it: whoever does not know whether a line went out
//! finds it here. Bounded; holds nobody else's words.
use std::collections::VecDeque;

const MOST: usize = 256;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Replayed(VecDeque<(String, String)>);

impl Replayed {
    /// `target` is folded, `text` what stood behind the colon.
    pub(crate) fn contains(&self, target: &str, text: &str) -> bool {
        self.0.iter().any(|(to, said)| to == target && said == text)
    }

    pub(super) fn add(&mut self, target: String, text: String) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((target, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_known() {
        let mut replayed = Replayed::default();
        for n in 0..=MOST {
            replayed.add("#art".into(), n.to_string());
        }
        assert!(!replayed.contains("#art", "0") && replayed.contains("#art", "1"));
        assert!(replayed.contains("#art", "256") && !replayed.contains("#den", "256"));
    }
}
