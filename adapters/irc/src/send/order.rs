//! What is written next, and when: the server's own first, then the best of what may be said.
//! Among equals whoever was spoken to longest ago comes first, so nobody holds up anybody.
use super::{
    LABELS, Speaker,
    receipts::{BUSY, IDLE, UNCONFIRMED},
    turn::Turn,
};
use inkwire_core::Time;
use std::time::Duration;
use tokio::{
    io::AsyncWrite,
    time::{Instant, sleep_until},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Control,
    /// Asks whether all that was written has arrived.
    Ask,
    /// The server answers nothing any more.
    Lost,
    Speak(usize),
}

impl<W: AsyncWrite + Unpin> Speaker<W> {
    /// Who goes first is decided as if all lines were short; then its own cost is waited for, so
    /// that the short ones do not keep overtaking.
    pub(super) fn next(&self) -> Option<(Instant, Step)> {
        let now = Instant::now();
        let control_at = self.limits.control_at().max(now);
        let control_rank = if self.yields { u8::MAX } else { 0 };
        let waits = self.control.is_waiting();
        let control = waits.then_some((control_at, control_rank, None, Step::Control));
        let ask = self.ask_at(now).map(|at| (at.max(control_at), 0, None, Step::Ask));
        let lost = self.pings.lost_at().map(|at| (at, 0, None, Step::Lost));
        let time = self.clock.now();
        let turns = self.turns.iter().enumerate();
        let waiting = turns.filter_map(|(index, turn)| {
            let (at, rank) = self.turn_at(turn, now, time)?;
            Some((at, rank, self.limits.spoken_to(&turn.key), Step::Speak(index)))
        });
        let (at, _, _, step) = waiting.chain(control).chain(ask).chain(lost).min()?;
        Some((at.max(self.affordable_at(step)), step))
    }

    /// What comes too late is let go at once: it only holds a place.
    fn turn_at(&self, turn: &Turn, now: Instant, time: Time) -> Option<(Instant, u8)> {
        let over = turn.over_at().map(|over| (now + time.until(over), 0));
        let may_speak = !turn.is_resting() && self.pings.is_answered(turn.after_ping);
        let ready = || self.limits.ready_at(&turn.key, 1).max(turn.not_before).max(now);
        let speaks = may_speak.then(|| (ready(), turn.rank(now) + 1));
        over.into_iter().chain(speaks).min()
    }

    fn affordable_at(&self, step: Step) -> Instant {
        let now = Instant::now();
        let Step::Speak(index) = step else { return now };
        let turn = self.turns.get(index);
        let speech = turn.and_then(|turn| Some((&turn.key, turn.todo.front()?)));
        let Some((key, speech)) = speech else { return now };
        self.limits.ready_at(key, speech.cost(&self.identity.borrow()))
    }

    /// When it is time to ask about what nobody confirmed: at the end nothing else is waited for.
    fn ask_at(&self, now: Instant) -> Option<Instant> {
        let owed = self.turns.iter().filter(|turn| !turn.is_at_once());
        let first = owed.filter_map(Turn::first_label).min();
        let busy = self.turns.iter().any(|turn| !turn.is_resting());
        let wait = match (self.closed, self.identity.borrow().caps.has(LABELS)) {
            (true, _) if !busy => Duration::ZERO,
            (_, true) => UNCONFIRMED,
            (_, false) if busy => BUSY,
            (_, false) => IDLE,
        };
        self.pings.ask_at(first.map(|first| first + wait), now)
    }
}

pub(super) async fn ready(next: Option<(Instant, Step)>) -> Option<Step> {
    let (at, step) = next?;
    sleep_until(at).await;
    Some(step)
}
