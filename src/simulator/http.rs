//! The routes: every one a ComfyUI client may use, also below `/api`. Reads requests, asks the
//! queue and the files, and answers in the forms of `answer.rs`.
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, http::HeaderValue};
use serde_json::{Value, json};

use super::faults::Fault;
use super::nodes::Class;
use super::{Server, answer, catalogue, lock, models, prompt, socket, upload, view};

/// The whole body of any request.
pub(super) const MAX_BODY: usize = 100 << 20;

type Shared = State<Arc<Server>>;
type Fields = Query<BTreeMap<String, String>>;

pub(super) fn router(server: Arc<Server>) -> Router {
    let routes = Router::new()
        .route("/ws", get(ws))
        .route("/prompt", get(remaining).post(prompt::post))
        .route("/queue", get(queue).post(change_queue))
        .route("/interrupt", post(interrupt))
        .route("/history", get(history).post(change_history))
        .route("/history/{id}", get(entry))
        .route("/view", get(view::get))
        .route("/upload/image", post(upload::image))
        .route("/free", post(free))
        .route("/system_stats", get(system_stats))
        .route("/features", get(async || answer::json(StatusCode::OK, &features())))
        .route("/models", get(async || answer::json(StatusCode::OK, &json!(models::FOLDERS))))
        .route("/models/{folder}", get(models_of))
        .route("/embeddings", get(embeddings))
        .route("/object_info", get(object_info))
        .route("/object_info/{class}", get(object_info_of))
        .method_not_allowed_fallback(missing);
    Router::new()
        .merge(routes.clone())
        .nest("/api", routes)
        .fallback(missing)
        .layer(middleware::from_fn_with_state(server.clone(), around))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(server)
}

/// What every request goes through: the log, faults of the whole server, the guard against
/// other web pages.
async fn around(State(server): Shared, request: Request, next: Next) -> Response {
    server.log.request(format!("{} {}", request.method(), request.uri()));
    let mut response = if server.faults.strikes(Fault::Unavailable) {
        answer::page(StatusCode::SERVICE_UNAVAILABLE)
    } else if foreign(request.headers()) {
        answer::empty(StatusCode::FORBIDDEN)
    } else {
        server.faults.linger(Fault::Slow).await;
        next.run(request).await
    };
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static("inkwire-simulator aiohttp/3.14.5"));
    response
}

/// Whether a page of another origin asks a server on this machine.
fn foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let (Some(host), Some(origin)) = (text(header::HOST), text(header::ORIGIN)) else {
        return false;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let local = matches!(name, "127.0.0.1" | "localhost" | "[::1]");
    local && origin.split_once("://").is_none_or(|(_, authority)| authority != host)
}

async fn missing(method: Method) -> Response {
    match method {
        Method::GET | Method::HEAD => answer::not_found(),
        Method::OPTIONS => answer::empty(StatusCode::OK),
        _ => answer::wrong_method(),
    }
}

async fn ws(
    State(server): Shared,
    Query(fields): Fields,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else { return answer::empty(StatusCode::BAD_REQUEST) };
    let client = fields.get("clientId").filter(|id| !id.is_empty()).cloned();
    let client = client.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
    upgrade
        .max_message_size(4 << 20)
        .on_upgrade(move |stream| socket::serve(server, client, stream))
        .into_response()
}

async fn remaining(State(server): Shared) -> Response {
    let remaining = lock(&server.queue).remaining();
    answer::json(StatusCode::OK, &json!({"exec_info": {"queue_remaining": remaining}}))
}

async fn queue(State(server): Shared) -> Response {
    let body = lock(&server.queue).as_json();
    answer::raw_json(spoiled(&server, &body, "\"client_id\""))
}

async fn change_queue(State(server): Shared, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return answer::broken() };
    if truthy(&body, "clear") {
        lock(&server.queue).clear();
        server.status();
    }
    for id in ids(&body) {
        lock(&server.queue).delete(&id);
        server.status();
    }
    answer::empty(StatusCode::OK)
}

async fn interrupt(State(server): Shared, body: Bytes) -> Response {
    let body = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Array(_)) => return answer::broken(),
        Ok(body) => body,
        Err(_) => Value::Null,
    };
    let mine = match body.get("prompt_id").and_then(Value::as_str) {
        Some(id) => lock(&server.queue).is_running(id),
        None => true,
    };
    if mine && !server.faults.strikes(Fault::InterruptLost) {
        server.interrupt.send_replace(true);
    }
    answer::empty(StatusCode::OK)
}

async fn history(State(server): Shared, Query(fields): Fields) -> Response {
    let number = |name: &str| fields.get(name).map(|text| text.parse::<i64>()).transpose();
    let (Ok(max), Ok(offset)) = (number("max_items"), number("offset")) else {
        return answer::broken();
    };
    let body = lock(&server.queue).history(max, offset);
    answer::raw_json(spoiled(&server, &body, "\"status_str\""))
}

async fn entry(State(server): Shared, Path(id): Path<String>) -> Response {
    let entry = lock(&server.queue).entry(&id).cloned();
    let body = match entry {
        Some(entry) if !server.faults.strikes(Fault::HistoryLate) => json!({ id: entry }),
        _ => json!({}),
    };
    answer::raw_json(spoiled(&server, &body, "\"status_str\""))
}

async fn change_history(State(server): Shared, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return answer::broken() };
    if truthy(&body, "clear") {
        lock(&server.queue).forget(None);
    }
    for id in ids(&body) {
        lock(&server.queue).forget(Some(&id));
    }
    answer::empty(StatusCode::OK)
}

async fn free(State(server): Shared, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return answer::broken() };
    {
        let mut free = lock(&server.free);
        free.unload_models |= truthy(&body, "unload_models");
        free.free_memory |= truthy(&body, "free_memory");
    }
    server.wake.notify_one();
    answer::empty(StatusCode::OK)
}

async fn system_stats(State(server): Shared) -> Response {
    const GIB: u64 = 1 << 30;
    let body = json!({
        "system": {
            "os": "inkwire-simulator",
            "ram_total": 16 * GIB,
            "ram_free": 12 * GIB,
            "comfyui_version": "0.3.64",
            "required_frontend_version": "1.27.10",
            "installed_templates_version": "0.1.95",
            "required_templates_version": "0.1.95",
            "python_version": "none (inkwire simulator)",
            "pytorch_version": "none (inkwire simulator)",
            "embedded_python": false,
            "argv": ["inkwire", "simulator", "--port", server.port.to_string()],
        },
        "devices": [{
            "name": "inkwire-simulator (paints without a GPU)",
            "type": "cpu",
            "index": null,
            "vram_total": 8 * GIB,
            "vram_free": 6 * GIB,
            "torch_vram_total": GIB,
            "torch_vram_free": GIB,
        }],
    });
    answer::json(StatusCode::OK, &body)
}

/// What the server can do, also told on sockets.
pub(super) fn features() -> Value {
    json!({"supports_preview_metadata": true, "max_upload_size": MAX_BODY})
}

async fn models_of(State(server): Shared, Path(folder): Path<String>) -> Response {
    match server.options.models.get(&folder) {
        Some(files) => answer::json(StatusCode::OK, &json!(files)),
        None if models::FOLDERS.contains(&folder.as_str()) => {
            answer::json(StatusCode::OK, &json!([]))
        }
        None => answer::empty(StatusCode::NOT_FOUND),
    }
}

async fn embeddings(State(server): Shared) -> Response {
    let files = server.options.models.get("embeddings").into_iter().flatten();
    let names: Vec<_> =
        files.map(|file| file.rsplit_once('.').map_or(file.as_str(), |(name, _)| name)).collect();
    answer::json(StatusCode::OK, &json!(names))
}

async fn object_info(State(server): Shared) -> Response {
    answer::json(StatusCode::OK, &described(&server, catalogue::all()))
}

async fn object_info_of(State(server): Shared, Path(class): Path<String>) -> Response {
    answer::json(StatusCode::OK, &described(&server, Class::find(&class).into_iter()))
}

fn described(server: &Server, classes: impl Iterator<Item = &'static Class>) -> Value {
    let uploads = lock(&server.files).uploads();
    let describe =
        |class: &Class| (class.name.to_owned(), class.describe(&server.options.models, &uploads));
    classes.map(describe).collect::<serde_json::Map<_, _>>().into()
}

/// JSON as text, with a `NaN` before this key if the fault is on.
fn spoiled(server: &Server, body: &Value, key: &str) -> String {
    let text = body.to_string();
    if !text.contains(key) || !server.faults.strikes(Fault::NotANumber) {
        return text;
    }
    text.replace(key, &format!("\"is_changed\":NaN,{key}"))
}

fn truthy(body: &Value, key: &str) -> bool {
    body.get(key).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
}

/// The ids to delete. Text is walked letter by letter, which deletes nothing.
fn ids(body: &Value) -> Vec<String> {
    let ids = body.get("delete").and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(Value::as_str).map(str::to_owned).collect()
}
