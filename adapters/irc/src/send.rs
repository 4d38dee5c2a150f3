//! Deliveries become lines, no faster than the network likes, results before progress.
//! The only task that writes; what it holds and has not begun stays due in the store.
use crate::{
    config::Config,
    flood::Limits,
    framing::Wire,
    identity::Identity,
    line::IrcLine,
    render::{is_passing, lead, lines},
};
use inkwire_core::{AdapterError, Envelope, Native, Outbox, Outcome, Posted, SendError, Surface};
use irc::proto::Command;
use std::{collections::VecDeque, time::Duration};
use tokio::{
    io::AsyncWrite,
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

/// Envelopes in hand at most; the rest wait in the store.
const MAX_TURNS: usize = 64;
/// Rooms have this long to answer a JOIN before answers go out without them.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);
const NOT_IN_ROOM: Duration = Duration::from_secs(10);

/// An envelope that waits for its turn, or is being said.
struct Turn {
    envelope: Envelope,
    target: String,
    /// Folded, for the limits.
    key: String,
    /// What is left to say; empty until sending begins.
    lines: VecDeque<IrcLine>,
}

impl Turn {
    /// The lower, the sooner: what has begun, results, answers, progress.
    fn rank(&self) -> u8 {
        match &self.envelope.delivery.outcome {
            _ if !self.lines.is_empty() => 0,
            outcome if outcome.is_terminal() => 1,
            Outcome::Rejected(_) | Outcome::Answer(_) | Outcome::Retracted => 2,
            _ => 3,
        }
    }
}

pub(crate) struct Speaker<W> {
    wire: Wire<W>,
    identity: watch::Receiver<Identity>,
    surface: watch::Receiver<Surface>,
    /// This network's own.
    prefix: Option<String>,
    limits: Limits,
    /// In the order in which they came.
    turns: Vec<Turn>,
}

impl<W: AsyncWrite + Unpin> Speaker<W> {
    pub(crate) fn new(
        wire: Wire<W>,
        identity: watch::Receiver<Identity>,
        surface: watch::Receiver<Surface>,
        config: &Config,
    ) -> Self {
        let (prefix, limits) = (config.prefix.clone(), Limits::new(&config.flood));
        Self { wire, identity, surface, prefix, limits, turns: vec![] }
    }

    /// Speaks until the outbox closes; `control` are lines that wait for nothing.
    pub(crate) async fn run(
        mut self,
        outbox: &Outbox,
        mut control: mpsc::Receiver<IrcLine>,
    ) -> Result<(), AdapterError> {
        let mut identity = self.identity.clone();
        let settled =
            timeout(SETTLE_WITHIN, async { identity.wait_for(|me| me.settled).await.is_ok() });
        tokio::pin!(settled);
        let (mut open, mut closed) = (false, false);
        while !(closed && self.turns.is_empty()) {
            let next = self.next();
            let wants_more = open && !closed && self.turns.len() < MAX_TURNS;
            tokio::select! {
                biased;
                line = control.recv() => match line {
                    Some(line) => self.wire.write(&line).await?,
                    None => return Ok(()),
                },
                _ = &mut settled, if !open => open = true,
                // First what there is, so that the best of it can go first.
                envelope = outbox.next(), if wants_more => match envelope {
                    Some(envelope) => self.take(envelope),
                    None => closed = true,
                },
                Some(index) = ready(next) => self.speak(index).await?,
            }
        }
        self.wire.write(&IrcLine::command(Command::QUIT(Some("back soon".into())))).await
    }

    /// Which turn is next, and when: the best of those that may speak first.
    fn next(&self) -> Option<(Instant, usize)> {
        let now = Instant::now();
        let turns = self.turns.iter().enumerate();
        let ranked = turns
            .map(|(index, turn)| (self.limits.ready_at(&turn.key).max(now), turn.rank(), index));
        ranked.min().map(|(at, _, index)| (at, index))
    }

    fn take(&mut self, envelope: Envelope) {
        let delivery = &envelope.delivery;
        if is_silent(&delivery.outcome, &envelope.shown) {
            let shown = envelope.shown.clone();
            return envelope.sent(shown);
        }
        // Behind a relay is somebody of another network: whoever has that nick here is a stranger.
        if delivery.private && delivery.asker.powers.relay {
            return envelope.failed(SendError::Forbidden);
        }
        let target = if delivery.private { &delivery.asker.name } else { &delivery.to.room.0 };
        let target = target.clone();
        let key = self.identity.borrow().casemap.fold(&target);
        self.turns.push(Turn { envelope, target, key, lines: VecDeque::new() });
    }

    /// Says one line of this turn.
    async fn speak(&mut self, index: usize) -> Result<(), AdapterError> {
        let mut turn = self.turns.remove(index);
        if turn.lines.is_empty() {
            match self.words(&turn) {
                Ok(lines) => turn.lines = lines,
                Err(error) => {
                    turn.envelope.failed(error);
                    return Ok(());
                }
            }
            if turn.envelope.begin().await.is_err() {
                return Ok(());
            }
        }
        if let Some(line) = turn.lines.pop_front() {
            self.limits.take(&turn.key);
            self.wire.write(&line).await?;
        }
        if turn.lines.is_empty() {
            settle(turn.envelope);
        } else {
            self.turns.insert(index, turn);
        }
        Ok(())
    }

    fn words(&self, turn: &Turn) -> Result<VecDeque<IrcLine>, SendError> {
        let (me, delivery) = (self.identity.borrow(), &turn.envelope.delivery);
        if is_room(&turn.target) && me.room(&turn.target).is_none() {
            return Err(SendError::After(NOT_IN_ROOM));
        }
        let rules = &self.surface.borrow().triggers;
        let prefixes = rules.rooms.get(&turn.target).unwrap_or(&rules.prefixes);
        let prefix = self.prefix.as_ref().or(prefixes.first()).map_or("", String::as_str);
        let lead = lead(&delivery.asker.name);
        let max = me.budget("PRIVMSG", &turn.target).saturating_sub(lead.len());
        let texts = lines(delivery, prefix, max).into_iter();
        let said: VecDeque<_> =
            texts.filter_map(|text| IrcLine::speech(&me, &turn.target, &lead, &text)).collect();
        if said.is_empty() { Err(SendError::Gone) } else { Ok(said) }
    }
}

async fn ready(next: Option<(Instant, usize)>) -> Option<usize> {
    let (at, index) = next?;
    sleep_until(at).await;
    Some(index)
}

/// One line says that it goes on; a picture that nobody was shown needs no taking back.
fn is_silent(outcome: &Outcome, shown: &[Posted]) -> bool {
    match outcome {
        Outcome::Preview(_) => true,
        Outcome::Retracted => shown.is_empty(),
        outcome => is_passing(outcome) && !shown.is_empty(),
    }
}

/// Lines on IRC stay where they are: what the slot shows only grows.
fn settle(envelope: Envelope) {
    let mut shown = envelope.shown.clone();
    let part = u16::try_from(shown.len()).unwrap_or(u16::MAX);
    shown.push(Posted { part, native: Native(envelope.delivery.id.0.clone()), media: None });
    envelope.sent(shown);
}

fn is_room(target: &str) -> bool {
    target.starts_with(['#', '&', '+', '!'])
}
