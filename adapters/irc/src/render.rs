//! Outcomes as lines for IRC: few, plain, the link last so that clients make it clickable.
//! The sentences are the contract's; what is cut and where is decided here.
use crate::fit;
use inkwire_core::{
    Answer, Artifact, ArtifactKind, Delivery, Outcome, Recipe, Spec,
    render::{self, Context, one_line},
};
use std::time::Duration;

/// Lines for one outcome at most.
const MAX_LINES: usize = 2;
/// Of a name that we answer to, in bytes.
const MAX_NAME: usize = 32;
const DOT: &str = " · ";

/// Lines of at most `max` bytes.
pub(crate) fn lines(delivery: &Delivery, prefix: &str, max: usize) -> Vec<String> {
    let context = Context { prefix, job: delivery.job.as_ref() };
    match &delivery.outcome {
        Outcome::Finished { artifacts, recipe, took } => {
            let link = picture_links(artifacts);
            let end = if link.is_empty() { link } else { format!("{DOT}{link}") };
            let room = max.saturating_sub(end.len());
            vec![format!("{}{end}", finished(recipe, *took, &context, room))]
        }
        Outcome::Answer(Answer::Help(specs)) => fit::split(&help(specs, prefix), max, MAX_LINES),
        outcome => fit::split(&render::outcome(outcome, &context).join(DOT), max, MAX_LINES),
    }
}

/// Whom a line speaks to. What no server would take as a nick gets a word before it: no line of
/// ours begins with something that a robot could obey.
pub(crate) fn lead(name: &str) -> String {
    let name = fit::shorten(&one_line(name), MAX_NAME);
    let is_nick = name.starts_with(|c: char| c.is_alphanumeric() || "[]\\`_^{|}".contains(c));
    if is_nick { format!("{name}: ") } else { format!("to {name}: ") }
}

/// True for what only says that work goes on: one such line in a slot is enough.
pub(crate) fn is_passing(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Accepted { .. }
            | Outcome::Started { .. }
            | Outcome::Progress { .. }
            | Outcome::Preview(_)
            | Outcome::Retrying { .. }
            | Outcome::Cancelling
    )
}

/// The prompt gives way where the line is too long; the seed does not.
fn finished(recipe: &Recipe, took: Duration, context: &Context<'_>, max: usize) -> String {
    let said = |prompt: String| {
        let recipe = Box::new(Recipe { prompt, ..recipe.clone() });
        render::outcome(&Outcome::Finished { artifacts: vec![], recipe, took }, context).join(DOT)
    };
    let without = said(String::new()).len() + DOT.len();
    let prompt = fit::shorten(&one_line(&recipe.prompt), max.saturating_sub(without));
    fit::shorten(&said(prompt), max)
}

/// The grid's page, which shows them all, or each picture's own.
fn picture_links(artifacts: &[Artifact]) -> String {
    let mut links = render::links(artifacts);
    if artifacts.iter().any(|artifact| artifact.kind == ArtifactKind::Grid) {
        links.truncate(1);
    }
    links.join(" ")
}

/// A list of names fits where a list of summaries would not.
fn help(specs: &[Spec], prefix: &str) -> String {
    let names: Vec<_> = specs.iter().map(|spec| format!("{prefix}{}", spec.name)).collect();
    format!("{}; {prefix}help NAME tells more", names.join(", "))
}

#[cfg(test)]
mod tests;
