//! ngircd: the plainest of servers, with few capabilities and no services.
//! Its limits are wide, so that tests of other things do not wait for it.
use super::{Certificate, certificate::OPENSSL, missing, process::Process};
use crate::free_port;
use rustix::process::Signal;
use std::{fs, io, path::PathBuf};
use tempfile::TempDir;
use tokio::process::Command;

const NGIRCD: &str = "/usr/sbin/ngircd";

/// The server; it is killed when dropped.
pub struct Ngircd {
    pub port: u16,
    pub tls_port: u16,
    pub certificate: Certificate,
    file: PathBuf,
    _folder: TempDir,
    process: Process,
}

impl Ngircd {
    /// `None`, said aloud, where it is not installed.
    ///
    /// # Errors
    /// If it is there and does not start.
    pub async fn start() -> io::Result<Option<Self>> {
        if missing(NGIRCD, "ngircd") || missing(OPENSSL, "openssl") {
            return Ok(None);
        }
        let (port, tls_port, folder) = (free_port().await?, free_port().await?, TempDir::new()?);
        let certificate = Certificate::make(folder.path(), "irc.test").await?;
        let file = folder.path().join("ngircd.conf");
        let (cert, key) = (certificate.file.display(), certificate.key.display());
        fs::write(
            &file,
            format!(
                "[Global]\nName = irc.test\nInfo = test\nListen = 127.0.0.1\nPorts = {port}\n\
                 MotdPhrase = hi\n[Limits]\nMaxNickLength = 16\nMaxConnectionsIP = 0\n\
                 MaxPenaltyTime = 0\n[Options]\nDNS = no\nIdent = no\nPAM = no\n\
                 [Operator]\nName = op\nPassword = op\n\
                 [SSL]\nPorts = {tls_port}\nCertFile = {cert}\nKeyFile = {key}\n"
            ),
        )?;
        let process = run(&file).await?;
        Ok(Some(Self { port, tls_port, certificate, file, _folder: folder, process }))
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
        self.process = run(&self.file).await?;
        Ok(())
    }
}

async fn run(file: &PathBuf) -> io::Result<Process> {
    let mut command = Command::new(NGIRCD);
    let process = Process::start(command.args(["--nodaemon", "--config"]).arg(file))?;
    process.logged(0, "listening on").await?;
    Ok(process)
}
