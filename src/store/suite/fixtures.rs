//! Jobs, pictures and steps as the suite needs them: small, valid, all alike.
use crate::{
    job::{Attempt, Draft, Ending, Job, LinkPolicy, Render},
    store::{
        Admission, BlobRow, Change, Effect, Finish, Finished, LinkRow, Store, StoreError, Verdict,
    },
};
use inkwire_core::{
    AdapterId, Address, Artifact, ArtifactKind, Author, Delivery, EventKey, Imagine, Outcome,
    Parcel, Place, PlaceKind, Posted, Powers, Time, Trust, Watch,
};
use std::time::Duration;

pub(crate) const NOW: Time = Time(1_000_000);
pub(crate) const DAY: Duration = Duration::from_hours(24);

pub(crate) fn irc() -> AdapterId {
    "irc".into()
}

pub(crate) fn address() -> Address {
    Address { adapter: irc(), room: "#art".into(), message: None, thread: None }
}

pub(crate) fn author() -> Author {
    let (trust, powers) = (Trust::Account, Powers::default());
    Author { adapter: irc(), id: "ann".into(), name: "Ann".to_owned(), trust, powers }
}

pub(crate) fn job(id: &str, parts: u8) -> Job {
    let model = "dreamshaper".to_owned();
    let render = Render { prompt: format!("a boat for {id}"), model, ..Render::default() };
    Job {
        id: id.into(),
        owner: "irc/ann".into(),
        asker: author(),
        answers: EventKey(format!("event-{id}")),
        place: Place { kind: PlaceKind::Group, encrypted: false },
        reply_to: address(),
        render,
        parts,
        private: false,
        links: LinkPolicy::None,
        keep: None,
        cost: 7_000_000,
        created: NOW,
        begin_by: NOW.after(Duration::from_hours(1)),
        time_limit: Duration::from_mins(10),
    }
}

pub(crate) fn accepted() -> Outcome {
    Outcome::Accepted { position: Some(1), eta: None, seed: 4, notes: vec![] }
}

pub(crate) fn answer(slot: &str, outcome: Outcome) -> Draft {
    Draft {
        to: address(),
        asker: author(),
        answers: None,
        slot: slot.into(),
        job: None,
        private: false,
        expires: None,
        outcome,
    }
}

pub(crate) fn request(event: &str) -> Admission {
    let seen = Some(event.into());
    Admission { seen, outcome: Some(accepted()), ..Admission::empty(&irc(), 0, NOW) }
}

pub(crate) async fn admit(store: &dyn Store, admission: Admission) -> Vec<Effect> {
    match store.admit(vec![admission]).await.as_deref() {
        Ok([Verdict::Done(effects)]) => effects.clone(),
        other => panic!("not admitted: {other:?}"),
    }
}

/// As intake does it: the job with its first word, under an event of its own.
pub(crate) async fn queue(store: &dyn Store, job: Job) -> Vec<Effect> {
    let (jobs, deliveries) = (vec![job.clone()], vec![job.say(accepted())]);
    let seen = Some(job.answers.clone());
    admit(store, Admission { jobs, deliveries, ..Admission { seen, ..request("") } }).await
}

pub(crate) async fn say(store: &dyn Store, draft: Draft) {
    let deliveries = vec![draft];
    admit(store, Admission { deliveries, ..Admission::empty(&irc(), 0, NOW) }).await;
}

pub(crate) async fn change(store: &dyn Store, change: Change) -> Vec<Effect> {
    let changes = vec![change];
    admit(store, Admission { changes, ..Admission::empty(&irc(), 0, NOW) }).await
}

pub(crate) async fn cancel(store: &dyn Store, job: &str) -> Vec<Effect> {
    change(store, Change::Cancel { job: job.into(), by: "irc/bob".into() }).await
}

/// Of the room `#art`.
pub(crate) fn prefer(defaults: &Imagine) -> Change {
    let Address { adapter, room, .. } = address();
    Change::Prefer { adapter, room, defaults: Box::new(defaults.clone()) }
}

pub(crate) fn attempt(job: &str, part: u8, run_no: u32) -> Attempt {
    Attempt { job: job.into(), part, run_no, native: Some(format!("{job}/{part}/{run_no}")) }
}

pub(crate) async fn claim(store: &dyn Store, job: &str, part: u8) {
    let claimed = store.claim(&attempt(job, part, 1), "gpu", NOW).await;
    assert!(claimed.is_ok_and(|payload| payload.is_some()), "{job}/{part} is claimed");
}

pub(crate) fn picture(name: &str, index: u16, kind: ArtifactKind) -> Artifact {
    Artifact {
        media: name.into(),
        kind,
        index,
        mime: "image/webp".to_owned(),
        width: 512,
        height: 512,
        bytes: 100,
        thumbnail: Some(format!("{name}-small").as_str().into()),
        blurhash: None,
        link: None,
    }
}

pub(crate) fn image(job: &str, index: u16) -> Artifact {
    picture(&format!("{job}.{index}"), index, ArtifactKind::Image)
}

pub(crate) fn grid(job: &str) -> Artifact {
    picture(&format!("{job}.grid"), 0, ArtifactKind::Grid)
}

pub(crate) fn done(job: &str, part: u8) -> Ending {
    Ending::Done(vec![image(job, u16::from(part) + 1)])
}

pub(crate) fn end(job: &str, part: u8, ending: Ending) -> Finish {
    Finish {
        attempt: attempt(job, part, 1),
        ending,
        grid: None,
        links: vec![],
        at: NOW,
        keep_until: NOW.after(DAY),
        spent: 5,
    }
}

pub(crate) fn link(id: &str, media: &Artifact) -> LinkRow {
    let (media, image) = (media.media.clone(), media.index);
    LinkRow { id: id.to_owned(), media, image, expires: NOW.after(DAY) }
}

pub(crate) async fn keep_blobs(store: &dyn Store, made: &[Artifact], at: Time) {
    for id in made.iter().flat_map(|made| [Some(made.media.clone()), made.thumbnail.clone()]) {
        let Some(id) = id else { continue };
        let mime = "image/webp".to_owned();
        let blob = BlobRow { id, mime, bytes: 100, width: 512, height: 512 };
        store.keep_blob(&blob, at).await.expect("kept");
    }
}

pub(crate) async fn keep_text(store: &dyn Store, id: &str, at: Time) {
    let mime = "text/plain".to_owned();
    let blob = BlobRow { id: id.into(), mime, bytes: 100, width: 0, height: 0 };
    store.keep_blob(&blob, at).await.expect("kept");
}

pub(crate) async fn finish(store: &dyn Store, finish: Finish) -> Vec<Effect> {
    match store.finish(finish).await {
        Ok(Finished::Done(effects)) => effects,
        other => panic!("not finished: {other:?}"),
    }
}

/// Queued, claimed and painted, with blobs and a link named like the job.
pub(crate) async fn paint(store: &dyn Store, job: Job) {
    let id = job.id.0.clone();
    queue(store, job).await;
    claim(store, &id, 0).await;
    let made = image(&id, 1);
    keep_blobs(store, std::slice::from_ref(&made), NOW).await;
    let links = vec![link(&id, &made)];
    finish(store, Finish { links, ..end(&id, 0, done(&id, 0)) }).await;
}

pub(crate) async fn due(store: &dyn Store) -> Vec<Parcel> {
    store.due(&irc(), 0, NOW, 100).await.expect("due").ready
}

pub(crate) async fn next(store: &dyn Store) -> Parcel {
    due(store).await.into_iter().next().expect("something due")
}

pub(crate) async fn all(store: &dyn Store) -> Vec<Delivery> {
    store.since(&Watch::All, 0).await.expect("deliveries")
}

/// Everything said so far, by kind.
pub(crate) async fn said(store: &dyn Store) -> Vec<&'static str> {
    all(store).await.iter().map(|delivery| kind(&delivery.outcome)).collect()
}

pub(crate) fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Started { .. } => "started",
        Outcome::Retrying { .. } => "retrying",
        Outcome::Cancelling => "cancelling",
        Outcome::Finished { .. } => "finished",
        Outcome::Failed(_) => "failed",
        Outcome::Cancelled { .. } => "cancelled",
        Outcome::Expired => "expired",
        Outcome::Retracted => "retracted",
        _ => "other",
    }
}

pub(crate) fn posted(native: &str) -> Vec<Posted> {
    vec![Posted { part: 0, native: native.into(), media: Some("m".into()) }]
}

pub(crate) fn is_stale<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Stale))
}
