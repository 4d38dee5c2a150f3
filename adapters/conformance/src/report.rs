//! What passed, what failed and why, and what was not tried and why.
//! Printing is the test's business.
use std::fmt;

#[derive(Debug, Default)]
pub struct Report {
    pub passed: Vec<&'static str>,
    /// Behaviour, and what is lacking.
    pub skipped: Vec<(&'static str, &'static str)>,
    /// Behaviour, and what was seen instead.
    pub failed: Vec<(&'static str, String)>,
}

impl Report {
    pub(crate) fn skip(&mut self, name: &'static str, lack: &'static str) {
        self.skipped.push((name, lack));
    }

    pub(crate) fn add(&mut self, name: &'static str, ended: Result<(), String>) {
        match ended {
            Ok(()) => self.passed.push(name),
            Err(why) => self.failed.push((name, why)),
        }
    }

    /// # Panics
    /// When a behaviour failed, or when none was tried.
    pub fn expect_clean(&self) {
        assert!(self.failed.is_empty() && !self.passed.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.passed {
            writeln!(f, "passed   {name}")?;
        }
        for (name, lack) in &self.skipped {
            writeln!(f, "SKIPPED  {name}: {lack}")?;
        }
        for (name, why) in &self.failed {
            writeln!(f, "FAILED   {name}: {why}")?;
        }
        Ok(())
    }
}
