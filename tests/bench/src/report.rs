//! The document that is printed: one line per goal, with what it was held against.
//! It judges ratios alone; absolute figures stand beside them and never fail.
use serde::Serialize;
use std::{collections::BTreeMap, fs, time::Duration, time::Instant};

#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(skip)]
    began: Instant,
    seconds: f64,
    cores: usize,
    /// Of the last minute, at the beginning and at the end: much more than `cores` means that
    /// others were at work here.
    load: [f64; 2],
    lines: Vec<Line>,
}

#[derive(Serialize)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) reference: Reference,
    pub(crate) ratio: f64,
    pub(crate) goal: Goal,
    pub(crate) pass: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) beside: BTreeMap<&'static str, f64>,
}

/// In the unit of its line.
#[derive(Serialize)]
pub(crate) struct Reference {
    pub(crate) what: &'static str,
    pub(crate) value: f64,
}

/// Of the ratio.
#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Report {
    pub(crate) fn begin() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        let load = [load(), 0.0];
        Self { began: Instant::now(), seconds: 0.0, cores, load, lines: vec![] }
    }

    pub(crate) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    pub(crate) fn end(&mut self) -> &Self {
        self.seconds = round(self.began.elapsed().as_secs_f64());
        let [_, at_end] = &mut self.load;
        *at_end = load();
        self
    }

    pub(crate) fn is_met(&self) -> bool {
        self.lines.iter().all(|line| line.pass)
    }
}

impl Line {
    /// A value over its reference.
    pub(crate) fn new(
        name: &'static str,
        (value, unit): (f64, &'static str),
        (what, reference): (&'static str, f64),
        goal: Goal,
    ) -> Self {
        Self::with_ratio(name, (value, unit), (what, reference), (value / reference, goal))
    }

    pub(crate) fn with_ratio(
        name: &'static str,
        (value, unit): (f64, &'static str),
        (what, reference): (&'static str, f64),
        (ratio, goal): (f64, Goal),
    ) -> Self {
        let pass = match goal {
            Goal::AtMost(most) => ratio <= most,
            Goal::AtLeast(least) => ratio >= least,
        };
        let reference = Reference { what, value: round(reference) };
        let (value, ratio) = (round(value), round(ratio));
        Self { name, value, unit, reference, ratio, goal, pass, beside: BTreeMap::new() }
    }

    pub(crate) fn beside<const N: usize>(mut self, figures: [(&'static str, f64); N]) -> Self {
        self.beside.extend(figures.map(|(what, value)| (what, round(value))));
        self
    }
}

/// Milliseconds, or whatever else, in order.
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(self.0.len() / 2)
    }

    pub(crate) fn p90(&self) -> f64 {
        self.at(self.0.len() * 9 / 10)
    }

    pub(crate) fn p99(&self) -> f64 {
        self.at(self.0.len() * 99 / 100)
    }

    pub(crate) fn most(&self) -> f64 {
        self.at(self.0.len().saturating_sub(1))
    }

    fn at(&self, place: usize) -> f64 {
        self.0.get(place).copied().unwrap_or(f64::NAN)
    }
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// To three places.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}
