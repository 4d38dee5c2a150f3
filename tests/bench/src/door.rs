//! An adapter that is nothing but its way in: whoever holds the inbox speaks for everybody.
//! What is said to it stays in the outbox.
use anyhow::Context;
use async_trait::async_trait;
use inkwire_core::{
    Adapter, AdapterError, AdapterId, Address, Admitted, Author, Batch, Body, Capabilities,
    EventKey, Heard, Inbox, Link, Place, PlaceKind, Powers, Request, Time, Trust,
};
use tokio::sync::watch;

pub(crate) struct Door {
    id: AdapterId,
    inbox: watch::Sender<Option<Inbox>>,
}

impl Door {
    /// The adapter, and where its inbox appears.
    pub(crate) fn new() -> (Self, watch::Receiver<Option<Inbox>>) {
        let (inbox, appears) = watch::channel(None);
        (Self { id: "bench".into(), inbox }, appears)
    }
}

#[async_trait]
impl Adapter for Door {
    fn id(&self) -> &AdapterId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { max_text: 400, ..Capabilities::default() }
    }

    async fn run(&self, link: &mut Link) -> Result<(), AdapterError> {
        self.inbox.send_replace(Some(link.inbox.clone()));
        link.token.cancelled().await;
        Ok(())
    }
}

/// Hands in one line of one person, in a batch of its own.
pub(crate) async fn say(inbox: &Inbox, person: &str, text: &str) -> anyhow::Result<Admitted> {
    let adapter: AdapterId = "bench".into();
    let request = Request {
        id: EventKey(format!("{person} {text}")),
        from: Author {
            adapter: adapter.clone(),
            id: person.into(),
            name: person.into(),
            trust: Trust::Account,
            powers: Powers::default(),
        },
        reply_to: Address { adapter, room: "#bench".into(), message: None, thread: None },
        place: Place { kind: PlaceKind::Group, encrypted: false },
        heard: Heard::Prefix,
        about: None,
        body: Body::Text(text.into()),
        attachments: vec![],
        patience: None,
        sent_at: Time::default(),
    };
    let batch = Batch { requests: vec![request], ..Batch::default() };
    inbox.deliver(batch).await?.pop().context("no answer")
}
