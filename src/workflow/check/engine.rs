//! A graph against the node classes that an engine says it has.
use super::Finding;
use crate::workflow::{
    Binding, Graph, Input, InputKind, Kind, ModelFile, Nodes, Parameter, Target, Workflow,
    graph::link_source, needs::checkpoint,
};
use crate::written::nearest;
use serde_json::Value;

/// Longest list of choices that is shown whole.
const SHOWN_CHOICES: usize = 12;

/// Whether an engine accepts a bound graph as it is.
pub(in crate::workflow) fn accepted(graph: &Graph, nodes: &Nodes) -> bool {
    graph.classes().all(|(node, class)| {
        nodes.classes.contains_key(class) && {
            let inputs = graph.inputs(node);
            known_inputs(nodes, class).all(|(name, input)| {
                match inputs.and_then(|inputs| inputs.get(name)) {
                    Some(value) => misfit(value, &input.kind).is_none(),
                    None => !input.required,
                }
            })
        }
    })
}

/// What an engine with these nodes says to it, and to the checkpoints that models use it with.
pub fn against(workflow: &Workflow, nodes: &Nodes, checkpoints: &[String]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = workflow
        .graph
        .classes()
        .flat_map(|(node, class)| node_findings(workflow, nodes, node, class))
        .collect();
    for (parameter, binding) in &workflow.manifest.parameters {
        findings.extend(binding.to.iter().filter_map(|target| {
            let input = input_of(&workflow.graph, nodes, target)?;
            let wrong = binding_misfit(binding, &input.kind)?;
            Some(Finding::Wrong(format!("parameter `{parameter}` for {target}: {wrong}")))
        }));
    }
    findings.extend(output_finding(&workflow.graph, nodes));
    findings.extend(missing_checkpoints(workflow, nodes, checkpoints));
    findings.sort();
    findings.dedup();
    findings
}

fn node_findings(workflow: &Workflow, nodes: &Nodes, node: &str, class: &str) -> Vec<Finding> {
    if !nodes.classes.contains_key(class) {
        return vec![Finding::Wrong(unknown_class(node, class, nodes))];
    }
    let inputs = workflow.graph.inputs(node);
    known_inputs(nodes, class)
        .filter_map(|(name, input)| {
            let target = Target { node: node.to_owned(), input: name.to_owned() };
            match inputs.and_then(|inputs| inputs.get(name)) {
                Some(value) => value_finding(workflow, &target, value, &input.kind),
                None if input.required => Some(Finding::Wrong(format!(
                    "node {node} ({class}) lacks the input `{name}`; export the graph again"
                ))),
                None => None,
            }
        })
        .collect()
}

fn unknown_class(node: &str, class: &str, nodes: &Nodes) -> String {
    let known = nodes.classes.keys().map(String::as_str);
    let hint = match nearest(class, known) {
        Some(near) => format!("; the nearest it has is `{near}`"),
        None => String::new(),
    };
    format!(
        "node {node}: the engine has no node class `{class}`{hint}; \
         update ComfyUI or install the custom node that brings it"
    )
}

/// What is wrong with a value that the graph fixes by itself.
fn value_finding(
    workflow: &Workflow,
    target: &Target,
    value: &Value,
    kind: &InputKind,
) -> Option<Finding> {
    let mut bindings = workflow.manifest.parameters.values();
    if bindings.any(|binding| binding.to.contains(target)) {
        return None;
    }
    let wrong = misfit(value, kind)?;
    let required = |file: &&ModelFile| value.as_str() == Some(file.file.as_str());
    match workflow.manifest.requires.iter().find(required) {
        Some(file) => Some(Finding::Missing(file.clone())),
        None => Some(Finding::Wrong(format!("{target}: {wrong}"))),
    }
}

/// Why an engine would refuse a plain value; links are judged by the offline check.
fn misfit(value: &Value, kind: &InputKind) -> Option<String> {
    if link_source(value).is_some() {
        return None;
    }
    let (fits, wanted) = match kind {
        InputKind::Choice(choices) => {
            (choices.iter().any(|known| value == known.as_str()), listed(choices))
        }
        InputKind::Integer { min, max, .. } => (
            value
                .as_i64()
                .map(i128::from)
                .or_else(|| value.as_u64().map(i128::from))
                .is_some_and(|number| number >= i128::from(*min) && number <= i128::from(*max)),
            format!("a whole number from {min} to {max}"),
        ),
        InputKind::Decimal { min, max } => (
            value.as_f64().is_some_and(|number| number >= *min && number <= *max),
            format!("a number from {min} to {max}"),
        ),
        InputKind::Text => (value.is_string(), "text".to_owned()),
        InputKind::Switch => (value.is_boolean(), "true or false".to_owned()),
        InputKind::Link(_) => (true, String::new()),
    };
    (!fits).then(|| format!("{value} is not {wanted}"))
}

fn listed(choices: &[String]) -> String {
    match choices.len() {
        0 => "possible: the engine has nothing to choose from here".to_owned(),
        1..=SHOWN_CHOICES => format!("one of {}", choices.join(", ")),
        more => format!("one of the engine's {more} choices"),
    }
}

/// Where a manifest allows, or falls back to, what the engine's node refuses.
fn binding_misfit(binding: &Binding, kind: &InputKind) -> Option<String> {
    if matches!(binding.kind, Kind::Model | Kind::Image) {
        return None;
    }
    let numbers = [&binding.min, &binding.max];
    let bounds = numbers.into_iter().flatten().map(|bound| match kind {
        InputKind::Integer { .. } | InputKind::Decimal { .. } => {
            misfit(&Value::Number(bound.clone()), kind)
        }
        _ => Some(format!("{bound} is a bound, but the node takes no number")),
    });
    let choices = binding.choices.iter().map(|choice| misfit(&choice.as_str().into(), kind));
    let default = binding.default.iter().map(|value| misfit(value, kind));
    bounds.chain(choices).chain(default).flatten().next()
}

fn output_finding(graph: &Graph, nodes: &Nodes) -> Option<Finding> {
    let known: Vec<_> = graph.classes().filter_map(|(_, class)| nodes.classes.get(class)).collect();
    let none = !known.is_empty() && !known.iter().any(|class| class.is_output);
    none.then(|| Finding::Wrong("no node keeps a result: end it in Preview Image".to_owned()))
}

/// The files of the models that use this workflow, or its own where none does.
fn missing_checkpoints(workflow: &Workflow, nodes: &Nodes, files: &[String]) -> Vec<Finding> {
    let Some(binding) = workflow.manifest.binding(Parameter::Checkpoint) else {
        return Vec::new();
    };
    let own = binding.default.as_ref().and_then(Value::as_str);
    let files = files.iter().map(String::as_str);
    let files: Vec<&str> =
        if files.len() > 0 { files.collect() } else { own.into_iter().collect() };
    let absent = |file: &&str| {
        binding.to.iter().any(|target| {
            input_of(&workflow.graph, nodes, target)
                .is_some_and(|input| misfit(&(*file).into(), &input.kind).is_some())
        })
    };
    let missing = files.into_iter().filter(absent);
    missing.filter_map(|file| checkpoint(workflow, file)).map(Finding::Missing).collect()
}

fn known_inputs<'a>(nodes: &'a Nodes, class: &str) -> impl Iterator<Item = (&'a str, &'a Input)> {
    let inputs = nodes.classes.get(class).map(|class| &class.inputs);
    inputs.into_iter().flatten().map(|(name, input)| (name.as_str(), input))
}

fn input_of<'a>(graph: &Graph, nodes: &'a Nodes, target: &Target) -> Option<&'a Input> {
    nodes.classes.get(graph.class_of(&target.node)?)?.inputs.get(&target.input)
}
