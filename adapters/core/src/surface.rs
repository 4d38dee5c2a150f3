//! What the service shows of itself to adapters: triggers, commands, names to complete.
//! A snapshot; a new one arrives when the configuration or a catalogue changes.
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Surface {
    pub triggers: Rules,
    pub commands: Vec<Spec>,
    pub names: CatalogueNames,
}

/// What makes a line a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    pub prefixes: Vec<String>,
    /// Instead of `prefixes`, by room.
    pub rooms: BTreeMap<String, Vec<String>>,
    pub names: Vec<String>,
}

/// A row of the command table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub aliases: Vec<String>,
    /// Words after the trigger, such as `cancel [ID|all]`.
    pub usage: String,
    pub summary: String,
    pub role: Role,
    pub examples: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Everybody,
    /// Of the room that is spoken in, and there alone.
    RoomOperator,
    Admin,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueNames {
    pub models: Vec<String>,
    pub workflows: Vec<String>,
    pub styles: Vec<String>,
}
