//! Who is trusted, what is said to whom, and how a server brings us to TLS for good.
use super::{
    certificate::Certificate,
    dial::{Dialled, at, plain},
    ircd::{Ircd, Script},
};
use crate::{
    Config,
    connection::{Connection, Registered},
    dial::Target,
    register::Registration,
};
use inkwire_core::{Clock, Notes, Time};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

fn secure(port: u16) -> Config {
    Config { tls: true, ..plain(vec![at("127.0.0.1", port)]) }
}

fn pin(certificate: &Certificate) -> String {
    let shown = format!("{:?}", ring::digest::digest(&ring::digest::SHA256, &certificate.der));
    format!("sha256:{}", shown.trim_start_matches("SHA256:").to_uppercase())
}

/// A server that lets one client in, and what that said.
async fn listening(certificate: &Certificate) -> (u16, JoinHandle<std::io::Result<String>>) {
    let acceptor = certificate.acceptor(None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = acceptor.accept(stream).await?;
        let mut said = String::new();
        // It hangs up without a word, or not: that is no matter here.
        stream.read_to_string(&mut said).await.ok();
        Ok(said)
    });
    (port, said)
}

#[tokio::test]
async fn a_certificate_is_trusted_by_its_file_or_by_its_pin() {
    let ours = Certificate::new();
    let (mut ircd, port) = Ircd::listen_tls(Script::default(), ours.acceptor(None)).await;
    let by_file = Config { ca_file: Some(ours.file()), ..secure(port) };
    let by_pin = Config { pins: vec![pin(&Certificate::new()), pin(&ours)], ..secure(port) };
    for config in [by_file, by_pin] {
        let (_service, running) = Dialled::new(config).start();
        ircd.joined().await;
        running.abort();
    }
}

#[tokio::test]
async fn a_certificate_that_was_changed_is_told_nothing() {
    let (ours, theirs) = (Certificate::new(), Certificate::new());
    let (port, said) = listening(&theirs).await;
    // A signature that would be trusted does not help against a pin.
    let config = Config { pins: vec![pin(&ours)], ca_file: Some(theirs.file()), ..secure(port) };
    let error = Dialled::new(config).fails().await;
    assert!(error.contains("is none of `pins`"), "{error}");
    assert!(error.contains(&pin(&theirs).to_lowercase()), "{error}");
    assert_eq!(said.await.unwrap().unwrap(), "", "the handshake ends, then nothing is said");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_with_advice() {
    let theirs = Certificate::new();
    let (port, said) = listening(&theirs).await;
    let error = Dialled::new(secure(port)).fails().await;
    assert!(error.starts_with("connection lost: tls: invalid peer certificate"), "{error}");
    let advice = format!("pin it with {}", pin(&theirs).to_lowercase());
    assert!(error.contains(&advice) && error.contains("ca_file"), "{error}");
    assert!(said.await.unwrap().is_err(), "not even the handshake ends");
}

#[tokio::test]
async fn our_own_certificate_is_shown_to_who_asks() {
    let (ours, mine) = (Certificate::new(), Certificate::new());
    let script = Script { caps: "sasl=EXTERNAL".into(), welcomes: false, ..Script::default() };
    let acceptor = ours.acceptor(Some(&mine));
    let (mut ircd, port) = Ircd::listen_tls(script, acceptor).await;
    let stranger = Config { pins: vec![pin(&ours)], ..secure(port) };
    let error = Dialled::new(stranger.clone()).fails().await;
    assert!(error.contains("CertificateRequired"), "{error}");
    let config = Config {
        client_cert_file: Some(mine.file()),
        client_key_file: Some(mine.key_file()),
        sasl: Some(crate::Sasl { account: "ink".into(), ..crate::Sasl::default() }),
        ..stranger
    };
    let (_service, running) = Dialled::new(config).start();
    assert_eq!(ircd.heard("AUTHENTICATE").await, "AUTHENTICATE EXTERNAL");
    running.abort();
}

// --- the wrong port ---

#[tokio::test]
async fn tls_to_a_port_without_it_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b":irc.example NOTICE * :*** Looking up\r\n").await.ok();
        }
    });
    let error = Dialled::new(secure(port)).fails().await;
    assert!(error.contains("this port does not speak TLS"), "{error}");
}

#[tokio::test]
async fn no_tls_to_a_port_with_it_says_so() {
    let (port, _said) = listening(&Certificate::new()).await;
    let error = Dialled::new(plain(vec![at("127.0.0.1", port)])).fails().await;
    assert!(error.contains("if this port is for TLS, set tls: true"), "{error}");
}

// --- strict transport security ---

/// A clock that stands still.
struct Stopped(Time);

impl Clock for Stopped {
    fn now(&self) -> Time {
        self.0
    }
}

/// A server without TLS that sends its clients to one with it, which promises this.
async fn strict(certificate: &Certificate, promise: &str) -> (Ircd, Ircd, Config) {
    let promised = Script { caps: format!("sts={promise}"), ..Script::default() };
    let (tls, tls_port) = Ircd::listen_tls(promised, certificate.acceptor(None)).await;
    let upgrade = Script { caps: format!("batch sts=port={tls_port}"), ..Script::default() };
    let (plaintext, port) = Ircd::listen(upgrade).await;
    (plaintext, tls, plain(vec![at("127.0.0.1", port)]))
}

/// What the server without TLS was told by each client: nothing but how every connection begins.
async fn said_in_the_open(plaintext: &mut Ircd) -> Vec<String> {
    let mut said = vec![];
    for verb in ["CAP", "NICK", "USER"] {
        said.push(plaintext.heard(verb).await);
    }
    said
}

async fn kept(dialled: Dialled, tls: &mut Ircd) -> Notes {
    let (mut service, running) = dialled.start();
    tls.joined().await;
    let notes = service.submissions.recv().await.unwrap().batch.notes;
    running.abort();
    notes
}

#[tokio::test]
async fn a_promise_of_tls_outlives_us_until_it_expires() {
    let ours = Certificate::new();
    let (mut plaintext, mut tls, config) = strict(&ours, "duration=600,port=1").await;
    let config = Config { pins: vec![pin(&ours)], ..config };
    let notes = kept(Dialled::new(config.clone()), &mut tls).await;
    assert_eq!(said_in_the_open(&mut plaintext).await.first().unwrap(), "CAP LS 302");
    assert_eq!(notes.len(), 1, "{notes:?}");

    // Started again, it does not even try the other server, which then hears nothing more.
    let mut again = Dialled::new(config.clone());
    again.link.notes = notes.clone();
    let renewed = kept(again, &mut tls).await;
    assert_eq!(renewed.keys().collect::<Vec<_>>(), notes.keys().collect::<Vec<_>>());
    assert!(!plaintext.heard_anything());

    let mut late = Dialled::new(config);
    late.link.notes = notes;
    late.link.clock = Arc::new(Stopped(late.link.clock.now().after(Duration::from_secs(601))));
    kept(late, &mut tls).await;
    assert_eq!(said_in_the_open(&mut plaintext).await.len(), 3);
}

#[tokio::test]
async fn a_promise_holds_though_nothing_came_of_the_connection() {
    let ours = Certificate::new();
    let farewell = Some("ERROR :closing link".to_owned());
    let caps = "sts=duration=600".to_owned();
    let hasty = Script { caps, farewell, ..Script::default() };
    let (_tls, port) = Ircd::listen_tls(hasty, ours.acceptor(None)).await;
    let config = Config { tls: true, pins: vec![pin(&ours)], ..plain(vec![at("127.0.0.1", port)]) };
    let (mut service, running) = Dialled::new(config).start();
    let notes = service.submissions.recv().await.unwrap().batch.notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    running.abort();
}

#[tokio::test]
async fn a_promise_of_no_time_is_forgotten() {
    let ours = Certificate::new();
    let (mut plaintext, mut tls, config) = strict(&ours, "duration=0").await;
    let config = Config { pins: vec![pin(&ours)], ..config };
    let notes = kept(Dialled::new(config.clone()), &mut tls).await;
    said_in_the_open(&mut plaintext).await;
    let mut again = Dialled::new(config);
    again.link.notes = notes;
    kept(again, &mut tls).await;
    assert_eq!(said_in_the_open(&mut plaintext).await.len(), 3);
}

#[tokio::test]
async fn a_bad_certificate_is_no_way_back_to_plaintext() {
    let (mut plaintext, _tls, config) = strict(&Certificate::new(), "duration=600").await;
    let mut dialled = Dialled::new(config);
    for _ in 0..3 {
        let error = dialled.fails().await;
        assert!(error.contains("invalid peer certificate"), "{error}");
    }
    said_in_the_open(&mut plaintext).await;
    assert!(!plaintext.heard_anything(), "it was left once and never asked again");
}

#[tokio::test]
async fn a_server_that_wants_tls_later_is_left_for_it() {
    let (mut ircd, stream) = Ircd::pipe(Script::default());
    let config = plain(vec![at("irc.example", 6667)]);
    let Dialled { mut link, service: _service, .. } = Dialled::new(config.clone());
    let running = tokio::spawn(async move {
        let target = Target { host: "irc.example".into(), port: 6667, tls: false };
        let mut registration = Registration::new(&config, &target);
        match Connection::register(&mut registration, Box::new(stream)).await? {
            Registered::Welcome(connection) => {
                connection.serve(&"irc.test".into(), &config.into(), &target, &mut link).await
            }
            Registered::Upgrade(port) => panic!("{port} is not wanted yet"),
        }
    });
    ircd.joined().await;
    ircd.send(":s CAP inkwire NEW :sts=duration=600,port=6697").await;
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "connection lost: the server wants TLS from now on");
}

#[tokio::test]
async fn strict_transport_security_can_be_switched_off() {
    let ours = Certificate::new();
    let (mut plaintext, _tls, config) = strict(&ours, "duration=600").await;
    let (_service, running) = Dialled::new(Config { sts: false, ..config }).start();
    plaintext.joined().await;
    running.abort();
}
