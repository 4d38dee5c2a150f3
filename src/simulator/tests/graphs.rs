//! Graphs: which run, in which order, and that none of them brings the server down.
use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::simulator::graph::{Stock, Verdict, judge, order};
use crate::simulator::shipped;

fn judged(graph: &mut Value) -> Verdict {
    let models = shipped();
    judge(graph, None, &Stock { models: &models, uploads: &[], readable: &|_| false })
}

/// `EmptyImage`, then this many `ImageInvert`, then two outputs.
fn chain(length: usize) -> Value {
    let mut graph = json!({"0": {"class_type": "EmptyImage", "inputs":
        {"width": 8, "height": 8, "batch_size": 1, "color": 0}}});
    for number in 1..=length {
        let before = (number - 1).to_string();
        graph[number.to_string()] =
            json!({"class_type": "ImageInvert", "inputs": {"image": [before, 0]}});
    }
    let last = length.to_string();
    graph["a"] = json!({"class_type": "PreviewImage", "inputs": {"images": ["0", 0]}});
    graph["b"] = json!({"class_type": "PreviewImage", "inputs": {"images": [last, 0]}});
    graph
}

#[test]
fn nodes_run_after_what_they_need_and_outputs_as_soon_as_they_can() {
    let check = |outputs: &[&str], done: &[&str], expected: &[&str]| {
        let outputs: Vec<_> = outputs.iter().map(|id| (*id).to_owned()).collect();
        let done: BTreeSet<_> = done.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(order(&chain(3), &outputs, &done), expected);
    };
    check(&["b"], &[], &["0", "1", "2", "3", "b"]);
    check(&["b", "a"], &[], &["0", "a", "1", "2", "3", "b"]);
    check(&["a", "b"], &["0", "1"], &["a", "2", "3", "b"]);
    check(&["b"], &["0", "1", "2", "3", "b"], &["b"]);
    check(&[], &[], &[]);
}

#[test]
fn only_graphs_beyond_reason_are_refused_for_their_size() {
    let accepted = |length| matches!(judged(&mut chain(length)), Verdict::Accepted { outputs, .. } if outputs.len() == 2);
    assert!(accepted(1) && accepted(140));
    assert!(!accepted(1500));
    assert!(matches!(judged(&mut chain(5000)), Verdict::Broken));
}

#[test]
fn a_ring_is_refused_without_a_word() {
    let mut graph = json!({
        "1": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    });
    let Verdict::Refused(body) = judged(&mut graph) else { panic!("a ring was accepted") };
    assert_eq!(body["node_errors"], json!({}));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[a-z0-9 ]{0,8}".prop_map(Value::from),
        (0..6_u8, any::<u8>()).prop_map(|(id, slot)| json!([id.to_string(), slot % 4])),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(|list| json!(list)),
    ]
}

fn node() -> impl Strategy<Value = Value> {
    let classes: Vec<_> =
        crate::simulator::catalogue::all().map(|class| class.name).chain(["Nope"]).collect();
    let names = vec!["image", "images", "samples", "text", "width", "seed", "model", "ckpt_name"];
    let input = (prop::sample::select(names), value());
    (
        prop::sample::select(classes),
        prop::collection::btree_map(input.prop_map(|(name, _)| name), value(), 0..6),
    )
        .prop_map(|(class, inputs)| json!({"class_type": class, "inputs": inputs}))
}

proptest! {
    #[test]
    fn any_graph_gets_a_verdict(nodes in prop::collection::vec(prop_oneof![9 => node(), 1 => value()], 0..6)) {
        let mut graph = Value::Object(
            nodes.into_iter().enumerate().map(|(id, node)| (id.to_string(), node)).collect(),
        );
        if let Verdict::Accepted { outputs, .. } = judged(&mut graph) {
            let order = order(&graph, &outputs, &BTreeSet::new());
            prop_assert!(outputs.iter().all(|id| order.contains(id)));
        }
    }
}
