//! A ComfyUI that paints nothing and misses nothing: it notes when a prompt arrives, ends it when
//! told to, and serves a picture that was made before. Its catalogue is as large as a real one.
use crate::bare::Bare;
use anyhow::Context;
use axum::{
    Json, Router,
    extract::{
        Path, Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};
use inkwire::simulator::{Options, Simulator};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Cursor,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::{JoinHandle, spawn_blocking},
};

const SIDE: u32 = 1024;
/// Bytes of `/object_info` of a ComfyUI 0.33 with stock nodes.
const CATALOGUE: usize = 744_000;
/// Pictures; no two runs of a measurement may share one, or it would not be kept twice.
const PICTURES: u32 = 40;

pub(crate) struct Engine {
    pub(crate) address: SocketAddr,
    desk: Arc<Desk>,
    serving: JoinHandle<()>,
}

struct Desk {
    catalogue: Bytes,
    pictures: Vec<Bytes>,
    book: Mutex<Book>,
    posts: watch::Sender<Vec<(String, Instant)>>,
}

#[derive(Default)]
struct Book {
    running: BTreeSet<String>,
    /// Ended prompts, with the picture of each.
    history: BTreeMap<String, usize>,
    ended: usize,
    sockets: Vec<mpsc::Sender<String>>,
}

impl Engine {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let pictures = spawn_blocking(|| (0..PICTURES).map(picture).collect()).await?;
        let desk = Arc::new(Desk {
            catalogue: catalogue().await?,
            pictures,
            book: Mutex::default(),
            posts: watch::Sender::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let app = routes(desk.clone());
        let serving = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Self { address, desk, serving })
    }

    /// Prompts from now on.
    pub(crate) fn posts(&self) -> Posts {
        let mut posts = self.desk.posts.subscribe();
        let seen = posts.borrow_and_update().len();
        Posts { posts, seen }
    }

    /// Ends a prompt and says so; the moment is that of the word "executing null".
    pub(crate) async fn end(&self, id: &str) -> Instant {
        let sockets = self.desk.book().end(id);
        let frame = json!({"type": "executing", "data": {"node": null, "prompt_id": id}});
        let at = Instant::now();
        for socket in sockets {
            // A socket that went has nobody to tell.
            drop(socket.send(frame.to_string()).await);
        }
        at
    }

    /// An ended prompt that nobody handed in, for a client that has nothing else to do.
    pub(crate) fn painted(&self, id: &str) {
        self.desk.book().end(id);
    }

    /// Forgets what runs: its clients are gone.
    pub(crate) fn clear(&self) {
        self.desk.book().running.clear();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Whoever waits for prompts.
pub(crate) struct Posts {
    posts: watch::Receiver<Vec<(String, Instant)>>,
    seen: usize,
}

impl Posts {
    /// The next prompt and when it came.
    pub(crate) async fn next(&mut self) -> anyhow::Result<(String, Instant)> {
        let posts = self.posts.wait_for(|posts| posts.len() > self.seen).await?;
        let post = posts.get(self.seen).cloned().context("a prompt")?;
        self.seen += 1;
        Ok(post)
    }
}

impl Desk {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn end(&mut self, id: &str) -> Vec<mpsc::Sender<String>> {
        self.running.remove(id);
        self.history.insert(id.to_owned(), self.ended);
        self.ended += 1;
        self.sockets.clone()
    }
}

fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/ws", get(socket))
        .route("/prompt", get(remaining).post(submit))
        .route("/queue", get(queue).post(|| async {}))
        .route("/history/{id}", get(entry))
        .route("/history", axum::routing::post(|| async {}))
        .route("/view", get(view))
        .route("/system_stats", get(|| async { Json(json!({"system": {}, "devices": []})) }))
        .route("/object_info", get(object_info))
        .with_state(desk)
}

async fn submit(State(desk): State<Arc<Desk>>, Json(body): Json<Value>) -> Json<Value> {
    let at = Instant::now();
    let id = body.get("prompt_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    desk.book().running.insert(id.clone());
    desk.posts.send_modify(|posts| posts.push((id.clone(), at)));
    Json(json!({"prompt_id": id, "number": 1, "node_errors": {}}))
}

async fn remaining(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let remaining = desk.book().running.len();
    Json(json!({"exec_info": {"queue_remaining": remaining}}))
}

async fn queue(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let item = |id: &String| json!([1, id, {}, {}, []]);
    let running: Vec<Value> = desk.book().running.iter().map(item).collect();
    Json(json!({"queue_running": running, "queue_pending": []}))
}

async fn entry(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Json<Value> {
    let Some(number) = desk.book().history.get(&id).copied() else { return Json(json!({})) };
    let file = json!({"filename": format!("{number}.png"), "subfolder": "", "type": "output"});
    let status = json!({"status_str": "success", "completed": true, "messages": []});
    Json(json!({id: {"status": status, "outputs": {"9": {"images": [file]}}}}))
}

async fn view(
    State(desk): State<Arc<Desk>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let number = query.get("filename").and_then(|name| name.strip_suffix(".png")?.parse().ok());
    let picture = number
        .and_then(|number: usize| desk.pictures.get(number % desk.pictures.len().max(1)).cloned());
    match picture {
        Some(picture) => ([(header::CONTENT_TYPE, "image/png")], picture).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn object_info(State(desk): State<Arc<Desk>>) -> Bytes {
    desk.catalogue.clone()
}

async fn socket(State(desk): State<Arc<Desk>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| talk(desk, socket))
}

async fn talk(desk: Arc<Desk>, mut socket: WebSocket) {
    let (tell, mut frames) = mpsc::channel(64);
    desk.book().sockets.push(tell);
    loop {
        let frame = tokio::select! {
            frame = frames.recv() => frame,
            heard = socket.recv() => if matches!(heard, Some(Ok(_))) { continue } else { break },
        };
        let Some(frame) = frame else { break };
        if socket.send(Message::text(frame)).await.is_err() {
            break;
        }
    }
    drop(frames);
    desk.book().sockets.retain(|socket| !socket.is_closed());
}

/// What the simulator offers, and strangers' nodes up to the size of a real catalogue.
async fn catalogue() -> anyhow::Result<Bytes> {
    let simulator = Simulator::start(Options::default()).await?;
    let info = Bare::connect(simulator.address()).await?.get("/object_info").await?;
    let mut info: serde_json::Map<String, Value> = serde_json::from_slice(&info)?;
    let input =
        json!(["INT", {"default": 1, "min": 0, "max": 16384, "tooltip": "How much of it."}]);
    let inputs: serde_json::Map<String, Value> =
        (0..8).map(|number| (format!("amount_{number}"), input.clone())).collect();
    let class = json!({
        "input": {"required": inputs}, "output": ["IMAGE"], "output_name": ["IMAGE"],
        "name": "Stranger", "description": "One of many.", "output_node": false,
    });
    let missing = CATALOGUE.saturating_sub(serde_json::to_vec(&info)?.len());
    let each = class.to_string().len() + 20;
    info.extend((0..missing / each).map(|number| (format!("Stranger{number}"), class.clone())));
    Ok(serde_json::to_vec(&info)?.into())
}

/// Soft colours with a little grain: as a PNG of the size that models paint.
fn picture(number: u32) -> Bytes {
    let mut grain = number.wrapping_mul(0x9E37_79B9) | 1;
    let image = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        grain ^= grain << 13;
        grain ^= grain >> 17;
        grain ^= grain << 5;
        let [dust, ..] = grain.to_le_bytes();
        let shade = |n: u32| u8::try_from(n / 8 % 240).unwrap_or_default() + dust % 6;
        Rgb([shade(x + number * 16), shade(y), shade(x + y)])
    });
    let mut bytes = Cursor::new(vec![]);
    // A picture in memory can always be written; if not, every run with it fails.
    drop(image.write_to(&mut bytes, ImageFormat::Png));
    bytes.into_inner().into()
}
