//! `inkwire backup` beside a running service, and what becomes of it in an empty place.
use crate::{engine_suite::STUCK, house::simulator, network::Network};
use inkwire_testkit::{Service, Wiring, web};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, process::Command, time::timeout};

fn wiring(engine: String) -> Wiring {
    let binary = env!("CARGO_BIN_EXE_inkwire").into();
    Wiring { binary, engines: vec![engine], ..Wiring::default() }
}

/// Whether it went well, and what it said.
async fn tell(service: &Service, words: &[&str], folder: &Path) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inkwire"));
    command.args(words).arg(folder).arg("--config").arg(service.config());
    let output = command.kill_on_drop(true).output();
    let output = timeout(STUCK, output).await.expect("it ends").expect("the program");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn old_links_work_in_a_service_restored_from_a_backup() {
    let (simulator, place) = (simulator().await, TempDir::new().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let irc = Some((listener.local_addr().unwrap().port(), vec!["#art".into()]));
    let mut service = Service::prepare(Wiring { irc, ..wiring(simulator.url()) }).await.unwrap();
    service.spawn().unwrap();
    let mut network = Network::welcome(&listener, "").await;
    service.ready().await.unwrap();
    network.send(":ann!a@h PRIVMSG #art :!imagine a red fox --count 2 --size 64x64").await;
    let told = network.heard("/i/").await;
    let link = told.split_whitespace().last().unwrap().to_owned();
    let page = web::get(&link).await.unwrap();
    assert_eq!(page.status, 200, "{link}");
    let picture = web::get(&format!("{link}.webp")).await.unwrap();

    let saved = place.path().join("saved");
    let (well, said) = tell(&service, &["backup"], &saved).await;
    assert!(well && said.contains("saved to"), "{said}");
    let (well, said) = tell(&service, &["backup"], &saved).await;
    assert!(!well && said.contains("there already"), "nothing is written over: {said}");
    let (well, said) = tell(&service, &["backup"], &service.state()).await;
    assert!(!well && said.contains("there already"), "the state itself least of all: {said}");
    let (well, said) = tell(&service, &["restore"], &saved).await;
    assert!(!well && said.contains("in use by another"), "nor is a state in use: {said}");
    assert!(service.stop().await.unwrap().success());

    let mut reborn = Service::prepare(wiring(simulator.url())).await.unwrap();
    let (well, said) = tell(&reborn, &["restore", "--verify"], &saved).await;
    assert!(well && said.contains("the backup is whole: 1 jobs"), "{said}");
    assert!(!reborn.database().exists(), "it only looks");
    let (well, said) = tell(&reborn, &["restore"], &saved).await;
    assert!(well && said.contains("restored to"), "{said}");
    reborn.restart().await.unwrap();
    let moved = link.replace(&service.public_url, &reborn.public_url);
    assert_ne!(moved, link);
    assert_eq!(web::get(&moved).await.unwrap().status, 200);
    let again = web::get(&format!("{moved}.webp")).await.unwrap();
    assert_eq!((again.status, again.body == picture.body), (200, true));
    assert!(reborn.stop().await.unwrap().success());

    let picture = some_picture(&saved);
    let bytes = fs::read(&picture).unwrap();
    fs::write(&picture, &bytes[1..]).unwrap();
    let (well, said) = tell(&reborn, &["restore", "--verify"], &saved).await;
    assert!(!well && said.contains("1 pictures of the backup are missing or damaged"), "{said}");
    fs::remove_file(&picture).unwrap();
    let (well, said) = tell(&reborn, &["restore"], &saved).await;
    assert!(!well && said.contains("missing or damaged"), "{said}");
}

fn some_picture(backup: &Path) -> PathBuf {
    let folders = fs::read_dir(backup.join("blobs")).unwrap();
    let file = folders.flatten().find_map(|folder| {
        fs::read_dir(folder.path()).ok()?.flatten().next().map(|file| file.path())
    });
    file.expect("a picture")
}
