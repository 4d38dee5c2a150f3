//! `delete`: takes a finished picture back; the asker's own, or any for an admin.
use super::{Decision, Row, info::has_image};
use crate::{
    intake::{facts::Facts, parse::job_ref, queued::row},
    store::Change,
};
use inkwire_core::{Answer, ArtifactKind, Command, JobRef, Rejection, Role};

pub(super) const ROW: Row = Row {
    name: "delete",
    aliases: &[],
    usage: "delete ID[.IMAGE]",
    summary: "Takes your pictures back: links die and files are thrown away.",
    role: Role::Everybody,
    examples: &["delete k7f", "delete k7f.2"],
    parse: |words| Ok(job_ref(words.text).map(Command::Delete)),
};

pub(super) fn decide(facts: &Facts, of: &JobRef) -> Result<Decision, Rejection> {
    let record = facts.own().ok_or(Rejection::NoSuchJob)?;
    has_image(record, of.image)?;
    let job = record.job.id.clone();
    if record.state.is_open() {
        return Err(Rejection::NotNow { job, state: record.state.into() });
    }
    let meant = |index: u16| of.image.is_none_or(|image| image == index);
    if !record.artifacts.iter().any(|made| meant(made.index)) {
        return Err(Rejection::Gone);
    }
    // The job says itself that nothing is left of it; a grid goes with any of its images.
    let all = record.artifacts.iter().all(|made| meant(made.index) || made.index == 0);
    let quiet = all && facts.will_hear_of(&row(&record.job));
    let change = Change::Delete { job: job.clone(), image: of.image };
    let grid = record.artifacts.iter().any(|made| made.kind == ArtifactKind::Grid);
    let answer = Answer::Deleted { job, image: of.image, grid };
    Ok(Decision { quiet, ..Decision::change(answer, vec![change]) })
}
