//! An IRC network of one room, for one client: it says what a test wants and tells what it heard.
//! It shares no code with the adapter.
use crate::engine_suite::STUCK;
use inkwire::{app::Setup, engine::Engine, store::Store};
use inkwire_irc::{Config, Flood, Irc, Relay};
use inkwire_testkit::{Bridge, setup};
use std::{collections::BTreeMap, sync::Arc};
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
    witnesses: u32,
    /// User and host, and account, of those whom the server answers for by itself; by nick.
    people: BTreeMap<String, (String, String)>,
}

impl Network {
    pub(crate) async fn welcome(listener: &TcpListener, caps: &str) -> Self {
        let (stream, _) = timeout(STUCK, listener.accept()).await.unwrap().unwrap();
        stream.set_nodelay(true).unwrap();
        let (reader, writer) = TcpStream::into_split(stream);
        let lines = BufReader::new(reader).lines();
        let mut network = Self { lines, writer, witnesses: 0, people: BTreeMap::new() };
        network.heard("USER").await;
        network.send(&format!(":s CAP * LS :{caps}")).await;
        if !caps.is_empty() {
            network.heard("CAP REQ").await;
            network.send(&format!(":s CAP * ACK :{caps}")).await;
        }
        network.heard("CAP END").await;
        network.send(":s 001 ink :Hi").await;
        network.heard("JOIN").await;
        network.send(":ink!~ink@h JOIN #art\r\n:s MODE #art +o wit").await;
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
        let people = &self.people;
        let lines = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("the client stays");
                if let Some(token) = line.strip_prefix("PING ") {
                    self.writer
                        .write_all(format!(":s PONG s {token}\r\n").as_bytes())
                        .await
                        .unwrap();
                }
                if let Some(answer) = answer(people, &line) {
                    self.writer.write_all(answer.as_bytes()).await.unwrap();
                }
                if line.contains(words) {
                    return line;
                }
            }
        };
        timeout(STUCK, lines).await.unwrap_or_else(|_| panic!("{words}"))
    }

    /// From now on this nick, with this user and host, is logged in to `account`, or to none (`0`);
    /// the server says so when it is asked.
    pub(crate) fn logs_in(&mut self, nick: &str, place: &str, account: &str) {
        let entry = (place.replace('@', " "), account.to_owned());
        self.people.insert(nick.to_ascii_lowercase(), entry);
    }

    /// An operator called `wit` says something harmless, each time from elsewhere: nobody is heard
    /// who says the same for ever. It is a change, so its answer comes behind all that is owed.
    pub(crate) async fn witness(&mut self) {
        self.witnesses += 1;
        if !self.people.is_empty() {
            self.logs_in("wit", &format!("w{}@h", self.witnesses), "0");
        }
        self.insist().await;
    }

    /// The same once more.
    pub(crate) async fn insist(&mut self) {
        let line = format!(":wit!w{}@h PRIVMSG #art :!room unset all", self.witnesses);
        self.send(&line).await;
    }

    /// What is told in the room. The witness speaks last, twice: what is answered at once may come
    /// behind what is stored of the same batch, and not behind the next one.
    pub(crate) async fn answers(&mut self, line: &str) -> Vec<String> {
        self.send(line).await;
        self.witness().await;
        let (mut told, mut insisted) = (vec![], false);
        loop {
            let line = self.heard(" #art :").await;
            if !line.contains("wit: ") {
                told.push(line);
            } else if std::mem::replace(&mut insisted, true) {
                return told;
            } else {
                self.insist().await;
            }
        }
    }
}

/// What the server says to a question about somebody whom it answers for.
fn answer(people: &BTreeMap<String, (String, String)>, question: &str) -> Option<String> {
    let words: Vec<_> = question.split(' ').collect();
    let nick = *words.get(1)?;
    let (place, account) = people.get(nick)?;
    let lines = match *words.first()? {
        "WHO" => {
            let token = words.get(2)?.rsplit(',').next()?;
            vec![
                format!("354 ink {token} {place} {nick} H {account}"),
                format!("315 ink {nick} :End of WHO list"),
            ]
        }
        "WHOIS" => {
            let login = format!("330 ink {nick} {account} :is logged in as");
            let who = format!("311 ink {nick} {place} * :Somebody");
            let end = format!("318 ink {nick} :End of WHOIS");
            let lines = [Some(who), (account != "0").then_some(login), Some(end)];
            lines.into_iter().flatten().collect()
        }
        _ => return None,
    };
    let lines: Vec<_> = lines.iter().map(|line| format!(":s {line}\r\n")).collect();
    Some(lines.concat())
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
        servers: vec![listener.local_addr().unwrap().to_string().parse().unwrap()],
        tls: false,
        nick: "ink".into(),
        channels: vec!["#art".into()],
        relays: vec![Relay { who: "bridge!*@*".into(), pattern: Relay::usual_pattern() }],
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
