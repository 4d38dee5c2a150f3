//! From a line to a request.
//! The suite never looks at how an adapter makes its keys, only at what they hold.
use super::{Verdict, ensure};
use crate::world::{World, admit, refuse};
use inkwire_core::{Answer, Body, Outcome, PlaceKind, Refused, Request};
use std::time::Duration;

pub(crate) async fn one_request(world: &mut World) -> Verdict {
    world.peer.say("ann", "!imagine a red fox").await;
    let request = world.hear().await?;
    let adapter = world.peer.adapter();
    ensure(said(&request) == "imagine a red fox", "the words without the trigger", &request.body)?;
    ensure(request.reply_to.room == world.peer.room(), "the room as address", &request.reply_to)?;
    ensure(request.from.name == world.peer.author("ann"), "the author's name", &request.from)?;
    let ours = [&request.reply_to.adapter, &request.from.adapter];
    ensure(ours.iter().all(|id| *id == adapter.id()), "the adapter's own id", &ours)
}

pub(crate) async fn own_keys(world: &mut World) -> Verdict {
    let mut keys = vec![];
    for who in ["ann", "bob", "ann"] {
        world.peer.say(who, "!queue").await;
        keys.push(world.hear().await?.id);
    }
    let mut unique = keys.clone();
    unique.sort();
    unique.dedup();
    ensure(unique.len() == keys.len(), "keys that differ", &keys)
}

pub(crate) async fn same_key(world: &mut World) -> Verdict {
    world.peer.say("ann", "!imagine a red fox").await;
    let first = world.hear().await?;
    world.peer.say_again().await;
    let again = world.hear().await?;
    ensure(first.id == again.id, "the same key", &(first.id, again.id))
}

pub(crate) async fn unheard(world: &mut World) -> Verdict {
    for text in ["hello all", "what does !queue do?", "inkwires are nice"] {
        world.peer.say("ann", text).await;
    }
    world.peer.say("ann", "inkwire: queue").await;
    let request = world.hear().await?;
    ensure(said(&request) == "queue", "only the line by name", &request.body)
}

pub(crate) async fn new_triggers(world: &mut World) -> Verdict {
    world.peer.say("ann", "!queue").await;
    world.hear().await?;
    world.service.surface.send_modify(|surface| surface.triggers.prefixes = vec!["%".to_owned()]);
    world.peer.say("ann", "%status").await;
    let request = world.hear().await?;
    ensure(said(&request) == "status", "the words without the new trigger", &request.body)
}

pub(crate) async fn hostile(world: &mut World) -> Verdict {
    let long = format!("!imagine {}", "x".repeat(100_000));
    for text in
        [long.as_str(), "!imagine \0\u{1b}[2J\u{202e}fox\u{7}", "!", "", "!imagine \u{fffd}"]
    {
        world.peer.say("ann", text).await;
    }
    hear_until(world, "status").await
}

pub(crate) async fn refused(world: &mut World) -> Verdict {
    world.peer.say("ann", "!queue").await;
    let held = world.hold().await?;
    refuse(held, Refused::Saturated { retry_in: Duration::from_millis(1) })?;
    hear_until(world, "status").await
}

/// Says a command and waits for it; what was said before may or may not come first.
async fn hear_until(world: &mut World, command: &str) -> Verdict {
    world.peer.say("ann", &format!("!{command}")).await;
    while !world.hear_all().await?.iter().any(|request| said(request) == command) {}
    Ok(())
}

/// A caller that waits is answered by the commit, everybody else by a delivery.
pub(crate) async fn answered_once(world: &mut World) -> Verdict {
    world.peer.say("ann", "!delete zz9").await;
    let held = world.hold().await?;
    let waits = held.batch.requests.iter().any(|request| request.place.kind == PlaceKind::Api);
    let answer = Outcome::Answer(Answer::Deleted { job: "zz9".into(), image: None, grid: false });
    admit(held, Some(&answer))?;
    if !waits {
        world.push(answer);
    }
    let shown = world.peer.shown().await;
    ensure(shown.text.contains("zz9"), "the answer", &shown)?;
    let more = world.shown().await;
    ensure(more.is_empty(), "nothing more", &more)
}

fn said(request: &Request) -> &str {
    match &request.body {
        Body::Text(text) => text,
        _ => "",
    }
}
