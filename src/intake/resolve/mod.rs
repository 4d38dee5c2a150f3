//! A wish to a render: names looked up, defaults filled, numbers brought into range. Pure.
//! What is senseless is refused, what is merely too much is clamped, and said.
mod choice;
mod numbers;
mod own;
mod room;

use super::{
    presets::{Known, Presets, WorkflowFacts},
    weights::gate,
};
use crate::job::Render;
use choice::{choose, named};
use inkwire_core::{Imagine, Note, Rejection};
use numbers::{cfg, count, decimal, size, steps};
use std::time::Duration;

pub use own::{Own, OwnValues};
pub use room::in_force;

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

/// `seed` is taken when the wish names none; `room` speaks where the wish does not.
pub fn resolve(
    wish: &Imagine,
    room: &Imagine,
    presets: &Presets,
    known: &Known,
    seed: u64,
) -> Result<Resolved, Rejection> {
    let usable = room::usable(room, presets, known);
    let choice = choose(wish, &usable.room, presets, known)?;
    choice.takes_all_of(wish)?;
    let prompt = gate(&wish.prompt)?;
    if prompt.text.is_empty() {
        return Err(Rejection::EmptyPrompt);
    }
    let negative = wish.negative.as_ref().or(usable.room.negative.as_ref());
    let negative = gate(negative.map_or("", String::as_str))?;
    let notes = usable.notes(wish).chain(prompt.note).chain(negative.note);
    let mut notes: Vec<Note> = notes.collect();
    let bounds = &presets.ceilings.within(&choice.workflow.ceilings);
    let (width, height) = size(wish, &choice, bounds, &mut notes)?;
    let parts = count(wish, &choice.own, bounds)?;
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
        cfg: cfg(wish, &choice.own, bounds)?,
        sampler: named("sampler", wish.sampler.as_ref(), &choice.own.sampler, &known.samplers)?,
        scheduler: named(
            "scheduler",
            wish.scheduler.as_ref(),
            &choice.own.scheduler,
            &known.schedulers,
        )?,
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
