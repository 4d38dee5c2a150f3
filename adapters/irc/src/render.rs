//! Outcomes as lines for IRC: few, plain, the link last so that clients make it clickable.
//! The sentences are the contract's; what is cut and where is decided here.
use crate::{config::Verb, fit};
use inkwire_core::{
    Answer, Artifact, ArtifactKind, Delivery, Outcome, Recipe, Spec,
    render::{self, Context, one_line},
};
use std::time::Duration;
use unicode_segmentation::UnicodeSegmentation;

/// Lines of the whole help, which is told in private alone.
const HELP_LINES: usize = 5;
/// Of a name that we answer to, in bytes.
const MAX_NAME: usize = 32;
const DOT: &str = " · ";

/// What the form depends on beside the outcome itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form<'a> {
    /// What people type before a command here.
    pub(crate) prefix: &'a str,
    /// Ours.
    pub(crate) nick: &'a str,
    pub(crate) in_room: bool,
    /// Bytes of text in a line.
    pub(crate) max: usize,
    pub(crate) max_lines: usize,
}

/// An outcome in words, not yet cut into lines.
#[derive(Debug)]
pub(crate) struct Worded {
    pub(crate) text: String,
    pub(crate) max_lines: usize,
    /// All of it, one thing in a line, for whoever follows the link.
    pub(crate) whole: String,
}

pub(crate) fn worded(delivery: &Delivery, form: &Form<'_>) -> Worded {
    let context = Context { prefix: form.prefix, job: delivery.job.as_ref() };
    let lines = || render::outcome(&delivery.outcome, &context);
    let short = |text| Worded { text, max_lines: 1, whole: String::new() };
    let long = |max_lines| {
        let lines = lines();
        Worded { text: lines.join(DOT), max_lines, whole: lines.join("\n") }
    };
    match &delivery.outcome {
        Outcome::Finished { artifacts, recipe, took } => {
            let link = picture_links(artifacts);
            let end = if link.is_empty() { link } else { format!("{DOT}{link}") };
            let room = form.max.saturating_sub(end.len());
            short(format!("{}{end}", finished(recipe, *took, &context, room)))
        }
        Outcome::Answer(Answer::Help(specs)) if form.in_room => short(help(specs, form)),
        Outcome::Answer(Answer::Help(_)) => long(HELP_LINES),
        _ => long(form.max_lines),
    }
}

/// Whom a line speaks to: how lines of ours for people begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lead(String);

impl Lead {
    /// Only for what begins with a word of ours and is read by one person.
    pub(crate) fn none() -> Self {
        Self(String::new())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What no server would take as a nick gets a word before it: no line of ours begins with
/// something that a robot could obey.
pub(crate) fn lead(name: &str) -> Lead {
    let name = fit::shorten(&one_line(name), MAX_NAME);
    let is_nick = name.starts_with(|c: char| c.is_alphanumeric() || "[]\\`_^{|}".contains(c));
    Lead(if is_nick { format!("{name}: ") } else { format!("to {name}: ") })
}

/// Names behind a relay are chosen freely: one word says nothing, and broken into pieces it rings
/// for nobody who has that nick here.
pub(crate) fn relayed_lead(name: &str) -> Lead {
    let name = one_line(name);
    let word = fit::shorten(name.split_whitespace().next().unwrap_or_default(), MAX_NAME);
    let mut lead = String::from("‹");
    for (number, letter) in word.graphemes(true).enumerate() {
        lead.push_str(if number % 2 == 1 { "·" } else { "" });
        lead.push_str(letter);
    }
    lead.push_str("› ");
    Lead(lead)
}

/// Results are for all to see and to be told of; what only answers a question is a notice, which
/// robots leave alone. `in_room` is how the operator wants those in rooms.
pub(crate) fn verb(outcome: &Outcome, in_room: Option<Verb>) -> Verb {
    match outcome {
        Outcome::Rejected(_) | Outcome::Answer(_) => in_room.unwrap_or(Verb::Notice),
        _ => Verb::Privmsg,
    }
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
fn help(specs: &[Spec], form: &Form<'_>) -> String {
    let names: Vec<_> = specs.iter().map(|spec| format!("{}{}", form.prefix, spec.name)).collect();
    let end = format!("; more: /msg {} help", form.nick);
    let names = fit::shorten(&names.join(", "), form.max.saturating_sub(end.len()));
    format!("{names}{end}")
}

#[cfg(test)]
mod tests;
