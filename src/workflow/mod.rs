//! Workflows: a graph as `ComfyUI` exports it, and a manifest that says which inputs people may
//! set. Pure but for reading its files: it asks no engine and changes nothing but declared inputs.
mod bind;
pub mod check;
mod graph;
mod library;
mod manifest;
mod needs;
mod nodes;

pub use crate::written::Problem;
pub use bind::{BindError, bind};
pub use graph::Graph;
pub use library::{Library, Workflow};
pub use manifest::{
    Binding, Cost, EngineKind, Kind, Limits, Manifest, ModelFile, Parameter, Target,
};
pub use needs::{can_run, offers};
pub use nodes::{Input, InputKind, NodeClass, Nodes};
