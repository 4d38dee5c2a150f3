//! What a network costs that is connected and silent: the binary with one, and with nine, each on
//! a server of its own. The difference is what eight weigh.
use crate::{
    binary::Running,
    engine::Engine,
    report::{Goal, Line, Report, Samples},
};
use inkwire_testkit::{
    irc::Ngircd,
    tls::{self, Front},
};
use std::{path::Path, time::Duration};
use tokio::time::sleep;

const MORE: usize = 8;
/// Starts with each number of networks.
const ROUNDS: usize = 3;
const IDLE: Duration = Duration::from_secs(3);
/// Beside the networks: the console and the link server.
const OTHERS: usize = 2;
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/tls/localhost.pem");
const MOST: (&str, f64) = ("2 MiB", 2.0);

pub(crate) async fn measure(
    report: &mut Report,
    engine: &Engine,
    dir: &Path,
) -> anyhow::Result<()> {
    let mut servers = vec![];
    for _ in 0..=MORE {
        let Some(server) = Ngircd::start().await? else { return Ok(()) };
        servers.push(server);
    }
    let plain: Vec<_> = servers.iter().enumerate().map(plain).collect();
    weigh(report, "network_rss", engine, dir, &plain).await?;
    let mut fronts = vec![];
    for server in &servers {
        fronts.push(tls::front(format!("127.0.0.1:{}", server.port)).await);
    }
    let encrypted: Vec<_> = fronts.iter().enumerate().map(encrypted).collect();
    weigh(report, "network_tls_rss", engine, dir, &encrypted).await
}

fn plain((number, server): (usize, &Ngircd)) -> String {
    network(number, server.port, "tls: false")
}

fn encrypted((number, front): (usize, &Front)) -> String {
    network(number, front.port, &format!("ca_file: \"{CERTIFICATE}\""))
}

fn network(number: usize, port: u16, more: &str) -> String {
    format!(
        "{{ name: n{number}, server: \"localhost:{port}\", nick: ink, \
         channels: [{{ name: \"#bench\" }}], {more} }}"
    )
}

async fn weigh(
    report: &mut Report,
    name: &'static str,
    engine: &Engine,
    dir: &Path,
    networks: &[String],
) -> anyhow::Result<()> {
    let (mut one, mut all) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        one.push(mebibytes(engine, dir, networks.get(..1).unwrap_or_default()).await?);
        all.push(mebibytes(engine, dir, networks).await?);
    }
    let (one, all) = (Samples::new(one).median(), Samples::new(all).median());
    let each = (all - one) / f64::from(u32::try_from(MORE)?);
    report.add(
        Line::new(name, (each, "MiB"), MOST, Goal::AtMost(1.0))
            .beside([("with_one", one), ("with_nine", all)]),
    );
    Ok(())
}

async fn mebibytes(engine: &Engine, dir: &Path, networks: &[String]) -> anyhow::Result<f64> {
    let (running, _) = Running::start(engine, dir, networks).await?;
    running.until_up(networks.len() + OTHERS).await?;
    sleep(IDLE).await;
    let mebibytes = running.mebibytes()?;
    running.end().await?;
    Ok(mebibytes)
}
