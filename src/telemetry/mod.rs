//! What operators see of the service: logs, metrics, health. It depends on no stage; the service
//! hands in what there is to tell.
mod listener;
pub mod logging;
pub mod metrics;
mod process;

pub use listener::{Readiness, Source, serve};
