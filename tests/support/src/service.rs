//! The real program as a child process, on a state directory of its own: started, asked, stopped
//! in order, killed, and started again. It knows the program by its configuration, its signals,
//! its listeners and its log alone.
use crate::web;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fmt::Write as _,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::watch,
    time::{sleep, timeout},
};

/// What takes longer than this will never come.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between looks at `/readyz`: another process sends no signal when it is ready.
const LOOK: Duration = Duration::from_millis(20);
const KEPT_LINES: usize = 10_000;

/// What its configuration says beyond free ports and generous limits.
#[derive(Debug, Clone, Default)]
pub struct Wiring {
    /// The program: `env!("CARGO_BIN_EXE_inkwire")`.
    pub binary: PathBuf,
    /// Addresses of its engines.
    pub engines: Vec<String>,
    /// The port of an IRC server on this machine, and the rooms to be in.
    pub irc: Option<(u16, Vec<String>)>,
    /// Further IRC networks: the keys of each, one a line.
    pub networks: Vec<String>,
    /// Written beside the configuration, for their owner alone: names and texts.
    pub files: Vec<(String, String)>,
    /// Further YAML, appended as it is; its keys must not be those written here.
    pub more: String,
}

/// One installation. Its process is killed when this is dropped.
pub struct Service {
    wiring: Wiring,
    home: TempDir,
    /// The beginning of every link.
    pub public_url: String,
    /// Where `/livez`, `/readyz` and `/metrics` are.
    pub telemetry: String,
    process: Option<Process>,
}

struct Process {
    child: Child,
    log: watch::Receiver<Vec<String>>,
}

impl Service {
    /// Writes the configuration and starts nothing.
    ///
    /// # Errors
    /// If there is no room, or no port.
    pub async fn prepare(wiring: Wiring) -> io::Result<Self> {
        let (links, telemetry) = (free_port().await?, free_port().await?);
        let service = Self {
            wiring,
            home: TempDir::new()?,
            public_url: format!("http://127.0.0.1:{links}"),
            telemetry: format!("http://127.0.0.1:{telemetry}"),
            process: None,
        };
        service.configure()?;
        Ok(service)
    }

    /// Starts the service and waits until it says how it is; who talks to it may come later.
    ///
    /// # Errors
    /// If it ends before that, or takes too long; the error holds its log.
    pub async fn start(wiring: Wiring) -> io::Result<Self> {
        let mut service = Self::prepare(wiring).await?;
        service.spawn()?;
        service.answers(|_| true).await?;
        Ok(service)
    }

    /// Starts the process; it need not be ready yet.
    ///
    /// # Errors
    /// If the program cannot be run.
    pub fn spawn(&mut self) -> io::Result<()> {
        let mut command = self.command("run");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stderr = child.stderr.take().ok_or_else(|| io::Error::other("no log"))?;
        let (lines, log) = watch::channel(vec![]);
        tokio::spawn(collect(stderr, lines));
        self.process = Some(Process { child, log });
        Ok(())
    }

    /// Waits until `/readyz` says so.
    ///
    /// # Errors
    /// If the process ends before that, or takes too long; the error holds its log.
    pub async fn ready(&mut self) -> io::Result<()> {
        self.answers(|status| status == 200).await
    }

    async fn answers(&mut self, wanted: impl Fn(u16) -> bool) -> io::Result<()> {
        let url = format!("{}/readyz", self.telemetry);
        let ready = async {
            loop {
                if web::get(&url).await.is_ok_and(|reply| wanted(reply.status)) {
                    return Ok(());
                }
                let process = self.process.as_mut().ok_or_else(not_running)?;
                if let Some(status) = process.child.try_wait()? {
                    return Err(io::Error::other(format!("it ended with {status}")));
                }
                sleep(LOOK).await;
            }
        };
        let ended = timeout(PATIENCE, ready).await.unwrap_or_else(|late| Err(late.into()));
        ended.map_err(|error| io::Error::other(format!("{error}: {:#?}", self.log())))
    }

    /// SIGKILL, and nothing of it is left when this returns.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn kill(&mut self) -> io::Result<()> {
        let process = self.process.as_mut().ok_or_else(not_running)?;
        process.child.kill().await
    }

    /// SIGTERM: the wish to stop.
    ///
    /// # Errors
    /// If it does not run.
    pub fn terminate(&self) -> io::Result<()> {
        Ok(kill_process(self.pid()?, Signal::TERM)?)
    }

    /// SIGHUP: the wish to read the configuration again.
    ///
    /// # Errors
    /// If it does not run.
    pub fn hang_up(&self) -> io::Result<()> {
        Ok(kill_process(self.pid()?, Signal::HUP)?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it does not run, or does not end.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let process = self.process.as_mut().ok_or_else(not_running)?;
        timeout(PATIENCE, process.child.wait()).await?
    }

    /// SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// If it does not run, or does not end.
    pub async fn stop(&mut self) -> io::Result<ExitStatus> {
        self.terminate()?;
        self.ended().await
    }

    /// Starts again on the same state, after an end of whatever kind.
    ///
    /// # Errors
    /// As `start`.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.spawn()?;
        self.ready().await
    }

    /// Runs another command of the program on this configuration, such as `check`.
    ///
    /// # Errors
    /// If it cannot be run, or does not end.
    pub async fn tell(&self, command: &str) -> io::Result<Output> {
        timeout(PATIENCE, self.command(command).stdin(Stdio::null()).output()).await?
    }

    /// Its log since its last start, oldest first.
    pub fn log(&self) -> Vec<String> {
        self.process.as_ref().map(|process| process.log.borrow().clone()).unwrap_or_default()
    }

    /// Waits for a line in its log that contains this.
    ///
    /// # Errors
    /// If its log ends without it.
    pub async fn logged(&self, what: &str) -> io::Result<String> {
        let mut log = self.process.as_ref().ok_or_else(not_running)?.log.clone();
        let found = |lines: &Vec<String>| lines.iter().any(|line| line.contains(what));
        let lines = timeout(PATIENCE, log.wait_for(found)).await?.map_err(io::Error::other)?;
        let line = lines.iter().find(|line| line.contains(what));
        line.cloned().ok_or_else(|| io::Error::other("gone"))
    }

    pub fn config(&self) -> PathBuf {
        self.home.path().join("inkwire.yaml")
    }

    pub fn database(&self) -> PathBuf {
        self.state().join("inkwire.db")
    }

    pub fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// Where configuration and state lie.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    fn pid(&self) -> io::Result<Pid> {
        let id = self.process.as_ref().and_then(|process| process.child.id());
        let id = id.and_then(|id| i32::try_from(id).ok());
        id.and_then(Pid::from_raw).ok_or_else(not_running)
    }

    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.wiring.binary);
        command.arg(what).arg("--config").arg(self.config()).current_dir(self.home.path());
        for name in ["COMFYUI_ADDRESS", "COMFYUI_PORT", "LOG_LEVEL"] {
            command.env_remove(name);
        }
        command.kill_on_drop(true);
        command
    }

    fn configure(&self) -> io::Result<()> {
        let address = |url: &str| url.trim_start_matches("http://").to_owned();
        let (links, telemetry) = (address(&self.public_url), address(&self.telemetry));
        let limit = "{ messages_per_minute: 6000, burst: 1000, waiting: 1000, running: 100 }";
        let mut text = format!(
            "state_dir: state\nlog: {{ level: info, format: json }}\n\
             media: {{ public_url: '{}/', listen: '{links}' }}\n\
             telemetry: {{ listen: '{telemetry}' }}\n\
             limits: {{ per_user: {limit}, per_room: {limit}, everybody: {limit} }}\n",
            self.public_url
        );
        text += &self.engines();
        text += &self.irc();
        text += &self.wiring.more;
        fs::write(self.config(), text)?;
        self.wiring.files.iter().try_for_each(|(name, text)| {
            let path = self.home.path().join(name);
            fs::write(&path, text)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        })
    }

    fn engines(&self) -> String {
        let mut text = "engines:\n".to_owned();
        for (number, url) in self.wiring.engines.iter().enumerate() {
            // invariant: writing to a String cannot fail.
            let _written = writeln!(text, "  - {{ name: engine{number}, url: '{url}' }}");
        }
        text
    }

    fn irc(&self) -> String {
        let simple = self.wiring.irc.iter().map(|(port, rooms)| {
            let room = |room: &String| format!("{{ name: '{room}' }}");
            let rooms = rooms.iter().map(room).collect::<Vec<_>>().join(", ");
            format!("name: test\nserver: '127.0.0.1:{port}'\ntls: false\nnick: inkwire\nchannels: [{rooms}]")
        });
        let all = simple.chain(self.wiring.networks.iter().cloned());
        let entry = |keys: String| format!("  - {}\n", keys.trim_end().replace('\n', "\n    "));
        let entries: String = all.map(entry).collect();
        if entries.is_empty() { entries } else { format!("irc:\n{entries}") }
    }
}

/// A port of this machine that nobody listens on right now.
///
/// # Errors
/// If there is none.
pub async fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

async fn collect(stderr: impl AsyncRead + Unpin, lines: watch::Sender<Vec<String>>) {
    let mut stderr = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = stderr.next_line().await {
        lines.send_modify(|lines| {
            if lines.len() < KEPT_LINES {
                lines.push(line);
            }
        });
    }
}

fn not_running() -> io::Error {
    io::Error::other("it does not run")
}
