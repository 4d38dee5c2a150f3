//! An adapter whose other end is in another process: what was acknowledged and what was said is
//! known there, whatever becomes of this one. One JSON object per line, each way.
use async_trait::async_trait;
use inkwire_core::{
    Adapter, AdapterError, AdapterId, Address, Author, Batch, Body, Capabilities, Envelope,
    EventKey, Health, Heard, Link, Native, Outcome, Place, PlaceKind, Posted, Powers, Request,
    Time, Trust,
};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Value, json};
use std::{io, path::PathBuf, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex, watch},
};

/// Ends this process as `kill -9` would: nothing is flushed, nobody is told.
pub fn die() {
    if kill_process(getpid(), Signal::KILL).is_ok() {
        // It may take a moment; nothing more is to be done meanwhile.
        std::thread::park();
    }
}

pub struct Wire {
    id: AdapterId,
    socket: PathBuf,
    /// Set when the other end has gone.
    ended: watch::Sender<bool>,
}

type Out = Arc<Mutex<OwnedWriteHalf>>;

impl Wire {
    /// The receiver turns true once the other end says that it was enough.
    pub fn new(id: &str, socket: PathBuf) -> (Self, watch::Receiver<bool>) {
        let (ended, over) = watch::channel(false);
        (Self { id: id.into(), socket, ended }, over)
    }

    /// `{"key", "text"}` in; `{"acked", "job", "outcome"}` out once it is committed.
    async fn receive(&self, read: OwnedReadHalf, out: &Out, link: &Link) -> io::Result<()> {
        let mut lines = BufReader::new(read).lines();
        while let Some(line) = lines.next_line().await? {
            let said: Value = serde_json::from_str(&line)?;
            let request = self.request(text(&said, "key"), text(&said, "text"));
            let (inbox, out) = (link.inbox.clone(), out.clone());
            link.tasks.spawn("deliver".into(), async move {
                let batch = Batch { requests: vec![request], ..Batch::default() };
                let Ok(admitted) = inbox.deliver(batch).await else { return };
                for one in admitted {
                    let (job, outcome) = (one.job.map(|job| job.0), format!("{:?}", one.outcome));
                    let fact = json!({"acked": one.request.0, "job": job, "outcome": outcome});
                    drop(write(&out, &fact).await);
                }
            });
        }
        self.ended.send_replace(true);
        Ok(())
    }

    fn request(&self, key: &str, text: &str) -> Request {
        let adapter = self.id.clone();
        Request {
            id: EventKey(key.into()),
            from: Author {
                adapter: adapter.clone(),
                id: "ann".into(),
                name: "ann".into(),
                trust: Trust::Account,
                powers: Powers::default(),
            },
            reply_to: Address { adapter, room: "#test".into(), message: None, thread: None },
            place: Place { kind: PlaceKind::Group, encrypted: false },
            heard: Heard::Prefix,
            about: None,
            body: Body::Text(text.into()),
            attachments: vec![],
            patience: None,
            sent_at: Time::default(),
        }
    }
}

/// `{"said": delivery, "job", "outcome", "last", "links"}`, between begin and receipt.
async fn say(out: &Out, envelope: Envelope) -> io::Result<()> {
    if envelope.begin().await.is_err() {
        return Ok(());
    }
    let delivery = &envelope.delivery;
    let links: Vec<_> = match &delivery.outcome {
        Outcome::Finished { artifacts, .. } => {
            artifacts.iter().filter_map(|artifact| artifact.link.clone()).collect()
        }
        _ => vec![],
    };
    let fact = json!({
        "said": delivery.id.0,
        "job": delivery.job.as_ref().map(|job| &job.0),
        "outcome": format!("{:?}", delivery.outcome),
        "last": delivery.outcome.is_terminal(),
        "links": links,
    });
    write(out, &fact).await?;
    let native = Native(format!("line-{}", delivery.id));
    envelope.sent(vec![Posted { part: 0, native, media: None }]);
    Ok(())
}

async fn write(out: &Out, fact: &Value) -> io::Result<()> {
    out.lock().await.write_all(format!("{fact}\n").as_bytes()).await
}

fn text<'a>(said: &'a Value, key: &str) -> &'a str {
    said.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[async_trait]
impl Adapter for Wire {
    fn id(&self) -> &AdapterId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { max_text: 400, ..Capabilities::default() }
    }

    async fn run(&self, link: &mut Link) -> Result<(), AdapterError> {
        let gone = |error: io::Error| AdapterError::Disconnected(error.to_string());
        let (read, write) = UnixStream::connect(&self.socket).await.map_err(gone)?.into_split();
        let out: Out = Arc::new(Mutex::new(write));
        link.health.set(Health::Up);
        let speaking = async {
            while let Some(envelope) = link.outbox.next().await {
                say(&out, envelope).await?;
            }
            Ok(())
        };
        let (spoken, heard) = tokio::join!(speaking, self.receive(read, &out, link));
        spoken.and(heard).map_err(gone)
    }
}
