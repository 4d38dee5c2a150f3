//! A wish to a render: names looked up, defaults filled, numbers brought into range. Pure.
//! What is senseless is refused, what is merely too much is clamped, and said.
mod choice;
mod numbers;

use super::{
    presets::{Known, Presets, WorkflowFacts},
    weights::gate,
};
use crate::job::Render;
use choice::choose;
use inkwire_core::{Imagine, Note, Rejection};
use numbers::{count, decimal, size, steps};
use std::time::Duration;

pub use numbers::OwnValues;

/// Where neither wish, model nor workflow say.
const CFG: f64 = 7.0;
/// GPU time of one step over a million pixels, on a card of the middle range.
const STEP_TIME: Duration = Duration::from_millis(150);

/// A wish with nothing left open.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    pub render: Render,
    /// Images.
    pub parts: u8,
    pub notes: Vec<Note>,
}

/// `seed` is taken when the wish names none.
pub fn resolve(
    wish: &Imagine,
    presets: &Presets,
    known: &Known,
    seed: u64,
) -> Result<Resolved, Rejection> {
    let choice = choose(wish, presets, known)?;
    choice.takes_all_of(wish)?;
    let prompt = gate(&wish.prompt)?;
    if prompt.text.is_empty() {
        return Err(Rejection::EmptyPrompt);
    }
    let negative = gate(wish.negative.as_deref().unwrap_or_default())?;
    let mut notes: Vec<Note> = prompt.note.into_iter().chain(negative.note).collect();
    let bounds = &presets.ceilings.within(&choice.workflow.ceilings);
    let (width, height) = size(wish, &choice, bounds, &mut notes)?;
    let parts = count(wish, presets.defaults.count, bounds)?;
    let render = Render {
        positive: choice.positive(&prompt.text),
        negative: choice.negative(&negative.text),
        prompt: prompt.text,
        model: choice.name.to_owned(),
        checkpoint: choice.checkpoint().to_owned(),
        workflow: choice.workflow_name.to_owned(),
        style: choice.style.map(|(name, _)| name.to_owned()),
        width,
        height,
        steps: steps(wish, &choice, bounds, &mut notes)?,
        cfg: decimal("cfg", wish.cfg, bounds)?.or_else(|| choice.from(|m| m.cfg)).unwrap_or(CFG),
        sampler: choice.named("sampler", wish.sampler.as_deref(), &known.samplers)?,
        scheduler: choice.named("scheduler", wish.scheduler.as_deref(), &known.schedulers)?,
        denoise: decimal("denoise", wish.denoise, bounds)?,
        seed: wish.seed.unwrap_or(seed),
    };
    Ok(Resolved { render, parts, notes })
}

/// The model that is painted with when nobody says: the operator's, else one that some engine has.
pub fn default_model<'a>(presets: &'a Presets, known: &Known) -> Option<&'a String> {
    let configured = presets.defaults.model.as_ref();
    let configured = configured.and_then(|name| Some(presets.models.get_key_value(name)?.0));
    let usable = || presets.models.keys().find(|name| known.has_model(name));
    configured.filter(|name| known.has_model(name)).or_else(usable).or(configured)
}

/// Estimated GPU time of one part, in microseconds; coarse until there is experience.
pub fn estimate(render: &Render, workflow: Option<&WorkflowFacts>) -> u64 {
    let step = workflow.and_then(|facts| facts.step_time).unwrap_or(STEP_TIME);
    let step = u64::try_from(step.as_micros()).unwrap_or(u64::MAX);
    let pixels = u64::from(render.width) * u64::from(render.height);
    let each = step.saturating_mul(pixels) / 1_000_000;
    each.saturating_mul(render.steps.max(1).into()).max(1)
}

#[cfg(test)]
mod tests;
