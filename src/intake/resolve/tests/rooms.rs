//! A room's defaults: after the flags, before the model's, and never in the way.
use super::*;
use inkwire_core::Origin;

fn paint(wish: &Imagine, room: &Imagine) -> Resolved {
    resolve(wish, room, &presets(), &known(), 7).expect("resolved")
}

fn room() -> Imagine {
    Imagine {
        model: Some("sdxl".into()),
        style: Some("film".into()),
        negative: Some("people".into()),
        width: Some(640),
        height: Some(768),
        count: Some(2),
        steps: Some(9),
        cfg: Some(4.5),
        sampler: Some("heun".into()),
        scheduler: Some("karras".into()),
        ..Imagine::default()
    }
}

#[test]
fn a_room_speaks_where_a_request_is_silent() {
    let Resolved { render, parts, notes } = paint(&fox(), &room());
    assert_eq!((render.model.as_str(), render.style.as_deref()), ("sdxl", Some("film")));
    assert_eq!((render.width, render.height, parts, render.steps), (640, 768, 2, 9));
    assert_eq!((render.sampler.as_str(), render.scheduler.as_str()), ("heun", "karras"));
    assert_eq!(render.negative, "people, cartoon");
    assert!((render.cfg - 4.5).abs() < 1e-9);
    assert_eq!(notes, []);
}

#[test]
fn a_flag_comes_before_the_room() {
    let wish = Imagine {
        model: Some("sd15".into()),
        style: Some("ink".into()),
        negative: Some("cats".into()),
        height: Some(512),
        count: Some(1),
        steps: Some(5),
        cfg: Some(3.0),
        sampler: Some("euler".into()),
        ..fox()
    };
    let Resolved { render, parts, .. } = paint(&wish, &room());
    assert_eq!((render.model.as_str(), render.style.as_deref()), ("sd15", Some("ink")));
    assert_eq!((render.width, render.height, parts, render.steps), (640, 512, 1, 5));
    assert_eq!((render.sampler.as_str(), render.scheduler.as_str()), ("euler", "karras"));
    assert_eq!(render.negative, "cats, blurry");
    assert!((render.cfg - 3.0).abs() < 1e-9);
    let shape = Imagine { aspect: Some((2, 1)), ..fox() };
    let size = |wish: &Imagine, room: &Imagine| {
        let render = paint(wish, room).render;
        (render.width, render.height)
    };
    assert_eq!(size(&shape, &room()), (992, 496), "the area of the room");
    let wide = Imagine { width: None, height: None, aspect: Some((2, 1)), ..room() };
    assert_eq!(size(&fox(), &wide), (1448, 728));
    assert_eq!(size(&Imagine { width: Some(256), ..fox() }, &wide), (256, 1024));
}

#[test]
fn a_workflow_that_was_asked_for_has_a_model_of_its_own() {
    let wish = Imagine { workflow: Some("sd15".into()), ..fox() };
    assert_eq!(paint(&wish, &room()).render.model, "sd15");
    let wish = Imagine { workflow: Some("sdxl".into()), ..fox() };
    assert_eq!(paint(&wish, &room()).render.model, "sdxl");
}

/// `flux` takes neither cfg nor a negative prompt, and has narrow bounds.
#[test]
fn what_a_workflow_does_not_take_is_left_out_quietly() {
    let wish = Imagine { model: Some("flux".into()), ..fox() };
    let room = Imagine { steps: Some(50), width: Some(2000), ..room() };
    let Resolved { render, notes, .. } = paint(&wish, &room);
    assert_eq!((render.negative.as_str(), render.steps), ("", 12));
    assert!(render.width <= 1024 && (render.cfg - 4.5).abs() > 0.1, "{render:?}");
    assert_eq!(notes, []);
}

#[test]
fn what_is_gone_is_told_and_fails_nothing() {
    let gone =
        |flag: &str, value: &str| Note::Unavailable { flag: flag.into(), value: value.into() };
    let name = || Some("nonsense".to_owned());
    let room = Imagine { model: name(), style: name(), sampler: name(), ..Imagine::default() };
    let Resolved { render, notes, .. } = paint(&fox(), &room);
    assert_eq!((render.model.as_str(), render.sampler.as_str()), ("sd15", "euler"));
    let expected =
        [gone("--model", "nonsense"), gone("--style", "nonsense"), gone("--sampler", "nonsense")];
    assert_eq!(notes, expected);
    let said = Imagine { model: Some("sdxl".into()), style: Some("ink".into()), ..fox() };
    assert_eq!(paint(&said, &room).notes, [gone("--sampler", "nonsense")]);
    let known = Known { models: Some(["sd15".to_owned()].into()), ..known() };
    let absent = Imagine { model: Some("sdxl".into()), ..Imagine::default() };
    let made = resolve(&fox(), &absent, &presets(), &known, 7).expect("resolved");
    assert_eq!((made.render.model.as_str(), made.notes.len()), ("sd15", 1));
}

#[test]
fn ceilings_that_came_down_hold_for_rooms_too() {
    let low =
        Ceilings { max_steps: 5, max_count: 1, max_cfg: 2.0, max_side: 256, ..Ceilings::default() };
    let presets = Presets { ceilings: low, ..presets() };
    let made = resolve(&fox(), &room(), &presets, &known(), 7).expect("resolved");
    assert_eq!((made.render.steps, made.parts, made.render.height), (5, 1, 256));
    assert!((made.render.cfg - 2.0).abs() < 1e-9);
}

proptest! {
    /// Whatever a room says, a request that is fine without it is fine with it.
    #[test]
    fn no_room_makes_a_request_fail(
        names in proptest::collection::vec(proptest::option::of("sd15|sdxl|flux|film|heun|x"), 4),
        sides in (any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<(u32, u32)>>()),
        numbers in (any::<Option<u8>>(), any::<Option<u32>>(), any::<Option<f64>>()),
        model in proptest::option::of("sd15|sdxl|flux"),
    ) {
        let name = |at: usize| names.get(at).cloned().flatten();
        let (width, height, aspect) = sides;
        let (count, steps, cfg) = numbers;
        let room = Imagine {
            model: name(0),
            style: name(1),
            sampler: name(2),
            scheduler: name(3),
            width, height, aspect, count, steps, cfg,
            ..Imagine::default()
        };
        let wish = Imagine { model, ..fox() };
        let made = resolve(&wish, &room, &presets(), &known(), 7);
        prop_assert!(made.is_ok(), "{made:?}");
        let lines = in_force(&room, &presets(), &known());
        prop_assert!(lines.iter().any(|line| line.flag == "model" && line.available));
        prop_assert!(lines.iter().all(|line| line.available || line.from == Origin::Room));
    }
}
