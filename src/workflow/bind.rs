//! Binding: a resolved request into a copy of the graph. It writes JSON values into declared
//! inputs, never text into text, and then proves that nothing else has changed.
use super::{Binding, Graph, Parameter, Target, Workflow, graph::link_source};
use crate::job::Render;
use serde_json::Value;
use std::collections::BTreeSet;

/// What results that an engine keeps are named; never a person's words.
const FILE_PREFIX: &str = "inkwire/picture";

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BindError {
    #[error("{0} is not given")]
    Missing(Parameter),
    #[error("{parameter} must be from {min} to {max}")]
    OutOfRange { parameter: Parameter, min: f64, max: f64 },
    #[error("{parameter} must be a multiple of {step}")]
    OffStep { parameter: Parameter, step: u32 },
    #[error("{parameter} must be one of {}", choices.join(", "))]
    NotAChoice { parameter: Parameter, choices: Vec<String> },
    #[error("the model file's name is not safe")]
    UnsafeName,
    #[error("the workflow has no input {0}")]
    NoTarget(Target),
    #[error("the workflow would have been changed beyond its declared inputs")]
    Changed,
}

/// The graph that draws part `part` (from 0) of a request, with `seed + part`.
pub fn bind(workflow: &Workflow, render: &Render, part: u8) -> Result<Graph, BindError> {
    let mut graph = workflow.graph.clone();
    for (parameter, binding) in &workflow.manifest.parameters {
        let Some(value) = value_of(*parameter, binding, render, part)? else { continue };
        for target in &binding.to {
            *graph
                .literal_mut(&target.node, &target.input)
                .ok_or_else(|| BindError::NoTarget(target.clone()))? = value.clone();
        }
    }
    let prefixes = file_prefixes(&graph);
    for target in &prefixes {
        if let Some(prefix) = graph.literal_mut(&target.node, &target.input) {
            *prefix = FILE_PREFIX.into();
        }
    }
    let declared = workflow.manifest.parameters.values().flat_map(|binding| &binding.to);
    let declared = declared.chain(&prefixes).collect();
    same_but(&workflow.graph, &graph, &declared).then_some(graph).ok_or(BindError::Changed)
}

fn file_prefixes(graph: &Graph) -> Vec<Target> {
    graph
        .all_inputs()
        .filter(|(_, name, value)| *name == "filename_prefix" && value.is_string())
        .map(|(node, name, _)| Target { node: node.to_owned(), input: name.to_owned() })
        .collect()
}

/// Whether two graphs have the same nodes, classes, inputs and links; only the plain values of
/// `declared` inputs may differ.
fn same_but(template: &Graph, bound: &Graph, declared: &BTreeSet<&Target>) -> bool {
    let may_differ = |node: &str, input: &str, old: &Value, new: &Value| {
        let target = Target { node: node.to_owned(), input: input.to_owned() };
        let plain = link_source(old).is_none() && link_source(new).is_none();
        plain && declared.contains(&target)
    };
    template.classes().eq(bound.classes())
        && template.all_inputs().count() == bound.all_inputs().count()
        && template.all_inputs().zip(bound.all_inputs()).all(|(old, new)| {
            (old.0, old.1) == (new.0, new.1)
                && (old.2 == new.2 || may_differ(old.0, old.1, old.2, new.2))
        })
}

/// The value to write; `None` leaves the workflow's own.
fn value_of(
    parameter: Parameter,
    binding: &Binding,
    render: &Render,
    part: u8,
) -> Result<Option<Value>, BindError> {
    let integer = |value: u32| in_steps(parameter, binding, value).map(Some);
    match parameter {
        Parameter::Prompt => Ok(Some(render.positive.as_str().into())),
        Parameter::Negative => Ok(Some(render.negative.as_str().into())),
        Parameter::Checkpoint => file_name(&render.checkpoint).map(Some),
        Parameter::Width => integer(render.width),
        Parameter::Height => integer(render.height),
        Parameter::Steps => integer(render.steps),
        Parameter::Cfg => in_range(parameter, binding, render.cfg).map(Some),
        Parameter::Denoise => {
            render.denoise.map(|value| in_range(parameter, binding, value)).transpose()
        }
        Parameter::Sampler => choice(parameter, binding, &render.sampler),
        Parameter::Scheduler => choice(parameter, binding, &render.scheduler),
        Parameter::Seed => Ok(Some(seed(binding, render.seed, part).into())),
        Parameter::Picture => Err(BindError::Missing(parameter)),
    }
}

fn in_range(parameter: Parameter, binding: &Binding, value: f64) -> Result<Value, BindError> {
    let (min, max) = binding.bounds();
    if value.is_finite() && value >= min && value <= max {
        Ok(value.into())
    } else {
        Err(BindError::OutOfRange { parameter, min, max })
    }
}

fn in_steps(parameter: Parameter, binding: &Binding, value: u32) -> Result<Value, BindError> {
    in_range(parameter, binding, value.into())?;
    match binding.step {
        Some(step) if step > 0 && !value.is_multiple_of(step) => {
            Err(BindError::OffStep { parameter, step })
        }
        _ => Ok(value.into()),
    }
}

fn choice(parameter: Parameter, binding: &Binding, word: &str) -> Result<Option<Value>, BindError> {
    let choices = &binding.choices;
    if word.is_empty() {
        Ok(None)
    } else if choices.is_empty() || choices.iter().any(|known| known == word) {
        Ok(Some(word.into()))
    } else {
        Err(BindError::NotAChoice { parameter, choices: choices.clone() })
    }
}

fn seed(binding: &Binding, seed: u64, part: u8) -> u64 {
    let seed = seed.wrapping_add(part.into());
    match binding.max.as_ref().and_then(serde_json::Number::as_u64) {
        Some(max) if max < u64::MAX => seed % (max + 1),
        _ => seed,
    }
}

/// A name below an engine's model folder, and not a way out of it.
fn file_name(name: &str) -> Result<Value, BindError> {
    if name.is_empty() {
        return Err(BindError::Missing(Parameter::Checkpoint));
    }
    let escapes = name.starts_with(['/', '\\', '~'])
        || name.split(['/', '\\']).any(|step| step == "..")
        || name.contains(|c: char| c.is_control() || c == ':');
    if escapes { Err(BindError::UnsafeName) } else { Ok(name.into()) }
}
#[cfg(test)]
mod tests;
