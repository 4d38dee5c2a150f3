//! The collector that validation hands every written value to: it returns a usable value and
//! keeps what is wrong, so that all mistakes are told at once.
use super::raw::At;
use crate::written::{Problem, Spanned, nearest};
use std::{fmt::Display, net::SocketAddr, ops::RangeInclusive, time::Duration};
use url::Url;

/// The mistakes of one file.
pub(super) struct Check {
    file: String,
    /// Where the list entry begins that is looked at.
    entry: Option<u64>,
    pub(super) problems: Vec<Problem>,
}

impl Check {
    pub(super) fn new(file: &str, problems: Vec<Problem>) -> Self {
        Self { file: file.to_owned(), entry: None, problems }
    }

    /// Looks at each entry of a list; what is missing in one is reported at its first line.
    pub(super) fn each<T, U>(
        &mut self,
        entries: &[Spanned<T>],
        mut look: impl FnMut(&mut Self, usize, &T) -> U,
    ) -> Vec<U> {
        let mut seen = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            self.entry = Some(entry.referenced.line());
            seen.push(look(self, index, &entry.value));
        }
        self.entry = None;
        seen
    }

    /// A mistake without a place of its own, such as something that is missing.
    pub(super) fn wrong(&mut self, message: impl Into<String>) {
        self.problems.push(Problem { line: self.entry, ..Problem::new(&self.file, message) });
    }

    /// A mistake at a written value.
    pub(super) fn wrong_at<T>(&mut self, value: &Spanned<T>, message: impl Into<String>) {
        let line = value.referenced.line();
        let line = (line > 0).then_some(line);
        self.problems.push(Problem { line, ..Problem::new(&self.file, message) });
    }

    /// A word that is none of those known.
    pub(super) fn unknown<'a>(
        &mut self,
        word: &Spanned<String>,
        message: String,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        self.wrong_at(word, message);
        if let Some(problem) = self.problems.last_mut() {
            problem.suggestion = nearest(&word.value, known).map(str::to_owned);
        }
    }

    /// The value within its bounds, or the default.
    pub(super) fn within<T: PartialOrd + Display + Copy>(
        &mut self,
        key: &str,
        value: &At<T>,
        default: T,
        allowed: RangeInclusive<T>,
    ) -> T {
        match value.get() {
            None => default,
            Some(value) if allowed.contains(&value.value) => value.value,
            Some(value) => {
                let (low, high) = (allowed.start(), allowed.end());
                self.wrong_at(value, format!("{key} must be from {low} to {high}"));
                default
            }
        }
    }

    /// Whole units of `unit` seconds, at least one.
    pub(super) fn span(&mut self, key: &str, value: &At<u64>, default: u64, unit: u64) -> Duration {
        // Ten years: nothing here is meant to last longer.
        let most = 315_360_000 / unit;
        Duration::from_secs(self.within(key, value, default, 1..=most).saturating_mul(unit))
    }

    pub(super) fn address(
        &mut self,
        key: &str,
        value: &At<String>,
        default: SocketAddr,
    ) -> SocketAddr {
        let Some(value) = value.get() else { return default };
        value.value.parse().unwrap_or_else(|_| {
            self.wrong_at(value, format!("{key} must be ADDRESS:PORT, such as {default}"));
            default
        })
    }

    /// An HTTP address without credentials, query and fragment.
    pub(super) fn url(&mut self, key: &str, value: &Spanned<String>) -> Option<Url> {
        let url = Url::parse(&value.value)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(mut url) = url else {
            self.wrong_at(
                value,
                format!("{key} must be a whole address, such as http://HOST:8188"),
            );
            return None;
        };
        if !url.username().is_empty() || url.password().is_some() {
            self.wrong_at(value, format!("{key} must not hold a password; use a secret file"));
            return None;
        }
        if url.query().is_some() || url.fragment().is_some() {
            self.wrong_at(value, format!("{key} must end with the path, before ? and #"));
            return None;
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Some(url)
    }

    /// A text that must be there and pass a test.
    pub(super) fn text(
        &mut self,
        key: &str,
        value: &At<String>,
        valid: impl Fn(&str) -> bool,
        wanted: &str,
    ) -> String {
        match value.get() {
            Some(value) if valid(&value.value) => return value.value.clone(),
            Some(value) => self.wrong_at(value, format!("{key} must be {wanted}")),
            None => self.wrong(format!("{key} is missing; it must be {wanted}")),
        }
        String::new()
    }
}

/// Letters, digits, `-` and `_`: what can be part of a key, a metric and an environment variable.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= 40 && text.chars().all(fits)
}

/// One line of printable text.
pub(super) fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 400 && !text.chars().any(char::is_control)
}
