//! `workflows check`: what is wrong with a workflow, in plain sentences. Offline it looks at the
//! two files alone; against an engine it looks for every class, input, value and model file.
mod engine;
mod offline;

use super::ModelFile;
use std::fmt;

pub(super) use engine::accepted;
pub use engine::against;
pub use offline::offline;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// It cannot work as it is.
    Wrong(String),
    /// It works once this file is installed on the engine.
    Missing(ModelFile),
}

impl Finding {
    /// Whether a check fails because of it; missing files fail a strict one only.
    pub fn fails(&self, strict: bool) -> bool {
        strict || matches!(self, Self::Wrong(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(what) => f.write_str(what),
            Self::Missing(ModelFile { folder, file }) => {
                write!(f, "to install: {file} in the engine's folder models/{folder}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
