//! InspIRCd: IRCv3, TLS, channel modes of every kind, operators, and, with a second one linked
//! to it, netsplits. Services (`Atheme`) may link to it too.
mod conf;

use super::{Certificate, Client, certificate::OPENSSL, missing, process::Process};
use crate::free_port;
use rustix::process::{Signal, geteuid};
use std::{fs, io, time::Duration};
use tempfile::TempDir;
use tokio::process::Command;

const INSPIRCD: &str = "/usr/sbin/inspircd";

/// How much it takes from one client.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    /// Whether it reads slower from who says too much, instead of hanging up.
    pub fakelag: bool,
    /// Seconds of penalty, of which each command costs some.
    pub threshold: u32,
    /// Thousandths of commands in a second.
    pub command_rate: u32,
    /// Bytes that may wait to be read.
    pub receive: u32,
}

impl Flood {
    /// Nobody notices it.
    pub const WIDE: Self =
        Self { fakelag: true, threshold: 10_000, command_rate: 1_000_000, receive: 1 << 20 };
    /// As the server's own example: it reads ten lines at once, then one a second.
    pub const USUAL: Self =
        Self { fakelag: true, threshold: 10, command_rate: 1000, receive: 10 << 10 };
    /// Ten lines at once, then one a second, and whoever says more is sent away.
    pub const STRICT: Self = Self { fakelag: false, ..Self::USUAL };
}

/// What it is to be; the default is friendly and fast.
#[derive(Debug, Clone)]
pub struct Options {
    pub name: &'static str,
    pub flood: Flood,
    /// Tells who comes without TLS to come back with it, for so long.
    pub sts: Option<Duration>,
    /// Of the server; without it nobody comes in.
    pub password: Option<&'static str>,
    /// Modules that it does not load.
    pub without: &'static [&'static str],
    /// Further tags of its configuration.
    pub more: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "a.test",
            flood: Flood::WIDE,
            sts: None,
            password: None,
            without: &[],
            more: String::new(),
        }
    }
}

/// One server; it is killed when dropped.
pub struct Inspircd {
    pub name: &'static str,
    pub port: u16,
    pub tls_port: u16,
    pub certificate: Certificate,
    /// Where other servers and services come in.
    pub(super) link_port: u16,
    folder: TempDir,
    process: Process,
}

impl Inspircd {
    /// `None`, said aloud, where it is not installed.
    ///
    /// # Errors
    /// If it is there and does not start.
    pub async fn start(options: Options) -> io::Result<Option<Self>> {
        Self::beside(options, None).await
    }

    /// Two servers of one network, `a.test` and `b.test`, with the same options.
    ///
    /// # Errors
    /// If they are there and do not start, or do not find each other.
    pub async fn pair(options: Options) -> io::Result<Option<(Self, Self)>> {
        let first = Options { name: "a.test", ..options.clone() };
        let Some(first) = Self::beside(first, None).await? else { return Ok(None) };
        let second = Options { name: "b.test", ..options };
        let second = Self::beside(second, Some(&first)).await?;
        let Some(second) = second else { return Ok(None) };
        let mut operator = Client::operator(second.port, "linker").await?;
        second.heal(&mut operator, &first).await?;
        Ok(Some((first, second)))
    }

    async fn beside(options: Options, uplink: Option<&Self>) -> io::Result<Option<Self>> {
        if missing(INSPIRCD, "inspircd") || missing(OPENSSL, "openssl") {
            return Ok(None);
        }
        let ports = [free_port().await?, free_port().await?, free_port().await?];
        let folder = TempDir::new()?;
        let certificate = Certificate::make(folder.path(), options.name).await?;
        let uplink = uplink.map(|uplink| (uplink.name, uplink.link_port));
        fs::write(folder.path().join("motd"), "hi\n")?;
        let text = conf::text(&options, ports, folder.path(), &certificate, uplink);
        fs::write(folder.path().join("inspircd.conf"), text)?;
        let process = run(&folder).await?;
        let [port, tls_port, link_port] = ports;
        let name = options.name;
        Ok(Some(Self { name, port, tls_port, certificate, link_port, folder, process }))
    }

    /// SIGKILL: it says goodbye to nobody.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn kill(&mut self) -> io::Result<()> {
        self.process.kill().await
    }

    /// SIGSTOP: it keeps its connections and answers nothing.
    ///
    /// # Errors
    /// If it does not run.
    pub fn stop(&self) -> io::Result<()> {
        self.process.signal(Signal::STOP)
    }

    /// SIGCONT: the end of `stop`.
    ///
    /// # Errors
    /// If it does not run.
    pub fn cont(&self) -> io::Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// Starts again on the same ports, after `kill`.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.process = run(&self.folder).await?;
        Ok(())
    }

    /// Another certificate under the same name; it shows it after `restart`.
    ///
    /// # Errors
    /// If none can be made.
    pub async fn change_certificate(&mut self) -> io::Result<()> {
        self.certificate = Certificate::make(self.folder.path(), self.name).await?;
        Ok(())
    }

    /// Tears the network apart, at the word of an operator on this server.
    ///
    /// # Errors
    /// If it does not happen.
    pub async fn split(&self, operator: &mut Client, other: &Self) -> io::Result<()> {
        let before = [self, other].map(Self::log_lines);
        operator.send(&format!("SQUIT {} :split", other.name)).await?;
        // One that has not noticed yet takes nobody back.
        for (server, before) in [self, other].into_iter().zip(before) {
            server.logged_since(before, "Netsplit complete").await?;
        }
        Ok(())
    }

    /// Puts the network together again, at the word of an operator on the server that came last.
    ///
    /// # Errors
    /// If it does not happen.
    pub async fn heal(&self, operator: &mut Client, other: &Self) -> io::Result<()> {
        let before = [self, other].map(Self::log_lines);
        operator.send(&format!("CONNECT {}", other.name)).await?;
        for ((server, far), before) in [(self, other), (other, self)].into_iter().zip(before) {
            let linked = format!("Received end of netburst from {}", far.name);
            server.logged_since(before, &linked).await?;
        }
        Ok(())
    }

    /// Waits for a line in its log since its last start.
    ///
    /// # Errors
    /// If none comes.
    pub async fn logged(&self, what: &str) -> io::Result<String> {
        self.process.logged(0, what).await
    }

    pub(super) fn log_lines(&self) -> usize {
        self.process.lines()
    }

    pub(super) async fn logged_since(&self, lines: usize, what: &str) -> io::Result<String> {
        self.process.logged(lines, what).await
    }
}

async fn run(folder: &TempDir) -> io::Result<Process> {
    let mut command = Command::new(INSPIRCD);
    command.arg("--config").arg(folder.path().join("inspircd.conf"));
    command.args(["--nofork", "--nopid"]).current_dir(folder.path());
    if geteuid().is_root() {
        command.arg("--runasroot");
    }
    let process = Process::start(&mut command)?;
    process.logged(0, "Startup complete").await?;
    Ok(process)
}
