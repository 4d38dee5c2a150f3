//! The routes, as the original has them.
use super::{Mischief, PostFault, Server, Shared, ViewFault};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{
        Path, Query, Request, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, io};
use tokio::sync::mpsc;

type Params = Query<BTreeMap<String, String>>;

pub(super) fn routes(server: Shared, prefix: &str) -> Router {
    let routes = Router::new()
        .route("/ws", get(socket))
        .route("/prompt", get(remaining).post(submit))
        .route("/queue", get(queue).post(unqueue))
        .route("/history/{id}", get(entry))
        .route("/history", post(forget))
        .route("/interrupt", post(interrupt))
        .route("/view", get(view))
        .route("/free", post(|| async {}))
        .route("/system_stats", get(|| async { Json(stats()) }))
        .route("/object_info", get(|| async { Json(object_info()) }))
        .layer(middleware::from_fn_with_state(server.clone(), gate))
        .with_state(server);
    if prefix.is_empty() { routes } else { Router::new().nest(prefix, routes) }
}

/// Notes each call, lets in those who know the secret, and is down when told to.
async fn gate(State(server): State<Shared>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let known = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if server.secret.is_some() && known != server.secret.as_deref() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let is_upgrade = parts.uri.path().ends_with("/ws");
    let (body, said) = if is_upgrade {
        (body, String::new())
    } else {
        let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a short body");
        let said = String::from_utf8_lossy(&bytes).into_owned();
        (Body::from(bytes), said)
    };
    let Mischief { down, hang, .. } = server.note(&parts.method, &parts.uri, &said);
    if hang {
        std::future::pending::<()>().await;
    }
    match down.and_then(|status| StatusCode::from_u16(status).ok()) {
        Some(status) => status.into_response(),
        None => next.run(Request::from_parts(parts, body)).await,
    }
}

impl Server {
    fn note(&self, method: &Method, uri: &Uri, body: &str) -> Mischief {
        let mut state = self.lock();
        state.calls.push(format!("{method} {} {body}", uri.path()));
        let mischief = state.mischief.clone();
        drop(state);
        self.called.send_modify(|count| *count += 1);
        mischief
    }
}

async fn remaining(State(server): State<Shared>) -> Json<Value> {
    let state = server.lock();
    let strangers = if state.mischief.strangers { 2 } else { 0 };
    let remaining = state.pending.len() + usize::from(state.running.is_some()) + strangers;
    Json(json!({"exec_info": {"queue_remaining": remaining}}))
}

async fn submit(State(server): State<Shared>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let mut state = server.lock();
    let fault = state.mischief.posts.pop_front();
    if let Some(PostFault::Status(status)) = fault {
        return StatusCode::from_u16(status).expect("a status").into_response();
    }
    if fault == Some(PostFault::LostThenBroken) {
        return broken(b"{\"prompt_id\"");
    }
    let unknown = body["prompt"]
        .as_object()
        .expect("a graph")
        .values()
        .find(|node| node["class_type"] == "NoSuchNode");
    if unknown.is_some() {
        let error = json!({"type": "invalid_prompt", "details": "Node ID '#3'",
            "message": "Cannot execute because node NoSuchNode does not exist."});
        return (StatusCode::BAD_REQUEST, Json(json!({"error": error, "node_errors": {}})))
            .into_response();
    }
    let mut id = body["prompt_id"].as_str().expect("an id of our own").to_owned();
    if fault == Some(PostFault::Renamed) {
        id.push_str("-renamed");
    }
    let client = body["client_id"].as_str().expect("an id for the socket");
    state.take(&id, client);
    let complaints = match fault {
        Some(PostFault::TakenThenBroken) => return broken(b"{\"prompt_id\""),
        Some(PostFault::Complaint) => {
            json!({"4": {"class_type": "CheckpointLoaderSimple", "errors": [
            {"type": "value_not_in_list", "extra_info":
                {"input_name": "ckpt_name", "received_value": "nope.safetensors"}}]}})
        }
        _ => json!({}),
    };
    Json(json!({"prompt_id": id, "number": 1, "node_errors": complaints})).into_response()
}

/// Announces more than comes.
fn broken(part: &'static [u8]) -> Response {
    let parts = [Ok(Bytes::from_static(part)), Err(io::Error::other("cut"))];
    let body = Body::from_stream(futures_util::stream::iter(parts));
    let length = (part.len() * 2).to_string();
    ([(header::CONTENT_LENGTH, length)], body).into_response()
}

async fn queue(State(server): State<Shared>) -> Response {
    let state = server.lock();
    let item = |id: &str| json!([1, id, {}, {"client_id": "x"}, ["2"]]).to_string();
    let settling = state.history.keys().filter(|_| state.mischief.late_history > 0);
    let running = state.running.iter().map(|live| &live.id).chain(settling);
    let running: Vec<_> = running.map(|id| item(id)).collect();
    let mut pending: Vec<_> = state.pending.iter().map(|live| item(&live.id)).collect();
    if state.mischief.strangers {
        pending.push(r#"[2, "stranger-1", {"1": {"inputs": {"x": NaN}}}, {}, []]"#.into());
        pending.push(r#"[-Infinity, "stranger-2", {}, null, []]"#.into());
    }
    let text = format!(
        r#"{{"queue_running": [{}], "queue_pending": [{}]}}"#,
        running.join(","),
        pending.join(",")
    );
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn unqueue(State(server): State<Shared>, Json(body): Json<Value>) {
    let ids = body["delete"].as_array().expect("a list");
    server.lock().pending.retain(|live| !ids.iter().any(|id| *id == live.id));
}

async fn entry(State(server): State<Shared>, Path(id): Path<String>) -> Json<Value> {
    let mut state = server.lock();
    let late = state.mischief.late_history;
    state.mischief.late_history = late.saturating_sub(1);
    match state.history.get(&id).filter(|_| late == 0) {
        Some(entry) => Json(json!({ id: entry })),
        None => Json(json!({})),
    }
}

async fn forget(State(server): State<Shared>, Json(body): Json<Value>) {
    let ids = body["delete"].as_array().expect("a list");
    server.lock().history.retain(|known, _| !ids.iter().any(|id| id == known));
}

async fn interrupt(State(server): State<Shared>, Json(body): Json<Value>) {
    server.lock().interrupt(body["prompt_id"].as_str().expect("never without an id"));
}

async fn view(State(server): State<Shared>, Query(params): Params) -> Response {
    let mut state = server.lock();
    let fault = state.mischief.views.pop_front();
    let Some(bytes) = params.get("filename").and_then(|name| state.files.get(name)).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match fault {
        Some(ViewFault::Status(status)) => {
            StatusCode::from_u16(status).expect("a status").into_response()
        }
        Some(ViewFault::Truncated) => broken(b"\x89PNG\r\n\x1a\n"),
        Some(ViewFault::Html) => "<html>please log in</html>".into_response(),
        None => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
    }
}

async fn socket(
    State(server): State<Shared>,
    Query(params): Params,
    upgrade: WebSocketUpgrade,
) -> Response {
    if server.lock().mischief.no_sockets {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let client = params.get("clientId").expect("a client id").clone();
    upgrade.on_upgrade(|socket| talk(server, client, socket))
}

async fn talk(server: Shared, client: String, mut socket: WebSocket) {
    let (texts, mut text) = mpsc::channel(4096);
    let (previews, mut preview) = mpsc::channel(64);
    {
        let mut state = server.lock();
        assert!(!state.sockets.contains_key(&client), "the same client id twice");
        state.sockets.insert(client.clone(), texts);
        state.previews.insert(client.clone(), previews);
    }
    let status = json!({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": client}});
    let mut next = Some(Message::text(status.to_string()));
    while let Some(message) = next {
        if socket.send(message).await.is_err() {
            break;
        }
        next = tokio::select! {
            biased;
            bytes = preview.recv() => bytes.map(Message::binary),
            text = text.recv() => text.map(Message::text),
            gone = gone(&mut socket) => gone,
        };
    }
    let mut state = server.lock();
    state.sockets.remove(&client);
    state.previews.remove(&client);
}

/// Reads until the other side closes.
async fn gone(socket: &mut WebSocket) -> Option<Message> {
    while let Some(Ok(_)) = socket.recv().await {}
    None
}

fn stats() -> Value {
    let device = json!({"name": "cpu", "vram_total": 16, "vram_free": 8});
    json!({"system": {"comfyui_version": "0.3.64", "ram_total": 16, "ram_free": 8}, "devices": [device]})
}

fn object_info() -> Value {
    let scale = json!({"image": ["IMAGE"], "upscale_method": [["nearest-exact", "lanczos"]],
        "width": ["INT", {"min": 0, "max": 16384}], "height": ["INT", {"min": 0, "max": 16384}]});
    json!({
        "ImageScale": {"input": {"required": scale}, "output_node": false},
        "PreviewImage": {"input": {"required": {"images": ["IMAGE"]}}, "output_node": true},
        "CheckpointLoaderSimple": {"input": {"required": {
            "ckpt_name": ["COMBO", {"options": ["a.safetensors", "sub/b.safetensors"]}]}}},
    })
}
