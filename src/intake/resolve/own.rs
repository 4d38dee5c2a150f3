//! What is painted with where a wish says nothing: the room's word counts first, then the model's,
//! the operator's and the workflow's, then ours. Pure; every value knows who said it.
use crate::intake::presets::{Model, Presets, WorkflowFacts};
use inkwire_core::{Imagine, Origin};

const SIDE: u32 = 512;
const STEPS: u32 = 20;
const CFG: f64 = 7.0;
const SAMPLER: &str = "euler";
const SCHEDULER: &str = "normal";

/// A value, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own<T> {
    pub value: T,
    pub from: Origin,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OwnValues {
    /// Pixels.
    pub width: Own<u32>,
    /// Pixels.
    pub height: Own<u32>,
    /// Of a room alone: width to height, at the area of the above.
    pub aspect: Option<(u32, u32)>,
    pub count: Own<u8>,
    pub steps: Own<u32>,
    pub cfg: Own<f64>,
    pub sampler: Own<String>,
    pub scheduler: Own<String>,
}

impl OwnValues {
    /// A room's word on what the workflow does not take is not heard.
    pub fn of(
        model: &Model,
        workflow: Option<&WorkflowFacts>,
        presets: &Presets,
        room: &Imagine,
    ) -> Self {
        let said = Said { model, workflow };
        let defaults = &presets.defaults;
        let count = [(Origin::Room, room.count), (Origin::Operator, defaults.count)];
        let (sampler, scheduler) = (room.sampler.clone(), room.scheduler.clone());
        let (euler, normal) = (SAMPLER.to_owned(), SCHEDULER.to_owned());
        Self {
            width: said.by("width", room.width, |m| m.width, defaults.width, SIDE),
            height: said.by("height", room.height, |m| m.height, defaults.height, SIDE),
            aspect: room.aspect.filter(|_| said.takes("width")),
            count: first(count, 1),
            steps: said.by("steps", room.steps, |m| m.steps, defaults.steps, STEPS),
            cfg: said.by("cfg", room.cfg, |m| m.cfg, None, CFG),
            sampler: said.by("sampler", sampler, |m| m.sampler.clone(), None, euler),
            scheduler: said.by("scheduler", scheduler, |m| m.scheduler.clone(), None, normal),
        }
    }
}

/// Who may say something beside the room and the operator.
struct Said<'a> {
    model: &'a Model,
    workflow: Option<&'a WorkflowFacts>,
}

impl Said<'_> {
    fn takes(&self, parameter: &str) -> bool {
        self.workflow.is_none_or(|workflow| workflow.parameters.contains(parameter))
    }

    fn by<T>(
        &self,
        parameter: &str,
        room: Option<T>,
        of: impl Fn(&Model) -> Option<T>,
        operator: Option<T>,
        otherwise: T,
    ) -> Own<T> {
        let said = [
            (Origin::Room, room.filter(|_| self.takes(parameter))),
            (Origin::Model, of(self.model)),
            (Origin::Operator, operator),
            (Origin::Workflow, self.workflow.and_then(|workflow| of(&workflow.defaults))),
        ];
        first(said, otherwise)
    }
}

fn first<T, const N: usize>(said: [(Origin, Option<T>); N], otherwise: T) -> Own<T> {
    let first = said.into_iter().find_map(|(from, value)| Some(Own { value: value?, from }));
    first.unwrap_or(Own { value: otherwise, from: Origin::Service })
}
