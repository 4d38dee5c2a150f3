//! The names in a wish, looked up: model, workflow, style, sampler; and the words they add.
use super::{Own, OwnValues, default_model};
use crate::intake::{
    presets::{Known, Model, Presets, Style, WorkflowFacts},
    spelling::{clip, entries, nearest, pick},
};
use inkwire_core::{Allowed, Imagine, Rejection};

/// Samplers and schedulers that a refusal lists.
const MOST_LISTED: usize = 12;

/// The names in a wish, looked up.
pub(super) struct Choice<'a> {
    /// Empty where the workflow needs no model of the operator's.
    pub(super) name: &'a str,
    pub(super) model: &'a Model,
    pub(super) workflow_name: &'a str,
    pub(super) workflow: &'a WorkflowFacts,
    pub(super) style: Option<(&'a str, &'a Style)>,
    pub(super) own: OwnValues,
}

/// `room` names only what there is.
pub(super) fn choose<'a>(
    wish: &Imagine,
    room: &Imagine,
    presets: &'a Presets,
    known: &'a Known,
) -> Result<Choice<'a>, Rejection> {
    let workflows = entries(&known.workflows);
    let asked = wish.workflow.as_ref().map(|name| pick("workflow", name, &workflows));
    let asked = asked.transpose()?;
    let (name, model) = choose_model(wish, room, asked, presets, known)?;
    let (workflow_name, workflow) = match asked {
        Some(workflow) => workflow,
        None => pick("workflow", &model.workflow, &workflows)?,
    };
    let style = wish.style.as_ref().or(room.style.as_ref());
    let style = style.map(|name| pick("style", name, &entries(&presets.styles)));
    let style = style.transpose()?;
    let own = OwnValues::of(model, Some(workflow), presets, room);
    Ok(Choice { name, model, workflow_name, workflow, style, own })
}

/// The model asked for, else one that suits the workflow, else what the workflow brings, else the
/// room's or the operator's default.
fn choose_model<'a>(
    wish: &Imagine,
    room: &Imagine,
    workflow: Option<(&'a str, &'a WorkflowFacts)>,
    presets: &'a Presets,
    known: &'a Known,
) -> Result<(&'a str, &'a Model), Rejection> {
    let mut usable = entries(&presets.models);
    usable.retain(|(name, _)| known.has_model(name));
    let default = room.model.as_ref().or_else(|| default_model(presets, known));
    let default = default.map_or("", String::as_str);
    if let Some(asked) = &wish.model {
        return pick("model", asked, &usable);
    }
    let Some((workflow, facts)) = workflow else { return pick("model", default, &usable) };
    let suits = |model: &Model| model.workflow == workflow;
    let mut suited = usable.iter().filter(|(_, model)| suits(model));
    match suited.clone().find(|(name, _)| *name == default).or_else(|| suited.next()) {
        Some(model) => Ok(*model),
        None if facts.is_complete() => Ok(("", &facts.defaults)),
        None => pick("model", default, &usable),
    }
}

impl<'a> Choice<'a> {
    /// A flag that the workflow has no use for is refused: it would promise what is not done.
    pub(super) fn takes_all_of(&self, wish: &Imagine) -> Result<(), Rejection> {
        let foreign = self.model.workflow != self.workflow_name;
        let asked = [
            ("checkpoint", "model", wish.model.is_some() && foreign),
            ("negative", "no", wish.negative.is_some()),
            ("width", "width", wish.width.is_some()),
            ("height", "height", wish.height.is_some()),
            ("width", "ar", wish.aspect.is_some()),
            ("steps", "steps", wish.steps.is_some()),
            ("cfg", "cfg", wish.cfg.is_some()),
            ("sampler", "sampler", wish.sampler.is_some()),
            ("scheduler", "scheduler", wish.scheduler.is_some()),
            ("denoise", "denoise", wish.denoise.is_some()),
        ];
        let in_vain = asked.iter().find(|(parameter, _, asked)| *asked && !self.takes(parameter));
        in_vain.map_or(Ok(()), |(_, flag, _)| {
            let flag = format!("--{flag}");
            Err(Rejection::Conflict { flag, with: self.workflow_name.to_owned() })
        })
    }

    pub(super) fn takes(&self, parameter: &str) -> bool {
        self.workflow.parameters.contains(parameter)
    }

    /// The file to load.
    pub(super) fn checkpoint(&self) -> &'a str {
        let own = &self.model.checkpoint;
        if own.is_empty() { &self.workflow.defaults.checkpoint } else { own }
    }

    pub(super) fn positive(&self, prompt: &str) -> String {
        let styled = match self.style {
            None => prompt.to_owned(),
            Some((_, style)) if style.template.contains("{prompt}") => {
                style.template.replacen("{prompt}", prompt, 1)
            }
            Some((_, style)) => listed(&[prompt, &style.template]),
        };
        listed(&[&self.model.prefix, &styled, &self.model.suffix])
    }

    pub(super) fn negative(&self, asked: &str) -> String {
        if !self.takes("negative") {
            return String::new();
        }
        let style = self.style.map_or("", |(_, style)| style.negative.as_str());
        listed(&[asked, style, &self.model.negative])
    }
}

/// A sampler or scheduler; checked only where it was asked for and the engines' are known.
pub(super) fn named(
    kind: &str,
    asked: Option<&String>,
    own: &Own<String>,
    names: &[String],
) -> Result<String, Rejection> {
    let Some(asked) = asked else { return Ok(own.value.clone()) };
    if names.is_empty() {
        return Ok(clip(asked));
    }
    let valid: Vec<_> = names.iter().map(|name| (name.as_str(), ())).collect();
    let found = pick(kind, asked, &valid).map(|(name, ())| name.to_owned());
    found.map_err(|_| Rejection::BadValue {
        flag: format!("--{kind}"),
        value: clip(asked),
        allowed: Allowed::OneOf(names.iter().take(MOST_LISTED).cloned().collect()),
        nearest: nearest(asked, names.iter().map(String::as_str)),
    })
}

/// Parts of a prompt with one comma between them.
fn listed(parts: &[&str]) -> String {
    let bare = |part: &&str| part.trim_matches([',', ' ']).to_owned();
    let parts = parts.iter().map(bare).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}
