//! One look at an engine, through the same client that the service uses.
use crate::engine::{
    Engine, Status,
    comfyui::{ComfyConfig, ComfyUi},
};
use inkwire_core::EngineHealth;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// A catalogue of many nodes takes a while on a slow server.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the engine says of itself, catalogue included; the reason if it does not answer.
pub(super) async fn look(config: ComfyConfig) -> Result<Status, String> {
    let engine = Arc::new(ComfyUi::new(config).map_err(|error| error.to_string())?);
    let mut status = engine.status();
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (engine, stop) = (engine.clone(), stop.clone());
        async move { engine.run(stop).await }
    });
    let known = |status: &Status| match status.health {
        EngineHealth::Starting => false,
        EngineHealth::Down => true,
        _ => !status.catalog.nodes.classes.is_empty(),
    };
    let seen = tokio::time::timeout(PATIENCE, status.wait_for(known)).await;
    let found = match seen {
        Ok(Ok(status)) if status.health != EngineHealth::Down => Ok(status.clone()),
        Ok(Ok(status)) => Err(status.reason.clone().unwrap_or_else(|| "it is down".to_owned())),
        _ => Err("it does not answer in time".to_owned()),
    };
    stop.cancel();
    running.abort();
    found
}
