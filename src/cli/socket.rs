//! A running service's ear for its own command line: `admin.sock`, readable by its owner alone.
//! One request in JSON on a line, one answer on a line.
use crate::{app::Watch, store::sqlite::SqliteStore};
use anyhow::Context as _;
use inkwire_core::render::{Context, answer};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};
use tokio_util::sync::CancellationToken;

const NAME: &str = "admin.sock";
const LONGEST: u64 = 16 * 1024;
/// A caller that says nothing.
const PATIENCE: Duration = Duration::from_secs(10);
const BREATH: Duration = Duration::from_millis(100);
/// Until an answer; a backup takes as long as its pictures.
const ANSWER: Duration = Duration::from_hours(1);

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Ask {
    Backup { to: PathBuf },
    Reload,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    Done(String),
    Failed(String),
}

pub(super) struct Server {
    listener: UnixListener,
    path: PathBuf,
    watch: Watch,
    store: Arc<SqliteStore>,
    state_dir: PathBuf,
}

impl Server {
    /// The database's lock says that nobody else runs here, so a socket left over is stale.
    pub(super) fn bind(
        state_dir: &Path,
        watch: Watch,
        store: Arc<SqliteStore>,
    ) -> io::Result<Self> {
        let path = state_dir.join(NAME);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Open to others until the next line, if it were not for the folder around it.
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path, watch, store, state_dir: state_dir.to_owned() })
    }

    pub(super) async fn serve(self, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                // Such as no files left: it would fail again at once.
                tokio::time::sleep(BREATH).await;
                continue;
            };
            if let Err(error) = self.answer(stream).await {
                tracing::debug!(%error, "admin socket");
            }
        }
        drop(fs::remove_file(&self.path));
    }

    async fn answer(&self, mut stream: UnixStream) -> anyhow::Result<()> {
        let mut line = String::new();
        let mut reader = BufReader::new((&mut stream).take(LONGEST));
        tokio::time::timeout(PATIENCE, reader.read_line(&mut line)).await??;
        let reply = match serde_json::from_str(&line) {
            Ok(ask) => self.act(ask).await,
            Err(error) => Reply::Failed(error.to_string()),
        };
        let mut text = serde_json::to_string(&reply)?;
        text.push('\n');
        stream.write_all(text.as_bytes()).await?;
        Ok(())
    }

    async fn act(&self, ask: Ask) -> Reply {
        match ask {
            Ask::Reload => {
                let context = Context { prefix: "", job: None };
                Reply::Done(answer(&self.watch.desk.reload(), &context).join("\n"))
            }
            Ask::Backup { to } => {
                match super::backup::save(&self.store, &self.state_dir, &to).await {
                    Ok(saved) => Reply::Done(saved),
                    Err(error) => Reply::Failed(format!("{error:#}")),
                }
            }
        }
    }
}

/// Asks a running service; `None` if none runs.
pub(super) async fn ask(state_dir: &Path, ask: &Ask) -> anyhow::Result<Option<Reply>> {
    let Ok(mut stream) = UnixStream::connect(state_dir.join(NAME)).await else { return Ok(None) };
    let mut text = serde_json::to_string(ask)?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await?;
    let mut line = String::new();
    let mut reader = BufReader::new(stream);
    let read = tokio::time::timeout(ANSWER, reader.read_line(&mut line)).await;
    read.context("the service does not answer")??;
    Ok(Some(serde_json::from_str(&line).context("the service answered in an unknown way")?))
}
