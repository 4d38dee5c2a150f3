//! Every parameter in its input, and nothing else changed, whatever the words.
use super::*;
use crate::workflow::Library;
use proptest::prelude::*;
use std::sync::LazyLock;

fn workflow(name: &str) -> Workflow {
    static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::shipped().0);
    LIBRARY.get(name).expect("shipped").clone()
}

fn render() -> Render {
    Render {
        prompt: "a red fox".into(),
        positive: "a red fox, photo".into(),
        negative: "blurry".into(),
        model: "dream".into(),
        checkpoint: "sd/dream.safetensors".into(),
        workflow: "sd15".into(),
        width: 512,
        height: 768,
        steps: 20,
        cfg: 6.5,
        sampler: "euler".into(),
        scheduler: "karras".into(),
        seed: 41,
        ..Render::default()
    }
}

fn input<'a>(graph: &'a Graph, node: &str, name: &str) -> &'a Value {
    graph.inputs(node).and_then(|inputs| inputs.get(name)).expect("input")
}

#[test]
fn every_parameter_lands_in_its_input() {
    let graph = bind(&workflow("sd15"), &render(), 1).expect("bound");
    let check = |node, name, expected: Value| assert_eq!(*input(&graph, node, name), expected);
    check("6", "text", "a red fox, photo".into());
    check("7", "text", "blurry".into());
    check("4", "ckpt_name", "sd/dream.safetensors".into());
    check("5", "width", 512.into());
    check("5", "height", 768.into());
    check("5", "batch_size", 1.into());
    check("3", "steps", 20.into());
    check("3", "cfg", 6.5.into());
    check("3", "sampler_name", "euler".into());
    check("3", "scheduler", "karras".into());
    check("3", "seed", 42.into());
    check("3", "denoise", 1.0.into());
}

#[test]
fn an_empty_sampler_leaves_the_workflows_own() {
    let own = workflow("sd15");
    let bare = Render { sampler: String::new(), scheduler: String::new(), ..render() };
    let graph = bind(&own, &bare, 0).expect("bound");
    assert_eq!(input(&graph, "3", "sampler_name"), input(&own.graph, "3", "sampler_name"));
    assert_eq!(input(&graph, "3", "scheduler"), input(&own.graph, "3", "scheduler"));
}

#[test]
fn values_out_of_bounds_are_refused() {
    let check = |render: Render, expected: &str| {
        let error = bind(&workflow("sd15"), &render, 0).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    };
    check(Render { width: 4096, ..render() }, "width must be from 64 to 1024");
    check(Render { height: 513, ..render() }, "height must be a multiple of 8");
    check(Render { steps: 0, ..render() }, "steps must be from 1 to 60");
    check(Render { cfg: f64::NAN, ..render() }, "cfg must be from 1 to 30");
    check(Render { cfg: f64::INFINITY, ..render() }, "cfg must be from 1 to 30");
    check(Render { checkpoint: String::new(), ..render() }, "checkpoint is not given");
    for name in ["../x", "a/../x", "a\\..\\x", "/etc/x", "\\x", "C:x", "a\nb", "~/x", "..", "\0"] {
        check(Render { checkpoint: name.into(), ..render() }, "the model file's name is not safe");
    }
}

#[test]
fn seeds_go_round() {
    let mut sketch = workflow("sketch");
    let seed_of = |sketch: &Workflow, seed, part| {
        let graph = bind(sketch, &Render { seed, ..render() }, part).expect("bound");
        input(&graph, "2", "seed").as_u64().expect("a whole number")
    };
    assert_eq!(seed_of(&sketch, u64::MAX, 0), u64::MAX);
    assert_eq!(seed_of(&sketch, u64::MAX, 1), 0);
    let binding = sketch.manifest.parameters.get_mut(&Parameter::Seed).expect("seed");
    binding.max = Some(0xff_ffff_u32.into());
    assert_eq!(seed_of(&sketch, 0x0100_0005, 1), 6);
}

#[test]
fn the_prefix_of_saved_files_is_fixed() {
    let mut sketch = workflow("sketch");
    let save = serde_json::json!({"class_type": "SaveImage",
        "inputs": {"images": ["3", 0], "filename_prefix": "%year%/~root/a"}});
    let mut nodes = sketch.graph.nodes().clone();
    nodes.insert("9".into(), save);
    sketch.graph = Graph::new(nodes);
    let graph = bind(&sketch, &render(), 0).expect("bound");
    assert_eq!(input(&graph, "9", "filename_prefix"), FILE_PREFIX);
}

#[test]
fn a_manifest_cannot_break_the_graph() {
    for (node, name) in [("3", "model"), ("3", "absent"), ("99", "text")] {
        let mut bent = workflow("sd15");
        let prompt = bent.manifest.parameters.get_mut(&Parameter::Prompt).expect("prompt");
        let target = Target { node: node.into(), input: name.into() };
        prompt.to = vec![target.clone()];
        assert_eq!(bind(&bent, &render(), 0), Err(BindError::NoTarget(target)));
    }
}

#[test]
fn a_change_elsewhere_is_noticed() {
    let template = workflow("sd15").graph;
    let declared = Target { node: "6".into(), input: "text".into() };
    let declared = BTreeSet::from([&declared]);
    let changed = |change: fn(&mut serde_json::Map<String, Value>)| {
        let mut nodes = template.nodes().clone();
        change(&mut nodes);
        same_but(&template, &Graph::new(nodes), &declared)
    };
    assert!(changed(|_| {}));
    assert!(changed(|nodes| nodes["6"]["inputs"]["text"] = "fox".into()));
    assert!(!changed(|nodes| nodes["7"]["inputs"]["text"] = "fox".into()));
    assert!(!changed(|nodes| nodes["6"]["inputs"]["text"] = serde_json::json!(["4", 0])));
    assert!(!changed(|nodes| nodes["6"]["inputs"]["clip"] = serde_json::json!(["5", 0])));
    assert!(!changed(|nodes| nodes["6"]["class_type"] = "Eval".into()));
    assert!(!changed(|nodes| nodes["6"]["inputs"]["more"] = 1.into()));
    assert!(!changed(|nodes| drop(nodes.remove("9"))));
}

/// Words meant to break out of JSON, of a template language or of a path.
fn hostile() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "\"},\"3\":{\"class_type\":\"Eval\"",
        "{{prompt}} ${HOME} %date% %6.text%",
        "[\"4\", 0]",
        "\\u0022\\\"\\",
        "\0\r\n\u{202e}\u{feff}",
        "__proto__",
        "null",
    ]);
    prop_oneof![known.prop_map(str::to_owned), any::<String>()]
}

proptest! {
    #[test]
    fn only_declared_inputs_change(
        name in prop::sample::select(vec!["sd15", "sdxl", "sd35", "flux", "lumina2", "sketch"]),
        words in prop::array::uniform4(hostile()),
        (seed, part, size, cfg) in (any::<u64>(), any::<u8>(), 4_u32..=64, 2_u8..=60),
    ) {
        let workflow = workflow(name);
        let [positive, negative, sampler, scheduler] = words;
        let (width, height, cfg) = (size * 16, size * 16, f64::from(cfg) / 2.0);
        let render = Render {
            positive, negative, sampler, scheduler, seed, cfg, width, height, steps: 4, ..render()
        };
        let graph = bind(&workflow, &render, part).expect("bound");
        prop_assert!(workflow.graph.classes().eq(graph.classes()));
        prop_assert!(workflow.graph.links().eq(graph.links()));
        let declared: BTreeSet<String> = targets(&workflow).map(Target::to_string).collect();
        for ((node, name, old), (.., new)) in workflow.graph.all_inputs().zip(graph.all_inputs()) {
            let path = format!("{node}.inputs.{name}");
            prop_assert!(declared.contains(&path) || old == new, "{} changed", path);
        }
        let sent = serde_json::to_string(&graph).expect("serialises");
        let read = Graph::parse("sent", &sent).expect("still a graph");
        prop_assert_eq!(&read, &graph);
        for target in workflow.manifest.binding(Parameter::Prompt).iter().flat_map(|b| &b.to) {
            prop_assert_eq!(input(&read, &target.node, &target.input), render.positive.as_str());
        }
    }
}

fn targets(workflow: &Workflow) -> impl Iterator<Item = &Target> {
    workflow.manifest.parameters.values().flat_map(|binding| &binding.to)
}
