//! What can be asked for: models and workflows as configured, held against the engines'
//! catalogues. Pure.
use crate::{
    engine::Catalog,
    intake::presets::{Ceilings, Known, Model, Presets, WorkflowFacts},
    workflow::{Binding, Library, Manifest, Parameter, Workflow, offers},
};
use serde_json::{Number, Value};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// What engines and workflow files offer for what is configured. A catalogue that was read once
/// counts also while its engine is down.
pub(super) fn known(library: &Library, presets: &Presets, catalogs: &[Arc<Catalog>]) -> Known {
    let read: Vec<&Catalog> =
        catalogs.iter().map(Arc::as_ref).filter(|c| !c.nodes.classes.is_empty()).collect();
    let offered = |model: &Model| {
        let workflow = library.get(&model.workflow);
        workflow.is_some_and(|w| read.iter().any(|c| offers(w, &model.checkpoint, &c.nodes)))
    };
    let models: BTreeSet<String> =
        presets.models.iter().filter(|(_, model)| offered(model)).map(|(n, _)| n.clone()).collect();
    let workflow = |workflow: &Workflow| {
        let defaults = defaults(workflow);
        let of_it = |(name, model): (&String, &Model)| {
            model.workflow == workflow.name && models.contains(name)
        };
        let available = presets.models.iter().any(of_it) || offered(&defaults);
        (workflow.name.clone(), facts(workflow, defaults, available))
    };
    Known {
        workflows: library.iter().map(workflow).collect(),
        models: (!read.is_empty()).then_some(models),
        samplers: union(&read, |catalog| &catalog.samplers),
        schedulers: union(&read, |catalog| &catalog.schedulers),
    }
}

fn union(read: &[&Catalog], of: impl Fn(&Catalog) -> &Vec<String>) -> Vec<String> {
    let all: BTreeSet<&String> = read.iter().flat_map(|catalog| of(catalog)).collect();
    all.into_iter().cloned().collect()
}

fn facts(workflow: &Workflow, defaults: Model, available: bool) -> WorkflowFacts {
    let manifest = &workflow.manifest;
    WorkflowFacts {
        title: manifest.title.clone(),
        needs_picture: manifest.needs_picture(),
        available,
        parameters: manifest.parameters.keys().map(ToString::to_string).collect(),
        defaults,
        ceilings: ceilings(manifest),
        time_limit: manifest.time_limit(),
        step_time: Some(Duration::from_millis(manifest.cost.step_ms_per_megapixel)),
    }
}

/// What a manifest says where a request and its model say nothing.
fn defaults(workflow: &Workflow) -> Model {
    let manifest = &workflow.manifest;
    let default = |parameter| manifest.binding(parameter)?.default.as_ref();
    let number = |p| default(p).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let text = |p| default(p).and_then(Value::as_str).map(ToOwned::to_owned);
    Model {
        workflow: workflow.name.clone(),
        checkpoint: text(Parameter::Checkpoint).unwrap_or_default(),
        width: number(Parameter::Width),
        height: number(Parameter::Height),
        steps: number(Parameter::Steps),
        cfg: default(Parameter::Cfg).and_then(Value::as_f64),
        sampler: text(Parameter::Sampler),
        scheduler: text(Parameter::Scheduler),
        ..Model::default()
    }
}

/// A manifest's own bounds, within ours.
fn ceilings(manifest: &Manifest) -> Ceilings {
    let ours = Ceilings::default();
    let bound =
        |parameter, end: fn(&Binding) -> Option<&Number>| manifest.binding(parameter).and_then(end);
    let whole = |parameter, end| {
        bound(parameter, end).and_then(Number::as_u64).and_then(|n| u32::try_from(n).ok())
    };
    let min: fn(&Binding) -> Option<&Number> = |binding| binding.min.as_ref();
    let max: fn(&Binding) -> Option<&Number> = |binding| binding.max.as_ref();
    Ceilings {
        min_side: whole(Parameter::Width, min).unwrap_or(ours.min_side),
        max_side: whole(Parameter::Width, max).unwrap_or(ours.max_side),
        max_steps: whole(Parameter::Steps, max).unwrap_or(ours.max_steps),
        max_pixels: manifest.limits.max_pixels.min(ours.max_pixels),
        side_step: manifest
            .binding(Parameter::Width)
            .and_then(|binding| binding.step)
            .unwrap_or(ours.side_step),
        min_cfg: bound(Parameter::Cfg, min).and_then(Number::as_f64).unwrap_or(ours.min_cfg),
        max_cfg: bound(Parameter::Cfg, max).and_then(Number::as_f64).unwrap_or(ours.max_cfg),
        ..ours
    }
}
