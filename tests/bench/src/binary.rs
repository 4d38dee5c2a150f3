//! The release binary as operators start it, on a state directory of its own: started, watched
//! through its own listener, weighed and killed.
use crate::{bare::Bare, engine::Engine};
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

const POLL: Duration = Duration::from_millis(2);
pub(crate) const STUCK: Duration = Duration::from_mins(1);

pub(crate) struct Running {
    child: Child,
    telemetry: SocketAddr,
    _state: TempDir,
}

impl Running {
    /// `networks` is what stands in `irc:`. Also tells how long it took until it
    /// said that it is ready.
    pub(crate) async fn start(
        engine: &Engine,
        dir: &Path,
        networks: &[String],
    ) -> anyhow::Result<(Self, Duration)> {
        engine.clear();
        let state = TempDir::new_in(dir)?;
        let (links, telemetry) = (free()?, free()?);
        let config = state.path().join("inkwire.yaml");
        fs::write(&config, configuration(engine, networks, links, telemetry))?;
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
        let running = Self { child, telemetry, _state: state };
        timeout(STUCK, running.until_ready()).await.context("it does not get ready")??;
        Ok((running, began.elapsed()))
    }

    async fn until_ready(&self) -> anyhow::Result<()> {
        while self.is_ready().await.is_err() {
            sleep(POLL).await;
        }
        Ok(())
    }

    pub(crate) async fn is_ready(&self) -> anyhow::Result<()> {
        Bare::connect(self.telemetry).await?.get("/readyz").await.map(drop)
    }

    /// Until so many jobs wait or run.
    pub(crate) async fn until_open(&self, jobs: u32) -> anyhow::Result<()> {
        let open = |metrics: &Metrics| {
            metrics.sum("inkwire_jobs_waiting") + metrics.sum("inkwire_jobs_running")
        };
        self.until(|metrics| open(metrics) >= f64::from(jobs)).await
    }

    /// Until so many adapters are connected.
    pub(crate) async fn until_up(&self, adapters: usize) -> anyhow::Result<()> {
        let adapters = f64::from(u32::try_from(adapters)?);
        self.until(|metrics| metrics.sum("inkwire_adapter_up") >= adapters).await
    }

    async fn until(&self, enough: impl Fn(&Metrics) -> bool) -> anyhow::Result<()> {
        let seen = async {
            while !enough(&self.metrics().await?) {
                sleep(POLL).await;
            }
            Ok(())
        };
        timeout(STUCK, seen).await?
    }

    async fn metrics(&self) -> anyhow::Result<Metrics> {
        let text = Bare::connect(self.telemetry).await?.get("/metrics").await?;
        Ok(Metrics(String::from_utf8(text)?))
    }

    /// What it holds in memory.
    pub(crate) fn mebibytes(&self) -> anyhow::Result<f64> {
        let id = self.child.id().context("it has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: f64 = line.context("no VmRSS")?.trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes / 1024.0)
    }

    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// As Prometheus would read them.
struct Metrics(String);

impl Metrics {
    /// Of all its labels; 0 where there is none.
    fn sum(&self, name: &str) -> f64 {
        let values = self.0.lines().filter_map(|line| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with([' ', '{']))?;
            rest.rsplit(' ').next()?.parse::<f64>().ok()
        });
        values.sum()
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

fn configuration(
    engine: &Engine,
    networks: &[String],
    links: SocketAddr,
    telemetry: SocketAddr,
) -> String {
    let limit = "{ messages_per_minute: 60000, burst: 60000, waiting: 100000, running: 64 }";
    let networks = networks.join(", ");
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
irc: [{networks}]
console: true
",
        engine.address
    )
}
