//! From an envelope to a receipt: every step durable in its order, exactly one end.
//! What is written on the wire is tried in `words`.
use super::{Verdict, ensure};
use crate::{
    Call,
    facts::{finished, marked},
    world::{World, admit},
};
use inkwire_core::{Failure, Latest, Outcome, Parcel, Receipt};

pub(crate) async fn meanwhile(world: &mut World) -> Verdict {
    world.peer.say("ann", "!imagine a red fox").await;
    let held = world.hold().await?;
    let shown = world.shown_of(Outcome::Expired).await;
    ensure(!shown.is_empty(), "an ending shown before the commit", &shown)?;
    admit(held, None)
}

pub(crate) async fn receipts(world: &mut World) -> Verdict {
    let ids: Vec<_> = ["a", "b", "c"].map(|mark| world.push(marked(mark))).into();
    for id in &ids {
        let receipt = world.service.lane.receipt(id).await;
        ensure(matches!(receipt, Receipt::Sent(_)), "a receipt for what was sent", &receipt)?;
    }
    world.shown().await;
    let calls = world.service.lane.calls();
    for id in &ids {
        let begun = calls.iter().position(|call| matches!(call, Call::Begin(of) if of == id));
        let settled = calls.iter().position(|call| matches!(call, Call::Settle(of, _) if of == id));
        ensure(begun.is_some() && begun < settled, "begin, then the receipt", &calls)?;
        let receipts = world.service.lane.receipts(id);
        ensure(receipts.len() == 1, "one receipt", &receipts)?;
    }
    Ok(())
}

pub(crate) async fn stale(world: &mut World) -> Verdict {
    let parcel = world.parcel(Outcome::Expired);
    let id = parcel.delivery.id.clone();
    world.service.lane.make_stale(&id);
    world.service.lane.push(parcel);
    let shown = world.shown().await;
    ensure(shown.is_empty(), "nothing", &shown)?;
    let receipts = world.service.lane.receipts(&id);
    ensure(receipts.iter().all(|r| *r == Receipt::Dropped), "no receipt but a drop", &receipts)
}

/// Shown again or not is the protocol's choice; that it ends is not.
pub(crate) async fn in_doubt(world: &mut World) -> Verdict {
    let ending = world.parcel(finished("a red fox"));
    let id = ending.delivery.id.clone();
    world.service.lane.push(Parcel { in_doubt: true, ..ending });
    let receipt = world.service.lane.receipt(&id).await;
    ensure(receipt != Receipt::Dropped, "a receipt", &receipt)?;
    world.shown().await;
    let receipts = world.service.lane.receipts(&id);
    ensure(receipts.len() == 1, "one receipt", &receipts)
}

pub(crate) async fn refused(world: &mut World) -> Verdict {
    world.peer.refuse_next().await;
    let id = world.push(Outcome::Expired);
    let receipt = world.service.lane.receipt(&id).await;
    ensure(matches!(receipt, Receipt::Failed(_)), "a receipt that says why", &receipt)?;
    world.shown().await;
    Ok(())
}

pub(crate) async fn same_slot(world: &mut World) -> Verdict {
    let first = world.parcel(Outcome::Cancelling);
    let id = first.delivery.id.clone();
    world.service.lane.push(first.clone());
    let receipt = world.service.lane.receipt(&id).await;
    let Receipt::Sent(posted) = receipt else { return Err(format!("sent; seen: {receipt:?}")) };
    world.shown().await;
    let mut later = world.parcel(Outcome::Failed(Failure::Empty));
    later.delivery.slot = first.delivery.slot;
    later.shown.clone_from(&posted);
    world.service.lane.push(later);
    let shown = world.shown().await;
    let edits = world.peer.adapter().capabilities().edits && !posted.is_empty();
    ensure(shown.iter().any(|one| one.replaces) == edits, "an edit where there are edits", &shown)?;
    ensure(!shown.is_empty(), "the ending", &shown)
}

pub(crate) async fn news(world: &mut World) -> Verdict {
    let of = world.parcel(Outcome::Cancelling).delivery;
    for done in [1, 20, 0, u32::MAX] {
        let outcome = Outcome::Progress { done, total: 20, label: Some("step\r\nPART".into()) };
        let (slot, job, to) = (of.slot.clone(), "k7f".into(), of.to.clone());
        world.service.lane.tell(Latest { slot, job, to, outcome, shown: vec![] });
    }
    let shown = world.shown_of(Outcome::Expired).await;
    let lines = shown.iter().flat_map(|one| one.text.lines());
    ensure(!lines.clone().any(|line| line.starts_with("PART")), "no line of its own", &shown)?;
    ensure(lines.count() > 0, "the ending", &shown)
}
