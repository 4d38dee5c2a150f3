//! An IRC server with one channel and one guest: it welcomes whoever comes and speaks for people
//! who are not there. What it is told, it throws away.
use anyhow::Context;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinHandle,
};

pub(crate) const CHANNEL: &str = "#bench";

pub(crate) struct Ircd {
    pub(crate) address: SocketAddr,
    say: mpsc::Sender<String>,
    serving: JoinHandle<()>,
}

impl Ircd {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (say, lines) = mpsc::channel(64);
        // It ends with its guest.
        let serving = tokio::spawn(async move { drop(serve(listener, lines).await) });
        Ok(Self { address, say, serving })
    }

    /// Somebody says something in the channel.
    pub(crate) async fn say(&self, nick: &str, text: &str) -> anyhow::Result<()> {
        let line = format!(":{nick}!u@{nick}.example PRIVMSG {CHANNEL} :{text}\r\n");
        self.say.send(line).await.context("the guest has left")
    }
}

impl Drop for Ircd {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, mut lines: mpsc::Receiver<String>) -> anyhow::Result<()> {
    let (guest, _) = listener.accept().await?;
    let (read, mut write) = TcpStream::into_split(guest);
    let mut heard = BufReader::new(read).lines();
    let nick = welcome(&mut heard, &mut write).await?;
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => write.write_all(line.as_bytes()).await?,
                None => return Ok(()),
            },
            line = heard.next_line() => match line? {
                Some(line) => answer(&mut write, &nick, &line).await?,
                None => return Ok(()),
            },
        }
    }
}

type Lines = tokio::io::Lines<BufReader<OwnedReadHalf>>;

async fn welcome(heard: &mut Lines, write: &mut OwnedWriteHalf) -> anyhow::Result<String> {
    let (mut nick, mut named) = (String::new(), false);
    while nick.is_empty() || !named {
        let line = heard.next_line().await?.context("the guest has left")?;
        match line.split_once(' ') {
            Some(("CAP", rest)) if rest.starts_with("LS") => {
                write.write_all(b":bench CAP * LS :\r\n").await?;
            }
            Some(("NICK", rest)) => rest.trim_start_matches(':').clone_into(&mut nick),
            Some(("USER", _)) => named = true,
            _ => {}
        }
    }
    let hello = format!(":bench 001 {nick} :Welcome\r\n:bench 422 {nick} :No message\r\n");
    write.write_all(hello.as_bytes()).await?;
    Ok(nick)
}

async fn answer(write: &mut OwnedWriteHalf, nick: &str, line: &str) -> anyhow::Result<()> {
    let answer = match line.split_once(' ') {
        Some(("PING", word)) => format!(":bench PONG bench {word}\r\n"),
        Some(("JOIN", _)) => {
            format!(":{nick}!u@h JOIN {CHANNEL}\r\n:bench 366 {nick} {CHANNEL} :End of names\r\n")
        }
        _ => return Ok(()),
    };
    Ok(write.write_all(answer.as_bytes()).await?)
}
