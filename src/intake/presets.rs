//! What operators configure about pictures, and what engines and workflows are known to offer.
//! Plain data: `app` builds it from the configuration and the catalogues, `resolve` reads it.
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Models and styles by the names that people type; replaced as a whole by a reload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Presets {
    pub models: BTreeMap<String, Model>,
    pub styles: BTreeMap<String, Style>,
    pub defaults: Defaults,
    pub ceilings: Ceilings,
}

/// A model; what is `None` comes from `Defaults`, then from the workflow's own default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    /// The file that an engine loads; empty for workflows without a model.
    pub checkpoint: String,
    pub workflow: String,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    pub steps: Option<u32>,
    pub cfg: Option<f64>,
    pub sampler: Option<String>,
    pub scheduler: Option<String>,
    /// Goes before every prompt.
    pub prefix: String,
    /// Goes after every prompt.
    pub suffix: String,
    pub negative: String,
    pub summary: Option<String>,
}

/// Words around a prompt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Style {
    /// With `{prompt}` where the prompt goes; without it, the text follows the prompt.
    pub template: String,
    pub negative: String,
    pub summary: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Defaults {
    pub model: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    pub count: Option<u8>,
    pub steps: Option<u32>,
}

/// What one request may ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Ceilings {
    /// Pixels.
    pub min_side: u32,
    /// Pixels.
    pub max_side: u32,
    /// Sides are multiples of it.
    pub side_step: u32,
    /// Of one image.
    pub max_pixels: u64,
    pub max_steps: u32,
    pub max_count: u8,
    pub min_cfg: f64,
    pub max_cfg: f64,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            min_side: 64,
            max_side: 2048,
            side_step: 8,
            max_pixels: 4_200_000,
            max_steps: 60,
            max_count: 4,
            min_cfg: 0.0,
            max_cfg: 30.0,
        }
    }
}

impl Ceilings {
    /// What both allow.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        Self {
            min_side: self.min_side.max(other.min_side),
            max_side: self.max_side.min(other.max_side),
            side_step: self.side_step.max(other.side_step).max(1),
            max_pixels: self.max_pixels.min(other.max_pixels),
            max_steps: self.max_steps.min(other.max_steps),
            max_count: self.max_count.min(other.max_count),
            min_cfg: self.min_cfg.max(other.min_cfg),
            max_cfg: self.max_cfg.min(other.max_cfg),
        }
    }
}

/// What engines and workflow files offer, as far as is known now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Names of configured models that some engine has; `None` while no catalogue has been read.
    pub models: Option<BTreeSet<String>>,
    /// Empty while unknown.
    pub samplers: Vec<String>,
    /// Empty while unknown.
    pub schedulers: Vec<String>,
    /// By name.
    pub workflows: BTreeMap<String, WorkflowFacts>,
}

impl Known {
    pub fn has_model(&self, name: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.contains(name))
    }
}

/// The little of a workflow's manifest that decisions need.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkflowFacts {
    pub title: String,
    pub needs_picture: bool,
    /// Some engine that is up can run it.
    pub available: bool,
    /// What it declares, of `prompt negative checkpoint width height steps cfg sampler scheduler
    /// denoise seed picture`.
    pub parameters: BTreeSet<String>,
    /// What it paints with where nobody says.
    pub defaults: Model,
    /// Its own bounds, beside the operator's.
    pub ceilings: Ceilings,
    /// How long one image may run.
    pub time_limit: Option<Duration>,
    /// GPU time of one step over a million pixels.
    pub step_time: Option<Duration>,
}

impl WorkflowFacts {
    /// It runs without a model of the operator's.
    pub fn is_complete(&self) -> bool {
        !self.parameters.contains("checkpoint") || !self.defaults.checkpoint.is_empty()
    }
}
