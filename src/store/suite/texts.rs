//! Texts behind links: no job made them, so that only time and want of room take them away.
use super::fixtures::*;
use crate::store::{Change, LinkRow, Retention, Store, Swept};
use inkwire_core::{MediaId, Time};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const ALMOST: Duration = Duration::from_millis(86_399_999);

fn retention() -> Retention {
    Retention { recipes: 30 * DAY, most_bytes: u64::MAX, seen: 30 * DAY, unclaimed: HOUR }
}

/// A link of that name to a text of 100 bytes, kept for a day.
async fn publish(store: &dyn Store, id: &str, text: &str, at: Time) {
    keep_text(store, text, at).await;
    let (id, media) = (id.to_owned(), text.into());
    let row = LinkRow { id, media, image: 0, expires: at.after(DAY) };
    store.keep_link(&row).await.expect("kept");
}

async fn leads(store: &dyn Store, link: &str, now: Time) -> bool {
    store.link(link, now).await.expect("readable").is_some()
}

async fn sweep(store: &dyn Store, retention: &Retention, now: Time) -> Vec<MediaId> {
    let Swept { blobs, jobs } = store.sweep(retention, now).await.expect("swept");
    assert_eq!(jobs, 0);
    blobs
}

pub(super) async fn a_text_has_no_job_and_expires(store: &dyn Store) {
    publish(store, "abc", "list", NOW).await;
    let linked = store.link("abc", NOW).await.expect("readable").expect("leads somewhere");
    assert_eq!((linked.media, linked.mime.as_str()), ("list".into(), "text/plain"));
    assert_eq!((linked.job, linked.title, linked.bytes), (None, None, 100));
    assert_eq!((linked.file_name.as_str(), linked.width), ("text.txt", 0));
    assert_eq!(linked.expires, Some(NOW.after(DAY)));
    assert!(leads(store, "abc", NOW.after(ALMOST)).await);
    assert!(!leads(store, "abc", NOW.after(DAY)).await, "expired");
    assert!(!leads(store, "abd", NOW).await, "unknown");
}

pub(super) async fn texts_stay_until_they_expire(store: &dyn Store) {
    publish(store, "abc", "list", NOW).await;
    assert_eq!(store.stats().await.expect("numbers").links, 1);
    assert_eq!(sweep(store, &retention(), NOW.after(ALMOST)).await, []);
    assert!(leads(store, "abc", NOW.after(ALMOST)).await);
    assert_eq!(sweep(store, &retention(), NOW.after(DAY)).await, ["list".into()]);
    let stats = store.stats().await.expect("numbers");
    assert_eq!((stats.links, stats.blob_bytes), (0, 0));
}

pub(super) async fn a_text_stays_for_the_last_of_its_links(store: &dyn Store) {
    publish(store, "abc", "list", NOW).await;
    publish(store, "abd", "list", NOW.after(HOUR)).await;
    assert_eq!(sweep(store, &retention(), NOW.after(DAY)).await, []);
    assert!(!leads(store, "abc", NOW.after(DAY)).await);
    assert!(leads(store, "abd", NOW.after(DAY)).await);
    assert_eq!(sweep(store, &retention(), NOW.after(DAY + HOUR)).await, ["list".into()]);
}

pub(super) async fn texts_make_room_as_pictures_do(store: &dyn Store) {
    publish(store, "abc", "old", NOW).await;
    publish(store, "abd", "new", NOW.after(HOUR)).await;
    let tight = Retention { most_bytes: 100, ..retention() };
    assert_eq!(sweep(store, &tight, NOW).await, [], "young ones are spared");
    assert_eq!(sweep(store, &tight, NOW.after(2 * HOUR)).await, ["old".into()]);
    assert!(!leads(store, "abc", NOW).await && leads(store, "abd", NOW).await);
    assert_eq!(store.stats().await.expect("numbers").links, 1);
}

pub(super) async fn a_picture_that_is_taken_back_leaves_its_text(store: &dyn Store) {
    paint(store, job("k7f", 1)).await;
    publish(store, "abc", "k7f.1", NOW).await;
    change(store, Change::Delete { job: "k7f".into(), image: None }).await;
    assert!(!leads(store, "k7f", NOW).await && leads(store, "abc", NOW).await);
    assert_eq!(sweep(store, &retention(), NOW.after(HOUR)).await, ["k7f.1-small".into()]);
    assert!(leads(store, "abc", NOW).await);
}
