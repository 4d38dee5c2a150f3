//! The one WebSocket to a server: kept open, read without ever waiting, replaced when it is silent.
//! Each connection has a random client id of its own, and the old one is closed before the next is
//! opened: a server that sees an id twice goes deaf to both.
use super::{ComfyUi, backoff, events::Frame, http::Route};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout},
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Message, Utf8Bytes, client::IntoClientRequest, protocol::WebSocketConfig},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Must be the first message, on every connection.
const FEATURES: &str = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#;
const CLOSING: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Hearing {
    /// Not tried yet.
    #[default]
    Untried,
    Open,
    Lost,
    /// Open, and nothing came after a prompt of ours.
    Deaf,
}

/// What the rest of the client knows of the socket.
#[derive(Default)]
pub(super) struct Line {
    state: watch::Sender<(Hearing, Option<String>)>,
    heard: AtomicU64,
    renew: Notify,
}

impl Line {
    pub(super) fn hearing(&self) -> Hearing {
        self.state.borrow().0
    }

    /// Whether frames for prompts of this client id come in.
    pub(super) fn hears(&self, client: &str) -> bool {
        let state = self.state.borrow();
        state.0 == Hearing::Open && state.1.as_deref() == Some(client)
    }

    /// The id to submit under; `None`: nobody would hear the frames.
    pub(super) fn client(&self) -> Option<String> {
        self.state.borrow().1.clone()
    }

    pub(super) fn changes(&self) -> watch::Receiver<(Hearing, Option<String>)> {
        self.state.subscribe()
    }

    /// Frames so far, on all connections.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Reports on the time after a prompt of ours: a socket that stayed silent is replaced.
    pub(super) fn tested(&self, heard: bool) {
        let was_open = self.client().is_some();
        if was_open {
            self.become_now(|state| state.0 = if heard { Hearing::Open } else { Hearing::Deaf });
        }
        if was_open && !heard {
            self.renew.notify_one();
        }
    }

    /// After silence, only a prompt of ours shows that we are heard again.
    fn opened(&self, client: &str) {
        self.become_now(|state| {
            let hearing = if state.0 == Hearing::Deaf { Hearing::Deaf } else { Hearing::Open };
            *state = (hearing, Some(client.to_owned()));
        });
    }

    fn lost(&self) {
        self.become_now(|state| {
            let hearing = if state.0 == Hearing::Deaf { Hearing::Deaf } else { Hearing::Lost };
            *state = (hearing, None);
        });
    }

    fn become_now(&self, change: impl FnOnce(&mut (Hearing, Option<String>))) {
        self.state.send_if_modified(|state| {
            let before = state.clone();
            change(state);
            *state != before
        });
    }
}

/// Keeps a socket open until the token is cancelled.
pub(super) async fn keep(engine: &ComfyUi, token: &CancellationToken) {
    let mut failures = 0;
    while !token.is_cancelled() {
        let opened = Instant::now();
        token.run_until_cancelled(Box::pin(hold(engine))).await;
        // One that held for a while was not refused: try again at once.
        failures = if opened.elapsed() > Duration::from_secs(30) { 0 } else { failures + 1 };
        let pause = backoff(engine.times.backoff, failures);
        if token.run_until_cancelled(sleep(pause)).await.is_some() {
            let engine = engine.name.clone();
            metrics::counter!("inkwire_engine_reconnects_total", "engine" => engine).increment(1);
        }
    }
}

/// One connection, from handshake to close.
async fn hold(engine: &ComfyUi) {
    let client = Uuid::new_v4().simple().to_string();
    let Some(mut stream) = open(engine, &client).await else {
        engine.line.lost();
        return;
    };
    engine.line.opened(&client);
    let why = listen(engine, &mut stream).await;
    tracing::debug!(engine = engine.name, why, "socket closed");
    engine.line.lost();
    // Whether it still answers or not: what matters is that the connection is gone.
    let closed = timeout(CLOSING, stream.close(None)).await;
    drop((closed, stream));
}

async fn open(engine: &ComfyUi, client: &str) -> Option<Stream> {
    let mut url = engine.api.address(Route::Socket, &[("clientId", client)]);
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    url.set_scheme(scheme).ok()?;
    let mut request = url.as_str().into_client_request().ok()?;
    request.headers_mut().extend(engine.headers.clone());
    let limit = engine.limits.frame;
    let config = WebSocketConfig::default()
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
        .max_write_buffer_size(1 << 20);
    let connector = Connector::Rustls(engine.tls.clone());
    let opening = connect_async_tls_with_config(request, Some(config), true, Some(connector));
    let mut stream = timeout(engine.times.connect, opening).await.ok()?.ok()?.0;
    let hello = stream.send(Message::Text(Utf8Bytes::from_static(FEATURES)));
    timeout(engine.times.connect, hello).await.ok()?.ok()?;
    Some(stream)
}

/// Until the connection is of no more use; tells why.
async fn listen(engine: &ComfyUi, stream: &mut Stream) -> &'static str {
    let times = &engine.times;
    let mut ping = interval_at(Instant::now() + times.ping, times.ping);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Instant::now();
    // Whose previews they are that do not say so themselves.
    let mut at_work = None;
    loop {
        tokio::select! {
            message = stream.next() => {
                let Some(Ok(message)) = message else { return "lost" };
                last = Instant::now();
                hear(engine, message, &mut at_work);
            }
            _ = ping.tick() => {
                let sent = timeout(times.pong, stream.send(Message::Ping(Bytes::new()))).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return "cannot be written to";
                }
            }
            () = tokio::time::sleep_until(last + times.ping + times.pong) => return "no pong",
            () = engine.line.renew.notified() => return "deaf",
        }
    }
}

fn hear(engine: &ComfyUi, message: Message, at_work: &mut Option<String>) {
    let frame = match message {
        Message::Text(text) => Frame::text(text.as_bytes()),
        Message::Binary(bytes) => Frame::binary(bytes),
        _ => return,
    };
    engine.line.heard.fetch_add(1, Ordering::Relaxed);
    match frame {
        Frame::Preview { prompt: None, mime, bytes } => {
            engine.feeds.apply(Frame::Preview { prompt: at_work.clone(), mime, bytes });
        }
        Frame::Executing { ref prompt, .. } => {
            *at_work = Some(prompt.clone());
            engine.feeds.apply(frame);
        }
        frame => engine.feeds.apply(frame),
    }
}
