//! How a server is reached: in turn, in a race, through a proxy, or not at all.
use super::ircd::{Ircd, Script};
use crate::{Config, Flood, Irc, Server, Socks5, Timeouts};
use inkwire_conformance::{Service, Shelf};
use inkwire_core::{Adapter, AdapterError, Link};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// An adapter with a service; what it runs ends with it.
pub(super) struct Dialled {
    pub(super) service: Service,
    pub(super) link: Link,
    irc: Arc<Irc>,
}

impl Dialled {
    pub(super) fn new(config: Config) -> Self {
        let irc = Irc::new("irc.test".into(), config).unwrap();
        let (service, link) = Service::new(&irc, Arc::new(Shelf));
        Self { service, link, irc: Arc::new(irc) }
    }

    /// Why one run ended.
    pub(super) async fn fails(&mut self) -> String {
        self.irc.run(&mut self.link).await.unwrap_err().to_string()
    }

    /// Keeps running beside the test.
    pub(super) fn start(self) -> (Service, JoinHandle<Result<(), AdapterError>>) {
        let Self { service, mut link, irc } = self;
        (service, tokio::spawn(async move { irc.run(&mut link).await }))
    }
}

pub(super) fn at(host: &str, port: u16) -> Server {
    Server { host: host.into(), port: Some(port) }
}

/// A network without TLS.
pub(super) fn plain(servers: Vec<Server>) -> Config {
    let (channels, flood) = (vec!["#art".into()], Flood::off());
    Config { servers, tls: false, channels, flood, ..Config::default() }
}

/// A port that nothing listens on.
async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn servers_are_tried_in_turn() {
    let (mut ircd, port) = Ircd::listen(Script::default()).await;
    let closed = closed_port().await;
    let servers = vec![at("127.0.0.1", closed), at("127.0.0.1", closed), at("127.0.0.1", port)];
    let mut dialled = Dialled::new(plain(servers));
    for _ in 0..2 {
        let error = dialled.fails().await;
        let expected = format!("connection lost: connect to 127.0.0.1:{closed}: ");
        assert!(error.starts_with(&expected), "{error}");
    }
    let (_service, running) = dialled.start();
    ircd.joined().await;
    running.abort();
}

#[tokio::test]
async fn every_address_of_a_name_is_tried_from_the_bound_one() {
    let (mut ircd, port) = Ircd::listen(Script::default()).await;
    let bind = Some("127.0.0.1".parse().unwrap());
    for config in
        [plain(vec![at("localhost", port)]), Config { bind, ..plain(vec![at("localhost", port)]) }]
    {
        let (_service, running) = Dialled::new(config).start();
        ircd.joined().await;
        running.abort();
    }
    let bind = Some("::1".parse().unwrap());
    let mut six = Dialled::new(Config { bind, ..plain(vec![at("127.0.0.1", port)]) });
    let error = six.fails().await;
    assert!(error.ends_with("no address to try"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_left() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let tls = Config { tls: true, ..plain(vec![at("127.0.0.1", port)]) };
    let error = Dialled::new(tls).fails().await;
    assert!(error.starts_with("connection lost: tls: no answer"), "{error}");
    let error = Dialled::new(plain(vec![at("127.0.0.1", port)])).fails().await;
    assert_eq!(error, "connection lost: no welcome");
    let socks5 = Some(Socks5 { address: format!("127.0.0.1:{port}"), ..Socks5::default() });
    let timeouts = Timeouts { connect_secs: 1, ..Timeouts::default() };
    let config = Config { socks5, timeouts, ..plain(vec![at("irc.example", 6667)]) };
    let error = Dialled::new(config).fails().await;
    assert_eq!(error, "connection lost: connect to irc.example:6667: no answer");
}

/// A proxy for one client, with or without a login; the name that it was asked for.
async fn proxy(login: Option<&'static str>, to: u16) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let [_, methods] = bytes(&mut client).await;
        client.read_exact(&mut vec![0; methods.into()]).await.unwrap();
        client.write_all(&[5, if login.is_some() { 2 } else { 0 }]).await.unwrap();
        if let Some(login) = login {
            let [_version, length] = bytes(&mut client).await;
            let name = text(&mut client, length).await;
            let [length] = bytes(&mut client).await;
            let word = text(&mut client, length).await;
            let wrong = u8::from(format!("{name}:{word}") != login);
            client.write_all(&[1, wrong]).await.unwrap();
        }
        let [_, command, _, kind, length] = bytes(&mut client).await;
        assert_eq!((command, kind), (1, 3), "it connects, to a name");
        let name = text(&mut client, length).await;
        let [_, _] = bytes(&mut client).await;
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        name
    });
    (port, asked)
}

async fn bytes<const N: usize>(client: &mut TcpStream) -> [u8; N] {
    let mut read = [0; N];
    client.read_exact(&mut read).await.unwrap();
    read
}

async fn text(client: &mut TcpStream, length: u8) -> String {
    let mut read = vec![0; length.into()];
    client.read_exact(&mut read).await.unwrap();
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn a_proxy_looks_names_up_and_may_want_a_login() {
    for login in [None, Some("ink:hunter2")] {
        let (mut ircd, server) = Ircd::listen(Script::default()).await;
        let (port, asked) = proxy(login, server).await;
        let socks5 = Socks5 {
            address: format!("localhost:{port}"),
            username: login.map(|_| "ink".into()),
            password: login.map(|_| "hunter2".into()),
            ..Socks5::default()
        };
        let config = Config { socks5: Some(socks5), ..plain(vec![at("irc.invalid", 6667)]) };
        let (_service, running) = Dialled::new(config).start();
        ircd.joined().await;
        assert_eq!(asked.await.unwrap(), "irc.invalid");
        running.abort();
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_says_why() {
    let (port, _asked) = proxy(Some("ink:other"), 0).await;
    let socks5 = Socks5 {
        address: format!("127.0.0.1:{port}"),
        username: Some("ink".into()),
        password: Some("hunter2".into()),
        ..Socks5::default()
    };
    let config = Config { socks5: Some(socks5), ..plain(vec![at("irc.invalid", 6667)]) };
    let error = Dialled::new(config).fails().await;
    assert!(error.contains("socks5: Password auth failure"), "{error}");
}
