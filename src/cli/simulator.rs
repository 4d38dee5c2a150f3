//! `inkwire simulator`: a ComfyUI that paints without a GPU, for dry runs and other programs.
use super::{Failed, print::say, run};
use crate::simulator::{self, Simulator};
use std::{net::IpAddr, process::ExitCode, time::Duration};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1")]
    listen: IpAddr,
    #[arg(long, default_value_t = 8188)]
    port: u16,
    /// What one sampler step takes, in milliseconds.
    #[arg(long, default_value_t = 50)]
    step_ms: u64,
    /// What loading another model takes, in milliseconds.
    #[arg(long, default_value_t = 1500)]
    load_ms: u64,
}

pub(super) async fn simulate(options: Options) -> Result<ExitCode, Failed> {
    let simulator = Simulator::start(simulator::Options {
        listen: options.listen,
        port: options.port,
        step_time: Duration::from_millis(options.step_ms),
        load_time: Duration::from_millis(options.load_ms),
        ..simulator::Options::default()
    })
    .await
    .map_err(|error| anyhow::anyhow!("port {}: {error}", options.port))?;
    say(&format!("simulated ComfyUI (no GPU, no model) on {}", simulator.url()));
    run::interrupted().await;
    Ok(ExitCode::SUCCESS)
}
