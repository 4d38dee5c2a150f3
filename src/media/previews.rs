//! The newest look at each picture that is being painted: in memory, bounded, and soon gone.
use super::PreviewLimits;
use bytes::Bytes;
use inkwire_core::{MediaId, SlotId};
use std::collections::VecDeque;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(super) struct Preview {
    id: MediaId,
    slot: SlotId,
    pub(super) mime: String,
    pub(super) bytes: Bytes,
}

/// The oldest goes first. There are few, so that looking through all is quick.
#[derive(Debug)]
pub(super) struct Previews {
    limits: PreviewLimits,
    kept: VecDeque<Preview>,
}

impl Previews {
    pub(super) fn new(limits: PreviewLimits) -> Self {
        Self { limits, kept: VecDeque::new() }
    }

    pub(super) fn put(&mut self, slot: &SlotId, mime: &str, bytes: Bytes) -> MediaId {
        self.remove(slot);
        let id = MediaId(format!("preview-{}", Uuid::new_v4().simple()));
        let (slot, mime) = (slot.clone(), mime.to_owned());
        self.kept.push_back(Preview { id: id.clone(), slot, mime, bytes });
        while self.kept.len() > self.limits.count || self.bytes() > self.limits.bytes {
            self.kept.pop_front();
        }
        id
    }

    pub(super) fn get(&self, id: &MediaId) -> Option<Preview> {
        self.kept.iter().find(|preview| preview.id == *id).cloned()
    }

    pub(super) fn remove(&mut self, slot: &SlotId) {
        self.kept.retain(|preview| preview.slot != *slot);
    }

    fn bytes(&self) -> usize {
        self.kept.iter().map(|preview| preview.bytes.len()).sum()
    }
}
