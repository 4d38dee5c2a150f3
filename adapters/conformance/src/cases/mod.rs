//! The list of behaviours, in reading order: hearing, sending, words, life.
//! Each says what an adapter must have for it; the rest is tried on every adapter.
mod hearing;
mod life;
mod sending;
mod words;

use crate::{Features, world::World};
use inkwire_core::Capabilities;
use std::{future::Future, pin::Pin};

pub(crate) type Verdict = Result<(), String>;
type Run = for<'a> fn(&'a mut World) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;
/// Why a case cannot be tried.
type Lacks = fn(&Capabilities, Features) -> Option<&'static str>;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) lacks: Lacks,
    pub(crate) run: Run,
}

const fn case(name: &'static str, lacks: Lacks, run: Run) -> Case {
    Case { name, lacks, run }
}

pub(crate) const ALL: &[Case] = &[
    case("a line becomes one request", chat, |w| Box::pin(hearing::one_request(w))),
    case("each event has a key of its own", chat, |w| Box::pin(hearing::own_keys(w))),
    case("an event heard twice keeps its key", replays, |w| Box::pin(hearing::same_key(w))),
    case("what is not for us is not heard", overhears, |w| Box::pin(hearing::unheard(w))),
    case("new triggers are heard at once", chat, |w| Box::pin(hearing::new_triggers(w))),
    case("a hostile line harms nothing", chat, |w| Box::pin(hearing::hostile(w))),
    case("a refused batch harms nothing", chat, |w| Box::pin(hearing::refused(w))),
    case("an answer is shown exactly once", chat, |w| Box::pin(hearing::answered_once(w))),
    case("sending goes on while a commit is awaited", chat, |w| Box::pin(sending::meanwhile(w))),
    case("begin comes first, one receipt last", chat, |w| Box::pin(sending::receipts(w))),
    case("a stale begin sends nothing", chat, |w| Box::pin(sending::stale(w))),
    case("a delivery in doubt is settled", chat, |w| Box::pin(sending::in_doubt(w))),
    case("a refused send says so", refuses, |w| Box::pin(sending::refused(w))),
    case("later words on a slot edit or repeat", chat, |w| Box::pin(sending::same_slot(w))),
    case("news of running jobs harms nothing", chat, |w| Box::pin(sending::news(w))),
    case("every ending is shown", chat, |w| Box::pin(words::endings(w))),
    case("long text is cut", chat, |w| Box::pin(words::long(w))),
    case("control characters inject no line", chat, |w| Box::pin(words::controls(w))),
    case("a link is whole and last on its line", links, |w| Box::pin(words::linked(w))),
    case("a picture is uploaded", uploads, |w| Box::pin(words::uploaded(w))),
    case("links lead to the picture", opens_links, |w| Box::pin(life::opened(w))),
    case("a stop sends what is due and ends", chat, |w| Box::pin(life::drained(w))),
    case("a stop ends", anything, |w| Box::pin(life::stopped(w))),
    case("a broken connection is made again", disconnects, |w| Box::pin(life::reconnected(w))),
];

fn anything(_: &Capabilities, _: Features) -> Option<&'static str> {
    None
}

fn chat(can: &Capabilities, _: Features) -> Option<&'static str> {
    can.links_only.then_some("it serves links alone")
}

fn overhears(can: &Capabilities, far: Features) -> Option<&'static str> {
    chat(can, far).or((!far.overhears).then_some("everything said there is meant for us"))
}

fn replays(can: &Capabilities, far: Features) -> Option<&'static str> {
    chat(can, far).or((!far.replays).then_some("its events have no ids"))
}

fn refuses(can: &Capabilities, far: Features) -> Option<&'static str> {
    chat(can, far).or((!far.refuses).then_some("its far end refuses nothing"))
}

fn disconnects(can: &Capabilities, far: Features) -> Option<&'static str> {
    chat(can, far).or((!far.disconnects).then_some("it has no connection to lose"))
}

fn links(can: &Capabilities, far: Features) -> Option<&'static str> {
    chat(can, far).or(can.uploads.then_some("it uploads"))
}

fn uploads(can: &Capabilities, far: Features) -> Option<&'static str> {
    chat(can, far).or((!can.uploads).then_some("it has no uploads and posts links"))
}

fn opens_links(_: &Capabilities, far: Features) -> Option<&'static str> {
    (!far.opens_links).then_some("it serves no links")
}

/// `Err` with what was expected, and what was seen.
pub(crate) fn ensure(holds: bool, expected: &str, seen: &impl std::fmt::Debug) -> Verdict {
    if holds { Ok(()) } else { Err(format!("{expected}; seen: {seen:?}")) }
}
