//! The behaviour that every adapter must show, tried against a scripted service: no store, no
//! engine, only the contract. An adapter's tests give it a far end (`Peer`) and read the report.
//! What an adapter declares it cannot do is skipped, and the report says so.
mod cases;
mod facts;
mod lane;
mod peer;
mod report;
mod shelf;
#[cfg(test)]
mod tests;
mod world;

pub use lane::{Call, ScriptedLane};
pub use peer::{Features, Peer, Shown};
pub use report::Report;
pub use shelf::{LINK_ID, PICTURE, Shelf, TEXT, TEXT_LINK_ID};
pub use world::Service;

use std::{future::Future, time::Duration};
use world::World;

/// A case that takes longer hangs; generous, as flood limits of a protocol may apply.
const PATIENCE: Duration = Duration::from_mins(1);

/// Tries every behaviour, each on a far end and an adapter of its own.
pub async fn exercise<P, F>(mut start: impl FnMut() -> F) -> Report
where
    P: Peer + 'static,
    F: Future<Output = P>,
{
    let mut report = Report::default();
    for case in cases::ALL {
        let peer = start().await;
        let (capabilities, features) = (peer.adapter().capabilities(), peer.features());
        if let Some(lack) = (case.lacks)(&capabilities, features) {
            report.skip(case.name, lack);
            continue;
        }
        let ended = tokio::time::timeout(PATIENCE, attempt(Box::new(peer), case)).await;
        report
            .add(case.name, ended.unwrap_or_else(|_| Err("nothing happened for a minute".into())));
    }
    report
}

async fn attempt(peer: Box<dyn Peer>, case: &cases::Case) -> Result<(), String> {
    let mut world = World::start(peer).await?;
    let ended = (case.run)(&mut world).await;
    world.end().await;
    ended
}
