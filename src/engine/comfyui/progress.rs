//! How far a prompt is: steps over its whole graph, of which cached nodes are no part.
//! What is shown only grows, whatever order and numbers the frames come with.
use super::events::Step;
use crate::workflow::Graph;
use serde_json::Value;
use std::collections::BTreeMap;

/// No node counts for more, whatever it claims.
const HEAVIEST: u32 = 10_000;

/// Nodes of the graph alone: those that expand while it runs are parts of one of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Gauge {
    nodes: BTreeMap<String, Node>,
    running: Option<String>,
    shown: (u32, u32),
}

#[derive(Debug, Clone)]
struct Node {
    weight: u32,
    done: u32,
}

impl Gauge {
    pub(super) fn new(graph: &Graph) -> Self {
        let nodes = graph.nodes();
        let longest = nodes.values().filter_map(steps_of).max().unwrap_or(1);
        let weigh = |node: &Value| match class_of(node) {
            // Its steps stand in a scheduler beside it, which itself is quick.
            class if class.starts_with("SamplerCustom") => longest,
            class if class.contains("Sampler") => steps_of(node).unwrap_or(1),
            _ => 1,
        };
        let nodes = nodes.iter();
        let nodes = nodes.map(|(id, node)| (id.clone(), Node { weight: weigh(node), done: 0 }));
        Self { nodes: nodes.collect(), running: None, shown: (0, 0) }
    }

    /// Steps done and in all; (0, 0) before the first.
    pub(super) fn shown(&self) -> (u32, u32) {
        self.shown
    }

    pub(super) fn cached(&mut self, nodes: &[String]) {
        self.nodes.retain(|id, _| !nodes.contains(id));
    }

    /// One node begins: the one before it is done.
    pub(super) fn executing(&mut self, node: &str) {
        if let Some(before) = self.running.replace(node.to_owned()).filter(|id| id != node) {
            self.finish(&before);
        }
        self.show();
    }

    pub(super) fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            let Some(node) = self.nodes.get_mut(&step.node) else { continue };
            if step.max > 1.0 {
                node.weight = whole(step.max).clamp(1, HEAVIEST);
            }
            let share = if step.max > 0.0 { step.value / step.max } else { 0.0 };
            let done = whole(share.clamp(0.0, 1.0) * f64::from(node.weight));
            node.done = node.done.max(done).min(node.weight);
            if step.finished {
                self.finish(&step.node);
            }
        }
        self.show();
    }

    fn finish(&mut self, id: &str) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.done = node.weight;
        }
    }

    fn show(&mut self) {
        let total: u32 = self.nodes.values().map(|node| node.weight).fold(0, u32::saturating_add);
        let done: u32 = self.nodes.values().map(|node| node.done).fold(0, u32::saturating_add);
        let ahead = u64::from(done) * u64::from(self.shown.1);
        if total > 0 && ahead >= u64::from(self.shown.0) * u64::from(total) {
            self.shown = (done, total);
        }
    }
}

fn class_of(node: &Value) -> &str {
    node.get("class_type").and_then(Value::as_str).unwrap_or_default()
}

fn steps_of(node: &Value) -> Option<u32> {
    let steps = node.pointer("/inputs/steps")?.as_u64()?;
    Some(u32::try_from(steps).unwrap_or(HEAVIEST).clamp(1, HEAVIEST))
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the only way from a float to an integer; it is within bounds"
)]
fn whole(value: f64) -> u32 {
    value.clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn gauge() -> Gauge {
        let graph = json!({
            "1": {"class_type": "CheckpointLoaderSimple", "inputs": {}},
            "2": {"class_type": "KSampler", "inputs": {"steps": 4}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}},
        });
        Gauge::new(&serde_json::from_value(graph).unwrap())
    }

    fn step(node: &str, value: f64, max: f64, finished: bool) -> Step {
        Step { node: node.into(), value, max, finished }
    }

    #[test]
    fn steps_weigh_more_than_loaders() {
        let mut gauge = gauge();
        gauge.executing("1");
        assert_eq!(gauge.shown(), (0, 6));
        gauge.executing("2");
        assert_eq!(gauge.shown(), (1, 6));
        gauge.steps(&[step("2", 2.0, 4.0, false)]);
        assert_eq!(gauge.shown(), (3, 6));
        gauge.steps(&[step("2", 4.0, 4.0, true), step("3", 1.0, 1.0, true)]);
        assert_eq!(gauge.shown(), (6, 6));
    }

    #[test]
    fn cached_and_foreign_nodes_do_not_count() {
        let mut gauge = gauge();
        gauge.cached(&["1".into()]);
        gauge.executing("2");
        gauge.steps(&[step("2.0.0.7", 5.0, 9.0, true)]);
        assert_eq!(gauge.shown(), (0, 5));
    }

    proptest! {
        #[test]
        fn progress_never_falls(
            frames in proptest::collection::vec(("[1-4]", any::<f64>(), any::<f64>(), any::<bool>()), 0..40),
        ) {
            let mut gauge = gauge();
            let mut before = (0, 0);
            for (node, value, max, finished) in frames {
                gauge.executing(&node);
                gauge.steps(&[step(&node, value, max, finished)]);
                let (done, total) = gauge.shown();
                prop_assert!(done <= total);
                prop_assert!(u64::from(done) * u64::from(before.1) >= u64::from(before.0) * u64::from(total));
                before = (done, total);
            }
        }
    }
}
