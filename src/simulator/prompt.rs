//! `POST /prompt`: from a body to a place in the queue.
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::faults::Fault;
use super::graph::{self, Stock, Verdict};
use super::line::Cut;
use super::queue::Item;
use super::{Server, answer, http, lock};

pub(super) async fn post(
    State(server): State<Arc<Server>>,
    ConnectInfo(line): ConnectInfo<Cut>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if server.faults.strikes(Fault::PostLost) {
        line.cut();
        return answer::broken();
    }
    if let Some(refusal) = refused(&server) {
        return refusal;
    }
    let Ok(body) = body else { return answer::too_large(http::MAX_BODY) };
    let response = match serde_json::from_slice(&body).ok().map(|body| submit(&server, body)) {
        Some(Ok(answer)) => answer::json(StatusCode::OK, &answer),
        Some(Err(Some(refusal))) => answer::json(StatusCode::BAD_REQUEST, &refusal),
        Some(Err(None)) | None => return answer::broken(),
    };
    if response.status() == StatusCode::OK {
        server.faults.linger(Fault::SlowPost).await;
        if server.faults.strikes(Fault::PostReset) {
            line.cut();
        }
        if server.faults.strikes(Fault::PostBroken) {
            return answer::broken();
        }
    }
    response
}

/// Faults that answer in place of the server.
fn refused(server: &Server) -> Option<Response> {
    let strikes = |fault| server.faults.strikes(fault);
    if strikes(Fault::PostRefused) {
        let body =
            graph::refusal("invalid_prompt", "Refused by the simulator", "by a fault", &json!({}));
        return Some(answer::json(StatusCode::BAD_REQUEST, &body));
    }
    if strikes(Fault::PostTooLarge) {
        return Some(answer::too_large(1 << 20));
    }
    if strikes(Fault::PostTooMany) {
        return Some(answer::page(StatusCode::TOO_MANY_REQUESTS));
    }
    if strikes(Fault::PostUnavailable) {
        return Some(answer::page(StatusCode::SERVICE_UNAVAILABLE));
    }
    strikes(Fault::PostHtml).then(|| answer::page(StatusCode::OK))
}

/// Judges and queues; the error is the body of a 400, or nothing for a 500.
fn submit(server: &Server, body: Value) -> Result<Value, Option<Value>> {
    let number = number(server, &body).ok_or(None)?;
    let mut fields = match body {
        Value::Object(fields) => fields,
        Value::Array(_) | Value::String(_) => Map::new(),
        _ => return Err(None),
    };
    let Some(mut graph) = fields.remove("prompt") else {
        let text = "No prompt provided";
        return Err(Some(graph::refusal("no_prompt", text, text, &json!({}))));
    };
    let id = match fields.get("prompt_id") {
        None => Uuid::new_v4().to_string(),
        Some(Value::Null) => "None".to_owned(),
        Some(Value::String(id)) => id.clone(),
        Some(other) => other.to_string(),
    };
    if server.options.strict_ids && !canonical(&id) {
        let details = "prompt_id must be a canonical lower-case UUID";
        return Err(Some(graph::refusal(
            "invalid_prompt_id",
            "Invalid prompt_id",
            details,
            &json!({}),
        )));
    }
    let targets = fields.get("partial_execution_targets").and_then(Value::as_array);
    let targets: Option<Vec<String>> =
        targets.map(|ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let (outputs, mut node_errors) = match judge(server, &mut graph, targets.as_deref()) {
        Verdict::Accepted { outputs, node_errors } => (outputs, node_errors),
        Verdict::Refused(body) => return Err(Some(body)),
        Verdict::Broken => return Err(None),
    };
    if server.faults.strikes(Fault::NodeErrors) {
        node_errors = json!({"1": {"errors": [], "dependent_outputs": [], "class_type": "Fault"}});
    }
    let extra = extra(&mut fields).ok_or(None)?;
    server.log.submit(&id, &graph);
    let answer = json!({"prompt_id": id, "number": number, "node_errors": node_errors});
    if !lock(&server.queue).put(Item { number, id, graph, extra, outputs }) {
        return Err(None);
    }
    server.status();
    server.wake.notify_one();
    Ok(answer)
}

fn judge(server: &Server, graph: &mut Value, targets: Option<&[String]>) -> Verdict {
    let uploads = lock(&server.files).uploads();
    let readable = |name: &str| server.upload(name).is_some();
    let stock = Stock { models: &server.options.models, uploads: &uploads, readable: &readable };
    graph::judge(graph, targets, &stock)
}

/// The place in the queue: the client's own number, or the next one.
fn number(server: &Server, body: &Value) -> Option<Value> {
    match body.get("number") {
        Some(number @ Value::Number(_)) => Some(number.clone()),
        Some(Value::String(text)) => text.parse::<f64>().ok().map(Value::from),
        Some(_) => None,
        None => {
            let front = body.get("front") == Some(&Value::Bool(true));
            Some(lock(&server.queue).number(front).into())
        }
    }
}

/// What travels with a prompt; the client id at the top wins.
fn extra(fields: &mut Map<String, Value>) -> Option<Map<String, Value>> {
    let mut extra = match fields.remove("extra_data") {
        None => Map::new(),
        Some(Value::Object(extra)) => extra,
        Some(_) => return None,
    };
    if let Some(client) = fields.remove("client_id") {
        extra.insert("client_id".to_owned(), client);
    }
    Some(extra)
}

fn canonical(id: &str) -> bool {
    Uuid::try_parse(id).is_ok_and(|uuid| uuid.hyphenated().to_string() == id)
}
