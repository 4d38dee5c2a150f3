//! A real IRC server, and somebody on it whose client is not ours: `ngircd` and `sic`, as Debian
//! packs them. What is not installed is said aloud, so that a silent skip cannot pass for a test.
use crate::free_port;
use std::{collections::VecDeque, fs, io, path::Path, pin::Pin, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};

const NGIRCD: &str = "/usr/sbin/ngircd";
const SIC: &str = "/usr/bin/sic";
const PATIENCE: Duration = Duration::from_mins(1);

/// The server; it is killed when dropped.
pub struct Ngircd {
    pub port: u16,
    _folder: TempDir,
    _process: Child,
}

impl Ngircd {
    /// `None`, said aloud, where it is not installed.
    ///
    /// # Errors
    /// If it is there and does not start.
    pub async fn start() -> io::Result<Option<Self>> {
        if !Path::new(NGIRCD).exists() {
            aloud(&format!("SKIPPED: {NGIRCD} is not installed (apt package ngircd)"));
            return Ok(None);
        }
        let (port, folder) = (free_port().await?, TempDir::new()?);
        let file = folder.path().join("ngircd.conf");
        fs::write(
            &file,
            format!(
                "[Global]\nName = irc.test\nInfo = test\nListen = 127.0.0.1\nPorts = {port}\n\
                 MotdPhrase = hi\n[Limits]\nMaxNickLength = 16\nMaxConnectionsIP = 0\n\
                 MaxPenaltyTime = 0\n[Options]\nDNS = no\nIdent = no\nPAM = no\n"
            ),
        )?;
        let mut command = Command::new(NGIRCD);
        command.args(["--nodaemon", "--config"]).arg(&file).stdin(Stdio::null());
        let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut log = lines(process.stdout.take());
        let started = async {
            while let Some(line) = log.next_line().await? {
                if line.contains("listening on") {
                    return Ok(());
                }
            }
            Err(io::Error::other("it ended"))
        };
        timeout(PATIENCE, started).await??;
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Ok(Some(Self { port, _folder: folder, _process: process }))
    }
}

/// Somebody in one room.
pub struct Person {
    pub nick: String,
    room: String,
    heard: Reading,
    /// Read while waiting for something else.
    kept: VecDeque<String>,
    say: Pin<Box<dyn AsyncWrite + Send>>,
    sic: Option<Child>,
}

type Reading = Lines<BufReader<Pin<Box<dyn AsyncRead + Send>>>>;

impl Person {
    /// Connects with `sic`, or, said aloud, with a bare socket where that is not installed.
    ///
    /// # Errors
    /// If the server does not let them in.
    pub async fn join(server: &Ngircd, nick: &str, room: &str) -> io::Result<Self> {
        let mut person = if Path::new(SIC).exists() {
            Self::with_sic(server.port, nick, room)?
        } else {
            aloud(&format!("{SIC} is not installed (apt package sic): a bare socket stands in"));
            Self::with_socket(server.port, nick, room).await?
        };
        person.sees("hi").await?;
        let join = if person.sic.is_some() { ":j" } else { "JOIN" };
        person.write(&format!("{join} {room}")).await?;
        person.sees("End of NAMES").await?;
        Ok(person)
    }

    fn with_sic(port: u16, nick: &str, room: &str) -> io::Result<Self> {
        let mut command = Command::new(SIC);
        command.args(["-h", "127.0.0.1", "-n", nick, "-p"]).arg(port.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut sic = command.spawn()?;
        let say = sic.stdin.take().ok_or_else(|| io::Error::other("no input"))?;
        let heard = lines(sic.stdout.take());
        let (nick, room) = (nick.to_owned(), room.to_owned());
        Ok(Self { nick, room, heard, kept: VecDeque::new(), say: Box::pin(say), sic: Some(sic) })
    }

    async fn with_socket(port: u16, nick: &str, room: &str) -> io::Result<Self> {
        let (read, say) = TcpStream::connect(("127.0.0.1", port)).await?.into_split();
        let (heard, room) = (lines(Some(read)), room.to_owned());
        let mut person = Self {
            nick: nick.to_owned(),
            room,
            heard,
            kept: VecDeque::new(),
            say: Box::pin(say),
            sic: None,
        };
        person.write(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}")).await?;
        Ok(person)
    }

    /// Says something in the room. `sic` looks at its input once for all lines that came together,
    /// so each is waited for until it shows it as said.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn say(&mut self, text: &str) -> io::Result<()> {
        if self.sic.is_none() {
            return self.write(&format!("PRIVMSG {} :{text}", self.room)).await;
        }
        self.write(text).await?;
        let echo = format!(" <{}> ", self.nick);
        loop {
            let line = self.read().await?;
            if line.contains(&echo) {
                return Ok(());
            }
            self.kept.push_back(line);
        }
    }

    /// The next thing that this nick says in the room.
    ///
    /// # Errors
    /// If the connection ends, or nothing comes.
    pub async fn hears(&mut self, nick: &str) -> io::Result<String> {
        let (by_sic, by_socket) = (format!(" <{nick}> "), format!(":{nick}!"));
        let told = format!(" PRIVMSG {} :", self.room);
        loop {
            let line = self.line().await?;
            let spoken = if self.sic.is_some() {
                line.strip_prefix(&self.room).and_then(|line| line.split_once(&by_sic))
            } else {
                line.strip_prefix(&by_socket).and_then(|line| line.split_once(&told))
            };
            if let Some((_, text)) = spoken {
                return Ok(text.to_owned());
            }
        }
    }

    /// Waits for a line of whatever kind that contains this.
    ///
    /// # Errors
    /// If the connection ends, or nothing comes.
    pub async fn sees(&mut self, what: &str) -> io::Result<String> {
        loop {
            let line = self.line().await?;
            if line.contains(what) {
                return Ok(line);
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        match self.kept.pop_front() {
            Some(line) => Ok(line),
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> io::Result<String> {
        let line = timeout(PATIENCE, self.heard.next_line()).await??;
        line.ok_or_else(|| io::Error::other("disconnected"))
    }

    async fn write(&mut self, line: &str) -> io::Result<()> {
        let end = if self.sic.is_some() { "\n" } else { "\r\n" };
        self.say.write_all(format!("{line}{end}").as_bytes()).await?;
        self.say.flush().await
    }
}

fn lines(from: Option<impl AsyncRead + Send + 'static>) -> Reading {
    let from: Pin<Box<dyn AsyncRead + Send>> = match from {
        Some(from) => Box::pin(from),
        None => Box::pin(tokio::io::empty()),
    };
    BufReader::new(from).lines()
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to read it")]
fn aloud(what: &str) {
    eprintln!("{what}");
}
