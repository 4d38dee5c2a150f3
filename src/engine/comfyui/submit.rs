//! Handing a prompt in, once: what a broken answer leaves open is settled by looking for the id,
//! never by a second POST of it.
use super::{ComfyUi, backoff, errors, http::HttpError, reconcile::Place};
use crate::engine::{EngineError, Task};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Looks for a prompt whose POST was not answered.
const LOOKS: u32 = 5;
/// Tries of a POST that certainly did not arrive.
const KNOCKS: u32 = 3;
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What became of one POST.
enum Answer {
    /// Under this id: old servers give one of their own.
    Accepted(String),
    Refused(EngineError),
    /// It certainly was not taken: 429 or 503.
    Busy(Option<Duration>),
    NotReached,
    Unknown,
}

impl ComfyUi {
    /// The id under which the engine has it.
    pub(super) async fn submit(
        &self,
        id: &str,
        client: &str,
        task: &Task,
        cancel: &CancellationToken,
    ) -> Result<String, EngineError> {
        // Since 0.6; older servers decide by their own command line.
        let extra =
            if self.previews { json!({ "preview_method": "latent2rgb" }) } else { json!({}) };
        let body = json!({
            "prompt": task.graph, "prompt_id": id, "client_id": client, "extra_data": extra,
        });
        let busy_until = Instant::now() + self.times.busy;
        let (mut waits, mut knocks) = (0, 0);
        while !cancel.is_cancelled() {
            let pause = match self.post(&body, id).await {
                Answer::Accepted(id) => return Ok(id),
                Answer::Refused(why) => return Err(why),
                Answer::Unknown => return self.look_while_wanted(id, cancel).await,
                Answer::Busy(_) if Instant::now() >= busy_until => {
                    return Err(EngineError::Unavailable("it is too busy".into()));
                }
                Answer::Busy(asked) => {
                    waits += 1;
                    let pause = backoff(self.times.backoff, waits);
                    asked.map_or(pause, |asked| asked.min(LONGEST_WAIT).max(pause))
                }
                Answer::NotReached => {
                    knocks += 1;
                    if knocks >= KNOCKS {
                        return Err(HttpError::Connect.into());
                    }
                    backoff(self.times.backoff, knocks)
                }
            };
            cancel.run_until_cancelled(sleep(pause)).await;
        }
        Err(EngineError::Cancelled)
    }

    async fn post(&self, body: &Value, id: &str) -> Answer {
        match self.api.submit(body).await {
            Ok(answer) => self.read_acceptance(&answer, id).await,
            Err(HttpError::Status { status, body, retry_after }) => {
                read_refusal(status, &body, retry_after)
            }
            Err(HttpError::Connect) => {
                self.failed(&HttpError::Connect);
                Answer::NotReached
            }
            Err(_) => Answer::Unknown,
        }
    }

    async fn read_acceptance(&self, answer: &Value, ours: &str) -> Answer {
        let Some(id) = answer.get("prompt_id").and_then(Value::as_str) else {
            return Answer::Unknown;
        };
        let faults = answer.get("node_errors").and_then(Value::as_object);
        if faults.is_none_or(serde_json::Map::is_empty) {
            return Answer::Accepted(id.to_owned());
        }
        // Some outputs were dropped; the others would run and look like a success.
        self.withdraw(id).await;
        if id != ours {
            tracing::debug!(engine = self.name, "server gave its own prompt id");
        }
        let why = errors::of_validation(answer);
        Answer::Refused(EngineError::Invalid(why.unwrap_or_else(|| "part of it is faulty".into())))
    }

    async fn look_while_wanted(
        &self,
        id: &str,
        cancel: &CancellationToken,
    ) -> Result<String, EngineError> {
        if let Some(found) = cancel.run_until_cancelled(self.look_for(id)).await {
            return found;
        }
        self.withdraw(id).await;
        self.feeds.abandon(id);
        Err(EngineError::Cancelled)
    }

    /// `Lost`: the caller may try again, under another id.
    async fn look_for(&self, id: &str) -> Result<String, EngineError> {
        let mut last = None;
        for look in 0..LOOKS {
            if look > 0 {
                sleep(backoff(self.times.backoff, look)).await;
            }
            match self.locate(id).await {
                Ok(Place::Absent) => last = Some(EngineError::Lost),
                Ok(_) => return Ok(id.to_owned()),
                Err(error) => last = Some(error.into()),
            }
        }
        // It may still arrive: a server that hung wakes up and reads what was sent to it.
        self.feeds.abandon(id);
        Err(last.unwrap_or(EngineError::Lost))
    }
}

fn read_refusal(status: u16, body: &[u8], retry_after: Option<Duration>) -> Answer {
    let said = super::lenient::parse(body).and_then(|body| errors::of_validation(&body));
    match (status, said) {
        (400, Some(why)) => Answer::Refused(EngineError::Invalid(why)),
        (413, _) => Answer::Refused(EngineError::Invalid("it is too large for the engine".into())),
        (429 | 503, _) => Answer::Busy(retry_after),
        // The server itself may have taken it before something failed: seen with 500.
        (500.. | 408, _) => Answer::Unknown,
        _ => Answer::Refused(EngineError::Unavailable(format!("it answered {status}"))),
    }
}
