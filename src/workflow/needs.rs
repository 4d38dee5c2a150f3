//! Whether an engine's catalogue has what a request needs: the routing of work to engines that can
//! do it.
use super::{Binding, ModelFile, Nodes, Parameter, Workflow, bind, check};
use crate::job::Render;
use serde_json::Number;

/// Whether an engine with these nodes accepts the request as it would be sent. False for an
/// engine whose catalogue is not known yet.
pub fn can_run(workflow: &Workflow, render: &Render, nodes: &Nodes) -> bool {
    bind(workflow, render, 0).is_ok_and(|graph| check::accepted(&graph, nodes))
}

/// Whether an engine has the nodes and the model for some request to this workflow, whatever its
/// numbers.
pub fn offers(workflow: &Workflow, checkpoint: &str, nodes: &Nodes) -> bool {
    let whole = |parameter, usual: u32| {
        let binding = workflow.manifest.binding(parameter);
        let default = binding.and_then(|b| b.default.as_ref()?.as_u64()).unwrap_or(usual.into());
        let bound = |end: Option<&Number>| end.and_then(Number::as_u64);
        let least = bound(binding.and_then(|b| b.min.as_ref())).unwrap_or(0);
        let most = bound(binding.and_then(|b| b.max.as_ref())).unwrap_or(u64::MAX);
        u32::try_from(default.min(most).max(least)).unwrap_or(usual)
    };
    let cfg = workflow.manifest.binding(Parameter::Cfg);
    let (least, most) = cfg.map_or((0.0, f64::MAX), Binding::bounds);
    let default = cfg.and_then(|binding| binding.default.as_ref()?.as_f64());
    // Sampler and scheduler stay those of the graph.
    let render = Render {
        checkpoint: checkpoint.to_owned(),
        width: whole(Parameter::Width, 512),
        height: whole(Parameter::Height, 512),
        steps: whole(Parameter::Steps, 4),
        cfg: default.unwrap_or(1.0).min(most).max(least),
        ..Render::default()
    };
    can_run(workflow, &render, nodes)
}

pub(super) fn checkpoint(workflow: &Workflow, file: &str) -> Option<ModelFile> {
    let binding = workflow.manifest.binding(Parameter::Checkpoint)?;
    let folder = binding.folder.clone().unwrap_or_else(|| "checkpoints".to_owned());
    (!file.is_empty()).then(|| ModelFile { folder, file: file.to_owned() })
}
