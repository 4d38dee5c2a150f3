//! A server for one client at a time that does what a script says, and tells what it heard.
//! It knows nothing of the adapter's types but the parser.
use irc::proto::{Command, Message};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::{mpsc, watch},
};

/// How the server behaves; the default is friendly.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// Offered by `CAP LS`; empty for a server that has never heard of it.
    pub(super) caps: String,
    pub(super) taken_nicks: Vec<String>,
    /// What 001 calls the client, whatever it asked for.
    pub(super) forced_nick: Option<String>,
    /// Sent right after USER, instead of a welcome.
    pub(super) farewell: Option<String>,
    pub(super) welcomes: bool,
    pub(super) joins: bool,
    pub(super) pongs: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            caps: "account-tag batch message-tags server-time".into(),
            taken_nicks: vec![],
            forced_nick: None,
            farewell: None,
            welcomes: true,
            joins: true,
            pongs: true,
        }
    }
}

#[derive(Debug)]
enum Order {
    Send(Vec<u8>),
    HangUp,
}

pub(super) struct Ircd {
    heard: mpsc::Receiver<String>,
    orders: mpsc::Sender<Order>,
    /// JOINs answered so far.
    joined: watch::Receiver<u64>,
    joins_seen: u64,
}

struct Server {
    script: Script,
    heard: mpsc::Sender<String>,
    orders: mpsc::Receiver<Order>,
    joined: watch::Sender<u64>,
}

impl Ircd {
    fn new(script: Script) -> (Self, Server) {
        let (heard_tx, heard) = mpsc::channel(4096);
        let (orders, orders_rx) = mpsc::channel(4096);
        let (joined_tx, joined) = watch::channel(0);
        let server = Server { script, heard: heard_tx, orders: orders_rx, joined: joined_tx };
        (Self { heard, orders, joined, joins_seen: 0 }, server)
    }

    /// Listens on a port of its own; clients come one after the other.
    pub(super) async fn listen(script: Script) -> (Self, u16) {
        let (ircd, mut server) = Self::new(script);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                server.serve(stream).await;
            }
        });
        (ircd, port)
    }

    /// The server's end of a pipe, without sockets, so that time can be paused.
    pub(super) fn pipe(script: Script) -> (Self, tokio::io::DuplexStream) {
        let (ircd, mut server) = Self::new(script);
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move { server.serve(ours).await });
        (ircd, theirs)
    }

    /// Waits for the client's next JOIN to be answered.
    pub(super) async fn joined(&mut self) {
        self.joins_seen += 1;
        let seen = self.joins_seen;
        self.joined.wait_for(|joined| *joined >= seen).await.unwrap();
    }

    pub(super) async fn send(&self, line: &str) {
        self.send_bytes(format!("{line}\r\n").as_bytes()).await;
    }

    pub(super) async fn send_bytes(&self, bytes: &[u8]) {
        self.orders.send(Order::Send(bytes.to_vec())).await.unwrap();
    }

    pub(super) async fn hang_up(&self) {
        self.orders.send(Order::HangUp).await.unwrap();
    }

    /// The next line of the client that begins with `verb`.
    pub(super) async fn heard(&mut self, verb: &str) -> String {
        loop {
            let line = self.heard.recv().await.expect("the server runs");
            if line.split(' ').next() == Some(verb) {
                return line;
            }
        }
    }

    /// Target and text of the next PRIVMSG.
    pub(super) async fn said(&mut self) -> (String, String) {
        match self.heard("PRIVMSG").await.parse::<Message>().map(|message| message.command) {
            Ok(Command::PRIVMSG(target, text)) => (target, text),
            other => panic!("{other:?}"),
        }
    }
}

impl Server {
    async fn serve(&mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut lines = BufReader::new(reader).lines();
        let mut nick = String::new();
        loop {
            let bytes = tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => self.answer(&line, &mut nick).await.into_bytes(),
                    _ => return,
                },
                order = self.orders.recv() => match order {
                    Some(Order::Send(bytes)) => bytes,
                    Some(Order::HangUp) | None => return,
                },
            };
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }

    async fn answer(&mut self, line: &str, nick: &mut String) -> String {
        // A test that stopped listening is over.
        self.heard.send(line.to_owned()).await.ok();
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["CAP", ..] if self.script.caps.is_empty() => ":s 421 * CAP :Unknown\r\n".into(),
            ["CAP", "LS", ..] => format!(":s CAP * LS :{}\r\n", self.script.caps),
            ["CAP", "REQ", names @ ..] => format!(":s CAP * ACK {}\r\n", names.join(" ")),
            ["NICK", wanted] if self.script.taken_nicks.contains(&(*wanted).to_owned()) => {
                format!(":s 433 * {wanted} :Nickname is already in use\r\n")
            }
            ["NICK", wanted] => {
                let first = nick.is_empty() && !self.script.taken_nicks.is_empty();
                *nick = (*wanted).to_owned();
                if first { self.welcome(nick) } else { String::new() }
            }
            ["USER", ..] if !nick.is_empty() => self.welcome(nick),
            ["JOIN", names, ..] if self.script.joins => {
                self.joined.send_modify(|joined| *joined += 1);
                let join = |name| format!(":{nick}!~ink@127.0.0.1 JOIN {name}\r\n");
                names.split(',').map(join).collect()
            }
            ["PING", word] if self.script.pongs => format!(":s PONG s {word}\r\n"),
            _ => String::new(),
        }
    }

    fn welcome(&self, nick: &mut String) -> String {
        if let Some(farewell) = &self.script.farewell {
            return format!("{farewell}\r\n");
        }
        if let Some(forced) = &self.script.forced_nick {
            nick.clone_from(forced);
        }
        let isupport = format!(":s 005 {nick} CASEMAPPING=rfc1459 :are supported\r\n");
        if self.script.welcomes {
            format!(":s 001 {nick} :Hi\r\n{isupport}")
        } else {
            String::new()
        }
    }
}
