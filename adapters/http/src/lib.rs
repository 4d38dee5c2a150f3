//! The link server: a page and a picture behind every link, for people and preview bots.
//! It hears nothing and sends nothing; what a link leads to is the service's to say.
mod callers;
mod config;
mod headers;
mod page;
mod range;
mod reply;
mod routes;
mod server;
#[cfg(test)]
mod tests;

pub use config::HttpConfig;

use async_trait::async_trait;
use inkwire_core::{Adapter, AdapterError, AdapterId, Capabilities, Health, Link};
use routes::Links;
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, sync::watch};

pub struct Http {
    config: HttpConfig,
    bound: watch::Sender<Option<SocketAddr>>,
}

impl Http {
    pub fn new(config: HttpConfig) -> Self {
        Self { config, bound: watch::Sender::new(None) }
    }

    /// The address it listens on, once it does.
    pub fn bound(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.bound.subscribe()
    }

    async fn listen(&self) -> Result<(TcpListener, SocketAddr), AdapterError> {
        let wanted = self.config.listen;
        let refused = |error| {
            let remedy = "stop what uses it, or set another `listen` address";
            AdapterError::Disconnected(format!("cannot listen on {wanted} ({error}): {remedy}"))
        };
        let listener = TcpListener::bind(wanted).await.map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        Ok((listener, bound))
    }
}

#[async_trait]
impl Adapter for Http {
    fn id(&self) -> &AdapterId {
        &self.config.id
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { links_only: true, ..Capabilities::default() }
    }

    async fn run(&self, link: &mut Link) -> Result<(), AdapterError> {
        let (listener, bound) = self.listen().await?;
        let base = self.config.public_url.clone().unwrap_or_else(|| format!("http://{bound}"));
        let base = base.trim_end_matches('/').to_owned();
        let links = Links::new(link.media.clone(), base);
        self.bound.send_replace(Some(bound));
        link.health.set(Health::Up);
        tracing::info!(%bound, "link server listens");
        server::serve(listener, Arc::new(links), &self.config.proxies, &link.token).await;
        self.bound.send_replace(None);
        Ok(())
    }
}
