//! A server for one client at a time that does what a script says, and tells what it heard.
//! It knows nothing of the adapter's types but the parser.
use irc::proto::{Command, Message};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::{mpsc, watch},
};
use tokio_rustls::TlsAcceptor;

/// How the server behaves; the default is friendly.
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
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
    /// The greeting has an end; else the client has to guess it.
    pub(super) greets: bool,
    /// Labelled lines for people are acknowledged.
    pub(super) acks: bool,
    /// Lines that begin so are refused with these words, such as `404 ink #art :No`.
    pub(super) refusals: Vec<(&'static str, &'static str)>,
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
            greets: false,
            acks: true,
            refusals: vec![],
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
    refuse_next: Refusal,
}

/// What the next line for people is refused with.
type Refusal = Arc<Mutex<Option<&'static str>>>;

struct Server {
    script: Script,
    heard: mpsc::Sender<String>,
    orders: mpsc::Receiver<Order>,
    joined: watch::Sender<u64>,
    /// The label of the batch that the client has opened.
    batch: Option<String>,
    refuse_next: Refusal,
}

impl Ircd {
    fn new(script: Script) -> (Self, Server) {
        let (heard_tx, heard) = mpsc::channel(4096);
        let (orders, orders_rx) = mpsc::channel(4096);
        let (joined_tx, joined) = watch::channel(0);
        let refuse_next = Refusal::default();
        let server = Server {
            script,
            heard: heard_tx,
            orders: orders_rx,
            joined: joined_tx,
            batch: None,
            refuse_next: refuse_next.clone(),
        };
        (Self { heard, orders, joined, joins_seen: 0, refuse_next }, server)
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

    /// The same with TLS; a client that breaks off during the handshake said nothing.
    pub(super) async fn listen_tls(script: Script, tls: TlsAcceptor) -> (Self, u16) {
        let (ircd, mut server) = Self::new(script);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = tls.accept(stream).await {
                    server.serve(stream).await;
                }
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

    /// Refuses the next PRIVMSG with these words.
    pub(super) fn refuse_next(&self, words: &'static str) {
        *self.refuse_next.lock().unwrap() = Some(words);
    }

    pub(super) async fn hang_up(&self) {
        self.orders.send(Order::HangUp).await.unwrap();
    }

    /// The next line of the client that begins with `verb`.
    pub(super) async fn heard(&mut self, verb: &str) -> String {
        loop {
            let line = self.heard.recv().await.expect("the server runs");
            if untagged(&line).split(' ').next() == Some(verb) {
                return line;
            }
        }
    }

    /// Whether there is a line that no test asked for yet.
    pub(super) fn heard_anything(&self) -> bool {
        !self.heard.is_empty()
    }

    /// Target and text of the next PRIVMSG or NOTICE.
    pub(super) async fn said(&mut self) -> (String, String) {
        let (_, target, text) = self.spoken().await;
        (target, text)
    }

    /// Verb, target and text of the next line for people.
    pub(super) async fn spoken(&mut self) -> (&'static str, String, String) {
        loop {
            let line = self.heard.recv().await.expect("the server runs");
            match line.parse::<Message>().map(|message| message.command) {
                Ok(Command::PRIVMSG(target, text)) => return ("PRIVMSG", target, text),
                Ok(Command::NOTICE(target, text)) => return ("NOTICE", target, text),
                _ => {}
            }
        }
    }
}

fn untagged(line: &str) -> &str {
    line.strip_prefix('@').and_then(|line| line.split_once(' ')).map_or(line, |(_, line)| line)
}

/// The label of a line, as a tag for its answer.
fn label(line: &str) -> Option<String> {
    let (tags, _) = line.strip_prefix('@')?.split_once(' ')?;
    let label = tags.split(';').find(|tag| tag.starts_with("label="))?;
    Some(format!("@{label} "))
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
        let label = label(line);
        let line = untagged(line);
        if let Some(words) = self.refusal(line) {
            return format!("{}:s {words}\r\n", label.unwrap_or_default());
        }
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
            ["PRIVMSG" | "NOTICE", ..] if self.script.acks => {
                label.map(|label| format!("{label}:s ACK\r\n")).unwrap_or_default()
            }
            ["BATCH", reference, ..] if self.script.acks => {
                self.batch = label.or(self.batch.take());
                let done = reference.starts_with('-').then(|| self.batch.take()).flatten();
                done.map(|label| format!("{label}:s ACK\r\n")).unwrap_or_default()
            }
            ["PING", word] if self.script.pongs => format!(":s PONG s {word}\r\n"),
            _ => String::new(),
        }
    }

    /// Why this line is refused, if it is.
    fn refusal(&self, line: &str) -> Option<&'static str> {
        let once = line.starts_with("PRIVMSG").then(|| self.refuse_next.lock().unwrap().take());
        let always = self.script.refusals.iter().find(|(of, _)| line.starts_with(of));
        once.flatten().or(always.map(|(_, words)| *words))
    }

    fn welcome(&self, nick: &mut String) -> String {
        if let Some(farewell) = &self.script.farewell {
            return format!("{farewell}\r\n");
        }
        if let Some(forced) = &self.script.forced_nick {
            nick.clone_from(forced);
        }
        let isupport = format!(":s 005 {nick} CASEMAPPING=rfc1459 :are supported\r\n");
        let end = format!(":s 422 {nick} :MOTD File is missing\r\n");
        match (self.script.welcomes, self.script.greets) {
            (true, true) => format!(":s 001 {nick} :Hi\r\n{isupport}{end}"),
            (true, false) => format!(":s 001 {nick} :Hi\r\n{isupport}"),
            (false, _) => String::new(),
        }
    }
}
