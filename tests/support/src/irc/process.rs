//! A daemon as a child process: what it logs, and the signals that it gets.
//! It is killed when dropped.
use super::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::{io, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    time::timeout,
};

/// Later lines are read and forgotten, so that the daemon never waits for us.
const KEPT_LINES: usize = 20_000;

/// Of a log in which something is missing.
const TOLD_LINES: usize = 20;

pub(super) struct Process {
    child: Child,
    log: watch::Receiver<Vec<String>>,
}

impl Process {
    /// Starts it; what it writes to its standard output is its log.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let (lines, log) = watch::channel(vec![]);
        tokio::spawn(collect(stdout, lines));
        Ok(Self { child, log })
    }

    /// How many lines it has logged; `logged` looks behind that many.
    pub(super) fn lines(&self) -> usize {
        self.log.borrow().len()
    }

    /// Waits for a line with this in it, after the first `since`.
    pub(super) async fn logged(&self, since: usize, what: &str) -> io::Result<String> {
        let mut log = self.log.clone();
        let find = |lines: &Vec<String>| {
            lines.iter().skip(since).find(|line| line.contains(what)).cloned()
        };
        let found = timeout(PATIENCE, log.wait_for(|lines| find(lines).is_some())).await;
        let line = found.ok().and_then(Result::ok).and_then(|lines| find(&lines));
        line.ok_or_else(|| {
            let log = self.log.borrow();
            let last: Vec<_> = log.iter().rev().take(TOLD_LINES).rev().collect();
            io::Error::other(format!("no `{what}` at the end of {last:#?}"))
        })
    }

    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        let pid = id.and_then(Pid::from_raw).ok_or_else(|| io::Error::other("it has ended"))?;
        Ok(kill_process(pid, signal)?)
    }

    /// SIGKILL; nothing of it is left when this returns.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }
}

async fn collect(stdout: impl AsyncRead + Unpin, lines: watch::Sender<Vec<String>>) {
    let mut stdout = BufReader::new(stdout).split(b'\n');
    while let Ok(Some(line)) = stdout.next_segment().await {
        // Some log in bold.
        let line = String::from_utf8_lossy(&line).replace(char::is_control, "");
        lines.send_modify(|lines| {
            if lines.len() < KEPT_LINES {
                lines.push(line);
            }
        });
    }
}
