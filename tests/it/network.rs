//! An IRC network of one room, for one client: it says what a test wants and tells what it heard.
//! It shares no code with the adapter.
use crate::engine_suite::STUCK;
use inkwire::{app::Setup, engine::Engine, store::Store};
use inkwire_irc::{Config, Flood, Irc};
use inkwire_testkit::{Bridge, setup};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// A network that grants these capabilities and says what a test wants.
pub(crate) struct Network {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Network {
    pub(crate) async fn welcome(listener: &TcpListener, caps: &str) -> Self {
        let (stream, _) = timeout(STUCK, listener.accept()).await.unwrap().unwrap();
        let (reader, writer) = TcpStream::into_split(stream);
        let mut network = Self { lines: BufReader::new(reader).lines(), writer };
        network.heard("USER").await;
        network.send(&format!(":s CAP * LS :{caps}")).await;
        if !caps.is_empty() {
            network.heard("CAP REQ").await;
            network.send(&format!(":s CAP * ACK :{caps}")).await;
        }
        network.heard("CAP END").await;
        network.send(":s 001 ink :Hi").await;
        network.heard("JOIN").await;
        network.send(":ink!~ink@h JOIN #art").await;
        network
    }

    pub(crate) async fn send(&mut self, line: &str) {
        self.send_bytes(line.as_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, line: &[u8]) {
        self.writer.write_all(&[line, b"\r\n"].concat()).await.unwrap();
    }

    /// The next line with these words in it.
    pub(crate) async fn heard(&mut self, words: &str) -> String {
        let lines = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("the client stays");
                if let Some(token) = line.strip_prefix("PING ") {
                    self.writer
                        .write_all(format!(":s PONG s {token}\r\n").as_bytes())
                        .await
                        .unwrap();
                }
                if line.contains(words) {
                    return line;
                }
            }
        };
        timeout(STUCK, lines).await.unwrap_or_else(|_| panic!("{words}"))
    }

    /// What `nick` is told in the room; asked something harmless last, so that all before is done.
    pub(crate) async fn answers(&mut self, line: &str) -> Vec<String> {
        self.send(line).await;
        self.send(":wit!w@h PRIVMSG #art :!styles").await;
        let mut told = vec![];
        loop {
            let line = self.heard("PRIVMSG #art").await;
            if line.contains("wit: ") {
                return told;
            }
            told.push(line);
        }
    }
}

/// The service on such a network, called `irc.home`.
pub(crate) async fn open(
    store: Arc<dyn Store>,
    engine: Arc<dyn Engine>,
    change: impl FnOnce(&mut Setup),
) -> (Bridge, Network) {
    open_with(CAPS, store, engine, change).await
}

/// What most networks grant.
pub(crate) const CAPS: &str = "account-tag batch message-tags server-time";

pub(crate) async fn open_with(
    caps: &str,
    store: Arc<dyn Store>,
    engine: Arc<dyn Engine>,
    change: impl FnOnce(&mut Setup),
) -> (Bridge, Network) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        host: "127.0.0.1".into(),
        port: Some(listener.local_addr().unwrap().port()),
        tls: false,
        nick: "ink".into(),
        channels: vec!["#art".into()],
        flood: Flood::off(),
        ..Config::default()
    };
    let blobs = TempDir::new().unwrap();
    let mut setup = setup(store, vec![engine], &blobs);
    change(&mut setup);
    setup.adapters.push(Box::new(Irc::new("irc.home".into(), config).unwrap()));
    let bridge = Bridge::run(setup, blobs).await;
    let network = Network::welcome(&listener, caps).await;
    (bridge, network)
}
