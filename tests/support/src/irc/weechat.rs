//! Somebody with WeeChat, without its screen. They type into its FIFO; what they see comes from
//! its logger, whose files are FIFOs too, so that nothing is polled.
use super::{PATIENCE, missing};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{fs, io, path::Path, process::Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::unix::pipe,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

const WEECHAT: &str = "/usr/bin/weechat-headless";
/// Its name for the server, and for the buffer of what the server says.
const SERVER: &str = "test";
const WAITING_LINES: usize = 10_000;
const CONFIGURATION: [(&str, &str); 3] = [
    (
        "logger.conf",
        "[look]\nbacklog = 0\n[file]\nauto_log = on\nflush_delay = 0\ninfo_lines = off\n\
         path = \"${weechat_config_dir}\"\ntime_format = \"\"\n\
         [level]\ncore = 0\nirc = 9\n[mask]\nirc = \"seen.$channel\"\n",
    ),
    ("fifo.conf", "[file]\nenabled = on\npath = \"${weechat_config_dir}/say\"\n"),
    ("weechat.conf", "[plugin]\nautoload = \"irc,logger,fifo\"\n"),
];

/// Killed when dropped.
pub struct Weechat {
    pub nick: String,
    room: String,
    seen: mpsc::Receiver<Seen>,
    say: pipe::Sender,
    _folder: TempDir,
    _process: Child,
}

/// A line in one of their windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// A room, a nick, or `test` for the server.
    pub window: String,
    /// A nick with its sign, or `--`, `-->`, `*` for what nobody says.
    pub by: String,
    pub text: String,
}

impl Weechat {
    /// In the room, with windows for what these say in private; `None`, said aloud, where it is
    /// not installed.
    ///
    /// # Errors
    /// If it is there and does not start, or the server does not let them in.
    pub async fn join(
        port: u16,
        nick: &str,
        room: &str,
        friends: &[&str],
    ) -> io::Result<Option<Self>> {
        if missing(WEECHAT, "weechat-headless") {
            return Ok(None);
        }
        let folder = TempDir::new()?;
        let path = folder.path();
        for (name, text) in CONFIGURATION {
            fs::write(path.join(name), text)?;
        }
        let (seen_by_them, mut seen) = mpsc::channel(WAITING_LINES);
        for window in [SERVER, room].iter().chain(friends) {
            watch(path, window, seen_by_them.clone())?;
        }
        let add =
            format!("/server add {SERVER} 127.0.0.1/{port} -notls -nicks={nick} -autojoin={room}");
        let connect = format!("/connect {SERVER}");
        let mut command = Command::new(WEECHAT);
        command.arg("-d").arg(path).args(["-r", &add, "-r", &connect]).current_dir(path);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.kill_on_drop(true).spawn()?;
        let (nick, room) = (nick.to_owned(), room.to_owned());
        entered(&mut seen, &room).await?;
        let say = pipe::OpenOptions::new().open_sender(path.join("say"))?;
        Ok(Some(Self { nick, room, seen, say, _folder: folder, _process: process }))
    }

    /// Types a line in the room's window; one that begins with a slash is a command.
    ///
    /// # Errors
    /// If it is gone.
    pub async fn say(&mut self, text: &str) -> io::Result<()> {
        let line = format!("irc.{SERVER}.{} *{text}\n", self.room);
        timeout(PATIENCE, self.say.write_all(line.as_bytes())).await?
    }

    /// The next thing that this nick says in the room, as a notice or not.
    ///
    /// # Errors
    /// If nothing comes.
    pub async fn hears(&mut self, nick: &str) -> io::Result<String> {
        let (room, notice) = (self.room.clone(), format!("Notice({nick}): "));
        let said = |seen: &Seen| {
            seen.window == room && (plain(&seen.by) == nick || seen.text.starts_with(&notice))
        };
        let text = self.next(said, nick).await?.text;
        Ok(text.strip_prefix(&notice).map(str::to_owned).unwrap_or(text))
    }

    /// Waits for a line in any window that contains this.
    ///
    /// # Errors
    /// If nothing comes.
    pub async fn sees(&mut self, what: &str) -> io::Result<Seen> {
        self.next(|seen| seen.text.contains(what), what).await
    }

    async fn next(&mut self, wanted: impl Fn(&Seen) -> bool, what: &str) -> io::Result<Seen> {
        let mut passed = vec![];
        let found = async {
            while let Some(seen) = self.seen.recv().await {
                if wanted(&seen) {
                    return Some(seen);
                }
                passed.push(seen);
            }
            None
        };
        let found = timeout(PATIENCE, found).await.ok().flatten();
        found.ok_or_else(|| io::Error::other(format!("no `{what}` in {passed:#?}")))
    }
}

/// The room's names come last of all that a JOIN brings.
async fn entered(seen: &mut mpsc::Receiver<Seen>, room: &str) -> io::Result<()> {
    let entered = async {
        let mut passed = vec![];
        while let Some(line) = seen.recv().await {
            if line.window == room && line.text.starts_with("Channel ") {
                return Ok(());
            }
            passed.push(line);
        }
        Err(io::Error::other(format!("not in {room}: {passed:#?}")))
    };
    timeout(PATIENCE, entered).await?
}

/// What is logged of one window; the FIFO stays open whether or not anybody writes to it.
fn watch(folder: &Path, window: &str, seen: mpsc::Sender<Seen>) -> io::Result<()> {
    let path = folder.join(format!("seen.{window}"));
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    let fifo = pipe::OpenOptions::new().read_write(true).open_receiver(&path)?;
    let (mut lines, window) = (BufReader::new(fifo).split(b'\n'), window.to_owned());
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line);
            // Nothing, as times are off; then who; then what.
            let mut parts = line.splitn(3, '\t').skip(1).map(|part| part.trim().to_owned());
            let (Some(by), Some(text)) = (parts.next(), parts.next()) else { continue };
            if seen.send(Seen { window: window.clone(), by, text }).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn plain(by: &str) -> &str {
    by.trim_start_matches(['!', '@', '%', '+', '~', '&'])
}
