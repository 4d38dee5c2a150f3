//! A bare connection that says whatever a test wants: operators, impostors, witnesses.
//! It answers pings and knows nothing else by itself.
use super::PATIENCE;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use std::io;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Split},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// Gone when dropped, without a goodbye.
pub struct Client {
    pub nick: String,
    lines: Split<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    syncs: u32,
}

impl Client {
    /// A connection on which nothing was said.
    ///
    /// # Errors
    /// If nobody listens there.
    pub async fn dial(port: u16, nick: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (read, writer) = stream.into_split();
        let (lines, nick) = (BufReader::new(read).split(b'\n'), nick.to_owned());
        Ok(Self { nick, lines, writer, syncs: 0 })
    }

    /// Registered, with these capabilities.
    ///
    /// # Errors
    /// If the server does not let them in, or refuses a capability.
    pub async fn connect(port: u16, nick: &str, caps: &str) -> io::Result<Self> {
        let mut client = Self::dial(port, nick).await?;
        client.introduce(caps).await?;
        client.finish().await?;
        Ok(client)
    }

    /// Registered and in a room.
    ///
    /// # Errors
    /// If the server or the room does not let them in.
    pub async fn join(port: u16, nick: &str, room: &str) -> io::Result<Self> {
        let mut client = Self::connect(port, nick, "").await?;
        client.enter(room).await?;
        Ok(client)
    }

    /// Logged in to an account by SASL PLAIN, then registered and in a room.
    ///
    /// # Errors
    /// If the services, the server or the room does not let them in.
    pub async fn log_in(
        port: u16,
        nick: &str,
        (account, password): (&str, &str),
        room: &str,
    ) -> io::Result<Self> {
        let mut client = Self::dial(port, nick).await?;
        client.introduce("sasl").await?;
        client.send("AUTHENTICATE PLAIN").await?;
        client.sees("AUTHENTICATE").await?;
        let secret = BASE64.encode(format!("{account}\0{account}\0{password}"));
        client.send(&format!("AUTHENTICATE {secret}")).await?;
        client.sees(" 903 ").await?;
        client.finish().await?;
        client.enter(room).await?;
        Ok(client)
    }

    /// In the network's trust: everything is allowed. On servers whose operator is `op`.
    ///
    /// # Errors
    /// If the server does not let them in.
    pub async fn operator(port: u16, nick: &str) -> io::Result<Self> {
        let mut client = Self::connect(port, nick, "").await?;
        client.send("OPER op op").await?;
        client.sees(" 381 ").await?;
        Ok(client)
    }

    async fn introduce(&mut self, caps: &str) -> io::Result<()> {
        let nick = self.nick.clone();
        self.send(&format!("CAP LS 302\r\nNICK {nick}\r\nUSER {nick} 0 * :{nick}")).await?;
        if !caps.is_empty() {
            self.send(&format!("CAP REQ :{caps}")).await?;
            self.sees(" ACK ").await?;
        }
        Ok(())
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.send("CAP END").await?;
        self.sees_either(&[" 376 ", " 422 "]).await.map(drop)
    }

    /// # Errors
    /// If the room does not let them in.
    pub async fn enter(&mut self, room: &str) -> io::Result<()> {
        self.send(&format!("JOIN {room}")).await?;
        self.sees(" 366 ").await.map(drop)
    }

    /// Says something to a room or to somebody.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn say(&mut self, target: &str, text: &str) -> io::Result<()> {
        self.send(&format!("PRIVMSG {target} :{text}")).await
    }

    /// One line as it is, or several with line ends between them.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn send(&mut self, line: &str) -> io::Result<()> {
        self.write(format!("{line}\r\n").as_bytes()).await
    }

    /// Bytes as they are, line ends included.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes).await
    }

    /// Waits for a line that contains this; what came before it is forgotten.
    ///
    /// # Errors
    /// If the connection ends, or nothing comes.
    pub async fn sees(&mut self, what: &str) -> io::Result<String> {
        self.sees_either(&[what]).await
    }

    /// Waits for a line that contains one of these.
    ///
    /// # Errors
    /// If the connection ends, or nothing comes.
    pub async fn sees_either(&mut self, what: &[&str]) -> io::Result<String> {
        let mut seen = vec![];
        let wanted = async {
            loop {
                let line = self.line().await?;
                if what.iter().any(|what| line.contains(what)) {
                    return Ok(line);
                }
                seen.push(line);
            }
        };
        let found = timeout(PATIENCE, wanted).await.unwrap_or_else(|late| Err(late.into()));
        found.map_err(|error: io::Error| {
            io::Error::new(error.kind(), format!("{error}: {what:?} in {seen:#?}"))
        })
    }

    /// The next thing that this nick says to the room, or to us, as a notice or not.
    ///
    /// # Errors
    /// If the connection ends, or nothing comes.
    pub async fn hears(&mut self, nick: &str, target: &str) -> io::Result<String> {
        let from = format!(":{nick}!");
        loop {
            let line = self.sees(&from).await?;
            // Tags come before who said it.
            let tagged = line.strip_prefix('@').and_then(|it| it.split_once(' '));
            let plain = tagged.map_or(line.as_str(), |(_, rest)| rest);
            let mut words = plain.splitn(4, ' ');
            let said = (words.next(), words.next(), words.next(), words.next());
            let (Some(by), Some("PRIVMSG" | "NOTICE"), Some(to), Some(text)) = said else {
                continue;
            };
            if by.starts_with(&from) && to == target {
                return Ok(text.trim_start_matches(':').to_owned());
            }
        }
    }

    /// Every line that the server has for us by now. Of others it has what they said before it
    /// read this, and no more.
    ///
    /// # Errors
    /// If the connection ends.
    pub async fn so_far(&mut self) -> io::Result<Vec<String>> {
        self.syncs += 1;
        let token = format!("sync{}", self.syncs);
        self.send(&format!("PING {token}")).await?;
        let mut seen = vec![];
        let all = async {
            loop {
                let line = self.line().await?;
                if line.contains(" PONG ") && line.contains(&token) {
                    return io::Result::Ok(());
                }
                seen.push(line);
            }
        };
        timeout(PATIENCE, all).await.unwrap_or_else(|late| Err(late.into()))?;
        Ok(seen)
    }

    /// The next line, pings apart.
    async fn line(&mut self) -> io::Result<String> {
        loop {
            let line = self.lines.next_segment().await?;
            let line = line.ok_or_else(|| io::Error::other("disconnected"))?;
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            let Some(token) = line.strip_prefix("PING ") else { return Ok(line) };
            self.writer.write_all(format!("PONG {token}\r\n").as_bytes()).await?;
        }
    }
}
