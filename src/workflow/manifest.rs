//! The manifest beside a graph: which inputs a request may set, within which bounds, and what the
//! graph needs. It holds no text for chat and no Rust is needed to add one.
use crate::written::{self, Problem};
use serde::Deserialize;
use serde_json::{Number, Value};
use std::{collections::BTreeMap, fmt, time::Duration};

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// A name for people.
    pub title: String,
    /// One sentence for people.
    pub summary: String,
    #[serde(default)]
    pub engine: EngineKind,
    pub parameters: BTreeMap<Parameter, Binding>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub cost: Cost,
    /// Files that the graph names by itself.
    #[serde(default)]
    pub requires: Vec<ModelFile>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    #[default]
    Comfyui,
}

/// What a request may set; each has one value in a resolved request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parameter {
    Prompt,
    Negative,
    Checkpoint,
    Width,
    Height,
    Steps,
    Cfg,
    Sampler,
    Scheduler,
    Denoise,
    Seed,
    /// A picture to start from.
    Picture,
}

/// What kind of value an input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Text,
    Int,
    Float,
    /// One of a list of words: the engine's own, or `choices`.
    Choice,
    /// An integer that wraps around at `max` instead of being refused.
    Seed,
    /// A file in the engine's model folder `folder`.
    Model,
    /// A picture that is uploaded first.
    Image,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Every input that takes the value.
    pub to: Vec<Target>,
    pub default: Option<Value>,
    pub min: Option<Number>,
    pub max: Option<Number>,
    /// The value is a multiple of it.
    pub step: Option<u32>,
    #[serde(default)]
    pub choices: Vec<String>,
    /// For `model`: the engine's folder, such as `checkpoints`.
    pub folder: Option<String>,
}

/// An input of a node, written as its path in the export: `3.inputs.seed`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Target {
    pub node: String,
    pub input: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How long one picture may take; the operator's default where it is not named.
    pub time_limit_secs: Option<u64>,
    /// Width times height.
    pub max_pixels: u64,
}

/// First guesses of what a picture costs, until there is experience.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cost {
    /// Loading the models once.
    pub load_ms: u64,
    /// One step over a million pixels.
    pub step_ms_per_megapixel: u64,
}

/// A file in one of the engine's model folders.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    pub folder: String,
    pub file: String,
}

impl Manifest {
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let (manifest, problems) = written::read(file, text);
        if problems.is_empty() { Ok(manifest) } else { Err(problems) }
    }

    /// Whether a picture must be given to start from.
    pub fn needs_picture(&self) -> bool {
        self.parameters.contains_key(&Parameter::Picture)
    }

    pub fn binding(&self, parameter: Parameter) -> Option<&Binding> {
        self.parameters.get(&parameter)
    }

    pub fn time_limit(&self) -> Option<Duration> {
        self.limits.time_limit_secs.map(Duration::from_secs)
    }
}

impl Binding {
    /// The bounds as decimals; open where the manifest names none.
    pub fn bounds(&self) -> (f64, f64) {
        let of = |bound: &Option<Number>| bound.as_ref().and_then(Number::as_f64);
        (of(&self.min).unwrap_or(f64::NEG_INFINITY), of(&self.max).unwrap_or(f64::INFINITY))
    }
}

impl Parameter {
    /// The kind that its value has.
    pub fn kind(self) -> Kind {
        match self {
            Self::Prompt | Self::Negative => Kind::Text,
            Self::Checkpoint => Kind::Model,
            Self::Width | Self::Height | Self::Steps => Kind::Int,
            Self::Cfg | Self::Denoise => Kind::Float,
            Self::Sampler | Self::Scheduler => Kind::Choice,
            Self::Seed => Kind::Seed,
            Self::Picture => Kind::Image,
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.inputs.{}", self.node, self.input)
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        match path.split_once(".inputs.") {
            Some((node, input)) if !node.is_empty() && !input.is_empty() => {
                Ok(Self { node: node.to_owned(), input: input.to_owned() })
            }
            _ => Err(format!("`{path}` is not an input: write NODE.inputs.NAME")),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { time_limit_secs: None, max_pixels: 2048 * 2048 }
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self { load_ms: 10_000, step_ms_per_megapixel: 500 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_no_time_limit_leaves_it_to_the_operator() {
        let check = |limits: &str, expected: Option<u64>| {
            let text = format!("title: a\nsummary: b\nparameters: {{}}\n{limits}");
            let manifest = Manifest::parse("a.yaml", &text).expect(limits);
            assert_eq!(manifest.time_limit(), expected.map(Duration::from_secs), "{limits}");
        };
        check("", None);
        check("limits: {max_pixels: 4096}", None);
        check("limits: {time_limit_secs: 9}", Some(9));
    }
}
