//! What `/object_info` and `/system_stats` say of a server, in our words. Pure.
use super::errors::scrub;
use crate::{
    engine::{Catalog, Status},
    workflow::{InputKind, Nodes},
};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn catalog(nodes: Nodes) -> Catalog {
    Catalog {
        checkpoints: choices(&nodes, &["ckpt_name", "unet_name"]),
        loras: choices(&nodes, &["lora_name"]),
        samplers: choices(&nodes, &["sampler_name"]),
        schedulers: choices(&nodes, &["scheduler"]),
        nodes,
    }
}

/// Over all classes, as custom loaders know more kinds of files than the stock ones.
fn choices(nodes: &Nodes, inputs: &[&str]) -> Vec<String> {
    let of_class = nodes.classes.values().flat_map(|class| {
        inputs.iter().filter_map(|name| match &class.inputs.get(*name)?.kind {
            InputKind::Choice(values) => Some(values),
            _ => None,
        })
    });
    let all: BTreeSet<&String> = of_class.flatten().collect();
    all.into_iter().cloned().collect()
}

/// Puts version, device and memory into a status.
pub(super) fn describe(answer: &Value, status: &mut Status) {
    let number = |path: &str| answer.pointer(path).and_then(Value::as_u64);
    let text = |path: &str| answer.pointer(path).and_then(Value::as_str).map(scrub);
    status.version = text("/system/comfyui_version");
    status.device = text("/devices/0/name");
    status.vram = number("/devices/0/vram_free").zip(number("/devices/0/vram_total"));
    status.ram = number("/system/ram_free").zip(number("/system/ram_total"));
}
