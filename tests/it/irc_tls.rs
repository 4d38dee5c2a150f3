//! TLS with a real server: whom it trusts, how it proves itself, and servers that insist on it.
use crate::{
    house::simulator,
    irc_scene::{BOT, ROOM, Scene, config, ends, ends_while, irc},
};
use inkwire_core::AdapterError;
use inkwire_irc::{Config, Mechanism, Sasl, Server, Timeouts};
use inkwire_testkit::{
    Service, Wiring,
    irc::{Account, Atheme, Certificate, Client, Inspircd, Ngircd, Options},
};
use std::{net::TcpListener, time::Duration};
use tempfile::TempDir;

async fn server() -> Option<Inspircd> {
    Inspircd::start(Options::default()).await.unwrap()
}

fn tls(port: u16) -> Config {
    Config { tls: true, ..config(port) }
}

fn trusting(server: &Inspircd) -> Config {
    Config { ca_file: Some(server.certificate.file.clone()), ..tls(server.tls_port) }
}

#[tokio::test]
async fn a_certificate_that_changed_is_not_trusted() {
    let Some(mut server) = server().await else { return };
    let pin = format!("sha256:{}", server.certificate.sha256);
    let pinned = Config { pins: vec![pin], ..tls(server.tls_port) };
    let trusting = [irc(trusting(&server)), irc(pinned)];
    for irc in &trusting {
        let mut wit = Client::join(server.port, "wit", ROOM).await.unwrap();
        let ended = ends_while(irc, async {
            wit.sees(&format!("JOIN :{ROOM}")).await.unwrap();
            server.kill().await.unwrap();
        });
        assert!(matches!(ended.await, AdapterError::Disconnected(_)));
        server.restart().await.unwrap();
    }
    server.kill().await.unwrap();
    server.change_certificate().await.unwrap();
    server.restart().await.unwrap();
    for irc in &trusting {
        let changed = ends(irc).await.to_string();
        assert!(changed.contains("certificate"), "{changed}");
        let tell = format!("sha256:{}", server.certificate.sha256);
        let digits = |text: &str| text.replace(':', "").to_lowercase();
        assert!(digits(&changed).contains(&digits(&tell)), "it says what to pin: {changed}");
    }
}

#[tokio::test]
async fn a_port_of_the_wrong_kind_ends_in_words() {
    let Some(inspircd) = server().await else { return };
    let Some(ngircd) = Ngircd::start().await.unwrap() else { return };
    let timeouts = Timeouts { tls_secs: 2, register_secs: 2, ..Timeouts::default() };
    let hasty = |config| irc(Config { timeouts, ..config });
    for (plain, secured) in [(inspircd.port, inspircd.tls_port), (ngircd.port, ngircd.tls_port)] {
        let wrong = ends(&hasty(tls(plain))).await.to_string();
        assert!(wrong.to_lowercase().contains("tls"), "{wrong}");
        let wrong = ends(&hasty(config(secured))).await;
        assert!(matches!(&wrong, AdapterError::Disconnected(_)), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_certificate_logs_in() {
    let Some(server) = server().await else { return };
    let folder = TempDir::new().unwrap();
    let own = Certificate::make(folder.path(), "own").await.unwrap();
    let account = Account { certificate: Some(own.sha256), ..Account::new(BOT, "unused") };
    let services = Atheme::start(&server, &[account]).await.unwrap();
    let Some(_services) = services else { return };
    let sasl = Sasl {
        account: BOT.into(),
        mechanisms: vec![Mechanism::ScramSha256, Mechanism::External],
        ..Sasl::default()
    };
    let config = Config {
        client_cert_file: Some(own.file),
        client_key_file: Some(own.key),
        sasl: Some(sasl),
        ..trusting(&server)
    };
    let mut scene = Scene::with(&server, config, |_| {}).await;
    scene.wit.send(&format!("WHOIS {BOT}")).await.unwrap();
    let account = scene.wit.sees_either(&[" 330 ", " 318 "]).await.unwrap();
    assert!(account.contains(&format!(" 330 wit {BOT} {BOT} ")), "{account}");
    scene.close().await;
}

#[tokio::test]
async fn a_server_that_insists_on_tls_gets_it() {
    let options = Options { sts: Some(Duration::from_hours(1)), ..Options::default() };
    let Some(server) = Inspircd::start(options).await.unwrap() else { return };
    let servers = vec![Server { host: "localhost".into(), port: Some(server.port) }];
    let ca_file = Some(server.certificate.file.clone());
    let config = Config { servers, ca_file, ..config(server.port) };
    let mut scene = Scene::with(&server, config, |_| {}).await;
    let secured = format!("Client connecting on port {}", server.tls_port);
    let came = server.logged(&secured).await.unwrap();
    assert!(came.contains(BOT), "{came}");
    scene.told().await;
    scene.close().await;
}

#[tokio::test]
async fn a_promise_of_tls_outlives_the_program() {
    let options = Options { sts: Some(Duration::from_hours(1)), ..Options::default() };
    let Some(mut server) = Inspircd::start(options).await.unwrap() else { return };
    let simulator = simulator().await;
    let keys = format!(
        "name: test\nserver: localhost:{}\ntls: false\nca_file: {}\nnick: {BOT}\n\
         channels: ['{ROOM}']",
        server.port,
        server.certificate.file.display(),
    );
    let wiring = Wiring {
        binary: env!("CARGO_BIN_EXE_inkwire").into(),
        engines: vec![simulator.url()],
        networks: vec![keys],
        ..Wiring::default()
    };
    let mut wit = Client::join(server.port, "wit", ROOM).await.unwrap();
    let mut service = Service::start(wiring).await.unwrap();
    wit.sees(&format!("JOIN :{ROOM}")).await.unwrap();
    // What it is told now is written down after the promise.
    wit.say(ROOM, "!queue").await.unwrap();
    wit.hears(BOT, ROOM).await.unwrap();
    let secured = format!("Client connecting on port {}", server.tls_port);
    server.logged(&secured).await.unwrap();
    assert!(service.stop().await.unwrap().success());

    server.kill().await.unwrap();
    // Somebody else has the port without TLS now.
    let impostor = TcpListener::bind(("127.0.0.1", server.port)).unwrap();
    impostor.set_nonblocking(true).unwrap();
    server.restart().await.unwrap();
    service.spawn().unwrap();
    server.logged(&secured).await.unwrap();
    assert!(service.stop().await.unwrap().success());
    assert!(impostor.accept().is_err(), "nobody asks there");
}
