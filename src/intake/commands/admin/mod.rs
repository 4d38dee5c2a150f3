//! What operators may ask for. Who is one was settled before any of these decides.
pub(super) mod engines;
pub(super) mod flush;
pub(super) mod models;
pub(super) mod pause;
pub(super) mod reload;
pub(super) mod unload;
