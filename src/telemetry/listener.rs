//! The operator's own listener: `/livez`, `/readyz`, `/metrics`. Loopback unless configured
//! otherwise; it changes nothing and needs no login, so it tells nothing about people.
use super::process;
use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use std::{collections::BTreeMap, future::Future, io, path::PathBuf, sync::Arc};
use tokio::net::TcpListener;

/// Whether each component can do its work.
#[derive(Debug, Clone, Serialize)]
pub struct Readiness {
    pub ready: bool,
    /// Component to `up`, or to why it is not.
    pub components: BTreeMap<String, String>,
}

/// Where the listener learns what to tell.
#[async_trait]
pub trait Source: Send + Sync {
    /// The store answers: if not, a restart may help.
    async fn is_alive(&self) -> bool;
    async fn readiness(&self) -> Readiness;
    /// Sets the gauges that nobody sets as they change.
    async fn sample(&self);
}

#[derive(Clone)]
struct Shown {
    source: Arc<dyn Source>,
    metrics: PrometheusHandle,
    state_dir: Arc<PathBuf>,
}

/// Serves until `stop` resolves.
pub async fn serve(
    listener: TcpListener,
    source: Arc<dyn Source>,
    metrics: PrometheusHandle,
    state_dir: PathBuf,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let shown = Shown { source, metrics, state_dir: Arc::new(state_dir) };
    let routes = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/healthz", get(readyz))
        .route("/metrics", get(scrape))
        .with_state(shown);
    axum::serve(listener, routes).with_graceful_shutdown(stop).await
}

async fn livez(State(shown): State<Shown>) -> impl IntoResponse {
    if shown.source.is_alive().await {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
    }
}

async fn readyz(State(shown): State<Shown>) -> impl IntoResponse {
    let readiness = shown.source.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

async fn scrape(State(shown): State<Shown>) -> impl IntoResponse {
    shown.source.sample().await;
    process::measure(&shown.state_dir);
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, shown.metrics.render())
}
