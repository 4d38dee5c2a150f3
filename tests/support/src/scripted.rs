//! An adapter driven by a test: lines in, deliveries out, and manners as bad as wanted.
use async_trait::async_trait;
use inkwire_core::{
    Adapter, AdapterError, AdapterId, Address, Admitted, Author, Batch, Body, Capabilities, Cursor,
    EventKey, Heard, Latest, Link, Native, Outbox, Parcel, Place, PlaceKind, Posted, Powers,
    Refused, Request, Time, Trust,
};
use serde_json::json;
use std::{sync::Mutex, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// A wait that lasts this long would last for ever.
const PATIENCE: Duration = Duration::from_hours(1);

/// How it treats what it is handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Polite,
    NeverReads,
    /// Says answers to questions itself.
    AnswersAtOnce,
    /// Begins the first terminal delivery, keeps a checkpoint, and never comes back.
    HangsOnEnd,
}

#[derive(Debug)]
pub enum Seen {
    Parcel(Box<Parcel>),
    News(Box<Latest>),
}

type Answer = oneshot::Sender<Result<Vec<Admitted>, Refused>>;

pub struct Scripted {
    id: AdapterId,
    manner: Manner,
    lines: Mutex<Option<mpsc::Receiver<(Request, Answer)>>>,
    seen: mpsc::UnboundedSender<Seen>,
}

/// The test's end.
pub struct Script {
    id: AdapterId,
    say: mpsc::Sender<(Request, Answer)>,
    pub seen: mpsc::UnboundedReceiver<Seen>,
}

impl Scripted {
    #[allow(clippy::disallowed_methods, reason = "a test reads what it wants, when it wants")]
    pub fn new(id: &str, manner: Manner) -> (Self, Script) {
        let (say, lines) = mpsc::channel(512);
        let (tx, seen) = mpsc::unbounded_channel();
        let lines = Mutex::new(Some(lines));
        (Self { id: id.into(), manner, lines, seen: tx }, Script { id: id.into(), say, seen })
    }

    async fn receive(&self, link: &Link) -> Result<(), AdapterError> {
        let lines = self.lines.lock().map(|mut lines| lines.take()).unwrap_or_default();
        let Some(mut lines) = lines else { return Ok(()) };
        while let Some((request, answer)) = lines.recv().await {
            let cursor = Some(Cursor(request.id.0.clone()));
            let (inbox, requests) = (link.inbox.clone(), vec![request]);
            link.tasks.spawn("deliver".into(), async move {
                let batch = Batch { requests, cursor, ..Batch::default() };
                drop(answer.send(inbox.deliver(batch).await));
            });
        }
        Ok(())
    }

    async fn send(&self, outbox: &Outbox) {
        if self.manner == Manner::NeverReads {
            return std::future::pending().await;
        }
        loop {
            tokio::select! {
                envelope = outbox.next() => match envelope {
                    Some(envelope) => self.post(envelope).await,
                    None => return,
                },
                news = outbox.progress() => for latest in news {
                    drop(self.seen.send(Seen::News(Box::new(latest))));
                },
            }
        }
    }

    /// One message per slot, edited in place.
    async fn post(&self, mut envelope: inkwire_core::Envelope) {
        if envelope.begin().await.is_err() {
            return;
        }
        let native = match envelope.shown.first() {
            Some(posted) => posted.native.clone(),
            None => Native(format!("msg-{}", envelope.delivery.id)),
        };
        if self.manner == Manner::HangsOnEnd && envelope.delivery.outcome.is_terminal() {
            if envelope.checkpoint(json!({ "uploaded": "u1" })).await.is_ok() {
                drop(self.seen.send(Seen::Parcel(Box::new((*envelope).clone()))));
            }
            return std::future::pending().await;
        }
        drop(self.seen.send(Seen::Parcel(Box::new((*envelope).clone()))));
        envelope.sent(vec![Posted { part: 0, native, media: None }]);
    }
}

#[async_trait]
impl Adapter for Scripted {
    fn id(&self) -> &AdapterId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        let answers_at_once = self.manner == Manner::AnswersAtOnce;
        Capabilities { edits: true, answers_at_once, max_text: 400, ..Capabilities::default() }
    }

    async fn run(&self, link: &mut Link) -> Result<(), AdapterError> {
        let outbox = link.outbox.clone();
        tokio::select! {
            () = self.send(&outbox) => Ok(()),
            Err(error) = self.receive(link) => Err(error),
        }
    }
}

impl Script {
    /// Hands in one line and waits for its commit.
    pub async fn say(&self, key: &str, nick: &str, text: &str) -> Result<Vec<Admitted>, Refused> {
        let later = self.shout(key, nick, text).await;
        later.await.unwrap_or(Err(Refused::Stopping))
    }

    /// Hands in any request and waits for its commit; for what `say` cannot say.
    pub async fn hand_in(&self, request: Request) -> Result<Vec<Admitted>, Refused> {
        let (answer, later) = oneshot::channel();
        drop(self.say.send((request, answer)).await);
        later.await.unwrap_or(Err(Refused::Stopping))
    }

    /// Hands in one line and goes on.
    pub async fn shout(
        &self,
        key: &str,
        nick: &str,
        text: &str,
    ) -> oneshot::Receiver<Result<Vec<Admitted>, Refused>> {
        let (answer, later) = oneshot::channel();
        drop(self.say.send((self.request(key, nick, text), answer)).await);
        later
    }

    /// The next delivery; news is passed over.
    pub async fn parcel(&mut self) -> Option<Parcel> {
        loop {
            let seen = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
            if let Seen::Parcel(parcel) = seen.ok()?? {
                return Some(*parcel);
            }
        }
    }

    /// The next delivery that ends a job.
    pub async fn ending(&mut self) -> Option<Parcel> {
        loop {
            let parcel = self.parcel().await?;
            if parcel.delivery.outcome.is_terminal() {
                return Some(parcel);
            }
        }
    }

    /// What `say` hands in: an account's line in the room `#test`.
    pub fn request(&self, key: &str, nick: &str, text: &str) -> Request {
        let adapter = self.id.clone();
        Request {
            id: EventKey(key.into()),
            from: Author {
                adapter: adapter.clone(),
                id: nick.into(),
                name: nick.into(),
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
