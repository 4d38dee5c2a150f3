//! Envelopes, answers and progress to the screen, one at a time.
//! A screen that cannot be written to any more ends the input; what is due is refused.
use crate::{REDRAW, render, screen::Screen};
use inkwire_core::{Envelope, Latest, Outbox, SendError, SlotId};
use std::collections::BTreeMap;
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};

/// Jobs whose progress is kept for the bar.
const RUNNING: usize = 64;

pub(crate) async fn send(
    outbox: &Outbox,
    mut screen: Screen,
    mut answers: mpsc::Receiver<Vec<String>>,
) {
    let mut running = BTreeMap::new();
    let mut pace = interval(REDRAW);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if screen.print(&[]).await.is_err() {
        answers.close();
    }
    loop {
        // An answer goes before news of the job that it is about.
        let written = tokio::select! {
            biased;
            Some(lines) = answers.recv() => screen.print(&lines).await,
            envelope = outbox.next() => match envelope {
                Some(envelope) => post(envelope, &mut screen, &mut running).await,
                None => break,
            },
            news = paced(outbox, &mut pace), if screen.live() => {
                keep(&mut running, news);
                screen.footer(render::bar(&running)).await
            }
        };
        if written.is_err() {
            answers.close();
        }
    }
    // What was answered in the last moment.
    while let Ok(lines) = answers.try_recv() {
        screen.print(&lines).await.ok();
    }
    screen.leave().await.ok();
}

async fn post(
    envelope: Envelope,
    screen: &mut Screen,
    running: &mut BTreeMap<SlotId, Latest>,
) -> std::io::Result<()> {
    if envelope.begin().await.is_err() {
        return Ok(());
    }
    if envelope.delivery.outcome.is_terminal() {
        running.remove(&envelope.delivery.slot);
        screen.footer(render::bar(running)).await.ok();
    }
    let written = screen.print(&render::delivery(&envelope.delivery)).await;
    match written {
        // Nothing that stands here can be named later, so nothing was posted.
        Ok(()) => envelope.sent(vec![]),
        Err(_) => envelope.failed(SendError::Gone),
    }
    written
}

/// The newest words on running jobs, asked for no faster than they can be drawn.
async fn paced(outbox: &Outbox, pace: &mut Interval) -> Vec<Latest> {
    pace.tick().await;
    outbox.progress().await
}

fn keep(running: &mut BTreeMap<SlotId, Latest>, news: Vec<Latest>) {
    for latest in news {
        if running.len() < RUNNING || running.contains_key(&latest.slot) {
            running.insert(latest.slot.clone(), latest);
        }
    }
}
