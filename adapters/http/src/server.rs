//! Connections: how many, from whom, and for how long. What is asked is `routes`' business.
//! A connection that says nothing is closed; one that is over the limits is not answered.
use crate::{
    callers::Callers,
    routes::{self, Links},
};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

pub(crate) const CONNECTIONS: usize = 256;
pub(crate) const HEADER_TIME: Duration = Duration::from_secs(10);
const HEADER_BYTES: usize = 16 * 1024;
/// A whole connection, so that a reader who takes a byte a minute gives its place back.
const LIFE: Duration = Duration::from_mins(10);
/// For downloads that run when the service stops.
const GRACE: Duration = Duration::from_secs(5);
/// Without file descriptors there is nothing to accept for a while.
const REST: Duration = Duration::from_millis(100);

/// Who opened the connection, and whether its word on the caller is taken.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) ip: IpAddr,
    pub(crate) is_proxy: bool,
}

/// Accepts until `token` is cancelled, then lets what runs end.
pub(crate) async fn serve(
    listener: TcpListener,
    links: Arc<Links>,
    proxies: &[IpAddr],
    token: &CancellationToken,
) {
    let router = Router::new().fallback(routes::answer).with_state(links);
    let callers = Callers::default();
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = token.cancelled() => break,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept(), if open.len() < CONNECTIONS => accepted,
        };
        let Ok((stream, from)) = accepted else {
            sleep(REST).await;
            continue;
        };
        let peer = peer(from, proxies);
        let Some(place) = callers.enter(peer) else { continue };
        let (router, token) = (router.clone().layer(Extension(peer)), token.clone());
        open.spawn(async move {
            let _place = place;
            timeout(LIFE, converse(stream, router, token)).await.ok();
        });
    }
    // What is left then is dropped with the set.
    timeout(GRACE, async { while open.join_next().await.is_some() {} }).await.ok();
}

async fn converse(stream: TcpStream, router: Router, token: CancellationToken) {
    stream.set_nodelay(true).ok();
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = token.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

fn peer(from: SocketAddr, proxies: &[IpAddr]) -> Peer {
    let ip = from.ip().to_canonical();
    Peer { ip, is_proxy: proxies.contains(&ip) }
}
