//! Parts: who claims, who gives back, who ends, and what is said of it.
use super::fixtures::*;
use crate::{
    job::{Ending, JobState},
    store::{Effect, Finish, Finished, OpenPart, Store},
};
use inkwire_core::{Artifact, Failure, Outcome};

async fn state(store: &dyn Store, job: &str) -> JobState {
    store.job(&job.into()).await.expect("readable").expect("there").state
}

async fn shown(store: &dyn Store) -> Vec<Artifact> {
    match all(store).await.pop().map(|last| last.outcome) {
        Some(Outcome::Finished { artifacts, .. }) => artifacts,
        other => panic!("not finished: {other:?}"),
    }
}

fn ended(job: &str, how: JobState) -> Vec<Effect> {
    vec![Effect::Ended(job.into(), how)]
}

pub(super) async fn one_engine_claims_a_part(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    assert_eq!(state(store, "k7f").await, JobState::Waiting);
    claim(store, "k7f", 0).await;
    assert_eq!(state(store, "k7f").await, JobState::Running);
    claim(store, "k7f", 0).await;
    let first = attempt("k7f", 0, 1);
    assert_eq!(store.claim(&first, "other", NOW).await, Ok(None));
    assert_eq!(store.claim(&attempt("k7f", 0, 2), "gpu", NOW).await, Ok(None));
    assert_eq!(store.claim(&attempt("k7f", 1, 1), "gpu", NOW).await, Ok(None));
    assert_eq!(store.claim(&attempt("none", 0, 1), "gpu", NOW).await, Ok(None));
    assert_eq!(said(store).await, ["accepted", "started"], "claimed twice, told once");
    queue(store, job("m2x", 2)).await;
    claim(store, "m2x", 1).await;
    claim(store, "m2x", 0).await;
    assert_eq!(said(store).await[2..], ["accepted", "started"], "a job starts once");
    let record = store.job(&"k7f".into()).await.expect("readable").expect("there");
    assert_eq!(record.engine.as_deref(), Some("gpu"));
}

pub(super) async fn what_was_submitted_is_given_again(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    let intended = attempt("k7f", 0, 1);
    let payload = store.claim(&intended, "gpu", NOW).await.expect("claimed").expect("wanted");
    assert_eq!((payload.attempt, payload.job), (intended.clone(), job("k7f", 1)));
    store.submitted(&attempt("k7f", 0, 2), "stale").await.expect("ignored");
    store.submitted(&intended, "real").await.expect("stored");
    let payload = store.claim(&intended, "gpu", NOW).await.expect("claimed").expect("wanted");
    assert_eq!(payload.attempt.native.as_deref(), Some("real"));
}

pub(super) async fn a_released_part_runs_again(store: &dyn Store) {
    queue(store, job("k7f", 2)).await;
    claim(store, "k7f", 1).await;
    let first = attempt("k7f", 1, 1);
    let effects = store.release(&first, Failure::Lost, NOW).await.expect("released");
    let part = OpenPart { part: 1, run_no: 2, claimed: None };
    let [Effect::Queued(row)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(row.parts, [part], "the other part is queued already");
    assert_eq!(store.release(&first, Failure::Lost, NOW).await, Ok(vec![]));
    assert_eq!(state(store, "k7f").await, JobState::Waiting);
    assert_eq!(store.claim(&first, "gpu", NOW).await, Ok(None));
    let again = store.claim(&attempt("k7f", 1, 2), "other", NOW).await.expect("claimed");
    assert!(again.is_some());
    assert_eq!(said(store).await, ["accepted", "started", "retrying", "started"]);
    let retrying = Outcome::Retrying { reason: Failure::Lost, attempt: 2 };
    assert_eq!(all(store).await[2].outcome, retrying);
}

pub(super) async fn a_released_part_of_a_cancelled_job_ends(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    claim(store, "k7f", 0).await;
    cancel(store, "k7f").await;
    let effects = store.release(&attempt("k7f", 0, 1), Failure::Lost, NOW).await;
    assert_eq!(effects, Ok(ended("k7f", JobState::Cancelled)));
    assert_eq!(state(store, "k7f").await, JobState::Cancelled);
    assert_eq!(said(store).await, ["accepted", "started", "cancelling", "cancelled"]);
}

pub(super) async fn stale_runs_write_nothing(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    claim(store, "k7f", 0).await;
    store.release(&attempt("k7f", 0, 1), Failure::Lost, NOW).await.expect("released");
    let links = vec![link("l", &image("k7f", 1))];
    assert_eq!(finish(store, Finish { links, ..end("k7f", 0, done("k7f", 0)) }).await, []);
    let record = store.job(&"k7f".into()).await.expect("readable").expect("there");
    assert_eq!((record.state, record.artifacts), (JobState::Waiting, vec![]));
    assert_eq!(store.stats().await.expect("numbers").links, 0);
}

pub(super) async fn the_last_part_has_the_last_word(store: &dyn Store) {
    queue(store, job("k7f", 2)).await;
    claim(store, "k7f", 0).await;
    claim(store, "k7f", 1).await;
    assert_eq!(finish(store, end("k7f", 1, done("k7f", 1))).await, []);
    assert_eq!(state(store, "k7f").await, JobState::Running);
    let failed = Ending::Failed(Failure::OutOfMemory);
    assert_eq!(finish(store, end("k7f", 0, failed)).await, ended("k7f", JobState::Finished));
    assert_eq!(shown(store).await, [image("k7f", 2)]);
    let record = store.job(&"k7f".into()).await.expect("readable").expect("there");
    assert_eq!((record.state, record.ended), (JobState::Finished, Some(NOW)));
    assert_eq!((record.failure, record.keep_until), (None, Some(NOW.after(DAY))));
    assert_eq!(record.artifacts, [image("k7f", 2)]);
    assert_eq!(store.open_index().await, Ok(vec![]));
}

pub(super) async fn several_images_want_a_grid(store: &dyn Store) {
    queue(store, job("k7f", 3)).await;
    claim(store, "k7f", 0).await;
    assert_eq!(finish(store, end("k7f", 2, done("k7f", 2))).await, []);
    assert_eq!(finish(store, end("k7f", 1, done("k7f", 1))).await, [], "not the last");
    let last = end("k7f", 0, done("k7f", 0));
    let images = vec![image("k7f", 1), image("k7f", 2), image("k7f", 3)];
    let wanted = Ok(Finished::WantsGrid(images.clone()));
    assert_eq!(store.finish(last.clone()).await, wanted);
    assert_eq!(store.finish(last.clone()).await, wanted, "nothing was written");
    assert_eq!(state(store, "k7f").await, JobState::Running);
    let grid = grid("k7f");
    let finished = Finish { grid: Some(grid.clone()), ..last };
    assert_eq!(finish(store, finished).await, ended("k7f", JobState::Finished));
    let mut expected = vec![grid];
    expected.extend(images);
    assert_eq!(shown(store).await, expected);
    let record = store.job(&"k7f".into()).await.expect("readable").expect("there");
    assert_eq!(record.artifacts, expected, "the grid first");
}

pub(super) async fn an_image_may_stand_in_for_the_grid(store: &dyn Store) {
    queue(store, job("k7f", 2)).await;
    finish(store, end("k7f", 0, done("k7f", 0))).await;
    let grid = Some(image("k7f", 1));
    finish(store, Finish { grid, ..end("k7f", 1, done("k7f", 1)) }).await;
    assert_eq!(shown(store).await, [image("k7f", 1), image("k7f", 2)]);
}

pub(super) async fn a_failed_part_is_told_when_nothing_was_made(store: &dyn Store) {
    queue(store, job("k7f", 1)).await;
    claim(store, "k7f", 0).await;
    finish(store, end("k7f", 0, Ending::Failed(Failure::TimedOut))).await;
    let record = store.job(&"k7f".into()).await.expect("readable").expect("there");
    assert_eq!((record.state, record.failure), (JobState::Failed, Some(Failure::TimedOut)));
    assert_eq!(all(store).await[2].outcome, Outcome::Failed(Failure::TimedOut));
}

pub(super) async fn waiting_jobs_are_cancelled_at_once(store: &dyn Store) {
    queue(store, job("k7f", 2)).await;
    assert_eq!(cancel(store, "k7f").await, ended("k7f", JobState::Cancelled));
    assert_eq!(cancel(store, "k7f").await, []);
    assert_eq!(cancel(store, "none").await, []);
    assert_eq!(state(store, "k7f").await, JobState::Cancelled);
    assert_eq!(all(store).await[1].outcome, Outcome::Cancelled { by: "irc/bob".into() });
    assert_eq!(store.claim(&attempt("k7f", 0, 1), "gpu", NOW).await, Ok(None));
}

pub(super) async fn running_parts_are_interrupted(store: &dyn Store) {
    queue(store, job("k7f", 2)).await;
    claim(store, "k7f", 0).await;
    let interrupt = vec![Effect::Interrupt("k7f".into())];
    assert_eq!(cancel(store, "k7f").await, interrupt);
    assert_eq!(cancel(store, "k7f").await, interrupt, "asked again, interrupted again");
    assert_eq!(state(store, "k7f").await, JobState::Cancelling);
    assert_eq!(store.claim(&attempt("k7f", 1, 1), "gpu", NOW).await, Ok(None));
    claim(store, "k7f", 0).await;
    assert_eq!(
        finish(store, end("k7f", 0, Ending::Cancelled)).await,
        ended("k7f", JobState::Cancelled)
    );
    assert_eq!(said(store).await, ["accepted", "started", "cancelling", "cancelled"]);
}

pub(super) async fn what_was_made_before_a_cancel_is_shown(store: &dyn Store) {
    queue(store, job("k7f", 3)).await;
    claim(store, "k7f", 0).await;
    finish(store, end("k7f", 0, done("k7f", 0))).await;
    assert_eq!(cancel(store, "k7f").await, ended("k7f", JobState::Finished));
    assert_eq!(state(store, "k7f").await, JobState::Finished);
    assert_eq!(shown(store).await, [image("k7f", 1)]);
}

pub(super) async fn only_what_no_engine_has_expires(store: &dyn Store) {
    for id in ["waits", "runs", "half", "lost"] {
        queue(store, job(id, 2)).await;
    }
    claim(store, "runs", 0).await;
    finish(store, end("half", 0, done("half", 0))).await;
    claim(store, "lost", 1).await;
    store.release(&attempt("lost", 1, 1), Failure::Lost, NOW).await.expect("released");
    let jobs = ["waits", "runs", "half", "lost", "none"].map(Into::into);
    let effects = store.expire(&jobs, NOW).await;
    assert_eq!(
        effects,
        Ok([
            ended("waits", JobState::Expired),
            ended("half", JobState::Finished),
            ended("lost", JobState::Expired),
        ]
        .concat()),
        "what was made is shown"
    );
    assert_eq!(store.expire(&jobs, NOW).await, Ok(vec![]));
    assert_eq!(state(store, "waits").await, JobState::Expired);
    assert_eq!(state(store, "runs").await, JobState::Running);
}
