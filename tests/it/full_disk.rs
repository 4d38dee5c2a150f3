//! A disk without room, a real one: what is asked is taken once there is room, what was painted
//! is kept until there is.
use crate::{engine_suite::STUCK, house::simulator, network::Network};
use inkwire_testkit::{Service, Wiring, web};
use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};
use tokio::{net::TcpListener, time::timeout};

/// A small disk of its own, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None` for who may not mount.
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(at);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(at.to_owned()))
    }

    fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).expect("a file");
        while filler.write_all(&[1; 4096]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).expect("the filler");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).output());
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing() {
    let simulator = simulator().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wiring = Wiring {
        binary: env!("CARGO_BIN_EXE_inkwire").into(),
        engines: vec![simulator.url()],
        irc: Some((listener.local_addr().unwrap().port(), vec!["#art".into()])),
        ..Wiring::default()
    };
    let mut service = Service::prepare(wiring).await.unwrap();
    let Some(disk) = Disk::mount(&service.state()) else {
        eprintln!("skipped: only who may mount a small disk can fill one");
        return;
    };
    service.spawn().unwrap();
    let mut network = Network::welcome(&listener, "").await;
    service.ready().await.unwrap();

    // Full when somebody asks.
    disk.fill();
    network.send(":ann!a@h PRIVMSG #art :!imagine a red fox --size 64x64").await;
    service.logged("the disk is full").await.unwrap();
    assert_eq!(simulator.log().submitted().len(), 0, "what is not kept is not painted");
    disk.empty();
    assert_eq!(open(&mut network).await, 200);

    // Full when the picture is there.
    simulator.faults().hold();
    network.send(":ann!a@h PRIVMSG #art :!imagine a grey hare --size 64x64").await;
    timeout(STUCK, simulator.faults().held()).await.unwrap();
    disk.fill();
    simulator.faults().release();
    service.logged("trying again").await.unwrap();
    disk.empty();
    assert_eq!(open(&mut network).await, 200);
    assert_eq!(simulator.log().runs().len(), 2, "nothing is painted twice");
    assert!(service.stop().await.unwrap().success());
}

/// The status behind the next link that somebody is given.
async fn open(network: &mut Network) -> u16 {
    let told = network.heard("/i/").await;
    let link = told.split_whitespace().last().expect("a link").to_owned();
    web::get(&link).await.expect("an answer").status
}
