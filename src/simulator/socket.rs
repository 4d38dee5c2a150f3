//! The sockets: who is connected under which client id, and what is sent to whom. A frame for
//! somebody who is not there is lost, as it is with the real one.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::faults::{Fault, Faults};
use super::log::Log;
use super::{Server, lock};

/// Frames that wait for one slow reader; more are dropped.
const BACKLOG: usize = 1024;

#[derive(Clone)]
struct Peer {
    id: Uuid,
    frames: mpsc::Sender<Message>,
    /// It asked for previews that say whose they are.
    metadata: bool,
}

/// Every open socket by its client id.
pub(super) struct Sockets {
    peers: Mutex<BTreeMap<String, Peer>>,
    faults: Faults,
    log: Log,
    /// Each new value drops all sockets that are open.
    drops: watch::Sender<()>,
}

impl Sockets {
    pub(super) fn new(faults: Faults, log: Log) -> Self {
        Self { peers: Mutex::default(), faults, log, drops: watch::Sender::new(()) }
    }

    /// Sends a frame to one client, or to all.
    pub(super) fn send(&self, client: Option<&str>, kind: &str, data: &Value) {
        let text = json!({"type": kind, "data": data}).to_string();
        self.each(client, |peer| peer.offer(Message::Text(text.clone().into())));
    }

    /// Sends a preview, in the form that each reader asked for.
    pub(super) fn preview(&self, client: Option<&str>, about: &Value, jpeg: &[u8]) {
        self.each(client, |peer| {
            let frame = if peer.metadata { with_metadata(about, jpeg) } else { bare(jpeg) };
            peer.offer(Message::Binary(frame));
        });
    }

    /// Whether this client gets previews with metadata.
    pub(super) fn has_metadata(&self, client: Option<&str>) -> bool {
        let peers = lock(&self.peers);
        client.and_then(|client| peers.get(client)).is_some_and(|peer| peer.metadata)
    }

    /// Drops every socket without a word.
    pub(super) fn drop_all(&self) {
        lock(&self.peers).clear();
        self.drops.send_replace(());
    }

    /// Drops the socket of one client without a word.
    pub(super) fn drop_one(&self, client: Option<&str>) {
        let peer = client.and_then(|client| lock(&self.peers).remove(client));
        if let Some(peer) = peer {
            peer.offer(Message::Close(None));
        }
    }

    fn each(&self, client: Option<&str>, send: impl Fn(&Peer)) {
        if self.faults.is_on(Fault::WsSilent) {
            self.faults.strikes(Fault::WsSilent);
            return;
        }
        let peers = lock(&self.peers);
        for (name, peer) in peers.iter().filter(|(name, _)| client.is_none_or(|c| c == *name)) {
            self.log.frame(name);
            send(peer);
        }
    }

    /// Takes the place of an older socket of the same client.
    fn join(&self, client: &str) -> (Uuid, mpsc::Receiver<Message>) {
        let (frames, inbox) = mpsc::channel(BACKLOG);
        let id = Uuid::new_v4();
        if !self.faults.strikes(Fault::WsDeaf) {
            let peer = Peer { id, frames, metadata: false };
            lock(&self.peers).insert(client.to_owned(), peer);
        }
        (id, inbox)
    }

    fn leave(&self, client: &str, id: Uuid) {
        let mut peers = lock(&self.peers);
        let mine = peers.get(client).is_some_and(|peer| peer.id == id);
        if mine || self.faults.strikes(Fault::StaleClose) {
            peers.remove(client);
        }
        drop(peers);
        self.log.close(client);
    }

    fn ask_metadata(&self, client: &str) {
        if let Some(peer) = lock(&self.peers).get_mut(client) {
            peer.metadata = true;
        }
    }
}

impl Peer {
    fn offer(&self, frame: Message) {
        if self.frames.try_send(frame).is_err() {
            tracing::debug!(peer = %self.id, "frame dropped");
        }
    }
}

/// Binary event 1: format JPEG, no word on whose it is.
fn bare(jpeg: &[u8]) -> Bytes {
    [&1_u32.to_be_bytes(), &1_u32.to_be_bytes(), jpeg].concat().into()
}

/// Binary event 4: length, JSON, picture.
fn with_metadata(about: &Value, jpeg: &[u8]) -> Bytes {
    let about = about.to_string();
    let length = u32::try_from(about.len()).unwrap_or_default();
    [&4_u32.to_be_bytes(), &length.to_be_bytes(), about.as_bytes(), jpeg].concat().into()
}

/// Serves one socket until either side ends it.
pub(super) async fn serve(server: Arc<Server>, client: String, mut socket: WebSocket) {
    let sockets = &server.sockets;
    let mut drops = sockets.drops.subscribe();
    let (id, mut inbox) = sockets.join(&client);
    greet(&server, &client);
    let mut first = true;
    let mut registered = true;
    loop {
        tokio::select! {
            // A socket that is no longer registered stays open and hears nothing more.
            frame = inbox.recv(), if registered => match frame {
                Some(Message::Close(_)) => break,
                Some(frame) => if socket.send(frame).await.is_err() { break },
                None => registered = false,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    if std::mem::take(&mut first) {
                        hear(&server, &client, &text);
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            _ = drops.changed() => break,
        }
    }
    sockets.leave(&client, id);
}

/// The first status frame, and what runs if it is this client's.
fn greet(server: &Server, client: &str) {
    let remaining = lock(&server.queue).remaining();
    let status = json!({"status": {"exec_info": {"queue_remaining": remaining}}, "sid": client});
    server.sockets.send(Some(client), "status", &status);
    let running = lock(&server.running).clone();
    if let Some((owner, node)) = running
        && owner == client
    {
        server.sockets.send(Some(client), "executing", &json!({"node": node}));
    }
}

/// The first message of a client may say what it can read.
fn hear(server: &Server, client: &str, text: &str) {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return };
    if message.get("type").and_then(Value::as_str) != Some("feature_flags") {
        return;
    }
    if message.pointer("/data/supports_preview_metadata") == Some(&Value::Bool(true)) {
        server.sockets.ask_metadata(client);
    }
    server.sockets.send(Some(client), "feature_flags", &super::http::features());
}
