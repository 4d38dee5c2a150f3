//! The flags of `imagine`: one table for the grammar, the help and the reference.
use crate::intake::presets::Ceilings;
use inkwire_core::{Allowed, FlagHelp};

/// A flag that people may set.
#[derive(Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: &'static str,
    pub short: Option<char>,
    /// Another long name.
    pub also: Option<&'static str>,
    /// What help shows in place of the value; empty for a switch.
    pub value: &'static str,
    pub summary: &'static str,
}

const fn flag(
    name: &'static str,
    short: Option<char>,
    value: &'static str,
    summary: &'static str,
) -> Flag {
    Flag { name, short, also: None, value, summary }
}

pub const FLAGS: &[Flag] = &[
    flag("model", Some('m'), "NAME", "the model to paint with"),
    flag("width", Some('w'), "PIXELS", "width of the picture"),
    flag("height", Some('h'), "PIXELS", "height of the picture"),
    Flag { also: Some("negative"), ..flag("no", Some('n'), "TEXT", "what should not be in it") },
    flag("count", Some('c'), "NUMBER", "how many pictures"),
    flag("seed", Some('s'), "NUMBER", "start from this seed, for the same picture again"),
    flag("size", None, "WxH", "width and height at once"),
    Flag { also: Some("aspect"), ..flag("ar", None, "W:H", "shape, at the size of the model") },
    flag("steps", None, "NUMBER", "more steps take longer and show more detail"),
    flag("cfg", None, "NUMBER", "how closely to follow the prompt"),
    flag("sampler", None, "NAME", "the sampler of the engine"),
    flag("scheduler", None, "NAME", "the scheduler of the engine"),
    flag("denoise", None, "NUMBER", "0 keeps the input picture, 1 ignores it"),
    flag("style", None, "NAME", "words around the prompt, see `styles`"),
    flag("workflow", None, "NAME", "the workflow to run, see `workflows`"),
    flag("private", None, "", "no long-lived link, forgotten after a day"),
];

/// What a room may have a default for.
pub const OF_ROOMS: [&str; 10] =
    ["model", "style", "size", "ar", "count", "steps", "cfg", "sampler", "scheduler", "no"];

impl Flag {
    /// By a name in comparable form.
    pub fn long(name: &str) -> Option<&'static Self> {
        FLAGS.iter().find(|flag| flag.name == name || flag.also == Some(name))
    }

    pub fn short(letter: &str) -> Option<&'static Self> {
        let mut letters = letter.chars();
        let only = letters.next().filter(|_| letters.next().is_none());
        FLAGS.iter().find(|flag| flag.short.is_some() && flag.short == only)
    }

    pub fn is_switch(&self) -> bool {
        self.value.is_empty()
    }

    /// As refusals name it.
    pub fn typed(&self) -> String {
        format!("--{}", self.name)
    }

    pub fn allowed(&self, ceilings: &Ceilings) -> Allowed {
        let whole = |min, max: u32| Allowed::Integer { min, max: max.into() };
        match self.name {
            "width" | "height" => whole(ceilings.min_side.into(), ceilings.max_side),
            "count" => whole(1, ceilings.max_count.into()),
            "steps" => whole(1, ceilings.max_steps),
            "seed" => Allowed::Integer { min: 0, max: u64::MAX },
            "cfg" => Allowed::Decimal { min: ceilings.min_cfg, max: ceilings.max_cfg },
            "denoise" => Allowed::Decimal { min: 0.0, max: 1.0 },
            "size" => Allowed::Size,
            "ar" => Allowed::Aspect,
            _ => Allowed::Text,
        }
    }

    fn help(&self) -> FlagHelp {
        let short = self.short.map(|letter| format!("/-{letter}")).unwrap_or_default();
        FlagHelp {
            flag: format!("--{}{short}", self.name),
            value: self.value.to_owned(),
            summary: self.summary.to_owned(),
        }
    }
}

/// The table as people see it.
pub fn help() -> Vec<FlagHelp> {
    FLAGS.iter().map(Flag::help).collect()
}
