//! The program, killed and started again between a wish and its picture on a real network:
//! nothing is lost, and what is settled is not said again.
use crate::{
    engine_suite::STUCK,
    house::simulator,
    irc_scene::{BOT, ROOM, keys},
};
use inkwire::simulator::Simulator;
use inkwire_testkit::{
    Service, Wiring,
    irc::{Client, Inspircd, Options},
};
use std::collections::BTreeMap;
use tokio::time::timeout;

const ROUNDS: usize = 3;

struct Scene {
    service: Service,
    simulator: Simulator,
    wit: Client,
    /// How often the room heard of each job's end.
    done: BTreeMap<String, usize>,
}

impl Scene {
    async fn queue(&mut self) -> String {
        self.simulator.faults().hold();
        self.wit.say(ROOM, "!imagine a red fox --size 64x64").await.unwrap();
        loop {
            let line = self.line().await;
            if let Some((job, _)) = line.split_once(" queued") {
                timeout(STUCK, self.simulator.faults().held()).await.expect("it begins");
                return job.to_owned();
            }
        }
    }

    /// The next line in the room; endings are counted.
    async fn line(&mut self) -> String {
        let line = self.wit.hears(BOT, ROOM).await.unwrap();
        let line = line.strip_prefix("wit: ").unwrap_or(&line).to_owned();
        if let Some((job, _)) = line.split_once(" done in ") {
            *self.done.entry(job.to_owned()).or_default() += 1;
        }
        line
    }

    async fn paint(&mut self, job: &str) {
        self.simulator.faults().release();
        while !self.done.contains_key(job) {
            self.line().await;
        }
    }

    /// Answers come in the order in which they are written down.
    async fn settle(&mut self) {
        self.wit.say(ROOM, "!queue").await.unwrap();
        while !self.line().await.contains(" running") {}
    }

    /// SIGKILL, and a new start with what was written down.
    async fn crash(&mut self) {
        self.service.kill().await.unwrap();
        self.service.spawn().unwrap();
        self.wit.sees(&format!("JOIN :{ROOM}")).await.unwrap();
    }
}

#[tokio::test]
async fn a_crash_loses_nothing() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let (simulator, wit) = (simulator().await, Client::join(server.port, "wit", ROOM).await);
    let wiring = Wiring {
        binary: env!("CARGO_BIN_EXE_inkwire").into(),
        engines: vec![simulator.url()],
        networks: vec![keys("test", server.port, "flood: { enabled: false }")],
        ..Wiring::default()
    };
    let service = Service::start(wiring).await.unwrap();
    let mut scene = Scene { service, simulator, wit: wit.unwrap(), done: BTreeMap::new() };
    scene.wit.sees(&format!("JOIN :{ROOM}")).await.unwrap();
    let (mut once, mut at_least) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let painted = scene.queue().await;
        scene.crash().await;
        scene.paint(&painted).await;
        let told = scene.queue().await;
        scene.paint(&told).await;
        scene.settle().await;
        scene.crash().await;
        // Nobody can tell whether the network has what was said in this very moment.
        let telling = scene.queue().await;
        scene.paint(&telling).await;
        scene.crash().await;
        once.extend([painted, told]);
        at_least.push(telling);
    }
    scene.settle().await;
    let said = |job: &String| scene.done.get(job).copied();
    let twice: Vec<_> = once.iter().filter(|job| said(job) != Some(1)).collect();
    assert!(twice.is_empty(), "{twice:?} in {:?}", scene.done);
    let more: Vec<_> = at_least.iter().filter(|job| said(job) > Some(2)).collect();
    assert!(more.is_empty(), "{more:?} in {:?}", scene.done);
    assert!(scene.service.stop().await.unwrap().success());
}
