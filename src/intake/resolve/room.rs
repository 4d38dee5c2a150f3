//! A room's defaults: which of them can be painted with now, and what holds where nobody says.
//! One that is gone is left out and told; it never fails a request.
use super::{Resolved, choice::choose, own::OwnValues, resolve};
use crate::intake::presets::{Known, Presets};
use inkwire_core::{Imagine, Note, Origin, RoomDefault};

/// A room's defaults, and those among them that nobody has now: flag and value.
pub(super) struct Usable {
    pub(super) room: Imagine,
    pub(super) gone: Vec<(&'static str, String)>,
}

pub(super) fn usable(room: &Imagine, presets: &Presets, known: &Known) -> Usable {
    let mut room = room.clone();
    let model = |name: &str| {
        let runs = |workflow: &String| known.workflows.contains_key(workflow);
        let model = presets.models.get(name);
        known.has_model(name) && model.is_some_and(|model| runs(&model.workflow))
    };
    let mut gone = vec![];
    let mut keep = |flag, value: &mut Option<String>, is_there: &dyn Fn(&str) -> bool| {
        gone.extend(value.take_if(|name| !is_there(name)).map(|name| (flag, name)));
    };
    keep("model", &mut room.model, &model);
    keep("style", &mut room.style, &|name| presets.styles.contains_key(name));
    keep("sampler", &mut room.sampler, &|name| is_among(&known.samplers, name));
    keep("scheduler", &mut room.scheduler, &|name| is_among(&known.schedulers, name));
    Usable { room, gone }
}

/// Where the engines' names are unknown, any may be right.
fn is_among(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|known| known == name)
}

impl Usable {
    /// For whoever asks: what they do without, unless they said otherwise themselves.
    pub(super) fn notes<'a>(&'a self, wish: &'a Imagine) -> impl Iterator<Item = Note> + 'a {
        let said = |flag: &str| match flag {
            "model" => wish.model.is_some() || wish.workflow.is_some(),
            "style" => wish.style.is_some(),
            "sampler" => wish.sampler.is_some(),
            _ => wish.scheduler.is_some(),
        };
        let missed = self.gone.iter().filter(move |(flag, _)| !said(flag));
        missed.map(|(flag, value)| Note::Unavailable {
            flag: format!("--{flag}"),
            value: value.clone(),
        })
    }
}

/// What a request that says nothing is painted with in a room, and who says so. What the room
/// wants and nobody has comes first.
pub fn in_force(room: &Imagine, presets: &Presets, known: &Known) -> Vec<RoomDefault> {
    let usable = usable(room, presets, known);
    let lost = |flag, value| RoomDefault { available: false, ..line(flag, value, Origin::Room) };
    let gone = usable.gone.iter().map(|(flag, value)| lost(flag, value));
    let nothing = Imagine { prompt: "anything".to_owned(), ..Imagine::default() };
    let choice = choose(&nothing, &usable.room, presets, known);
    let made = resolve(&nothing, room, presets, known, 0);
    let (Ok(choice), Ok(made)) = (choice, made) else { return gone.collect() };
    let takes = |parameter: &str| choice.takes(parameter);
    gone.chain(values(&usable.room, &choice.own, &made, &takes)).collect()
}

fn values(
    room: &Imagine,
    own: &OwnValues,
    made: &Resolved,
    takes: &dyn Fn(&str) -> bool,
) -> Vec<RoomDefault> {
    let render = &made.render;
    let model = if room.model.is_some() { Origin::Room } else { Origin::Operator };
    let size = if own.aspect.is_some() { Origin::Room } else { own.width.from };
    let shape = own.aspect.map(|(across, down)| format!("{across}:{down}"));
    let style = room.style.as_deref();
    let without = room.negative.as_deref().unwrap_or_default();
    let all = [
        ("model", !render.model.is_empty(), render.model.clone(), model),
        ("style", style.is_some(), style.unwrap_or_default().to_owned(), Origin::Room),
        ("size", takes("width"), format!("{}x{}", render.width, render.height), size),
        ("ar", shape.is_some(), shape.unwrap_or_default(), Origin::Room),
        ("count", true, made.parts.to_string(), own.count.from),
        ("steps", takes("steps"), render.steps.to_string(), own.steps.from),
        ("cfg", takes("cfg"), render.cfg.to_string(), own.cfg.from),
        ("sampler", takes("sampler"), render.sampler.clone(), own.sampler.from),
        ("scheduler", takes("scheduler"), render.scheduler.clone(), own.scheduler.from),
        ("no", takes("negative") && !without.is_empty(), without.to_owned(), Origin::Room),
    ];
    let told = all.into_iter().filter(|(_, told, ..)| *told);
    told.map(|(flag, _, value, from)| line(flag, &value, from)).collect()
}

fn line(flag: &str, value: &str, from: Origin) -> RoomDefault {
    RoomDefault { flag: flag.to_owned(), value: value.to_owned(), from, available: true }
}
