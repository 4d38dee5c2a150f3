//! `cancel`: the asker's own jobs, or any for an admin; others' are no such job.
use super::{Decision, Row};
use crate::{
    intake::{
        facts::Facts,
        parse::{Words, job_id},
        queued::row,
        spelling::fold,
    },
    job::JobState,
    store::{Change, IndexRow},
};
use inkwire_core::{Answer, Command, JobId, JobSelector, Rejection, Role};

pub(super) const ROW: Row = Row {
    name: "cancel",
    aliases: &[],
    usage: "cancel [ID|all]",
    summary: "Ends your newest job, the one of this id, or all of yours.",
    role: Role::Everybody,
    examples: &["cancel", "cancel k7f", "cancel all"],
    parse: |words| Ok(parse(words).map(Command::Cancel)),
};

fn parse(words: Words) -> Option<JobSelector> {
    match words.list().as_slice() {
        [] => Some(JobSelector::Last),
        [word] if fold(word) == "all" => Some(JobSelector::All),
        [word] => job_id(word).map(JobSelector::Id),
        _ => None,
    }
}

pub(super) fn decide(facts: &Facts, which: &JobSelector) -> Result<Decision, Rejection> {
    let mine = || facts.queue.owned(facts.person).into_iter();
    let rows: Vec<IndexRow> = match which {
        JobSelector::Last => mine().take(1).collect(),
        JobSelector::All => mine().collect(),
        JobSelector::Id(_) => vec![one(facts)?],
    };
    if rows.is_empty() {
        return Err(Rejection::NoSuchJob);
    }
    let quiet = rows.iter().all(|row| facts.will_hear_of(row));
    let jobs: Vec<JobId> = rows.into_iter().map(|row| row.job).collect();
    let by = facts.person;
    let changes = jobs.iter().map(|job| Change::Cancel { job: job.clone(), by: by.clone() });
    let changes = changes.collect();
    Ok(Decision { quiet, ..Decision::change(Answer::Cancelling(jobs), changes) })
}

fn one(facts: &Facts) -> Result<IndexRow, Rejection> {
    let record = facts.own().ok_or(Rejection::NoSuchJob)?;
    match record.state {
        JobState::Waiting | JobState::Running => Ok(row(&record.job)),
        state => Err(Rejection::NotNow { job: record.job.id.clone(), state: state.into() }),
    }
}
