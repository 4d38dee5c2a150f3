//! The calls we make of a `ComfyUI`, and no others: every path stands in `Route`.
//! Answers are limited in size; addresses (they may carry a token) never reach an error text.
use super::{
    config::{ComfyConfig, ConfigError},
    lenient,
};
use crate::{engine::EngineError, workflow::Nodes};
use bytes::{Bytes, BytesMut};
use reqwest::{Method, Response, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// Why a call failed, without addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HttpError {
    /// The request certainly did not arrive.
    #[error("it cannot be reached")]
    Connect,
    #[error("it does not answer in time")]
    Timeout,
    #[error("it broke off the connection")]
    Broken,
    #[error("it answered {status}")]
    Status { status: u16, body: Bytes, retry_after: Option<Duration> },
    #[error("its answer is too large")]
    TooLarge,
    #[error("its answer is not ComfyUI's")]
    Garbled,
}

#[derive(Clone, Copy)]
pub(super) enum Route<'a> {
    Prompt,
    Queue,
    History,
    Entry(&'a str),
    Interrupt,
    View,
    ObjectInfo,
    SystemStats,
    Free,
    Socket,
}

impl<'a> Route<'a> {
    fn segments(self) -> (&'static str, Option<&'a str>) {
        match self {
            Self::Prompt => ("prompt", None),
            Self::Queue => ("queue", None),
            Self::History => ("history", None),
            Self::Entry(id) => ("history", Some(id)),
            Self::Interrupt => ("interrupt", None),
            Self::View => ("view", None),
            Self::ObjectInfo => ("object_info", None),
            Self::SystemStats => ("system_stats", None),
            Self::Free => ("free", None),
            Self::Socket => ("ws", None),
        }
    }
}

pub(super) struct Api {
    client: reqwest::Client,
    base: Url,
    token: Option<SecretString>,
    call: Duration,
    transfer: Duration,
    answer_limit: usize,
}

impl Api {
    pub(super) fn new(
        config: &ComfyConfig,
        tls: rustls::ClientConfig,
    ) -> Result<Self, ConfigError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(config.header_map()?)
            .connect_timeout(config.times.connect)
            .pool_idle_timeout(config.times.idle_pool)
            .build()
            .map_err(|error| ConfigError::Client {
                name: config.name.clone(),
                why: error.without_url().to_string(),
            })?;
        Ok(Self {
            client,
            base: config.base()?,
            token: config.token.clone(),
            call: config.times.call,
            transfer: config.times.transfer,
            answer_limit: config.limits.answer,
        })
    }

    /// The address of a route with a query, and with the token where there is one.
    pub(super) fn address(&self, route: Route<'_>, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        let (first, second) = route.segments();
        // invariant: http and https addresses have a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(first).extend(second);
        }
        let token = self.token.as_ref().map(|token| ("token", token.expose_secret()));
        if !query.is_empty() || token.is_some() {
            url.query_pairs_mut().extend_pairs(query).extend_pairs(token);
        }
        url
    }

    /// Running and waiting prompts together; the cheapest question there is.
    pub(super) async fn remaining(&self) -> Result<u64, HttpError> {
        let answer = self.get(Route::Prompt).await?;
        answer
            .pointer("/exec_info/queue_remaining")
            .and_then(Value::as_u64)
            .ok_or(HttpError::Garbled)
    }

    /// Status other than 2xx is an error that carries the body.
    pub(super) async fn submit(&self, body: &Value) -> Result<Value, HttpError> {
        lenient::parse(&self.post(Route::Prompt, body).await?).ok_or(HttpError::Garbled)
    }

    pub(super) async fn queue(&self) -> Result<Value, HttpError> {
        self.get(Route::Queue).await
    }

    /// `None`: unknown, waiting, running, deleted or lost in a restart.
    pub(super) async fn entry(&self, id: &str) -> Result<Option<Value>, HttpError> {
        match self.get(Route::Entry(id)).await? {
            Value::Object(mut entries) => Ok(entries.remove(id)),
            _ => Err(HttpError::Garbled),
        }
    }

    pub(super) async fn forget(&self, ids: &[String]) -> Result<(), HttpError> {
        self.post(Route::History, &json!({ "delete": ids })).await.map(drop)
    }

    pub(super) async fn unqueue(&self, id: &str) -> Result<(), HttpError> {
        self.post(Route::Queue, &json!({ "delete": [id] })).await.map(drop)
    }

    /// Only ever with an id: without one it hits whatever runs, other people's work too.
    pub(super) async fn interrupt(&self, id: &str) -> Result<(), HttpError> {
        self.post(Route::Interrupt, &json!({ "prompt_id": id })).await.map(drop)
    }

    pub(super) async fn free(&self) -> Result<(), HttpError> {
        let all = json!({ "unload_models": true, "free_memory": true });
        self.post(Route::Free, &all).await.map(drop)
    }

    /// Forgets the results of nodes (and models): the same prompt runs again in full.
    pub(super) async fn drop_results(&self) -> Result<(), HttpError> {
        self.post(Route::Free, &json!({ "free_memory": true })).await.map(drop)
    }

    pub(super) async fn system_stats(&self) -> Result<Value, HttpError> {
        self.get(Route::SystemStats).await
    }

    pub(super) async fn object_info(&self) -> Result<Nodes, HttpError> {
        let url = self.address(Route::ObjectInfo, &[]);
        let request = self.client.get(url).timeout(self.transfer);
        let body = read(send(request).await?, self.answer_limit).await?;
        lenient::parse(&body).ok_or(HttpError::Garbled)
    }

    /// A whole file of at most `limit` bytes.
    pub(super) async fn view(
        &self,
        query: &[(&str, &str)],
        limit: usize,
    ) -> Result<Bytes, HttpError> {
        let request = self.client.get(self.address(Route::View, query)).timeout(self.transfer);
        read(send(request).await?, limit).await
    }

    async fn get(&self, route: Route<'_>) -> Result<Value, HttpError> {
        let body = self.call(Method::GET, route, None).await?;
        lenient::parse(&body).ok_or(HttpError::Garbled)
    }

    async fn post(&self, route: Route<'_>, body: &Value) -> Result<Bytes, HttpError> {
        self.call(Method::POST, route, Some(body)).await
    }

    async fn call(
        &self,
        method: Method,
        route: Route<'_>,
        body: Option<&Value>,
    ) -> Result<Bytes, HttpError> {
        let mut request = self.client.request(method, self.address(route, &[])).timeout(self.call);
        if let Some(body) = body {
            request = request.json(body);
        }
        read(send(request).await?, self.answer_limit).await
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<Response, HttpError> {
    let response = request.send().await.map_err(|error| HttpError::from(&error))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    let retry_after = retry_after(&response);
    let body = read(response, 1 << 20).await.unwrap_or_default();
    Err(HttpError::Status { status, body, retry_after })
}

/// Seconds only; the form with a date is rare and needs a clock that both sides trust.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(text.trim().parse().ok()?))
}

/// The body, if it is as long as announced and no longer than `limit`.
async fn read(mut response: Response, limit: usize) -> Result<Bytes, HttpError> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(HttpError::TooLarge);
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0).min(1 << 20));
    while let Some(chunk) = response.chunk().await.map_err(|error| HttpError::from(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let whole = announced.is_none_or(|length| length == body.len());
    if whole { Ok(body.freeze()) } else { Err(HttpError::Broken) }
}

impl From<&reqwest::Error> for HttpError {
    fn from(error: &reqwest::Error) -> Self {
        // A connection that timed out while it was made is one that was not made.
        if error.is_connect() {
            Self::Connect
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Broken
        }
    }
}

impl From<HttpError> for EngineError {
    fn from(error: HttpError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl HttpError {
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Status { .. } => "status",
            Self::TooLarge => "too_large",
            Self::Garbled => "garbled",
        }
    }
}
