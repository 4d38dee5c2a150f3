//! The release binary as operators start it: how soon it is ready, and what it weighs.
//! Console, IRC and links are configured; a real-sized catalogue is read.
use crate::{
    bare::Bare,
    engine::Engine,
    ircd::{CHANNEL, Ircd},
    report::{Goal, Line, Report, Samples, millis},
};
use anyhow::{Context, bail};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

const STARTS: usize = 5;
const QUEUED: u32 = 10_000;
/// Lines that are said before the service must have kept up: its adapter drops what floods it.
const BURST: u32 = 200;
const IDLE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(2);
const STUCK: Duration = Duration::from_mins(1);

pub(crate) async fn measure(
    report: &mut Report,
    engine: &Engine,
    dir: &Path,
) -> anyhow::Result<()> {
    let mut starts = vec![];
    for _ in 1..STARTS {
        let (running, ready) = Running::start(engine, dir).await?;
        starts.push(millis(ready));
        running.end().await?;
    }
    let (mut running, ready) = Running::start(engine, dir).await?;
    starts.push(millis(ready));
    let starts = Samples::new(starts);
    report.add(
        Line::new("ready", (starts.median(), "ms"), ("1 s", 1000.0), Goal::AtMost(1.0))
            .beside([("p90", starts.p90())]),
    );
    sleep(IDLE).await;
    running.is_ready().await?;
    weigh(report, "rss_idle", running.mebibytes()?, ("30 MiB", 30.0));
    running.flood().await?;
    weigh(report, "rss_10k", running.mebibytes()?, ("64 MiB", 64.0));
    running.end().await
}

fn weigh(report: &mut Report, name: &'static str, mebibytes: f64, most: (&'static str, f64)) {
    report.add(Line::new(name, (mebibytes, "MiB"), most, Goal::AtMost(1.0)));
}

struct Running {
    child: Child,
    telemetry: SocketAddr,
    ircd: Ircd,
    _state: TempDir,
}

impl Running {
    /// Also tells how long it took until it said that it is ready.
    async fn start(engine: &Engine, dir: &Path) -> anyhow::Result<(Self, Duration)> {
        engine.clear();
        let state = TempDir::new_in(dir)?;
        let ircd = Ircd::start().await?;
        let (links, telemetry) = (free()?, free()?);
        let config = state.path().join("inkwire.yaml");
        fs::write(&config, configuration(engine, &ircd, links, telemetry))?;
        let began = Instant::now();
        let child = Command::new(binary()?)
            .arg("run")
            .arg("--config")
            .arg(&config)
            // A console whose person says nothing.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let running = Self { child, telemetry, ircd, _state: state };
        timeout(STUCK, running.until_ready()).await.context("it does not get ready")??;
        Ok((running, began.elapsed()))
    }

    async fn until_ready(&self) -> anyhow::Result<()> {
        while self.is_ready().await.is_err() {
            sleep(POLL).await;
        }
        Ok(())
    }

    async fn is_ready(&self) -> anyhow::Result<()> {
        Bare::connect(self.telemetry).await?.get("/readyz").await.map(drop)
    }

    /// Everybody in a large channel asks for a picture, and the engine is busy.
    async fn flood(&mut self) -> anyhow::Result<()> {
        for number in 0..QUEUED {
            let wish = format!("!imagine a red fox number {number}, in the snow, at dawn");
            self.ircd.say(&format!("guest{number}"), &wish).await?;
            if (number + 1) % BURST == 0 {
                let all = timeout(STUCK, self.until_open(number + 1));
                all.await.with_context(|| format!("{number} requests are not kept"))??;
            }
        }
        Ok(())
    }

    async fn until_open(&self, jobs: u32) -> anyhow::Result<()> {
        while self.open().await? < f64::from(jobs) {
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Jobs that wait or run.
    async fn open(&self) -> anyhow::Result<f64> {
        let metrics = Bare::connect(self.telemetry).await?.get("/metrics").await?;
        let metrics = String::from_utf8(metrics)?;
        let gauge = |name: &str| -> Option<f64> {
            metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        let open = gauge("inkwire_jobs_waiting ").zip(gauge("inkwire_jobs_running "));
        open.map(|(waiting, running)| waiting + running).context("no count of jobs")
    }

    /// What it holds in memory.
    fn mebibytes(&self) -> anyhow::Result<f64> {
        let id = self.child.id().context("it has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: f64 = line.context("no VmRSS")?.trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes / 1024.0)
    }

    async fn end(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// Beside this one; `make bench` builds both.
fn binary() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("inkwire");
    if path.exists() {
        return Ok(path);
    }
    bail!("{} is missing: cargo build --release -p inkwire", path.display())
}

fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn configuration(engine: &Engine, ircd: &Ircd, links: SocketAddr, telemetry: SocketAddr) -> String {
    let limit = "{ messages_per_minute: 60000, burst: 60000, waiting: 100000, running: 64 }";
    format!(
        "state_dir: state
log: {{ level: warn }}
engines: [{{ name: bench, url: \"http://{}/\" }}]
limits:
  per_user: {limit}
  per_room: {limit}
  everybody: {limit}
media: {{ public_url: \"http://{links}/\", listen: \"{links}\" }}
telemetry: {{ listen: \"{telemetry}\" }}
irc:
  - {{ name: bench, server: \"{}\", tls: false, nick: ink, channels: [{{ name: \"{CHANNEL}\" }}] }}
console: true
",
        engine.address, ircd.address
    )
}
