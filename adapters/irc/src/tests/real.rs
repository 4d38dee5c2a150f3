//! The adapter against ngircd, where it is installed: what a person in the room sees.
//! Its own process on a port of its own, ended with the test.
use crate::{Config, Irc};
use inkwire_conformance::{Service, Shelf};
use inkwire_core::{
    Adapter, Answer, Author, Body, Delivery, Outcome, Parcel, PlaceKind, Request, Trust,
};
use std::{path::Path, process::Stdio, sync::Arc};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::{Child, Command},
};

const NGIRCD: &str = "/usr/sbin/ngircd";

struct Server {
    port: u16,
    tls_port: u16,
    folder: TempDir,
    /// Killed when dropped.
    _process: Child,
}

impl Server {
    async fn start() -> Self {
        let (port, tls_port) = (free_port().await, free_port().await);
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("ngircd.conf");
        let path = folder.path().display();
        let tls = format!(
            "[SSL]\nPorts = {tls_port}\nCertFile = {path}/cert.pem\nKeyFile = {path}/key.pem\n"
        );
        let tls = if certify(folder.path()).await { tls } else { String::new() };
        let config = format!(
            "[Global]\nName = irc.test\nInfo = test\nListen = 127.0.0.1\nPorts = {port}\n\
             MotdPhrase = hi\n[Limits]\nMaxNickLength = 16\n\
             [Options]\nDNS = no\nIdent = no\nPAM = no\n{tls}"
        );
        std::fs::write(&file, config).unwrap();
        let mut process = Command::new(NGIRCD)
            .args(["--nodaemon", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
        while !log.next_line().await.unwrap().expect("it starts").contains("listening on") {}
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self { port, tls_port, folder, _process: process }
    }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A certificate that nobody signed but itself; false where there is no openssl to make one.
async fn certify(folder: &Path) -> bool {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -keyout key.pem -out cert.pem -subj /CN=irc.test \
        -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1";
    let mut openssl = Command::new("openssl");
    openssl.args(arguments.split_whitespace()).current_dir(folder).stderr(Stdio::null());
    openssl.status().await.is_ok_and(|status| status.success())
}

/// Somebody with a client that is not ours.
struct Person {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Person {
    async fn join(port: u16, nick: &str, room: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (reader, writer) = stream.into_split();
        let mut person = Self { lines: BufReader::new(reader).lines(), writer };
        person.say(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\nJOIN {room}")).await;
        person.sees(" 366 ").await;
        person
    }

    async fn say(&mut self, line: &str) {
        self.writer.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    async fn sees(&mut self, what: &str) -> String {
        loop {
            let line = self.lines.next_line().await.unwrap().expect("the server runs");
            if line.contains(what) {
                return line;
            }
        }
    }
}

fn answer(request: &Request, id: &str, outcome: Outcome) -> Parcel {
    let delivery = Delivery {
        id: id.into(),
        to: request.reply_to.clone(),
        asker: Author { ..request.from.clone() },
        answers: Some(request.id.clone()),
        slot: id.into(),
        seq: 1,
        job: None,
        private: false,
        expires: None,
        outcome,
    };
    Parcel {
        delivery,
        at: inkwire_core::Time(1_795_161_900_000),
        shown: vec![],
        state: None,
        in_doubt: false,
    }
}

fn config(port: u16) -> Config {
    let channels = vec!["#art".into()];
    let servers = vec![crate::Server { host: "127.0.0.1".into(), port: Some(port) }];
    Config { servers, channels, ..Config::default() }
}

#[tokio::test]
async fn a_person_on_a_real_server_gets_an_answer_that_is_not_cut() {
    if !Path::new(NGIRCD).exists() {
        println!("SKIPPED: {NGIRCD} is not installed");
        return;
    }
    let server = Server::start().await;
    let mut ann = Person::join(server.port, "ann", "#art").await;
    let config = Config { tls: false, nick: "ann".into(), ..config(server.port) };
    let irc = Irc::new("irc.test".into(), config).unwrap();
    let (mut service, mut link) = Service::new(&irc, Arc::new(Shelf));
    let running = tokio::spawn(async move { irc.run(&mut link).await });
    // The nick was taken, so it came as the first alternative.
    ann.sees(":ann_!~inkwire@127.0.0.1 JOIN :#art").await;

    ann.say("PRIVMSG #art :\u{3}04ann_\u{f}: imagine a red fox").await;
    let request = service.submissions.recv().await.unwrap().batch.requests.pop().unwrap();
    assert!(matches!(&request.body, Body::Text(text) if text == "imagine a red fox"));
    assert_eq!((request.place.kind, request.from.trust), (PlaceKind::Group, Trust::Unverified));

    let long = Outcome::Answer(Answer::ReloadFailed(vec!["x\u{e9}\r\nQUIT".repeat(200)]));
    service.lane.push(answer(&request, "d1", long));
    let first = ann.sees("NOTICE #art").await;
    let second = ann.sees("NOTICE #art").await;
    let length = |line: &str| line.len() + "\r\n".len();
    assert!((500..=512).contains(&length(&first)) && length(&second) <= 512, "{first}\n{second}");
    assert!(second.contains("… https://") && !second.contains("[CUT]"), "{second}");

    service.token.cancel();
    service.lane.close();
    ann.sees(":ann_!~inkwire@127.0.0.1 QUIT").await;
    assert!(running.await.unwrap().is_ok());
}

#[tokio::test]
async fn tls_needs_a_certificate_that_we_trust() {
    if !Path::new(NGIRCD).exists() {
        println!("SKIPPED: {NGIRCD} is not installed");
        return;
    }
    let server = Server::start().await;
    let ca_file = server.folder.path().join("cert.pem");
    if !ca_file.exists() {
        println!("SKIPPED: no openssl to make a certificate with");
        return;
    }
    let stranger = Irc::new("irc.test".into(), config(server.tls_port)).unwrap();
    let (_service, mut link) = Service::new(&stranger, Arc::new(Shelf));
    let error = stranger.run(&mut link).await.unwrap_err().to_string();
    assert!(error.contains("tls: invalid peer certificate"), "{error}");

    let mut ann = Person::join(server.port, "ann", "#art").await;
    let config = Config { ca_file: Some(ca_file), ..config(server.tls_port) };
    let friend = Irc::new("irc.test".into(), config).unwrap();
    let (_service, mut link) = Service::new(&friend, Arc::new(Shelf));
    let running = tokio::spawn(async move { friend.run(&mut link).await });
    ann.sees(":inkwire!~inkwire@127.0.0.1 JOIN :#art").await;
    running.abort();
}
