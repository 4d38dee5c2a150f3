//! Somebody on an IRC network whose client is `sic`, or, where that is not installed, a bare
//! socket. They talk in one room; for more there are `Client` and `Weechat`.
use super::{PATIENCE, aloud};
use std::{collections::VecDeque, io, path::Path, pin::Pin, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};

const SIC: &str = "/usr/bin/sic";

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
    pub async fn join(port: u16, nick: &str, room: &str) -> io::Result<Self> {
        let mut person = if Path::new(SIC).exists() {
            Self::with_sic(port, nick, room)?
        } else {
            aloud(&format!("{SIC} is not installed (apt package sic): a bare socket stands in"));
            Self::with_socket(port, nick, room).await?
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

    /// The next thing that this nick says in the room, as a notice or not.
    ///
    /// # Errors
    /// If the connection ends, or nothing comes.
    pub async fn hears(&mut self, nick: &str) -> io::Result<String> {
        loop {
            let line = self.line().await?;
            let said = if self.sic.is_some() {
                shown_by_sic(&line, &self.room, nick)
            } else {
                said(&line, &self.room, nick)
            };
            if let Some(text) = said {
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

/// `ROOM : TIME <NICK> TEXT`, or `NICK : TIME >< NOTICE (ROOM): TEXT`.
fn shown_by_sic<'a>(line: &'a str, room: &str, nick: &str) -> Option<&'a str> {
    let rest = |window: &str, mark: &str| {
        let (place, rest) = line.split_once(" : ").or_else(|| line.split_once(": "))?;
        let (_, text) = rest.split_once(mark)?;
        (place.trim_end() == window).then_some(text)
    };
    rest(room, &format!("<{nick}> ")).or_else(|| rest(nick, &format!(">< NOTICE ({room}): ")))
}

/// `:NICK!USER@HOST PRIVMSG ROOM :TEXT`, or `NOTICE`.
fn said<'a>(line: &'a str, room: &str, nick: &str) -> Option<&'a str> {
    let (by, told) = line.split_once(' ')?;
    let text = ["PRIVMSG", "NOTICE"]
        .iter()
        .find_map(|verb| told.strip_prefix(verb)?.strip_prefix(&format!(" {room} :")));
    text.filter(|_| by.starts_with(&format!(":{nick}!")))
}
