//! The files beside the configuration: those that ship, foreign, and wrong ones.
use super::*;

fn said(check: &Check) -> Vec<String> {
    check.problems.iter().map(ToString::to_string).collect()
}

fn refused(text: &str, expected: &str) {
    let (_, check) = models("m.yaml", Some(text));
    let said = said(&check);
    assert!(said.iter().any(|line| line.contains(expected)), "{text}: {expected}\n{said:#?}");
}

#[test]
fn the_shipped_files_are_right() {
    let (models, check) = models("models.yaml", None);
    assert_eq!(said(&check), Vec::<String>::new());
    assert_eq!(models.models.len(), 6);
    assert_eq!(models.models["flux"].cfg, None);
    assert_eq!(models.models["sketch"].checkpoint, "");
    let (styles, check) = styles("styles.yaml", None);
    assert_eq!(said(&check), Vec::<String>::new());
    assert!(styles["ink"].suffix.contains("cross-hatching"));
    let (access, check) = access("access.yaml", include_str!("../../../config/access.yaml"));
    assert_eq!(said(&check), Vec::<String>::new());
    assert!(access.admins.is_empty() && access.words.is_empty());
    assert_eq!(access.room_operators, RoomOperators::default());
}

#[test]
fn a_fatebot_file_is_read_as_it_is() {
    let text = r#"{
        "fox": {
            "checkpointName": "fox_v2.safetensors",
            "vae": "sdxl_vae.safetensors",
            "workflow": "SDXL",
            "steps": 24,
            "cfg": 5,
            "sampler_name": "euler_ancestral",
            "imageHeight": 1216,
            "imageWidth": 832,
            "defaultPositivePrompt": "fine fur",
            "defaultNegativePrompt": "blurry"
        },
        "owl": { "unetName": "owl.safetensors", "clipName": "c.safetensors", "workflow": "flux" },
        "DEFAULTS": { "WIDTH": 1024, "HEIGHT": 768, "COUNT": 4, "MODEL": "fox" }
    }"#;
    let (models, check) = models("modelConfiguration.json", Some(text));
    assert_eq!(said(&check), Vec::<String>::new());
    let fox = Model {
        checkpoint: "fox_v2.safetensors".into(),
        workflow: "sdxl".into(),
        width: Some(832),
        height: Some(1216),
        steps: Some(24),
        cfg: Some(5.0),
        sampler: Some("euler_ancestral".into()),
        prefix: "fine fur".into(),
        negative: "blurry".into(),
        ..Model::default()
    };
    assert_eq!(models.models["fox"], fox);
    assert_eq!(models.models["owl"].checkpoint, "owl.safetensors");
    let defaults = Defaults {
        model: "fox".into(),
        width: Some(1024),
        height: Some(768),
        steps: None,
        count: 4,
    };
    assert_eq!(models.defaults, defaults);
    let lower = text.replace("WIDTH", "width").replace("MODEL", "model").replace("COUNT", "count");
    assert_eq!(super::models("m.json", Some(&lower)).0, models);
}

#[test]
fn one_model_needs_no_default() {
    let (models, check) = models("m.yaml", Some("fox: { workflow: sdxl }"));
    assert_eq!(said(&check), Vec::<String>::new());
    assert_eq!((models.defaults.model.as_str(), models.defaults.count), ("fox", 1));
}

#[test]
fn wrong_models_are_told() {
    refused("", "m.yaml: names no model");
    refused("DEFAULTS: {count: 2}", "names no model");
    refused("- fox", "m.yaml:1: this must be a section");
    refused("fox: {}", "fox.workflow is missing");
    refused("fox: {workflow: '../x'}", "fox.workflow must be a workflow's name");
    refused("fox: {workflow: w, chekpoint: a}", "did you mean `checkpoint`?");
    refused("fox: {workflow: w}\nfox: {workflow: w}", "m.yaml:2: the key `fox` is written twice");
    refused("my fox: {workflow: w}", "a model's name may hold");
    refused(
        "fox: {workflow: w, checkpoint: ../../etc/passwd}",
        "fox.checkpoint must be a file below",
    );
    refused("fox: {workflow: w, checkpoint: 'C:\\x'}", "fox.checkpoint must be a file below");
    refused("fox: {workflow: w, width: 20}", "fox.width must be from 64 to 4096");
    refused("fox: {workflow: w, cfg: .nan}", "m.yaml:1: ");
    refused("fox: {workflow: w, cfg: -1}", "fox.cfg must be from 0 to 100");
    refused("fox: {workflow: w, steps: 1000}", "fox.steps must be from 1 to 200");
    refused("DEFAULTS: {count: 9}\nfox: {workflow: w}", "DEFAULTS.count must be from 1 to 4");
    refused("fox: {workflow: w}\nowl: {workflow: w}", "DEFAULTS.model is missing");
    let text = "DEFAULTS: {model: fxo}\nfox: {workflow: w}\nowl: {workflow: w}";
    refused(text, "m.yaml:1: DEFAULTS.model: there is no model `fxo`; did you mean `fox`?");
}

#[test]
fn wrong_styles_are_told() {
    let check = |text: &str, expected: &str| {
        let said = said(&styles("s.yaml", Some(text)).1);
        assert!(said.iter().any(|line| line.contains(expected)), "{expected}: {said:?}");
    };
    check("ink: {}", "style `ink` adds nothing");
    check("ink: {summary: x}", "style `ink` adds nothing");
    check("my ink: {suffix: x}", "a style's name may hold");
    check("ink: {sufix: x}", "did you mean `suffix`?");
}

#[test]
fn access_rules_are_checked() {
    let text = "admins: [irc.libera/ann, '*/bob']\nwords: ['\\bgore\\b', 'nsfw']";
    let (access, check) = access("a.yaml", text);
    assert_eq!(said(&check), Vec::<String>::new());
    assert!(access.words.is_match("no GORE please") && !access.words.is_match("gorey"));
    let left = |text: &str| super::access("a.yaml", text).0.room_operators;
    assert_eq!(left(""), RoomOperators { defaults: true, flush: true });
    let no_flush = RoomOperators { defaults: true, flush: false };
    assert_eq!(left("room_operators: { flush: false }"), no_flush);
    let check = |text: &str, expected: &str| {
        let said = said(&super::access("a.yaml", text).1);
        assert!(said.iter().any(|line| line.contains(expected)), "{expected}: {said:?}");
    };
    check("admins: [ann]", "a.yaml:1: admins: write ADAPTER/ACCOUNT");
    check("words: ['(']", "a.yaml:1: words: not a pattern");
    check("words: ['(a{1000}){1000}']", "words: not a pattern");
    let large = "'a{6000}b{6000}', ".repeat(5);
    check(&format!("words: [{large}]"), "words: the patterns together: ");
    check("room_operators: { flush: some }", "a.yaml:1: ");
    check("room_operators: { default: false }", "did you mean `defaults`?");
    check("admin: [libera/ann]", "did you mean `admins`?");
}
