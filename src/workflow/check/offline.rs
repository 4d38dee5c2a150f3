//! The two files of a workflow against each other.
use super::Finding;
use crate::workflow::{Binding, Graph, Kind, Parameter, Target, Workflow, graph::link_source};
use crate::written::nearest;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How the classes begin that keep a result, as far as names tell.
const OUTPUTS: [&str; 2] = ["Preview", "Save"];
/// How files of models end.
const MODEL_FILES: [&str; 7] = [".safetensors", ".sft", ".gguf", ".ckpt", ".pth", ".pt", ".bin"];

/// What can be said without an engine; empty when nothing is wrong.
pub fn offline(workflow: &Workflow) -> Vec<Finding> {
    let graph = &workflow.graph;
    let parameters = &workflow.manifest.parameters;
    let mut wrong: Vec<String> = Vec::new();
    for (parameter, binding) in parameters {
        wrong.extend(binding_wrong(*parameter, binding));
        wrong.extend(binding.to.iter().filter_map(|target| {
            let what = target_wrong(graph, binding.kind, target)?;
            Some(format!("parameter `{parameter}`: {what}"))
        }));
    }
    if !parameters.contains_key(&Parameter::Seed) {
        wrong.push("no `seed` is bound, so every request would get the same picture".to_owned());
    }
    wrong.extend(bound_twice(workflow));
    wrong.extend(dangling(graph));
    wrong.extend(cycle(graph));
    if !graph.classes().any(|(_, class)| OUTPUTS.iter().any(|start| class.starts_with(start))) {
        wrong.push("no node keeps a result: end the graph in Preview Image".to_owned());
    }
    wrong.extend(unlisted_files(workflow));
    wrong.into_iter().map(Finding::Wrong).collect()
}

/// What is wrong with a binding by itself.
fn binding_wrong(parameter: Parameter, binding: &Binding) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut say = |bad: bool, what: String| {
        if bad {
            wrong.push(format!("parameter `{parameter}` {what}"));
        }
    };
    let (min, max) = binding.bounds();
    let numeric = matches!(binding.kind, Kind::Int | Kind::Float);
    let kind = parameter.kind();
    say(binding.kind != kind, format!("is of type {kind}, not {}", binding.kind));
    let picture = parameter == Parameter::Picture;
    say(picture, "cannot be served yet: requests carry no picture".to_owned());
    say(binding.to.is_empty(), "is bound to no input".to_owned());
    say(min > max, format!("has min {min} above max {max}"));
    say(binding.step == Some(0), "has step 0".to_owned());
    say(
        binding.kind == Kind::Model && binding.folder.is_none(),
        "names no `folder` for its files, such as checkpoints".to_owned(),
    );
    if let Some(default) = &binding.default {
        say(!fits(binding.kind, default), format!("has the default {default}"));
        let number = default.as_f64().filter(|_| numeric);
        let outside = number.is_some_and(|number| number < min || number > max);
        say(outside, format!("has the default {default}, outside {min} to {max}"));
        let listed = binding.choices.is_empty() || binding.choices.iter().any(|c| default == c);
        say(!listed, format!("has the default {default}, which is not among its choices"));
    }
    wrong
}

fn target_wrong(graph: &Graph, kind: Kind, target: &Target) -> Option<String> {
    let Target { node, input } = target;
    let Some(inputs) = graph.inputs(node) else {
        let nodes: Vec<&str> = graph.nodes().keys().map(String::as_str).collect();
        return Some(format!("there is no node {node}; the graph has {}", nodes.join(", ")));
    };
    let Some(value) = inputs.get(input) else {
        let names: Vec<&str> = inputs.keys().map(String::as_str).collect();
        let hint = nearest(input, names.iter().copied()).map(|near| format!(", perhaps `{near}`"));
        let hint = hint.unwrap_or_default();
        let names = names.join(", ");
        return Some(format!("node {node} has no input `{input}`{hint} (it has {names})"));
    };
    if link_source(value).is_some() {
        Some(format!("{target} is linked to another node, so no value can be written to it"))
    } else if input == "filename_prefix" {
        Some("filename_prefix is fixed by the service and cannot be bound".to_owned())
    } else if !fits(kind, value) {
        Some(format!("{target} holds {value} in the graph, which is not of type {kind}"))
    } else {
        None
    }
}

fn fits(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Text | Kind::Choice | Kind::Model | Kind::Image => value.is_string(),
        Kind::Int => value.is_i64() || value.is_u64(),
        Kind::Float => value.is_number(),
        Kind::Seed => value.is_u64(),
    }
}

fn bound_twice(workflow: &Workflow) -> Vec<String> {
    let mut owners: BTreeMap<&Target, Vec<String>> = BTreeMap::new();
    for (parameter, binding) in &workflow.manifest.parameters {
        for target in &binding.to {
            owners.entry(target).or_default().push(format!("`{parameter}`"));
        }
    }
    owners.retain(|_, owners| owners.len() > 1);
    owners
        .into_iter()
        .map(|(target, owners)| format!("{target} is bound twice, by {}", owners.join(" and ")))
        .collect()
}

fn dangling(graph: &Graph) -> Vec<String> {
    graph
        .links()
        .filter(|(.., source)| !graph.nodes().contains_key(*source))
        .map(|(node, input, source)| {
            format!("{node}.inputs.{input} is linked to node {source}, which is not there")
        })
        .collect()
}

/// The nodes that wait for each other, found by taking away all that wait for nothing.
fn cycle(graph: &Graph) -> Option<String> {
    let mut waits: BTreeMap<&str, BTreeSet<&str>> =
        graph.nodes().keys().map(|id| (id.as_str(), BTreeSet::new())).collect();
    for (node, _, source) in graph.links() {
        if graph.nodes().contains_key(source) {
            waits.entry(node).or_default().insert(source);
        }
    }
    loop {
        let ready: BTreeSet<&str> =
            waits.iter().filter(|(_, on)| on.is_empty()).map(|(id, _)| *id).collect();
        if ready.is_empty() {
            break;
        }
        waits.retain(|id, _| !ready.contains(id));
        for on in waits.values_mut() {
            on.retain(|id| !ready.contains(id));
        }
    }
    let left: Vec<&str> = waits.into_keys().collect();
    (!left.is_empty()).then(|| format!("nodes {} wait for each other in a circle", left.join(", ")))
}

/// Model files in the graph that neither a request nor `requires` names: nobody would be told
/// to install them.
fn unlisted_files(workflow: &Workflow) -> Vec<String> {
    let manifest = &workflow.manifest;
    let bound: BTreeSet<String> = manifest
        .parameters
        .values()
        .flat_map(|binding| binding.to.iter().map(Target::to_string))
        .collect();
    workflow
        .graph
        .all_inputs()
        .filter_map(|(node, input, value)| {
            Some((format!("{node}.inputs.{input}"), value.as_str()?))
        })
        .filter(|(path, file)| {
            MODEL_FILES.iter().any(|end| file.ends_with(end))
                && !bound.contains(path)
                && !manifest.requires.iter().any(|known| known.file == *file)
        })
        .map(|(path, file)| format!("{path} names the file {file}: list it under `requires`"))
        .collect()
}
