//! The service through its public contract; where no real server takes part, time is paused, so
//! every wait is exact.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod admin;
mod architecture;
mod backup;
mod bad_files;
mod bad_input;
mod cancel;
mod delivery;
mod documents;
mod engine_faults;
mod engine_simulator;
mod engine_suite;
mod flow;
mod full_disk;
mod house;
mod impostors;
mod irc_accounts;
mod irc_conformance;
mod irc_connections;
mod irc_crash;
mod irc_ergo;
mod irc_flood;
mod irc_machines;
mod irc_netsplit;
mod irc_people;
mod irc_presence;
mod irc_rooms;
mod irc_scene;
mod irc_tls;
mod kill;
mod lifecycle;
mod limits;
mod network;
mod panics;
mod process;
mod real_irc;
#[cfg(all(feature = "http", feature = "irc"))]
mod reload;
mod restart;
mod rooms;
#[cfg(feature = "http")]
mod texts;

use inkwire::store::{Store, memory::MemoryStore};
use inkwire_testkit::{FakeEngine, Mood};
use std::sync::Arc;

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}

fn engine(mood: Mood) -> Arc<FakeEngine> {
    Arc::new(FakeEngine::new(4, mood))
}
