//! The files beside the configuration: models, styles, access. The shape of `models.yaml` is that
//! of a `FateBot` `modelConfiguration.json`, which is read as it is (JSON is YAML).
use super::{
    check::{Check, is_line, is_name},
    raw::{At, written},
};
use crate::written::{Spanned, read};
use regex::{RegexSet, RegexSetBuilder};
use serde::{Deserialize, Deserializer, de};
use std::{collections::BTreeMap, fmt};

/// What the shipped files say, where no other is named.
const MODELS: &str = include_str!("../../config/models.yaml");
const STYLES: &str = include_str!("../../config/styles.yaml");

#[derive(Debug, Clone, PartialEq)]
pub struct Models {
    pub defaults: Defaults,
    /// By name; never empty.
    pub models: BTreeMap<String, Model>,
}

/// Where neither request nor model says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// A name of `Models::models`.
    pub model: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub steps: Option<u32>,
    /// Pictures of a request.
    pub count: u8,
}

/// A name that people use, and what it stands for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    pub summary: String,
    /// The file that the engine loads; empty for workflows without a model.
    pub checkpoint: String,
    /// A workflow's name, in lower case.
    pub workflow: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub steps: Option<u32>,
    pub cfg: Option<f64>,
    pub sampler: Option<String>,
    pub scheduler: Option<String>,
    /// Before every prompt.
    pub prefix: String,
    /// After every prompt.
    pub suffix: String,
    pub negative: String,
}

/// What `--style NAME` adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Style {
    pub summary: String,
    pub prefix: String,
    pub suffix: String,
    pub negative: String,
}

#[derive(Debug, Clone, Default)]
pub struct Access {
    /// `ADAPTER/ACCOUNT`, or `*/ACCOUNT`, of those who may run admin commands.
    pub admins: Vec<String>,
    /// `ADAPTER/ACCOUNT` of those who are not answered.
    pub blocked: Vec<String>,
    /// Prompts that match one of these are refused.
    pub words: RegexSet,
    pub room_operators: RoomOperators,
}

/// What is left to operators of rooms, such as the ops of an IRC channel, each for their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomOperators {
    /// What the room paints with where a request does not say.
    pub defaults: bool,
    /// To end the jobs of the room.
    pub flush: bool,
}

impl Default for RoomOperators {
    fn default() -> Self {
        Self { defaults: true, flush: true }
    }
}

written!(RawModel {
    #[serde(alias = "checkpointName", alias = "unetName")]
    checkpoint: At<String>,
    workflow: At<String>,
    summary: At<String>,
    #[serde(alias = "imageWidth")]
    width: At<u32>,
    #[serde(alias = "imageHeight")]
    height: At<u32>,
    steps: At<u32>,
    cfg: At<f64>,
    #[serde(alias = "sampler_name")]
    sampler: At<String>,
    scheduler: At<String>,
    #[serde(alias = "defaultPositivePrompt")]
    prefix: At<String>,
    suffix: At<String>,
    #[serde(alias = "defaultNegativePrompt")]
    negative: At<String>,
    /// Known to `FateBot`; here a matter of the workflow.
    vae: At<String>,
    /// Known to `FateBot`; here a matter of the workflow.
    #[serde(rename = "clipName")]
    clip: At<String>,
});

written!(RawDefaults {
    #[serde(alias = "MODEL")]
    model: At<String>,
    #[serde(alias = "WIDTH")]
    width: At<u32>,
    #[serde(alias = "HEIGHT")]
    height: At<u32>,
    #[serde(alias = "STEPS")]
    steps: At<u32>,
    #[serde(alias = "COUNT")]
    count: At<u8>,
});

written!(RawStyle {
    summary: At<String>,
    prefix: At<String>,
    suffix: At<String>,
    negative: At<String>,
});

written!(RawAccess {
    admins: Option<Vec<Spanned<String>>>,
    blocked: Option<Vec<Spanned<String>>>,
    words: Option<Vec<Spanned<String>>>,
    room_operators: Option<RawRoomOperators>,
});

written!(RawRoomOperators {
    defaults: At<bool>,
    flush: At<bool>,
});

/// Models by name, and `DEFAULTS` among them.
#[derive(Debug, Default)]
struct RawModels {
    defaults: RawDefaults,
    models: Vec<(Spanned<String>, RawModel)>,
}

impl<'de> Deserialize<'de> for RawModels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = RawModels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("models by name, and DEFAULTS")
            }

            fn visit_unit<E: de::Error>(self) -> Result<RawModels, E> {
                Ok(RawModels::default())
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<RawModels, A::Error> {
                let mut raw = RawModels::default();
                while let Some(name) = map.next_key::<Spanned<String>>()? {
                    if name.value == "DEFAULTS" {
                        raw.defaults = map.next_value::<Option<_>>()?.unwrap_or_default();
                    } else {
                        let model = map.next_value::<Option<_>>()?.unwrap_or_default();
                        raw.models.push((name, model));
                    }
                }
                Ok(raw)
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Models of a file, or the shipped ones.
pub(super) fn models(file: &str, text: Option<&str>) -> (Models, Check) {
    let (raw, problems) = read::<RawModels>(file, text.unwrap_or(MODELS));
    let mut check = Check::new(file, problems);
    let mut models = BTreeMap::new();
    for (name, raw) in &raw.models {
        if !is_name(&name.value) {
            check.wrong_at(name, "a model's name may hold letters, digits, `-` and `_`");
        }
        models.insert(name.value.clone(), model(&mut check, &name.value, raw));
    }
    if models.is_empty() && check.problems.is_empty() {
        check.wrong("names no model");
    }
    let defaults = defaults(&mut check, &raw.defaults, &models);
    (Models { defaults, models }, check)
}

fn model(check: &mut Check, name: &str, raw: &RawModel) -> Model {
    let text = |value: &At<String>| value.value().cloned();
    if let Some(file) = raw.checkpoint.get().filter(|file| !is_file_name(&file.value)) {
        check.wrong_at(file, format!("{name}.checkpoint must be a file below the models folder"));
    }
    let workflow =
        check.text(&format!("{name}.workflow"), &raw.workflow, is_name, "a workflow's name");
    Model {
        summary: text(&raw.summary).unwrap_or_default(),
        checkpoint: text(&raw.checkpoint).unwrap_or_default(),
        workflow: workflow.to_lowercase(),
        width: pixels(check, &format!("{name}.width"), &raw.width),
        height: pixels(check, &format!("{name}.height"), &raw.height),
        steps: steps(check, &format!("{name}.steps"), &raw.steps),
        cfg: raw
            .cfg
            .get()
            .map(|_| check.within(&format!("{name}.cfg"), &raw.cfg, 1.0, 0.0..=100.0)),
        sampler: text(&raw.sampler),
        scheduler: text(&raw.scheduler),
        prefix: text(&raw.prefix).unwrap_or_default(),
        suffix: text(&raw.suffix).unwrap_or_default(),
        negative: text(&raw.negative).unwrap_or_default(),
    }
}

fn defaults(check: &mut Check, raw: &RawDefaults, models: &BTreeMap<String, Model>) -> Defaults {
    let model = match raw.model.get() {
        Some(name) if models.contains_key(&name.value) => name.value.clone(),
        Some(name) => {
            let message = format!("DEFAULTS.model: there is no model `{}`", name.value);
            check.unknown(name, message, models.keys().map(String::as_str));
            String::new()
        }
        None if models.len() > 1 => {
            check.wrong("DEFAULTS.model is missing; it must be one of the models");
            String::new()
        }
        None => models.keys().next().cloned().unwrap_or_default(),
    };
    Defaults {
        model,
        width: pixels(check, "DEFAULTS.width", &raw.width),
        height: pixels(check, "DEFAULTS.height", &raw.height),
        steps: steps(check, "DEFAULTS.steps", &raw.steps),
        count: check.within("DEFAULTS.count", &raw.count, 1, 1..=4),
    }
}

fn pixels(check: &mut Check, key: &str, value: &At<u32>) -> Option<u32> {
    value.get().map(|_| check.within(key, value, 1024, 64..=4096))
}

fn steps(check: &mut Check, key: &str, value: &At<u32>) -> Option<u32> {
    value.get().map(|_| check.within(key, value, 20, 1..=200))
}

/// A path below a folder: no way out of it, and no drive.
fn is_file_name(name: &str) -> bool {
    is_line(name)
        && !name.starts_with(['/', '\\', '~'])
        && !name.contains(':')
        && name.split(['/', '\\']).all(|step| step != "..")
}

/// Styles of a file, or the shipped ones.
pub(super) fn styles(file: &str, text: Option<&str>) -> (BTreeMap<String, Style>, Check) {
    let raw = read::<BTreeMap<String, Option<RawStyle>>>(file, text.unwrap_or(STYLES));
    let mut check = Check::new(file, raw.1);
    let text = |value: &At<String>| value.value().cloned().unwrap_or_default();
    let mut styles = BTreeMap::new();
    for (name, raw) in raw.0 {
        let raw = raw.unwrap_or_default();
        if !is_name(&name) {
            check.wrong(format!("`{name}`: a style's name may hold letters, digits, `-` and `_`"));
        }
        let style = Style {
            summary: text(&raw.summary),
            prefix: text(&raw.prefix),
            suffix: text(&raw.suffix),
            negative: text(&raw.negative),
        };
        if style == (Style { summary: style.summary.clone(), ..Style::default() }) {
            check.wrong(format!(
                "style `{name}` adds nothing: give it a prefix, suffix or negative"
            ));
        }
        styles.insert(name, style);
    }
    (styles, check)
}

/// Access rules of a file; nobody is special and nothing is blocked without one.
pub(super) fn access(file: &str, text: &str) -> (Access, Check) {
    let (raw, problems) = read::<RawAccess>(file, text);
    let mut check = Check::new(file, problems);
    let access = Access {
        admins: who(&mut check, "admins", raw.admins),
        blocked: who(&mut check, "blocked", raw.blocked),
        words: words(&mut check, &raw.words.unwrap_or_default()),
        room_operators: room_operators(&raw.room_operators.unwrap_or_default()),
    };
    (access, check)
}

fn room_operators(raw: &RawRoomOperators) -> RoomOperators {
    let usual = RoomOperators::default();
    RoomOperators {
        defaults: raw.defaults.value().copied().unwrap_or(usual.defaults),
        flush: raw.flush.value().copied().unwrap_or(usual.flush),
    }
}

fn who(check: &mut Check, key: &str, names: Option<Vec<Spanned<String>>>) -> Vec<String> {
    let names = names.unwrap_or_default();
    for name in &names {
        let parts = name.value.split_once('/');
        let adapter = |text: &str| text == "*" || text.split('.').all(is_name);
        if !parts.is_some_and(|(before, account)| adapter(before) && is_line(account)) {
            check.wrong_at(name, format!("{key}: write ADAPTER/ACCOUNT, such as irc.libera/ann"));
        }
    }
    names.into_iter().map(|name| name.value).collect()
}

fn words(check: &mut Check, patterns: &[Spanned<String>]) -> RegexSet {
    let build = |patterns: &[&str]| {
        RegexSetBuilder::new(patterns).case_insensitive(true).size_limit(1 << 20).build()
    };
    let mut all_right = true;
    for pattern in patterns {
        if let Err(error) = build(&[&pattern.value]) {
            check.wrong_at(pattern, format!("words: not a pattern: {error}"));
            all_right = false;
        }
    }
    let all: Vec<&str> = patterns.iter().map(|pattern| pattern.value.as_str()).collect();
    build(&all).unwrap_or_else(|error| {
        // Without this line a list that is too large would block nothing.
        if all_right {
            check.wrong(format!("words: the patterns together: {error}"));
        }
        RegexSet::empty()
    })
}

#[cfg(test)]
mod tests;
