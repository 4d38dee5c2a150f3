//! A delivery that waits for its turn, is being said, or waits to be confirmed.
//! It knows what is left of it; when its turn comes is decided in `order`.
use super::{at_once::REMEMBERED, speech::Speech, written::Note};
use crate::render::is_passing;
use inkwire_core::{Envelope, Native, Outcome, Posted, SendError, Stale, Time};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// What waits so long goes before what matters more but came later.
const PATIENCE: Duration = Duration::from_secs(20);
/// Nobody wants to hear that something began that long ago.
const PASSING: Duration = Duration::from_secs(20);

pub(super) struct Turn {
    envelope: Envelope,
    /// What the store knows of earlier attempts, and of this one once it was made.
    pub(super) note: Note,
    /// Folded, for the limits.
    pub(super) key: String,
    since: Instant,
    pub(super) not_before: Instant,
    /// Waits until this ping is answered.
    pub(super) after_ping: u64,
    /// What is left to say; empty until sending begins.
    pub(super) todo: VecDeque<Speech>,
    /// Written and not yet confirmed, by label.
    pub(super) aloft: BTreeMap<u64, (Instant, Speech)>,
    /// Something of it was confirmed.
    pub(super) arrived: bool,
    begun: bool,
}

impl Turn {
    pub(super) fn new(envelope: Envelope, key: String, after_ping: u64) -> Self {
        let since = Instant::now();
        Self {
            note: Note::of(&envelope),
            envelope,
            key,
            since,
            not_before: since,
            after_ping,
            todo: VecDeque::new(),
            aloft: BTreeMap::new(),
            arrived: false,
            begun: false,
        }
    }

    /// None once begun.
    pub(super) fn unbegun(&self) -> Option<&Envelope> {
        (!self.begun).then_some(&self.envelope)
    }

    pub(super) fn is_in_doubt(&self) -> bool {
        self.envelope.in_doubt
    }

    /// Durable on return. What was written before is written for the last time.
    pub(super) async fn begin(&mut self, todo: VecDeque<Speech>) -> Result<(), Stale> {
        let again = self.note.written_by.is_some();
        let texts = todo.iter().flat_map(Speech::seen).collect();
        self.note = Note { written_by: None, again, texts };
        // Else a note of an earlier attempt would speak for this one.
        if self.envelope.state.is_some() {
            self.note.keep(&mut self.envelope).await?;
        }
        self.envelope.begin().await?;
        (self.begun, self.todo) = (true, todo);
        Ok(())
    }

    /// The lower, the sooner: what has begun, results, errors, answers, progress.
    pub(super) fn rank(&self, now: Instant) -> u8 {
        let Some(envelope) = self.unbegun() else { return 0 };
        let rank: u8 = match &envelope.delivery.outcome {
            outcome if outcome.is_terminal() => 1,
            Outcome::Rejected(_) => 2,
            Outcome::Answer(_) | Outcome::Retracted => 3,
            _ => 4,
        };
        let waited = now.saturating_duration_since(self.since).as_secs() / PATIENCE.as_secs();
        rank.saturating_sub(u8::try_from(waited).unwrap_or(u8::MAX)).max(1)
    }

    /// When it is too late to begin with it.
    pub(super) fn over_at(&self) -> Option<Time> {
        let delivery = &self.unbegun()?.delivery;
        let passes = is_passing(&delivery.outcome).then(|| self.envelope.at.after(PASSING));
        passes.into_iter().chain(delivery.expires).min()
    }

    /// It waits for confirmations alone.
    pub(super) fn is_resting(&self) -> bool {
        self.begun && self.todo.is_empty()
    }

    /// Everything was written, and is not confirmed yet. What only passes is not said again anyway.
    pub(super) async fn note_written(&mut self) {
        if self.is_at_once() || is_passing(&self.envelope.delivery.outcome) {
            return;
        }
        self.note = std::mem::take(&mut self.note).written();
        if self.note.keep(&mut self.envelope).await.is_err() {
            // Somebody else holds the lane; the receipt will be refused as well.
            tracing::debug!(delivery = %self.envelope.delivery.id, "line written, lane lost");
        }
    }

    /// The end of a job, which nobody is told a second time, and not older than this.
    pub(super) fn is_last_word_of(&self, now: Time, within: Duration) -> bool {
        self.envelope.delivery.outcome.is_terminal() && self.envelope.at.until(now) < within
    }

    /// The rest of it may follow: it came before us not longer than this ago.
    pub(super) fn is_heard_in_part(&self, within: Duration) -> bool {
        (self.arrived || !self.aloft.is_empty()) && self.since.elapsed() < within
    }

    /// No store knows it: it is said now or never, and nobody waits for how it ended.
    pub(super) fn is_at_once(&self) -> bool {
        self.envelope.delivery.seq == 0
    }

    pub(super) fn is_forgotten(&self) -> bool {
        let old = |said: Instant| said.elapsed() > REMEMBERED;
        self.is_at_once() && self.is_resting() && self.first_label().is_none_or(old)
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_resting() && self.aloft.is_empty()
    }

    pub(super) fn first_label(&self) -> Option<Instant> {
        self.aloft.values().map(|(at, _)| *at).min()
    }

    // --- its end ---

    pub(super) fn said(self) {
        said(self.envelope);
    }

    /// Nothing was said, and nothing needs to be.
    pub(super) fn silent(self) {
        pass_over(self.envelope);
    }

    /// What was heard in part counts as said: once more would be worse.
    pub(super) fn failed(self, error: SendError) {
        if self.arrived {
            return self.said();
        }
        self.envelope.failed(error);
    }

    /// Not even tried now. What is in doubt stays so until a room that we are in tells.
    pub(super) fn not_said(self, error: SendError) {
        match error {
            SendError::After(_) if self.is_in_doubt() => drop(self),
            error => self.failed(error),
        }
    }
}

/// Lines on IRC stay where they are: what the slot shows only grows.
fn said(envelope: Envelope) {
    let mut shown = envelope.shown.clone();
    let part = u16::try_from(shown.len()).unwrap_or(u16::MAX);
    shown.push(Posted { part, native: Native(envelope.delivery.id.0.clone()), media: None });
    envelope.sent(shown);
}

pub(super) fn pass_over(envelope: Envelope) {
    let shown = envelope.shown.clone();
    envelope.sent(shown);
}

/// One line says that it goes on, and not twice; a picture that nobody was shown needs no taking
/// back.
pub(super) fn is_silent(envelope: &Envelope) -> bool {
    match &envelope.delivery.outcome {
        Outcome::Preview(_) => true,
        Outcome::Retracted => envelope.shown.is_empty(),
        outcome => is_passing(outcome) && (envelope.in_doubt || !envelope.shown.is_empty()),
    }
}

#[cfg(test)]
mod tests;
