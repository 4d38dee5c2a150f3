//! Wishes to renders, by tables.
mod rooms;

use super::*;
use crate::intake::presets::{Ceilings, Defaults, Model, Style};
use inkwire_core::Allowed;
use proptest::prelude::*;

fn presets() -> Presets {
    let sd15 = Model {
        checkpoint: "sd15.safetensors".into(),
        workflow: "sd15".into(),
        prefix: "photo, ".into(),
        negative: "blurry".into(),
        cfg: Some(6.5),
        ..Model::default()
    };
    let sdxl = Model {
        checkpoint: "sdxl.safetensors".into(),
        workflow: "sdxl".into(),
        width: Some(1024),
        height: Some(1024),
        steps: Some(30),
        ..Model::default()
    };
    let flux = Model { workflow: "flux".into(), ..sdxl.clone() };
    let style = |template: &str, negative: &str| Style {
        template: template.into(),
        negative: negative.into(),
        summary: None,
    };
    Presets {
        models: [("flux", flux), ("sd15", sd15), ("sdxl", sdxl)].map(named).into(),
        styles: [
            ("film", style("film still of {prompt}, grain", "cartoon")),
            ("ink", style("ink drawing", "")),
        ]
        .map(named)
        .into(),
        defaults: Defaults { model: Some("sd15".into()), steps: Some(25), ..Defaults::default() },
        ceilings: Ceilings::default(),
    }
}

fn named<T>((name, thing): (&str, T)) -> (String, T) {
    (name.to_owned(), thing)
}

fn known() -> Known {
    const ALL: &str = "prompt negative checkpoint width height steps cfg sampler scheduler seed";
    let workflow = |parameters: &str| WorkflowFacts {
        parameters: parameters.split_whitespace().map(str::to_owned).collect(),
        available: true,
        ..WorkflowFacts::default()
    };
    let narrow = Ceilings { max_side: 1024, max_steps: 12, min_cfg: 1.0, ..Ceilings::default() };
    let flux = "prompt checkpoint width height steps sampler scheduler seed";
    let flux = Model { checkpoint: "flux.safetensors".into(), ..Model::default() }.into_facts(flux);
    Known {
        models: None,
        samplers: ["euler", "euler_ancestral", "heun"].map(str::to_owned).into(),
        schedulers: vec![],
        workflows: [
            ("flux", WorkflowFacts { ceilings: Ceilings { side_step: 16, ..narrow }, ..flux }),
            ("sd15", workflow(ALL)),
            ("sdxl", workflow(ALL)),
            ("sketch", workflow("width height seed")),
        ]
        .map(named)
        .into(),
    }
}

impl Model {
    fn into_facts(self, parameters: &str) -> WorkflowFacts {
        let parameters = parameters.split_whitespace().map(str::to_owned).collect();
        WorkflowFacts { parameters, defaults: self, ..WorkflowFacts::default() }
    }
}

fn fox() -> Imagine {
    Imagine { prompt: "a fox".into(), ..Imagine::default() }
}

fn done(wish: &Imagine) -> Resolved {
    resolve(wish, &Imagine::default(), &presets(), &known(), 7).expect("resolved")
}

fn refused(wish: &Imagine) -> Rejection {
    resolve(wish, &Imagine::default(), &presets(), &known(), 7).expect_err("refused")
}

fn clamped(flag: &str, asked: &str, given: &str) -> Note {
    Note::Clamped { flag: flag.into(), asked: asked.into(), given: given.into() }
}

#[test]
fn what_is_not_asked_comes_from_model_workflow_and_defaults() {
    let Resolved { render, parts, notes } = done(&fox());
    assert_eq!((parts, notes), (1, vec![]));
    let expected = Render {
        prompt: "a fox".into(),
        positive: "photo, a fox".into(),
        negative: "blurry".into(),
        model: "sd15".into(),
        checkpoint: "sd15.safetensors".into(),
        workflow: "sd15".into(),
        style: None,
        width: 512,
        height: 512,
        steps: 25,
        cfg: 6.5,
        sampler: "euler".into(),
        scheduler: "normal".into(),
        denoise: None,
        seed: 7,
    };
    assert_eq!(render, expected);
}

#[test]
fn names_are_looked_up() {
    let model = |name: &str| Imagine { model: Some(name.into()), ..fox() };
    assert_eq!(done(&model("SDXL")).render.width, 1024);
    assert_eq!(done(&model("fl")).render.workflow, "flux");
    let kind = |rejection| match rejection {
        Rejection::UnknownName { kind, nearest, .. } => (kind, nearest),
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(refused(&model("sdx1"))), ("model".into(), vec!["sdxl".into()]));
    let style = Imagine { style: Some("flim".into()), ..fox() };
    assert_eq!(kind(refused(&style)), ("style".into(), vec!["film".into()]));
    let workflow = Imagine { workflow: Some("sd".into()), ..fox() };
    let both = vec!["sd15".into(), "sdxl".into()];
    assert_eq!(kind(refused(&workflow)), ("workflow".into(), both));
}

#[test]
fn styles_wrap_the_prompt_and_add_to_the_negative() {
    let styled = |name: &str, negative: Option<&str>| {
        let (style, negative) = (Some(name.into()), negative.map(str::to_owned));
        let render = done(&Imagine { style, negative, ..fox() }).render;
        (render.positive, render.negative)
    };
    let film = ("photo, film still of a fox, grain".into(), "text, cartoon, blurry".into());
    assert_eq!(styled("film", Some("text,")), film);
    assert_eq!(styled("ink", None), ("photo, a fox, ink drawing".into(), "blurry".into()));
    let wish = Imagine { prompt: "a {prompt}".into(), style: Some("film".into()), ..fox() };
    assert_eq!(done(&wish).render.positive, "photo, film still of a {prompt}, grain");
}

#[test]
fn a_workflow_brings_a_model_that_suits_it() {
    let of = |workflow: &str| {
        let render = done(&Imagine { workflow: Some(workflow.into()), ..fox() }).render;
        (render.model, render.checkpoint)
    };
    assert_eq!(of("sdxl"), ("sdxl".into(), "sdxl.safetensors".into()));
    assert_eq!(of("sd15"), ("sd15".into(), "sd15.safetensors".into()));
    assert_eq!(of("sketch"), (String::new(), String::new()));
    let mut presets = presets();
    let model = Model { workflow: "sketch".into(), ..Model::default() };
    presets.models.insert("blots".into(), model);
    let wish = Imagine { model: Some("blots".into()), ..fox() };
    assert_eq!(
        resolve(&wish, &Imagine::default(), &presets, &known(), 7).unwrap().render.workflow,
        "sketch"
    );
    let none = Presets::default();
    let wish = Imagine { workflow: Some("flux".into()), ..fox() };
    let render = resolve(&wish, &Imagine::default(), &none, &known(), 7).unwrap().render;
    assert_eq!(render.checkpoint, "flux.safetensors");
}

#[test]
fn a_model_that_no_engine_has_is_not_taken() {
    let known = Known { models: Some(["sdxl".to_owned()].into()), ..known() };
    assert_eq!(
        resolve(&fox(), &Imagine::default(), &presets(), &known, 7).unwrap().render.model,
        "sdxl"
    );
    let wish = Imagine { model: Some("sd15".into()), ..fox() };
    let refused = resolve(&wish, &Imagine::default(), &presets(), &known, 7);
    assert!(matches!(refused, Err(Rejection::UnknownName { .. })), "{refused:?}");
}

#[test]
fn flags_that_a_workflow_has_no_use_for_are_refused() {
    let check = |wish: Imagine, flag: &str, with: &str| {
        let conflict = Rejection::Conflict { flag: flag.into(), with: with.into() };
        assert_eq!(refused(&wish), conflict);
    };
    let flux = || Imagine { model: Some("flux".into()), ..fox() };
    check(Imagine { negative: Some("text".into()), ..flux() }, "--no", "flux");
    check(Imagine { cfg: Some(3.0), ..flux() }, "--cfg", "flux");
    check(Imagine { denoise: Some(0.5), ..fox() }, "--denoise", "sd15");
    check(Imagine { workflow: Some("sketch".into()), ..flux() }, "--model", "sketch");
    check(Imagine { aspect: Some((1, 1)), width: Some(64), ..fox() }, "--ar", "--width");
}

#[test]
fn sizes_are_brought_into_range_and_said() {
    let check = |width, height, expected: (u32, u32), notes: &[Note]| {
        let done = done(&Imagine { width, height, ..fox() });
        assert_eq!((done.render.width, done.render.height), expected);
        assert_eq!(done.notes, notes);
    };
    check(Some(768), None, (768, 512), &[]);
    check(Some(770), None, (768, 512), &[clamped("--width", "770", "768")]);
    check(None, Some(10), (512, 64), &[clamped("--height", "10", "64")]);
    check(Some(2048), Some(2048), (2048, 2048), &[]);
    let shrunk = [clamped("--size", "4096x2048", "2048x1024")];
    check(Some(4096), Some(2048), (2048, 1024), &shrunk);
}

#[test]
fn a_workflow_may_be_narrower_than_the_operator() {
    let flux = Imagine { model: Some("flux".into()), ..fox() };
    let plain = done(&flux);
    assert_eq!((plain.render.steps, plain.notes), (12, vec![]));
    let asked = done(&Imagine { width: Some(1000), steps: Some(20), ..flux });
    assert_eq!((asked.render.width, asked.render.steps), (1008, 12));
    let notes = [clamped("--width", "1000", "1008"), clamped("--steps", "20", "12")];
    assert_eq!(asked.notes, notes);
}

#[test]
fn shapes_keep_the_area_of_the_model() {
    let check = |aspect, expected: (u32, u32)| {
        let wish = Imagine { aspect: Some(aspect), model: Some("sdxl".into()), ..fox() };
        let done = done(&wish);
        assert_eq!((done.render.width, done.render.height), expected, "{aspect:?}");
    };
    check((1, 1), (1024, 1024));
    check((16, 9), (1368, 768));
    check((9, 16), (768, 1368));
    check((8, 1), (2048, 256));
    for aspect in [(0, 1), (1, 0), (9, 1), (u32::MAX, u32::MAX), (20_000, 20_000)] {
        let refused = refused(&Imagine { aspect: Some(aspect), ..fox() });
        let Rejection::BadValue { flag, allowed: Allowed::Aspect, .. } = &refused else {
            panic!("{aspect:?}: {refused:?}");
        };
        assert_eq!(flag, "--ar");
    }
}

#[test]
fn senseless_numbers_are_refused() {
    let check = |wish: Imagine, flag: &str, value: &str| match refused(&wish) {
        Rejection::BadValue { flag: named, value: said, .. } => {
            assert_eq!((named.as_str(), said.as_str()), (flag, value));
        }
        other => panic!("{flag} {value}: {other:?}"),
    };
    check(Imagine { width: Some(0), ..fox() }, "--width", "0");
    check(Imagine { height: Some(u32::MAX), ..fox() }, "--height", "4294967295");
    check(Imagine { steps: Some(0), ..fox() }, "--steps", "0");
    check(Imagine { steps: Some(100_000), ..fox() }, "--steps", "100000");
    check(Imagine { count: Some(0), ..fox() }, "--count", "0");
    check(Imagine { count: Some(5), ..fox() }, "--count", "5");
    for cfg in [f64::NAN, f64::INFINITY, -0.0, -1.0, 31.0] {
        check(Imagine { cfg: Some(cfg), ..fox() }, "--cfg", &cfg.to_string());
    }
}

#[test]
fn samplers_are_those_of_the_engines() {
    let sampler = |name: &str| Imagine { sampler: Some(name.into()), ..fox() };
    assert_eq!(done(&sampler("EULER")).render.sampler, "euler");
    assert_eq!(done(&sampler("euler_a")).render.sampler, "euler_ancestral");
    let names = ["euler", "euler_ancestral", "heun"].map(str::to_owned);
    let bad = Rejection::BadValue {
        flag: "--sampler".into(),
        value: "huen".into(),
        allowed: Allowed::OneOf(names.into()),
        nearest: Some("heun".into()),
    };
    assert_eq!(refused(&sampler("huen")), bad);
    let scheduler = Imagine { scheduler: Some("karras".into()), ..fox() };
    assert_eq!(done(&scheduler).render.scheduler, "karras");
}

#[test]
fn prompts_pass_the_gate_whoever_built_the_wish() {
    let prompt = |prompt: &str| Imagine { prompt: prompt.into(), ..fox() };
    assert_eq!(refused(&prompt(" \u{200b}")), Rejection::EmptyPrompt);
    assert!(matches!(refused(&prompt("<lora:x:1>")), Rejection::Tag { .. }));
    assert_eq!(done(&prompt("(fox:9)")).notes, [clamped("weight", "9", "2")]);
    let negative = Imagine { negative: Some("embedding:bad".into()), ..fox() };
    assert!(matches!(refused(&negative), Rejection::Tag { .. }));
}

#[test]
fn costs_grow_with_steps_and_pixels() {
    let render = |width, steps| Render { width, height: 1000, steps, ..Render::default() };
    let facts =
        WorkflowFacts { step_time: Some(Duration::from_millis(50)), ..WorkflowFacts::default() };
    assert_eq!(estimate(&render(1000, 20), Some(&facts)), 1_000_000);
    assert_eq!(estimate(&render(2000, 20), None), 6_000_000);
    assert!(estimate(&Render::default(), None) > 0);
}

proptest! {
    #[test]
    fn every_render_is_within_the_bounds(
        width: Option<u32>, height: Option<u32>, aspect: Option<(u32, u32)>,
        steps: Option<u32>, cfg: Option<f64>, count: Option<u8>,
        model in proptest::sample::select(vec!["sd15", "sdxl", "flux"]),
        max_pixels in 4096_u64..5_000_000,
    ) {
        let model = Some(model.to_owned());
        let mut presets = presets();
        presets.ceilings.max_pixels = max_pixels;
        let wish = Imagine { width, height, aspect, steps, cfg, count, model, ..fox() };
        if let Ok(Resolved { render, parts, .. }) = resolve(&wish, &Imagine::default(), &presets, &known(), 7) {
            let step = if render.workflow == "flux" { 16 } else { 8 };
            for side in [render.width, render.height] {
                prop_assert!((64..=2048).contains(&side) && side % step == 0, "{}", side);
            }
            prop_assert!((1..=60).contains(&render.steps));
            prop_assert!((0.0..=30.0).contains(&render.cfg));
            prop_assert!((1..=4).contains(&parts));
        }
    }

    #[test]
    fn pictures_never_have_too_many_pixels(width in 64_u32..2048, height in 64_u32..2048) {
        let wish = Imagine { width: Some(width), height: Some(height), ..fox() };
        let mut presets = presets();
        presets.ceilings.max_pixels = 1_000_000;
        let render = resolve(&wish, &Imagine::default(), &presets, &known(), 7).unwrap().render;
        prop_assert!(u64::from(render.width) * u64::from(render.height) <= 1_000_000);
    }
}
