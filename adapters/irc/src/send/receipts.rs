//! What the speaker makes of the server's signs: what arrived, what must go another way.
//! Where nothing is said about a line, an answered ping settles it: a server works in order.
use super::{
    LABELS, Speaker,
    speech::{Speech, room_of},
    turn::Turn,
};
use crate::receipts::{Refusal, Sign};
use inkwire_core::SendError;
use std::time::Duration;
use tokio::{io::AsyncWrite, time::Instant};

/// A server that confirms lines by itself is asked after this.
pub(super) const UNCONFIRMED: Duration = Duration::from_secs(30);
/// Any other is asked when nothing else is to be said,
pub(super) const IDLE: Duration = Duration::from_millis(250);
/// or once for what was said meanwhile: a question takes the place of a line.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Whoever is away under this nick may come back, for so long,
const MISSED_FOR: Duration = Duration::from_mins(15);
/// and is looked for this often.
const LOOK_AGAIN: Duration = Duration::from_mins(4);
/// Of something that arrived in part the rest is tried for so long.
const REST_WITHIN: Duration = Duration::from_mins(5);

impl<W: AsyncWrite + Unpin> Speaker<W> {
    /// What was confirmed before the connection ended is not in doubt.
    pub(crate) fn heed_the_last(&mut self) {
        while let Ok(sign) = self.signs.try_recv() {
            self.heed(sign);
        }
    }

    pub(super) fn heed(&mut self, sign: Sign) {
        match sign {
            Sign::Taken(label) => self.taken(|aloft| aloft == label),
            Sign::Answered(number) => {
                if let Some(covers) = self.pings.answered(number) {
                    self.taken(|label| label <= covers);
                }
            }
            Sign::Refused { label, target, why } => {
                metrics::counter!("inkwire_irc_refused_total").increment(1);
                tracing::debug!(?target, ?why, "line refused");
                if let Some(label) = label.or_else(|| self.refused_line(target.as_deref(), why)) {
                    self.refused(label, why);
                }
            }
        }
    }

    /// These labels went through.
    fn taken(&mut self, is_taken: impl Fn(u64) -> bool) {
        for turn in &mut self.turns {
            let before = turn.aloft.len();
            turn.aloft.retain(|label, _| !is_taken(*label));
            turn.arrived |= turn.aloft.len() < before;
        }
        for turn in self.turns.extract_if(.., |turn| turn.is_done()) {
            turn.said();
        }
    }

    fn refused(&mut self, label: u64, why: Refusal) {
        let holds = |turn: &Turn| turn.aloft.contains_key(&label);
        let Some(index) = self.turns.iter().position(holds) else { return };
        let mut turn = self.turns.remove(index);
        let Some((_, speech)) = turn.aloft.remove(&label) else { return };
        match self.another_way(speech.clone(), why) {
            Ok(speeches) => {
                speeches.into_iter().rev().for_each(|speech| turn.todo.push_front(speech));
                self.keep(index, turn);
            }
            Err(SendError::After(wait)) if turn.is_heard_in_part(REST_WITHIN) => {
                turn.todo.push_front(speech);
                turn.not_before = Instant::now() + wait;
                self.turns.insert(index, turn);
            }
            Err(SendError::Gone) if turn.is_last_word_of(self.clock.now(), MISSED_FOR) => {
                turn.failed(SendError::After(LOOK_AGAIN));
            }
            Err(error) => turn.failed(error),
        }
    }

    /// Without a label the oldest line on its way there is meant; most rooms that are closed to us
    /// are so to notices alone.
    fn refused_line(&self, target: Option<&str>, why: Refusal) -> Option<u64> {
        let me = self.identity.borrow();
        // With labels it is about another command.
        if me.caps.has(LABELS) {
            return None;
        }
        let room = target.map(|target| room_of(&me, target));
        // A room that we are not in refuses our JOIN, not a line.
        if room.is_some_and(|room| me.isupport.is_room(room) && me.room(room).is_none()) {
            return None;
        }
        let is_meant = |speech: &Speech| {
            room.is_none_or(|room| me.casemap.same(room, room_of(&me, &speech.target)))
                && (why != Refusal::NoBatch || speech.texts.len() > 1)
        };
        let aloft = self.turns.iter().flat_map(|turn| &turn.aloft);
        let meant = aloft.filter(|(_, (_, speech))| is_meant(speech));
        let order = meant.map(|(label, (_, speech))| {
            (why == Refusal::Closed && !speech.is_room_notice(), *label)
        });
        order.min().map(|(_, label)| label)
    }

    fn another_way(&mut self, speech: Speech, why: Refusal) -> Result<Vec<Speech>, SendError> {
        if why == Refusal::Closed && speech.is_room_notice() {
            let me = self.identity.borrow();
            self.habits.refused_notice(&me.casemap.fold(room_of(&me, &speech.target)));
        }
        speech.after(why)
    }
}
