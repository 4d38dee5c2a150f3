//! inkwire: the service. It knows no protocol. Read the modules in this order.
//!
//! ```text
//! adapter -> intake -> queue -> worker -> outbox -> adapter
//!              \________ store (every arrow that must last) ________/
//! ```
pub mod app;
pub mod board;
pub mod cli;
pub mod config;
pub mod engine;
pub mod intake;
pub mod job;
pub mod media;
pub mod outbox;
pub mod picture;
pub mod queue;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod store;
pub mod telemetry;
pub mod worker;
pub mod workflow;
pub mod written;
