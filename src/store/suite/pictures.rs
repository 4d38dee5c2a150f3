//! Pictures and their links: made with the end, taken back, thrown away in time.
use super::fixtures::*;
use crate::{
    job::{Draft, Job},
    store::{Admission, Change, Finish, Retention, Store, Swept, Verdict},
};
use inkwire_core::{Artifact, MediaId, Outcome, Receipt, Time};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

fn retention() -> Retention {
    Retention { recipes: 30 * DAY, most_bytes: u64::MAX, seen: 30 * DAY, unclaimed: HOUR }
}

async fn sweep(store: &dyn Store, retention: &Retention, now: Time) -> Swept {
    store.sweep(retention, now).await.expect("swept")
}

fn ids(names: &[&str]) -> Vec<MediaId> {
    names.iter().map(|name| (*name).into()).collect()
}

async fn pictures(store: &dyn Store, job: &str) -> Vec<MediaId> {
    let record = store.job(&job.into()).await.expect("readable").expect("there");
    record.artifacts.into_iter().map(|made| made.media).collect()
}

async fn leads(store: &dyn Store, link: &str) -> bool {
    store.link(link, NOW).await.expect("readable").is_some()
}

/// Two images and a grid, each with a link of its name.
async fn paint_two(store: &dyn Store, id: &str) {
    queue(store, job(id, 2)).await;
    let made = [grid(id), image(id, 1), image(id, 2)];
    keep_blobs(store, &made, NOW).await;
    let links = |made: &[Artifact]| {
        made.iter().map(|made| link(&format!("{}", made.media), made)).collect()
    };
    let first = Finish { links: links(&made[1..2]), ..end(id, 0, done(id, 0)) };
    finish(store, first).await;
    let last = Finish {
        links: [links(&made[..1]), links(&made[2..])].concat(),
        grid: Some(grid(id)),
        ..end(id, 1, done(id, 1))
    };
    finish(store, last).await;
}

pub(super) async fn links_are_made_with_the_end(store: &dyn Store) {
    paint(store, job("k7f", 1)).await;
    let linked = store.link("k7f", NOW).await.expect("readable").expect("leads somewhere");
    assert_eq!((linked.media, linked.job), ("k7f.1".into(), Some("k7f".into())));
    assert_eq!((linked.mime.as_str(), linked.bytes, linked.width), ("image/webp", 100, 512));
    assert_eq!(linked.title.as_deref(), Some("a boat for k7f"));
    assert_eq!(linked.file_name, "1970-01-01-k7f.1-a-boat-for-k7f.webp");
    assert_eq!(linked.expires, Some(NOW.after(DAY)));
    assert_eq!(store.link("k7f", NOW.after(DAY)).await, Ok(None), "expired");
    assert_eq!(store.link("other", NOW).await, Ok(None));
    paint(store, Job { private: true, ..job("m2x", 1) }).await;
    let linked = store.link("m2x", NOW).await.expect("readable").expect("leads somewhere");
    assert_eq!(linked.title, None);
    assert_eq!(linked.file_name, "1970-01-01-m2x.1.webp");
}

pub(super) async fn one_image_is_taken_back(store: &dyn Store) {
    paint_two(store, "k7f").await;
    change(store, Change::Delete { job: "k7f".into(), image: Some(1) }).await;
    assert_eq!(pictures(store, "k7f").await, ids(&["k7f.2"]), "a grid shows every image");
    assert!(!leads(store, "k7f.1").await && !leads(store, "k7f.grid").await);
    assert!(leads(store, "k7f.2").await);
    let swept = sweep(store, &retention(), NOW.after(HOUR)).await;
    let gone = ["k7f.1", "k7f.1-small", "k7f.grid", "k7f.grid-small"];
    assert_eq!(swept, Swept { blobs: ids(&gone), jobs: 0 });
    assert_eq!(store.blob(&"k7f.1".into()).await, Ok(None));
    assert!(!said(store).await.contains(&"retracted"));
    change(store, Change::Delete { job: "k7f".into(), image: Some(2) }).await;
    assert_eq!(said(store).await.last(), Some(&"retracted"));
}

pub(super) async fn a_whole_job_is_taken_back(store: &dyn Store) {
    paint_two(store, "k7f").await;
    let delete = Change::Delete { job: "k7f".into(), image: None };
    assert_eq!(change(store, delete.clone()).await, []);
    change(store, delete).await;
    assert_eq!(said(store).await, ["accepted", "finished", "retracted"], "told once");
    assert_eq!(pictures(store, "k7f").await, []);
    assert!(!leads(store, "k7f.2").await);
    queue(store, job("m2x", 1)).await;
    change(store, Change::Delete { job: "m2x".into(), image: None }).await;
    assert!(!said(store).await[3..].contains(&"retracted"), "not while it is open");
}

pub(super) async fn pictures_go_before_recipes(store: &dyn Store) {
    paint(store, job("k7f", 1)).await;
    let swept = sweep(store, &retention(), NOW.after(DAY)).await;
    assert_eq!(swept, Swept { blobs: ids(&["k7f.1", "k7f.1-small"]), jobs: 0 });
    assert_eq!(pictures(store, "k7f").await, []);
    assert_eq!(store.stats().await.expect("numbers").links, 0);
    record_all(store).await;
    let swept = sweep(store, &retention(), NOW.after(30 * DAY)).await;
    assert_eq!(swept, Swept { blobs: vec![], jobs: 1 });
    assert_eq!(store.job(&"k7f".into()).await, Ok(None));
    assert_eq!(said(store).await, [""; 0]);
    assert_eq!(store.shown(&"job-k7f".into()).await, Ok(vec![]));
    assert_eq!(store.posted(&irc(), &"#art".into(), &"$1".into()).await, Ok(None));
}

async fn record_all(store: &dyn Store) {
    for parcel in due(store).await {
        let sent = Receipt::Sent(posted("$1"));
        store.record(&parcel.delivery.id, 0, sent, NOW).await.expect("recorded");
    }
}

pub(super) async fn private_jobs_go_early(store: &dyn Store) {
    paint(store, Job { private: true, keep: Some(HOUR), ..job("k7f", 1) }).await;
    paint(store, job("m2x", 1)).await;
    let swept = sweep(store, &retention(), NOW.after(HOUR)).await;
    assert_eq!(swept, Swept { blobs: ids(&["k7f.1", "k7f.1-small"]), jobs: 1 });
    assert_eq!(store.job(&"k7f".into()).await, Ok(None));
    assert!(!leads(store, "k7f").await && leads(store, "m2x").await);
    assert!(all(store).await.iter().all(|said| said.job == Some("m2x".into())));
}

pub(super) async fn the_oldest_make_room(store: &dyn Store) {
    for (n, id) in [(0, "old"), (1, "mid"), (2, "new")] {
        paint(store, job(id, 1)).await;
        keep_blobs(store, &[image(id, 1)], NOW.after(n * HOUR / 100)).await;
    }
    let tight = Retention { most_bytes: 350, ..retention() };
    assert_eq!(sweep(store, &tight, NOW).await, Swept::default(), "young ones are spared");
    let swept = sweep(store, &tight, NOW.after(2 * HOUR)).await;
    let gone = ids(&["mid.1", "mid.1-small", "old.1", "old.1-small"]);
    assert_eq!(swept, Swept { blobs: gone, jobs: 0 });
    assert_eq!(pictures(store, "mid").await, [], "the recipe stays");
    assert_eq!(pictures(store, "new").await, ids(&["new.1"]));
    assert!(!leads(store, "mid").await && leads(store, "new").await);
}

pub(super) async fn shared_blobs_stay_while_one_job_names_them(store: &dyn Store) {
    for id in ["k7f", "m2x"] {
        queue(store, job(id, 1)).await;
        keep_blobs(store, &[image("same", 1)], NOW).await;
        let same = crate::job::Ending::Done(vec![image("same", 1)]);
        finish(store, end(id, 0, same)).await;
    }
    change(store, Change::Delete { job: "k7f".into(), image: None }).await;
    assert_eq!(sweep(store, &retention(), NOW.after(HOUR)).await, Swept::default());
    change(store, Change::Delete { job: "m2x".into(), image: None }).await;
    let swept = sweep(store, &retention(), NOW.after(HOUR)).await;
    assert_eq!(swept.blobs, ids(&["same.1", "same.1-small"]));
}

pub(super) async fn unclaimed_blobs_get_time(store: &dyn Store) {
    keep_blobs(store, &[image("x", 1)], NOW).await;
    let almost = NOW.after(Duration::from_millis(3_599_999));
    assert_eq!(sweep(store, &retention(), almost).await, Swept::default());
    keep_blobs(store, &[image("x", 1)], almost).await;
    assert_eq!(sweep(store, &retention(), NOW.after(HOUR)).await, Swept::default());
    let swept = sweep(store, &retention(), almost.after(HOUR)).await;
    assert_eq!(swept.blobs, ids(&["x.1", "x.1-small"]));
}

pub(super) async fn keys_and_answers_are_forgotten(store: &dyn Store) {
    let answers = |slot: &str| answer(slot, Outcome::Expired);
    let deliveries = vec![answers("sent"), answers("unsent")];
    let late = Draft { expires: Some(NOW.after(DAY)), ..answers("late") };
    admit(store, Admission { deliveries, ..request("e1") }).await;
    say(store, late).await;
    let parcel = next(store).await;
    let sent = Receipt::Sent(posted("$1"));
    store.record(&parcel.delivery.id, 0, sent, NOW).await.expect("recorded");
    let short = Retention { seen: 2 * DAY, ..retention() };
    sweep(store, &short, NOW.after(DAY)).await;
    assert_eq!(store.admit(vec![request("e1")]).await.expect("admitted"), [duplicate()]);
    sweep(store, &short, NOW.after(2 * DAY)).await;
    assert_eq!(store.admit(vec![request("e1")]).await, Ok(vec![Verdict::Done(vec![])]));
    let left: Vec<_> = all(store).await.into_iter().map(|said| said.slot.0).collect();
    assert_eq!(left, ["unsent"]);
    assert_eq!(store.shown(&"sent".into()).await, Ok(vec![]));
}

fn duplicate() -> Verdict {
    Verdict::Duplicate { job: None, outcome: Some(accepted()) }
}

pub(super) async fn numbers_are_counted(store: &dyn Store) {
    paint(store, job("k7f", 1)).await;
    queue(store, job("m2x", 1)).await;
    let stats = store.stats().await.expect("numbers");
    assert_eq!(stats.outbox, [(irc(), 2)]);
    assert_eq!((stats.blob_bytes, stats.links), (200, 1));
}
