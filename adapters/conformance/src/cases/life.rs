//! Start, stop and a broken connection.
//! The service cancels the token first and closes the outbox later, in flow order.
use super::{Verdict, ensure};
use crate::{LINK_ID, PICTURE, facts::marked, world::World};
use inkwire_core::{Outcome, Receipt};

pub(crate) async fn opened(world: &mut World) -> Verdict {
    let unknown = "Aa0".repeat(7) + "x";
    let found = world.peer.open_link(LINK_ID).await;
    let picture = Some(("image/webp".to_owned(), PICTURE.to_vec()));
    ensure(found == picture, "the picture with its type", &found)?;
    let found = world.peer.open_link(&unknown).await;
    ensure(found.is_none(), "nothing behind an unknown link", &found)
}

pub(crate) async fn drained(world: &mut World) -> Verdict {
    let ids: Vec<_> = ["a", "b", "c"].map(|mark| world.push(marked(mark))).into();
    world.service.token.cancel();
    world.service.lane.close();
    let (result, _) = world.ended().await?;
    ensure(result.is_ok(), "Ok, as the outbox closed", &result)?;
    for id in &ids {
        let receipts = world.service.lane.receipts(id);
        ensure(matches!(receipts.as_slice(), [Receipt::Sent(_)]), "what was due", &receipts)?;
    }
    Ok(())
}

pub(crate) async fn stopped(world: &mut World) -> Verdict {
    world.service.token.cancel();
    world.service.lane.close();
    let (result, _) = world.ended().await?;
    ensure(result.is_ok(), "Ok", &result)
}

pub(crate) async fn reconnected(world: &mut World) -> Verdict {
    world.peer.disconnect().await;
    let (result, link) = world.ended().await?;
    ensure(result.is_err(), "an error, which asks to be reconnected", &result)?;
    world.push(Outcome::Expired);
    world.run_again(link).await?;
    let shown = world.shown().await;
    ensure(!shown.is_empty(), "what was due meanwhile", &shown)?;
    world.peer.say("ann", "!queue").await;
    world.hear().await.map(|_| ())
}
