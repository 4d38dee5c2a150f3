//! One job after the other through the whole ring: from a message to the engine, from the
//! engine's last word to the line, and from one job to the next.
use crate::{
    bare::Bare,
    disk::Disk,
    engine::{Engine, Posts},
    report::{Goal, Line, Report, Samples, millis},
    service::Service,
};
use anyhow::{Context, ensure};
use inkwire_core::Outcome;
use inkwire_testkit::{Manner, Script, Scripted};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::timeout;

const ROUNDS: usize = 15;
/// The first ones fill caches.
const WARM: usize = 2;
/// Jobs that stand in line behind each other.
const LINE: usize = 15;
/// Syncs of the disk before each round.
const SYNCS: usize = 5;
const STUCK: Duration = Duration::from_secs(30);

/// Milliseconds of one round, and of the references taken around it.
struct Round {
    submit: f64,
    done: f64,
    bare: f64,
    fdatasync: f64,
}

struct Stage<'a> {
    engine: &'a Engine,
    posts: Posts,
    script: Script,
    bare: Bare,
    disk: Disk,
    dir: &'a Path,
}

pub(crate) async fn measure(
    report: &mut Report,
    engine: &Engine,
    dir: &Path,
) -> anyhow::Result<()> {
    let (adapter, script) = Scripted::new("bench", Manner::Polite);
    let service = Service::start(engine, dir, adapter).await?;
    let bare = Bare::connect(engine.address).await?;
    let disk = Disk::open(dir)?;
    let mut stage = Stage { engine, posts: engine.posts(), script, bare, disk, dir };
    let mut rounds = vec![];
    let mut fsyncs = 0;
    for number in 0..WARM + ROUNDS {
        let before = service.fsyncs().await?;
        let round = stage.round(number).await?;
        if number >= WARM {
            rounds.push(round);
            fsyncs += service.fsyncs().await? - before;
        }
    }
    say(report, &rounds, fsyncs);
    let gaps = stage.line().await?;
    say_gap(report, &Samples::new(gaps));
    service.end().await
}

impl Stage<'_> {
    /// The bare client, the service, the bare client again.
    async fn round(&mut self, number: usize) -> anyhow::Result<Round> {
        let fdatasync = self.fdatasync()?;
        let first = self.bare(&format!("before-{number}")).await?;
        let began = Instant::now();
        self.ask(number).await?;
        let (id, came) = timeout(STUCK, self.posts.next()).await??;
        // Its own first words are out of the way by then, as they are after a minute of painting.
        self.words().await?;
        let ended = self.engine.end(&id).await;
        let written = self.last_word().await?;
        let second = self.bare(&format!("after-{number}")).await?;
        Ok(Round {
            submit: millis(came - began),
            done: millis(written - ended),
            bare: f64::midpoint(first, second),
            fdatasync,
        })
    }

    /// Jobs that wait for each other: from the end of one to the POST of the next.
    async fn line(&mut self) -> anyhow::Result<Vec<f64>> {
        for number in 0..=LINE {
            self.ask(1000 + number).await?;
        }
        let (mut id, _) = timeout(STUCK, self.posts.next()).await??;
        let mut gaps = vec![];
        for _ in 0..LINE {
            let ended = self.engine.end(&id).await;
            let (next, came) = timeout(STUCK, self.posts.next()).await??;
            gaps.push(millis(came - ended));
            // The engine paints for longer than we need for the picture before.
            self.last_word().await?;
            id = next;
        }
        self.engine.end(&id).await;
        self.last_word().await?;
        Ok(gaps)
    }

    async fn ask(&self, number: usize) -> anyhow::Result<()> {
        let line = format!("imagine a red fox number {number} in the snow --seed {number}");
        let key = format!("ask-{number}");
        let admitted = self.script.say(&key, "ann", &line).await?;
        ensure!(admitted.iter().all(|one| one.job.is_some()), "refused: {admitted:?}");
        Ok(())
    }

    /// What is said when a job is taken.
    async fn words(&mut self) -> anyhow::Result<()> {
        loop {
            let parcel = timeout(STUCK, self.script.parcel()).await?.context("a delivery")?;
            if matches!(parcel.delivery.outcome, Outcome::Started { .. }) {
                return Ok(());
            }
        }
    }

    async fn last_word(&mut self) -> anyhow::Result<Instant> {
        let parcel = timeout(STUCK, self.script.ending()).await?.context("an ending")?;
        let at = Instant::now();
        let outcome = &parcel.delivery.outcome;
        ensure!(matches!(outcome, Outcome::Finished { .. }), "no picture: {outcome:?}");
        Ok(at)
    }

    async fn bare(&mut self, id: &str) -> anyhow::Result<f64> {
        self.engine.painted(id);
        let began = Instant::now();
        self.bare.keep(id, self.dir).await?;
        Ok(millis(began.elapsed()))
    }

    fn fdatasync(&mut self) -> anyhow::Result<f64> {
        let times = (0..SYNCS).map(|_| self.disk.fdatasync()).collect::<Result<Vec<_>, _>>()?;
        Ok(Samples::new(times).median())
    }
}

fn say(report: &mut Report, rounds: &[Round], fsyncs: u64) {
    let all = |of: fn(&Round) -> f64| Samples::new(rounds.iter().map(of));
    let sync = all(|round| round.fdatasync).median();
    let submit = all(|round| round.submit);
    let budget = ("5 ms and one fdatasync", 5.0 + sync);
    report.add(
        Line::new("message_to_post", (submit.median(), "ms"), budget, Goal::AtMost(1.0))
            .beside([("fdatasync", sync), ("p90", submit.p90())]),
    );
    let (done, bare) = (all(|round| round.done), all(|round| round.bare));
    let over = all(|round| (round.done - round.fdatasync) / round.bare);
    let client = ("the bare client; one fdatasync is granted", bare.median());
    let ratio = (over.median(), Goal::AtMost(1.15));
    report.add(Line::with_ratio("done_to_line", (done.median(), "ms"), client, ratio).beside([
        ("fdatasync", sync),
        ("p90", done.p90()),
        ("bare_p90", bare.p90()),
    ]));
    let (fsyncs, jobs) = (number(fsyncs), number(rounds.len()));
    let each = ("one job", 1.0);
    let line = (fsyncs / jobs, "store fsyncs");
    report.add(Line::new("fsyncs_per_job", line, each, Goal::AtMost(2.0)));
}

fn say_gap(report: &mut Report, gaps: &Samples) {
    let line = (gaps.median(), "ms");
    report.add(
        Line::new("idle_gap", line, ("10 ms", 10.0), Goal::AtMost(1.0))
            .beside([("p90", gaps.p90())]),
    );
}

fn number(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}
