//! The node classes that the simulator knows: their inputs and outputs, as data. What a node
//! does stands in `perform.rs`.
use serde_json::{Value, json};

use super::models::Models;

/// What an input takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Link(&'static str),
    Int {
        default: i64,
        min: i64,
        max: u64,
        extra: Extra,
    },
    Float {
        default: f64,
        min: f64,
        max: f64,
        step: f64,
        round: Option<f64>,
    },
    Text,
    Line(&'static str),
    File(&'static str),
    OneOf(&'static [&'static str]),
    /// A picture among the uploads.
    Upload,
}

/// What an integer's description adds to its range.
#[derive(Debug, Clone, Copy)]
pub(super) enum Extra {
    None,
    Step(u64),
    Seed,
    Color,
}

/// One node class.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: &'static str,
    display: &'static str,
    category: &'static str,
    module: &'static str,
    pub(super) output_node: bool,
    pub(super) required: &'static [(&'static str, Kind)],
    pub(super) optional: &'static [(&'static str, Kind)],
    /// Type and name of each result.
    pub(super) outputs: &'static [(&'static str, &'static str)],
}

impl Class {
    pub(super) fn takes(&self, input: &str) -> bool {
        self.required.iter().chain(self.optional).any(|(name, _)| *name == input)
    }

    pub(super) fn find(name: &str) -> Option<&'static Class> {
        super::catalogue::all().find(|class| class.name == name)
    }

    pub(super) const fn new(
        name: &'static str,
        display: &'static str,
        category: &'static str,
        required: &'static [(&'static str, Kind)],
        outputs: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            name,
            display,
            category,
            module: "nodes",
            output_node: false,
            required,
            optional: &[],
            outputs,
        }
    }

    /// The same class, defined in a file of extra nodes.
    pub(super) const fn from(mut self, module: &'static str) -> Self {
        self.module = module;
        self
    }

    /// The same class, as one whose results are kept.
    pub(super) const fn keeps(mut self) -> Self {
        self.output_node = true;
        self
    }

    /// The same class with inputs that may be left out.
    pub(super) const fn with(mut self, optional: &'static [(&'static str, Kind)]) -> Self {
        self.optional = optional;
        self
    }

    /// Every declared input, the required ones first.
    pub(super) fn inputs(&self) -> impl Iterator<Item = (&'static str, Kind, bool)> {
        let required = self.required.iter().map(|(name, kind)| (*name, *kind, true));
        required.chain(self.optional.iter().map(|(name, kind)| (*name, *kind, false)))
    }

    /// The class as `/object_info` describes it.
    pub(super) fn describe(&self, models: &Models, uploads: &[String]) -> Value {
        let group = |inputs: &[(&str, Kind)]| -> Value {
            inputs
                .iter()
                .map(|(name, kind)| ((*name).to_owned(), kind.describe(models, uploads)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let names = |inputs: &[(&str, Kind)]| -> Value {
            inputs.iter().map(|(name, _)| *name).collect::<Vec<_>>().into()
        };
        let mut input = json!({"required": group(self.required)});
        let mut order = json!({"required": names(self.required)});
        if !self.optional.is_empty() {
            put(&mut input, "optional", group(self.optional));
            put(&mut order, "optional", names(self.optional));
        }
        if self.output_node {
            put(
                &mut input,
                "hidden",
                json!({"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}),
            );
            put(&mut order, "hidden", json!(["prompt", "extra_pnginfo"]));
        }
        json!({
            "input": input,
            "input_order": order,
            "output": self.outputs.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
            "output_is_list": vec![false; self.outputs.len()],
            "output_name": self.outputs.iter().map(|(_, name)| *name).collect::<Vec<_>>(),
            "name": self.name,
            "display_name": self.display,
            "description": "",
            "python_module": self.module,
            "category": self.category,
            "output_node": self.output_node,
        })
    }
}

impl Kind {
    /// The choices of a list input.
    pub(super) fn choices(self, models: &Models, uploads: &[String]) -> Option<Vec<String>> {
        match self {
            Self::OneOf(choices) => Some(choices.iter().map(|c| (*c).to_owned()).collect()),
            Self::File(folder) => Some(models.get(folder).cloned().unwrap_or_default()),
            Self::Upload => Some(uploads.to_vec()),
            _ => None,
        }
    }

    /// `[type, options]` or `[[choice, ..], options]`.
    pub(super) fn describe(self, models: &Models, uploads: &[String]) -> Value {
        match self {
            Self::Link(kind) => json!([kind, {}]),
            Self::Int { default, min, max, extra } => {
                let mut options = json!({"default": default, "min": min, "max": max});
                match extra {
                    Extra::None => {}
                    Extra::Step(step) => put(&mut options, "step", step.into()),
                    Extra::Seed => put(&mut options, "control_after_generate", true.into()),
                    Extra::Color => put(&mut options, "display", "color".into()),
                }
                json!(["INT", options])
            }
            Self::Float { default, min, max, step, round } => {
                let mut options = json!({"default": default, "min": min, "max": max, "step": step});
                if let Some(round) = round {
                    put(&mut options, "round", round.into());
                }
                json!(["FLOAT", options])
            }
            Self::Text => json!(["STRING", {"multiline": true, "dynamicPrompts": true}]),
            Self::Line(default) => json!(["STRING", {"default": default}]),
            Self::Upload => json!([uploads, {"image_upload": true}]),
            Self::File(_) | Self::OneOf(_) => json!([self.choices(models, uploads), {}]),
        }
    }
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}
