//! Where the service dies, how often in each place, and what keeps it there until it is killed.
//! It says nothing about what must come of it.
use super::child::kill;
use inkwire::{
    simulator::{Fault, Faults, Simulator},
    store::faulty::{Point, Side},
};
use inkwire_testkit::web;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};
use std::{io, process::ExitStatus, time::Duration};
use tokio::{process::Child, sync::watch, time::timeout};

/// Repeats the draw of an earlier run, which printed its seed.
const SEED: &str = "INKWIRE_TEST_SEED";
/// Milliseconds between coming into a room and a death at any time.
const LIFE: u64 = 700;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// By its own hand, before or after a commit.
    Commit(Point, Side),
    /// The engine never read the prompt.
    PostLost,
    /// The engine has the prompt and answers nothing.
    PostUnanswered,
    /// The engine has the prompt, and the connection broke.
    PostReset,
    /// The engine paints.
    Painting,
    /// Whatever it does, a while after it was there.
    Anytime,
}

pub(super) fn seeded() -> StdRng {
    let seed = std::env::var_os(SEED).and_then(|seed| seed.to_str()?.parse().ok());
    let seed = seed.unwrap_or_else(|| rand::rng().random());
    println!("{SEED}={seed}");
    StdRng::seed_from_u64(seed)
}

/// Each of these so often at least, the rest as it falls, in any order.
pub(super) fn draw<M: Copy>(
    all: &[M],
    at_least: usize,
    rounds: usize,
    random: &mut StdRng,
) -> Vec<M> {
    let mut drawn = all.repeat(at_least);
    while drawn.len() < rounds {
        drawn.push(all[random.random_range(0..all.len())]);
    }
    drawn.shuffle(random);
    drawn
}

impl Moment {
    pub(super) fn at(points: impl IntoIterator<Item = Point>) -> Vec<Self> {
        let sides = |point| [Side::Before, Side::After].map(|side| Self::Commit(point, side));
        let mut all: Vec<_> = points.into_iter().flat_map(sides).collect();
        all.extend([Self::PostLost, Self::PostUnanswered, Self::PostReset, Self::Painting]);
        all
    }

    /// What the child is told, of which `requests` are asked in this round.
    pub(super) fn order(self, orders: &mut Value, requests: usize, random: &mut StdRng) {
        let Self::Commit(point, side) = self else { return };
        // Several requests may be admitted by one commit.
        let most = if point == Point::Admit { 1 } else { requests };
        orders["skip"] = json!(random.random_range(0..most));
        orders["point"] = json!(format!("{point:?}"));
        orders["side"] = json!(format!("{side:?}"));
    }
}

/// What keeps the engine in the moment until the service is killed from outside.
pub(super) enum Trap {
    None,
    /// A fault that will have struck so many times.
    Fault(Fault, usize),
    Gate,
    After(Duration),
}

impl Trap {
    pub(super) async fn set(simulator: &Simulator, moment: Moment, random: &mut StdRng) -> Self {
        let faults = simulator.faults();
        let fault = match moment {
            Moment::Commit(..) => return Self::None,
            Moment::Anytime => {
                return Self::After(Duration::from_millis(random.random_range(0..LIFE)));
            }
            Moment::Painting => {
                drained(simulator).await;
                faults.hold();
                return Self::Gate;
            }
            Moment::PostLost => Fault::PostLost,
            Moment::PostUnanswered => Fault::SlowPost,
            Moment::PostReset => Fault::PostReset,
        };
        let hits = faults.hits(fault);
        if fault == Fault::SlowPost {
            faults.set(fault, true);
        } else {
            faults.next(1, fault);
        }
        Self::Fault(fault, hits + 1)
    }

    /// Waits for the moment, and for the child to be dead. `here` turns true once it has come.
    pub(super) async fn death(
        &self,
        child: &mut Child,
        faults: &Faults,
        mut here: watch::Receiver<bool>,
    ) -> io::Result<ExitStatus> {
        match self {
            Self::None => return child.wait().await,
            Self::Fault(fault, times) => faults.struck(*fault, *times).await,
            Self::Gate => faults.held().await,
            Self::After(life) => {
                drop(here.wait_for(|here| *here).await);
                drop(timeout(*life, child.wait()).await);
            }
        }
        kill(child).await
    }
}

/// Waits until nothing that the last round left in the engine is still painted.
async fn drained(simulator: &Simulator) {
    let url = format!("{}/prompt", simulator.url());
    loop {
        let answer = web::get(&url).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        if answer["exec_info"]["queue_remaining"] == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}
