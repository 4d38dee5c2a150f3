//! Random steps on the in-memory store and on the one in a file: all that can be seen is equal.
use super::fixtures::*;
use crate::{
    job::{Draft, Ending, Job},
    store::{
        Admission, Change, Finish, LinkRow, Retention, Store, StoreError, memory::MemoryStore,
    },
};
use inkwire_core::{Failure, Imagine, Outcome, Receipt, SendError, SlotId, Time, Watch};
use proptest::{collection::vec, option, prelude::*};
use regex::Regex;
use std::{fmt::Debug, time::Duration};

const JOBS: [&str; 4] = ["j0", "j1", "j2", "j3"];

#[derive(Debug, Clone)]
enum Op {
    Admit { event: u8, job: Option<u8>, parts: u8, private: bool, expires: bool },
    Cancel(u8),
    Delete(u8, Option<u16>),
    Prefer(Option<u8>),
    Claim { job: u8, part: u8, run_no: u32, engine: bool },
    Submitted { job: u8, part: u8, run_no: u32 },
    Release { job: u8, part: u8, run_no: u32 },
    Finish { job: u8, part: u8, run_no: u32, ending: u8, grid: bool },
    Expire(u8),
    Lease,
    Begin(usize),
    Checkpoint(usize),
    Record(usize, u8),
    KeepBlob(u8),
    KeepLink(u8),
    Sweep { most_bytes: u64 },
    Wait(u16),
}

fn op() -> impl Strategy<Value = Op> {
    let run = || (0..4u8, 0..3u8, 1..3u32);
    prop_oneof![
        4 => (0..6u8, option::weighted(0.8, 0..4u8), 1..3u8, any::<bool>(), any::<bool>())
            .prop_map(|(event, job, parts, private, expires)| {
                Op::Admit { event, job, parts, private, expires }
            }),
        1 => (0..4u8).prop_map(Op::Cancel),
        1 => (0..4u8, option::of(0..3u16)).prop_map(|(job, image)| Op::Delete(job, image)),
        1 => option::of(0..3u8).prop_map(Op::Prefer),
        6 => (run(), any::<bool>())
            .prop_map(|((job, part, run_no), engine)| Op::Claim { job, part, run_no, engine }),
        1 => run().prop_map(|(job, part, run_no)| Op::Submitted { job, part, run_no }),
        1 => run().prop_map(|(job, part, run_no)| Op::Release { job, part, run_no }),
        6 => (run(), 0..5u8, any::<bool>()).prop_map(|((job, part, run_no), ending, grid)| {
            Op::Finish { job, part, run_no, ending, grid }
        }),
        1 => (0..4u8).prop_map(Op::Expire),
        1 => Just(Op::Lease),
        3 => (0..30usize).prop_map(Op::Begin),
        1 => (0..30usize).prop_map(Op::Checkpoint),
        5 => (0..30usize, 0..7u8).prop_map(|(row, receipt)| Op::Record(row, receipt)),
        2 => (0..4u8).prop_map(Op::KeepBlob),
        2 => (0..4u8).prop_map(Op::KeepLink),
        2 => (0..9u64).prop_map(|n| Op::Sweep { most_bytes: n * 100 }),
        2 => any::<u16>().prop_map(Op::Wait),
    ]
}

/// One store under test, and what a caller of it would know.
struct Bench<'a> {
    store: &'a dyn Store,
    now: Time,
    epoch: u64,
    delivery_ids: Regex,
}

impl Bench<'_> {
    /// Broken stores may differ in their words, and in how they tag delivery ids.
    fn text<T: Debug>(&self, result: Result<T, StoreError>) -> String {
        let result = result.map_err(|error| match error {
            StoreError::Broken(_) => StoreError::Broken(String::new()),
            other => other,
        });
        self.delivery_ids.replace_all(&format!("{result:?}"), "$1").into_owned()
    }

    async fn run(&mut self, op: &Op) -> String {
        let (store, now) = (self.store, self.now);
        match op.clone() {
            Op::Admit { .. } | Op::Cancel(_) | Op::Delete(..) | Op::Prefer(_) => {
                self.text(store.admit(vec![self.admission(op)]).await)
            }
            Op::Claim { job, part, run_no, engine } => {
                let engine = if engine { "gpu" } else { "other" };
                self.text(store.claim(&attempt(name(job), part, run_no), engine, now).await)
            }
            Op::Submitted { job, part, run_no } => {
                self.text(store.submitted(&attempt(name(job), part, run_no), "native").await)
            }
            Op::Release { job, part, run_no } => {
                let attempt = attempt(name(job), part, run_no);
                self.text(store.release(&attempt, Failure::Lost, now).await)
            }
            Op::Finish { .. } => self.text(store.finish(self.finish(op)).await),
            Op::Expire(job) => self.text(store.expire(&[name(job).into()], now).await),
            Op::Lease => {
                self.epoch += 1;
                self.text(store.lease(&irc()).await)
            }
            Op::Wait(seconds) => {
                self.now = now.after(Duration::from_secs(seconds.into()));
                String::new()
            }
            Op::KeepBlob(job) => {
                keep_blobs(store, &[image(name(job), 1), image(name(job), 2)], now).await;
                String::new()
            }
            Op::KeepLink(n) => {
                let row = link(&format!("t{n}"), &image(name(n / 2), 1));
                let expires = now.after(Duration::from_hours(3));
                self.text(store.keep_link(&LinkRow { expires, ..row }).await)
            }
            Op::Sweep { most_bytes } => {
                let hour = Duration::from_hours(1);
                let (recipes, seen, unclaimed) = (20 * hour, 9 * hour, hour);
                let retention = Retention { recipes, most_bytes, seen, unclaimed };
                self.text(store.sweep(&retention, now).await)
            }
            Op::Begin(row) | Op::Checkpoint(row) | Op::Record(row, _) => self.send(op, row).await,
        }
    }

    async fn send(&self, op: &Op, row: usize) -> String {
        let rows = all(self.store).await;
        let Some(id) = rows.get(row % rows.len().max(1)).map(|row| &row.id) else {
            return String::new();
        };
        let result = match op {
            Op::Begin(_) => self.store.begin(id, self.epoch).await,
            Op::Record(_, kind) => {
                self.store.record(id, self.epoch, receipt(*kind, row), self.now).await
            }
            _ => self.store.checkpoint(id, self.epoch, serde_json::json!({ "row": row })).await,
        };
        self.text(result)
    }

    fn admission(&self, op: &Op) -> Admission {
        let empty = Admission::empty(&irc(), self.epoch, self.now);
        match op.clone() {
            Op::Admit { event, job: Some(n), parts, private, .. } => {
                let keep = private.then_some(Duration::from_hours(5));
                let job = Job { private, keep, created: self.now, ..job(name(n), parts) };
                let deliveries = vec![job.say(accepted())];
                let seen = Some(format!("e{event}").as_str().into());
                Admission { seen, jobs: vec![job], deliveries, ..empty }
            }
            Op::Admit { event, expires, .. } => {
                let expires = expires.then(|| self.now.after(Duration::from_hours(1)));
                let draft = Draft { expires, ..answer(&format!("s{event}"), Outcome::Expired) };
                let outcome = Some(Outcome::Cancelling);
                let seen = Some(format!("e{event}").as_str().into());
                Admission { seen, deliveries: vec![draft], outcome, ..empty }
            }
            Op::Cancel(n) => {
                let change = Change::Cancel { job: name(n).into(), by: "irc/bob".into() };
                Admission { changes: vec![change, Change::Pause(n == 0)], ..empty }
            }
            Op::Delete(n, image) => {
                let change = Change::Delete { job: name(n).into(), image };
                let cursor = Some(format!("c{n}").as_str().into());
                Admission { changes: vec![change], cursor, ..empty }
            }
            Op::Prefer(count) => {
                let change = prefer(&Imagine { count, ..Imagine::default() });
                Admission { changes: vec![change], ..empty }
            }
            _ => empty,
        }
    }

    fn finish(&self, op: &Op) -> Finish {
        let Op::Finish { job: n, part, run_no, ending, grid: with_grid } = op.clone() else {
            panic!("{op:?}")
        };
        let id = name(n);
        let ending = match ending {
            0 => Ending::Failed(Failure::Empty),
            1 => Ending::Cancelled,
            _ => done(id, part),
        };
        let made = image(id, u16::from(part) + 1);
        Finish {
            attempt: attempt(id, part, run_no),
            grid: with_grid.then(|| grid(id)),
            links: vec![link(&format!("{id}.{part}"), &made)],
            at: self.now,
            keep_until: self.now.after(Duration::from_hours(6)),
            ..end(id, part, ending)
        }
    }

    /// All that can be seen.
    async fn view(&self) -> Vec<String> {
        let (store, now) = (self.store, self.now);
        let paused = store.settings().await.map(|settings| settings.paused);
        let page = store.due(&irc(), self.epoch, now, 5).await;
        let stats = store.stats().await.map(|s| (s.outbox, s.blob_bytes, s.links));
        let mut seen = vec![
            self.text(paused),
            self.text(page),
            self.text(stats),
            self.text(store.open_index().await),
            self.text(store.since(&Watch::All, 0).await),
            self.text(store.since(&Watch::Person("irc/ann".into()), 3).await),
            self.text(store.newest(&"irc/ann".into(), 3).await),
            self.text(store.room(&irc(), &"#art".into()).await),
        ];
        for job in JOBS {
            let blob = store.blob(&format!("{job}.1").as_str().into()).await;
            seen.extend([
                self.text(store.job(&job.into()).await),
                self.text(store.since(&Watch::Job(job.into()), 0).await),
                self.text(store.shown(&SlotId(format!("job-{job}"))).await),
                self.text(blob),
                self.text(store.link(&format!("{job}.0"), now).await),
                self.text(store.link(&format!("{job}.1"), now).await),
            ]);
        }
        for n in 0..4 {
            seen.push(self.text(store.link(&format!("t{n}"), now).await));
        }
        for row in 0..9 {
            let native = format!("${row}");
            seen.push(
                self.text(store.posted(&irc(), &"#art".into(), &native.as_str().into()).await),
            );
        }
        seen
    }
}

fn name(job: u8) -> &'static str {
    JOBS[usize::from(job) % JOBS.len()]
}

fn receipt(kind: u8, row: usize) -> Receipt {
    match kind {
        0 => Receipt::Dropped,
        1 => Receipt::Failed(SendError::Retry),
        2 => Receipt::Failed(SendError::After(Duration::from_hours(2))),
        3 => Receipt::Failed(SendError::TooLarge { max: 1 }),
        4 => Receipt::Failed(SendError::Gone),
        _ => Receipt::Sent(posted(&format!("${row}"))),
    }
}

async fn compare(ops: &[Op]) {
    let folder = tempfile::tempdir().expect("a folder");
    let (memory, sqlite) = (MemoryStore::default(), super::sqlite(folder.path()));
    let ids = Regex::new(r"(DeliveryId\(.d\d+)-\w+").expect("a pattern");
    let mut model = Bench { store: &memory, now: NOW, epoch: 0, delivery_ids: ids.clone() };
    let mut real = Bench { store: &sqlite, now: NOW, epoch: 0, delivery_ids: ids };
    for op in ops {
        assert_eq!(real.run(op).await, model.run(op).await, "{op:?}");
        assert_eq!(real.view().await, model.view().await, "after {op:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]
    #[test]
    fn both_stores_show_the_same(ops in vec(op(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(compare(&ops));
    }
}
