//! Every sentence that people read, shared by all adapters: plain English in whole lines.
//! It knows no protocol's form (colours, HTML, limits); it never lets a control character out,
//! so a line stays one line wherever it is sent.
mod answer;
mod measure;
mod outcome;
mod rejection;
#[cfg(test)]
mod tests;

pub use answer::answer;
pub use measure::{about, bytes, date, duration, excerpt, one_line, ordinal};
pub use outcome::{file_link, links, main_link, note, outcome, recipe};
pub use rejection::{failure, rejection};

use crate::JobId;

/// What the words depend on beside the fact itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// What people type before a command here, such as `!`; may be empty.
    pub prefix: &'a str,
    pub job: Option<&'a JobId>,
}
