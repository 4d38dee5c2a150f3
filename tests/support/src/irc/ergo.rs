//! Ergo: the server with the newest of IRC, accounts of its own among it. No distribution packs
//! it, so it runs where `INKWIRE_TEST_ERGO` names its program.
use super::{Client, aloud, process::Process};
use crate::free_port;
use std::{env, fs, io, path::PathBuf};
use tempfile::TempDir;
use tokio::process::Command;

/// Its own defaults, but for what belongs to this test: `old` to `new`.
const CHANGES: &[(&str, &str)] = &[
    ("        \"[::1]:6667\":", "        #"),
    ("        \":6697\":\n", "        \"127.0.0.1:0\":\n"),
    (
        "languages:\n    # whether to load languages\n    enabled: true",
        "languages:\n    enabled: false",
    ),
];

/// The server; it is killed when dropped.
pub struct Ergo {
    pub port: u16,
    folder: TempDir,
    program: PathBuf,
    process: Process,
}

impl Ergo {
    /// Welcomes clients; `None`, said aloud, where no program is named.
    ///
    /// # Errors
    /// If it is there and does not start.
    pub async fn start() -> io::Result<Option<Self>> {
        #[allow(clippy::disallowed_methods, reason = "a test asks where the program is")]
        let Some(program) = env::var_os("INKWIRE_TEST_ERGO").map(PathBuf::from) else {
            aloud("SKIPPED: a real Ergo (set INKWIRE_TEST_ERGO to its program)");
            return Ok(None);
        };
        let (port, folder) = (free_port().await?, TempDir::new()?);
        let defaults = Command::new(&program).arg("defaultconfig").output().await?;
        let mut config = String::from_utf8_lossy(&defaults.stdout).into_owned();
        for (old, new) in CHANGES {
            config = config.replace(old, new);
        }
        config = config.replace("127.0.0.1:6667", &format!("127.0.0.1:{port}"));
        fs::write(folder.path().join("ircd.yaml"), config)?;
        for first in ["mkcerts", "initdb"] {
            let mut command = Command::new(&program);
            command.args([first, "--quiet"]).current_dir(folder.path());
            if !command.output().await?.status.success() {
                return Err(io::Error::other(format!("ergo {first} failed")));
            }
        }
        let process = run(&program, &folder).await?;
        Ok(Some(Self { port, folder, program, process }))
    }

    /// Makes an account of this name.
    ///
    /// # Errors
    /// If the server does not let them in, or does not answer.
    pub async fn register(&self, name: &str, password: &str) -> io::Result<()> {
        let mut client = Client::connect(self.port, name, "").await?;
        client.send(&format!("NS REGISTER {password}")).await?;
        client.sees("Account created").await?;
        client.send("QUIT").await
    }

    /// SIGKILL: it says goodbye to nobody, and forgets what rooms remember.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn kill(&mut self) -> io::Result<()> {
        self.process.kill().await
    }

    /// Starts again on the same port, after `kill`.
    ///
    /// # Errors
    /// As `start`.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.process = run(&self.program, &self.folder).await?;
        Ok(())
    }
}

async fn run(program: &PathBuf, folder: &TempDir) -> io::Result<Process> {
    let mut command = Command::new("sh");
    // It logs to its standard error.
    command.arg("-c").arg("exec \"$0\" run 2>&1").arg(program).current_dir(folder.path());
    let process = Process::start(&mut command)?;
    process.logged(0, "Server running").await?;
    Ok(process)
}
