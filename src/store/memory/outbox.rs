//! Deliveries: what is due, what is in doubt, what a slot shows.
use super::State;
use crate::{
    job::Draft,
    store::{
        Page, StoreError,
        sending::{self, Next, Sending},
    },
};
use inkwire_core::{
    AdapterId, Delivery, DeliveryId, Outcome, Parcel, PersonId, Posted, Receipt, SlotId, Time,
    Watch,
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) struct Row {
    pub(super) delivery: Delivery,
    pub(super) open: bool,
    pub(super) sending: Sending,
    pub(super) state: Option<Value>,
    not_before: Time,
    pub(super) at: Time,
}

#[derive(Default)]
pub(super) struct Slot {
    /// Newest last.
    open: Vec<u64>,
    /// Something terminal was said.
    ended: bool,
    shown: Vec<Posted>,
}

impl Row {
    fn is_due_before(&self, now: Time) -> bool {
        self.open && self.delivery.expires.is_none_or(|expires| now < expires)
    }
}

impl State {
    /// The newest word replaces older ones that nobody has begun to send.
    pub(super) fn post(&mut self, draft: Draft, at: Time) {
        let slot = self.slots.entry(draft.slot.clone()).or_default();
        if !slot.ended || draft.outcome == Outcome::Retracted {
            self.write(draft, at);
        }
    }

    fn write(&mut self, draft: Draft, at: Time) {
        self.counted.deliveries += 1;
        let seq = self.counted.deliveries;
        let Draft { to, asker, answers, slot, job, private, expires, outcome } = draft;
        let replaces = sending::replaces(&outcome);
        let entry = self.slots.entry(slot.clone()).or_default();
        entry.ended |= outcome.is_terminal();
        for older in std::mem::take(&mut entry.open) {
            let Some(row) = self.outbox.get_mut(&older) else { continue };
            row.open = row.sending.begun || !replaces;
            entry.open.extend(row.open.then_some(older));
        }
        entry.open.push(seq);
        let id = DeliveryId(format!("d{seq}"));
        let delivery =
            Delivery { id, to, asker, answers, slot, seq, job, private, expires, outcome };
        let sending = Sending { begun: false, attempts: 0 };
        let not_before = Time::default();
        self.outbox.insert(seq, Row { delivery, open: true, sending, state: None, not_before, at });
    }

    /// At most one row per slot: what has begun goes before what has not.
    pub(super) fn due(
        &self,
        adapter: &AdapterId,
        epoch: u64,
        now: Time,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.check(adapter, epoch)?;
        let ours = |row: &&Row| row.delivery.to.adapter == *adapter && row.is_due_before(now);
        let mut slots: BTreeMap<&SlotId, &Row> = BTreeMap::new();
        for row in self.outbox.values().filter(ours) {
            slots.entry(&row.delivery.slot).or_insert(row);
        }
        let mut ready: Vec<_> = slots.into_values().filter(|row| row.not_before <= now).collect();
        ready.sort_by_key(|row| row.delivery.seq);
        let later = self.outbox.values().filter(ours).map(|row| row.not_before);
        Ok(Page {
            ready: ready.into_iter().take(limit).map(|row| self.parcel(row)).collect(),
            wake_at: later.filter(|at| *at > now).min(),
        })
    }

    fn parcel(&self, row: &Row) -> Parcel {
        Parcel {
            delivery: row.delivery.clone(),
            at: row.at,
            shown: self.shown(&row.delivery.slot),
            state: row.state.clone(),
            in_doubt: row.sending.begun,
        }
    }

    pub(super) fn shown(&self, slot: &SlotId) -> Vec<Posted> {
        self.slots.get(slot).map(|slot| slot.shown.clone()).unwrap_or_default()
    }

    /// The row, if this epoch may still write it.
    fn held(&mut self, id: &DeliveryId, epoch: u64) -> Result<&mut Row, StoreError> {
        let seq = id.0.strip_prefix('d').and_then(|seq| seq.parse().ok());
        let seq: u64 = seq.ok_or(StoreError::Stale)?;
        let adapter = self.outbox.get(&seq).map(|row| row.delivery.to.adapter.clone());
        self.check(&adapter.ok_or(StoreError::Stale)?, epoch)?;
        self.outbox.get_mut(&seq).ok_or(StoreError::Stale)
    }

    pub(super) fn open_row(&mut self, id: &DeliveryId, epoch: u64) -> Result<&mut Row, StoreError> {
        let row = self.held(id, epoch)?;
        if row.open { Ok(row) } else { Err(StoreError::Stale) }
    }

    /// A row that was superseded on its way can still say that it was sent.
    pub(super) fn record(
        &mut self,
        id: &DeliveryId,
        epoch: u64,
        receipt: Receipt,
        now: Time,
    ) -> Result<(), StoreError> {
        let row = self.held(id, epoch)?;
        let (delivery, open) = (row.delivery.clone(), row.open);
        let next = sending::settle(row.sending, receipt, delivery.private, &delivery.outcome, now);
        match next {
            Next::Shown(posted) => {
                self.close(&delivery);
                self.show(&delivery, posted);
            }
            _ if !open => {}
            Next::Closed(said) => {
                self.close(&delivery);
                if let Some(outcome) = said {
                    self.write(instead_of(delivery, outcome), now);
                }
            }
            Next::Again { sending, not_before } => {
                (row.sending, row.not_before) = (sending, not_before);
                if !sending.begun && self.has_newer(&delivery) {
                    self.close(&delivery);
                }
            }
        }
        Ok(())
    }

    pub(super) fn close(&mut self, delivery: &Delivery) {
        if let Some(row) = self.outbox.get_mut(&delivery.seq) {
            row.open = false;
        }
        if let Some(slot) = self.slots.get_mut(&delivery.slot) {
            slot.open.retain(|seq| *seq != delivery.seq);
        }
    }

    fn has_newer(&self, delivery: &Delivery) -> bool {
        let slot = self.slots.get(&delivery.slot);
        slot.is_some_and(|slot| slot.open.iter().any(|seq| *seq > delivery.seq))
    }

    fn show(&mut self, delivery: &Delivery, posted: Vec<Posted>) {
        if let Some(job) = &delivery.job {
            for message in &posted {
                let to = &delivery.to;
                let key = (to.adapter.clone(), to.room.clone(), message.native.clone());
                self.messages.insert(key, (job.clone(), message.media.clone()));
            }
        }
        self.slots.entry(delivery.slot.clone()).or_default().shown = posted;
    }

    pub(super) fn since(&self, watch: &Watch, after: u64) -> Vec<Delivery> {
        let wanted = |d: &&Delivery| match watch {
            Watch::All => true,
            Watch::Job(job) => d.job.as_ref() == Some(job),
            Watch::Person(person) => self.owner(d) == Some(person),
        };
        let newer = self.outbox.range(after.saturating_add(1)..).map(|(_, row)| &row.delivery);
        newer.filter(wanted).take(sending::PAGE.into()).cloned().collect()
    }

    fn owner(&self, delivery: &Delivery) -> Option<&PersonId> {
        Some(&self.jobs.get(delivery.job.as_ref()?)?.standing.job.owner)
    }
}

fn instead_of(delivery: Delivery, outcome: Outcome) -> Draft {
    let Delivery { to, asker, answers, slot, job, private, expires, .. } = delivery;
    Draft { to, asker, answers, slot, job, private, expires, outcome }
}
