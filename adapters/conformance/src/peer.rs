//! The far end of a protocol, as the suite drives it: people who type and read.
//! Each adapter's tests implement it once, over a fake or real server.
use async_trait::async_trait;
use inkwire_core::{Adapter, Native};
use std::sync::Arc;

/// One far end with one adapter, made anew for every case.
#[async_trait]
pub trait Peer: Send {
    /// The adapter under test, not yet running; always the same one.
    fn adapter(&self) -> Arc<dyn Adapter>;

    fn features(&self) -> Features {
        Features::default()
    }

    /// Where `say` is said, as addresses name it.
    fn room(&self) -> Native;

    /// How the adapter names somebody whom `say` calls `who`.
    fn author(&self, who: &str) -> String {
        who.to_owned()
    }

    /// Returns when the running adapter can be spoken to; called after every start of `run`.
    async fn connected(&mut self) {}

    /// Somebody says a line in the room; text may be hostile and is sent as far as the wire allows.
    async fn say(&mut self, who: &str, text: &str);

    /// The last `say` arrives once more as the same event.
    async fn say_again(&mut self) {}

    /// Waits for the next thing that people see.
    async fn shown(&mut self) -> Shown;

    /// The next thing sent is refused by the far end for good.
    async fn refuse_next(&mut self) {}

    /// The connection breaks.
    async fn disconnect(&mut self) {}

    /// What a link with this id leads to: content type and bytes; `None` if to nothing.
    async fn open_link(&mut self, _id: &str) -> Option<(String, Vec<u8>)> {
        None
    }
}

/// What this far end can play; the default can do nothing special.
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
#[derive(Debug, Clone, Copy, Default)]
pub struct Features {
    /// Lines that are not meant for us can be said in the room.
    pub overhears: bool,
    /// Events have ids, and one can arrive twice.
    pub replays: bool,
    /// A send can be refused, with an answer that says so.
    pub refuses: bool,
    /// The connection can break, and `connected` waits for the next one.
    pub disconnects: bool,
    /// Links can be opened.
    pub opens_links: bool,
}

/// One thing that people see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// What is read, as it stands on the wire.
    pub text: String,
    /// It took the place of something shown before.
    pub replaces: bool,
    pub upload: Option<Vec<u8>>,
}

impl Shown {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}
