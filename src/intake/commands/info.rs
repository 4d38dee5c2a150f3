//! `info`: the recipe of a job, or of one of its images with that image's own seed.
use super::{Decision, Row};
use crate::{
    intake::{facts::Facts, parse::job_ref},
    store::JobRecord,
};
use inkwire_core::{Answer, Command, JobInfo, JobRef, Rejection, Role};

pub(super) const ROW: Row = Row {
    name: "info",
    aliases: &[],
    usage: "info ID[.IMAGE]",
    summary: "Shows how a picture was made: prompt, model, size, seed.",
    role: Role::Everybody,
    examples: &["info k7f", "info k7f.2"],
    parse: |words| Ok(job_ref(words.text).map(Command::Info)),
};

pub(super) fn decide(facts: &Facts, of: &JobRef) -> Result<Decision, Rejection> {
    let record = facts.visible().ok_or(Rejection::NoSuchJob)?;
    has_image(record, of.image)?;
    let job = &record.job;
    let mut recipe = job.recipe();
    let mut artifacts = record.artifacts.clone();
    if let Some(image) = of.image {
        recipe.seed = recipe.seed.wrapping_add(u64::from(image) - 1);
        recipe.count = 1;
        artifacts.retain(|made| made.index == image);
    }
    Ok(Decision::answer(Answer::Info(Box::new(JobInfo {
        job: job.id.clone(),
        state: record.state.into(),
        recipe,
        artifacts,
        asked_by: job.asker.name.clone(),
        asked_at: job.created,
        took: record.ended.map(|ended| job.created.until(ended)),
        expires: record.keep_until,
        engine: record.engine.clone(),
    }))))
}

/// Images count from 1; one that a job never had is no such job.
pub(super) fn has_image(record: &JobRecord, image: Option<u16>) -> Result<(), Rejection> {
    let had = 1..=u16::from(record.job.parts);
    match image {
        Some(image) if !had.contains(&image) => Err(Rejection::NoSuchJob),
        _ => Ok(()),
    }
}
