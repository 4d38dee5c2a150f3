//! The shipped workflows, and what is said about wrong ones.
use super::*;
use crate::{
    job::Render,
    workflow::{
        Graph, Input, InputKind, Library, NodeClass, Nodes, Parameter, Workflow, can_run, offers,
    },
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn shipped(name: &str) -> Workflow {
    Library::shipped().0.get(name).expect("shipped").clone()
}

fn edited(name: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Workflow {
    let mut workflow = shipped(name);
    let mut nodes = workflow.graph.nodes().clone();
    change(&mut nodes);
    workflow.graph = Graph::new(nodes);
    workflow
}

fn with_manifest(name: &str, from: &str, to: &str) -> Workflow {
    let file = |end| std::fs::read_to_string(format!("workflows/{name}.{end}")).expect("shipped");
    let manifest = file("yaml");
    assert!(manifest.contains(from), "{from} in {name}.yaml");
    Workflow::parse(name, &file("json"), &manifest.replacen(from, to, 1)).expect("parses")
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(Finding::to_string).collect()
}

/// An engine with exactly the classes and inputs of a workflow, and these checkpoints.
fn engine(workflow: &Workflow, checkpoints: &[&str]) -> Nodes {
    let mut classes = BTreeMap::new();
    for (node, class) in workflow.graph.classes() {
        let inputs = workflow.graph.inputs(node).into_iter().flatten();
        let inputs = inputs.map(|(name, value)| (name.clone(), input(name, value, checkpoints)));
        let is_output = class == "PreviewImage";
        classes.insert(class.to_owned(), NodeClass { inputs: inputs.collect(), is_output });
    }
    Nodes { classes }
}

fn input(name: &str, value: &Value, checkpoints: &[&str]) -> Input {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let kind = match value {
        Value::Array(_) => InputKind::Link("ANY".into()),
        Value::String(_) if name.contains("prompt") || name == "text" => InputKind::Text,
        Value::String(_) if name == "ckpt_name" => InputKind::Choice(words(checkpoints)),
        Value::String(word) => InputKind::Choice(words(&[word, "euler", "normal"])),
        Value::Number(n) if n.is_f64() => InputKind::Decimal { min: 0.0, max: 100.0 },
        _ if name == "seed" => InputKind::Integer { min: 0, max: u64::MAX, step: 1 },
        _ => InputKind::Integer { min: 1, max: 16_777_215, step: 1 },
    };
    Input { required: true, kind }
}

fn choices_of(nodes: &mut Nodes, class: &str, name: &str, choices: &[&str]) {
    let class = nodes.classes.get_mut(class).expect("class");
    let choices = choices.iter().map(|&choice| choice.to_owned()).collect();
    class.inputs.get_mut(name).expect("input").kind = InputKind::Choice(choices);
}

#[test]
fn the_shipped_workflows_pass() {
    let (library, problems) = Library::shipped();
    assert_eq!(problems, []);
    assert_eq!(library.iter().count(), 6);
    for workflow in library.iter() {
        assert_eq!(lines(&offline(workflow)), Vec::<String>::new(), "{}", workflow.name);
        let nodes = engine(workflow, &["mine.safetensors"]);
        let checkpoints =
            if workflow.name == "flux" { vec![] } else { vec!["mine.safetensors".to_owned()] };
        let found = against(workflow, &nodes, &checkpoints);
        assert_eq!(lines(&found), Vec::<String>::new(), "{}", workflow.name);
    }
}

#[test]
fn wrong_manifests_are_found_offline() {
    let check = |from: &str, to: &str, expected: &str| {
        let found = lines(&offline(&with_manifest("sd15", from, to)));
        assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:#?}");
    };
    check(
        "[3.inputs.steps]",
        "[33.inputs.steps]",
        "`steps`: there is no node 33; the graph has 3, 4",
    );
    check("[3.inputs.steps]", "[3.inputs.stesp]", "has no input `stesp`, perhaps `steps`");
    check("[3.inputs.steps]", "[3.inputs.model]", "is linked to another node");
    check("[3.inputs.steps]", "[3.inputs.sampler_name]", "not of type int");
    check(
        "[3.inputs.steps]",
        "[3.inputs.seed]",
        "3.inputs.seed is bound twice, by `steps` and `seed`",
    );
    check("[3.inputs.steps]", "[]", "`steps` is bound to no input");
    check(
        "type: int, to: [3.inputs.steps]",
        "type: float, to: [3.inputs.steps]",
        "of type int, not float",
    );
    check("default: 25, min: 1", "default: 0, min: 1", "default 0, outside 1 to 60");
    check("default: 25, min: 1", "default: 25.5, min: 1", "has the default 25.5");
    check("default: 25, min: 1", "default: 25, min: 90", "has min 90 above max 60");
    check("max: 1024, step: 8", "max: 1024, step: 0", "has step 0");
    check("folder: checkpoints, ", "", "names no `folder`");
    check("default: karras", "default: karras, choices: [normal]", "not among its choices");
    let picture = "  picture: { type: image, to: [5.inputs.x] }\n  seed:";
    check("  seed:", picture, "`picture` cannot be served yet");
    check("  seed: { type: seed, to: [3.inputs.seed] }\n", "", "no `seed` is bound");
}

#[test]
fn wrong_graphs_are_found_offline() {
    let check = |workflow: &Workflow, expected: &str| {
        let found = lines(&offline(workflow));
        assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:#?}");
    };
    let without = |id: &'static str| edited("sd15", move |nodes| drop(nodes.remove(id)));
    check(&without("8"), "9.inputs.images is linked to node 8, which is not there");
    check(&without("9"), "no node keeps a result");
    let circle = edited("sd15", |nodes| nodes["5"]["inputs"]["batch_size"] = json!(["8", 0]));
    check(&circle, "nodes 3, 5, 8, 9 wait for each other in a circle");
    let file = edited("flux", |nodes| nodes["12"]["inputs"]["vae_name"] = json!("x.safetensors"));
    check(&file, "12.inputs.vae_name names the file x.safetensors: list it under `requires`");
}

#[test]
fn an_engine_that_lacks_something_is_told_apart() {
    let check = |workflow: &Workflow, nodes: &Nodes, expected: &[&str]| {
        assert_eq!(lines(&against(workflow, nodes, &[])), expected);
    };
    let sd15 = shipped("sd15");
    let full = engine(&sd15, &["v1-5-pruned-emaonly-fp16.safetensors"]);
    check(&sd15, &full, &[]);

    let mut nodes = full.clone();
    let sampler = nodes.classes.remove("KSampler").expect("class");
    nodes.classes.insert("KSamplers".into(), sampler);
    check(
        &sd15,
        &nodes,
        &["node 3: the engine has no node class `KSampler`; the nearest it has is \
        `KSamplers`; update ComfyUI or install the custom node that brings it"],
    );

    let mut nodes = full.clone();
    choices_of(&mut nodes, "KSampler", "scheduler", &["normal", "simple"]);
    check(
        &sd15,
        &nodes,
        &["parameter `scheduler` for 3.inputs.scheduler: \"karras\" is not one of normal, simple"],
    );

    let mut nodes = full.clone();
    let latent = nodes.classes.get_mut("EmptyLatentImage").expect("class");
    let narrow = InputKind::Integer { min: 16, max: 512, step: 8 };
    latent.inputs.get_mut("width").expect("input").kind = narrow;
    let more = Input { required: true, kind: InputKind::Switch };
    latent.inputs.insert("tiled".into(), more);
    check(
        &sd15,
        &nodes,
        &[
            "node 5 (EmptyLatentImage) lacks the input `tiled`; export the graph again",
            "parameter `width` for 5.inputs.width: 1024 is not a whole number from 16 to 512",
        ],
    );

    let mut nodes = full.clone();
    nodes.classes.get_mut("PreviewImage").expect("class").is_output = false;
    check(&sd15, &nodes, &["no node keeps a result: end it in Preview Image"]);
}

#[test]
fn a_missing_file_fails_a_strict_check_only() {
    let sd35 = shipped("sd35");
    let mut nodes = engine(&sd35, &["other.safetensors"]);
    choices_of(&mut nodes, "TripleCLIPLoader", "clip_name2", &["clip_l.safetensors"]);
    let found = against(&sd35, &nodes, &["mine.safetensors".into()]);
    let expected = [
        "to install: mine.safetensors in the engine's folder models/checkpoints",
        "to install: clip_g.safetensors in the engine's folder models/text_encoders",
    ];
    assert_eq!(lines(&found), expected);
    assert!(found.iter().all(|finding| finding.fails(true) && !finding.fails(false)));
    assert!(Finding::Wrong(String::new()).fails(false));
}

#[test]
fn work_goes_to_engines_that_can_do_it() {
    let sd15 = shipped("sd15");
    let render = Render {
        checkpoint: "mine.safetensors".into(),
        width: 512,
        height: 512,
        steps: 20,
        cfg: 7.0,
        sampler: "euler".into(),
        scheduler: "normal".into(),
        ..Render::default()
    };
    let full = engine(&sd15, &["mine.safetensors"]);
    assert!(can_run(&sd15, &render, &full));
    assert!(!can_run(&sd15, &render, &engine(&sd15, &["other.safetensors"])));
    assert!(!can_run(&sd15, &render, &Nodes::default()));
    assert!(!can_run(&sd15, &Render { sampler: "lcm".into(), ..render.clone() }, &full));
    assert!(!can_run(&sd15, &Render { width: 9999, ..render.clone() }, &full));
}

#[test]
fn an_engine_offers_a_workflow_whatever_bounds_its_manifest_sets() {
    let mut sd15 = Library::shipped().0.get("sd15").expect("shipped").clone();
    for (parameter, least) in [(Parameter::Steps, 30), (Parameter::Width, 768)] {
        let binding = sd15.manifest.parameters.get_mut(&parameter).expect("bound");
        (binding.min, binding.default) = (Some(least.into()), None);
    }
    let nodes = engine(&sd15, &["mine.safetensors"]);
    assert!(offers(&sd15, "mine.safetensors", &nodes));
    assert!(!offers(&sd15, "other.safetensors", &nodes));
    assert!(!offers(&sd15, "mine.safetensors", &Nodes::default()));
}

/// What `ComfyUI` said of the classes used here, with one small checkpoint installed.
fn recorded(version: &str) -> Nodes {
    let file = format!("tests/data/object_info/{version}.json");
    let text = std::fs::read_to_string(file).expect("recorded");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn real_engines_lack_nothing_but_model_files() {
    for version in ["0.3.64", "0.33.0"] {
        let nodes = recorded(version);
        for workflow in Library::shipped().0.iter() {
            let found = against(workflow, &nodes, &[]);
            let wrong = found.iter().filter(|finding| finding.fails(false));
            assert_eq!(wrong.collect::<Vec<_>>(), Vec::<&Finding>::new(), "{}", workflow.name);
            assert_eq!(found.is_empty(), workflow.name == "sketch", "{found:?}");
        }
        let sd15 = shipped("sd15");
        assert_eq!(against(&sd15, &nodes, &["tiny.safetensors".into()]), []);
        assert!(offers(&sd15, "tiny.safetensors", &nodes));
        assert!(!offers(&sd15, "large.safetensors", &nodes));
        assert!(offers(&shipped("sketch"), "", &nodes));
        assert!(!offers(&shipped("flux"), "flux1-schnell.safetensors", &nodes));
    }
}
