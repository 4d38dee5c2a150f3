//! The release binary as operators start it: how soon it is ready, and what it weighs.
//! Console, IRC and links are configured; a real-sized catalogue is read.
use crate::{
    binary::{Running, STUCK},
    engine::Engine,
    ircd::{CHANNEL, Ircd},
    report::{Goal, Line, Report, Samples, millis},
};
use anyhow::Context;
use std::{path::Path, time::Duration};
use tokio::time::{sleep, timeout};

const STARTS: usize = 5;
const QUEUED: u32 = 10_000;
/// Lines that are said before the service must have kept up: its adapter drops what floods it.
const BURST: u32 = 200;
const IDLE: Duration = Duration::from_secs(5);

pub(crate) async fn measure(
    report: &mut Report,
    engine: &Engine,
    dir: &Path,
) -> anyhow::Result<()> {
    let mut starts = vec![];
    for _ in 1..STARTS {
        let (running, _ircd, ready) = start(engine, dir).await?;
        starts.push(millis(ready));
        running.end().await?;
    }
    let (running, ircd, ready) = start(engine, dir).await?;
    starts.push(millis(ready));
    let starts = Samples::new(starts);
    report.add(
        Line::new("ready", (starts.median(), "ms"), ("1 s", 1000.0), Goal::AtMost(1.0))
            .beside([("p90", starts.p90())]),
    );
    sleep(IDLE).await;
    running.is_ready().await?;
    weigh(report, "rss_idle", running.mebibytes()?, ("30 MiB", 30.0));
    flood(&running, &ircd).await?;
    weigh(report, "rss_10k", running.mebibytes()?, ("64 MiB", 64.0));
    running.end().await
}

fn weigh(report: &mut Report, name: &'static str, mebibytes: f64, most: (&'static str, f64)) {
    report.add(Line::new(name, (mebibytes, "MiB"), most, Goal::AtMost(1.0)));
}

async fn start(engine: &Engine, dir: &Path) -> anyhow::Result<(Running, Ircd, Duration)> {
    let ircd = Ircd::start().await?;
    let (server, room) = (ircd.address, CHANNEL);
    let network = format!(
        "{{ name: bench, server: \"{server}\", tls: false, nick: ink, channels: [{{ name: \"{room}\" }}] }}"
    );
    let (running, ready) = Running::start(engine, dir, &[network]).await?;
    Ok((running, ircd, ready))
}

/// Everybody in a large channel asks for a picture, and the engine is busy.
async fn flood(running: &Running, ircd: &Ircd) -> anyhow::Result<()> {
    for number in 0..QUEUED {
        let wish = format!("!imagine a red fox number {number}, in the snow, at dawn");
        ircd.say(&format!("guest{number}"), &wish).await?;
        if (number + 1) % BURST == 0 {
            let all = timeout(STUCK, running.until_open(number + 1));
            all.await.with_context(|| format!("{number} requests are not kept"))??;
        }
    }
    Ok(())
}
