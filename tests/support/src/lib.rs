//! Doubles for tests: an adapter that follows a script and an engine that can hang or lose work.
//! They use the public contract only, as a real adapter and a real engine would. Beside them the
//! real program as a child process, and a client for what it serves.
#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod bridge;
mod engine;
pub mod irc;
pub mod replay;
mod scripted;
mod service;
pub mod tls;
pub mod web;
pub mod wire;

pub use bridge::{Bridge, policy, rates, settle, setup};
pub use engine::{FakeEngine, Mood};
pub use scripted::{Manner, Script, Scripted, Seen};
pub use service::{Service, Wiring, free_port};
