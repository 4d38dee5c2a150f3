//! Which ComfyUI paints for the demo: the one that was named, the one on this machine, or the
//! built-in simulator. It says honestly which it is.
use super::look::look;
use crate::engine::{Status, comfyui::ComfyConfig};
#[cfg(feature = "simulator")]
use crate::simulator::{self, Simulator};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// A ComfyUI on this machine takes a connection in less, or there is none.
const PROBE: Duration = Duration::from_millis(300);
const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8188);
/// Slow enough to see the progress bar move.
#[cfg(feature = "simulator")]
const STEP: Duration = Duration::from_millis(60);
#[cfg(feature = "simulator")]
const LOAD: Duration = Duration::from_millis(800);

pub(super) struct Painter {
    pub(super) url: String,
    /// What it said when it was found.
    pub(super) status: Status,
    /// Who it is, in a sentence for people.
    pub(super) introduction: String,
    /// Ends with the painter.
    #[cfg(feature = "simulator")]
    _simulator: Option<Simulator>,
}

impl Painter {
    pub(super) async fn find(engine: Option<String>) -> anyhow::Result<Self> {
        if let Some(url) = engine {
            return Self::real(url).await;
        }
        if TcpStream::connect_timeout(&USUAL, PROBE).is_err() {
            return Self::simulated("No ComfyUI on this machine").await;
        }
        match Self::real(format!("http://{USUAL}")).await {
            Ok(found) => Ok(found),
            Err(why) => Self::simulated(&why.to_string()).await,
        }
    }

    async fn real(url: String) -> anyhow::Result<Self> {
        let config = ComfyConfig { url: url.clone(), ..ComfyConfig::default() };
        let seen = look(config).await;
        let status = seen.map_err(|why| anyhow::anyhow!("{url} cannot be used: {why}"))?;
        Ok(Self {
            url,
            status,
            introduction: "ComfyUI found: it paints.".to_owned(),
            #[cfg(feature = "simulator")]
            _simulator: None,
        })
    }

    #[cfg(feature = "simulator")]
    async fn simulated(why: &str) -> anyhow::Result<Self> {
        let options = simulator::Options {
            step_time: STEP,
            load_time: LOAD,
            ..simulator::Options::default()
        };
        let simulator = anyhow::Context::context(Simulator::start(options).await, "the simulator")?;
        let introduction = format!("{why}: a simulator paints (no GPU, no real model).");
        let real = Self::real(simulator.url()).await?;
        Ok(Self { introduction, _simulator: Some(simulator), ..real })
    }

    #[cfg(not(feature = "simulator"))]
    async fn simulated(why: &str) -> anyhow::Result<Self> {
        anyhow::bail!("{why}: start one on {USUAL}, or name it with --engine URL")
    }
}
