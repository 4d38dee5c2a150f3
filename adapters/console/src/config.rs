//! What can be configured, with defaults that need no configuration.
//! Plain data; whether output is drawn is decided by the terminal, not here.
use inkwire_core::AdapterId;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    pub id: AdapterId,
    /// Who types here; the author id of every request.
    pub operator: String,
    /// A longer line is answered and dropped.
    pub max_line_bytes: usize,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self { id: "console".into(), operator: "operator".to_owned(), max_line_bytes: 16 * 1024 }
    }
}
