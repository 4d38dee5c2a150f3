//! A changed configuration, read by a running program: all of it, or nothing with the reasons.
use crate::{
    engine_suite::STUCK,
    house::simulator,
    network::{CAPS, Network},
};
use inkwire_testkit::{Service, Wiring};
use std::fs;
use tokio::{net::TcpListener, time::timeout};

const FILES: &str = "files: { models: models.yaml, access: access.yaml }\n";
const ONE: &str = "DEFAULTS: { model: paper }\npaper: { workflow: sketch }\n";
const TWO: &str =
    "DEFAULTS: { model: paper }\npaper: { workflow: sketch }\ncard: { workflow: sketch }\n";
const WRONG: &str =
    "DEFAULTS: { model: paper }\npaper: { workflow: sketch }\ncard: { wrkflow: x }\n";

/// The lines that answer an admin.
async fn order(network: &mut Network, words: &str) -> String {
    network.answers(&format!("@account=op :op!o@h PRIVMSG #art :!{words}")).await.join("\n")
}

#[tokio::test]
async fn a_running_service_takes_a_good_configuration_and_no_other() {
    let simulator = simulator().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut service = Service::prepare(Wiring {
        binary: env!("CARGO_BIN_EXE_inkwire").into(),
        engines: vec![simulator.url()],
        irc: Some((listener.local_addr().unwrap().port(), vec!["#art".into()])),
        more: FILES.into(),
        ..Wiring::default()
    })
    .await
    .unwrap();
    let models = service.home().join("models.yaml");
    fs::write(&models, ONE).unwrap();
    fs::write(service.home().join("access.yaml"), "admins: [irc.test/op]\n").unwrap();
    service.spawn().unwrap();
    let mut network = Network::welcome(&listener, CAPS).await;
    service.ready().await.unwrap();
    let told = order(&mut network, "models").await;
    assert!(told.contains("paper") && !told.contains("card"), "{told}");

    fs::write(&models, TWO).unwrap();
    let told = order(&mut network, "admin reload").await;
    assert!(told.contains("models"), "{told}");
    assert!(order(&mut network, "models").await.contains("card"));

    fs::write(&models, WRONG).unwrap();
    service.hang_up().unwrap();
    let logged = service.logged("configuration not reloaded");
    timeout(STUCK, logged).await.expect("in time").expect("a signal asks for the same");
    let told = order(&mut network, "admin reload").await;
    assert!(told.contains("models.yaml:3: "), "{told}");
    assert!(order(&mut network, "models").await.contains("card"), "the old one holds");
    assert!(service.stop().await.unwrap().success());
}
