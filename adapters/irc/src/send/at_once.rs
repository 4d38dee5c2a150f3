//! Answers that no store knows: said when their turn comes, or never. Whoever asked asks again.
use async_trait::async_trait;
use inkwire_core::{
    Delivery, DeliveryId, Envelope, Lane, Latest, Parcel, Receipt, Stale, Time, Watch,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// A refusal comes within this; later nobody asks how it ended.
pub(super) const REMEMBERED: Duration = Duration::from_secs(10);

/// A lane for one envelope: every step is granted, and nothing is kept.
struct Nowhere;

pub(super) fn envelope(delivery: Delivery, at: Time) -> Envelope {
    let parcel = Parcel { delivery, at, shown: vec![], state: None, in_doubt: false };
    Envelope::new(parcel, Arc::new(Nowhere))
}

#[async_trait]
impl Lane for Nowhere {
    async fn next(&self) -> Option<Parcel> {
        None
    }

    async fn progress(&self) -> Vec<Latest> {
        vec![]
    }

    async fn begin(&self, _: &DeliveryId) -> Result<(), Stale> {
        Ok(())
    }

    async fn checkpoint(&self, _: &DeliveryId, _: Value) -> Result<(), Stale> {
        Ok(())
    }

    fn settle(&self, _: &DeliveryId, _: Receipt) {}

    async fn since(&self, _: &Watch, _: u64) -> Vec<Delivery> {
        vec![]
    }
}
