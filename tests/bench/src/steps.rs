//! What the store does for one answer, step by step and with nobody else at work: where the time
//! of a round trip goes.
use crate::report::{Samples, millis};
use anyhow::Context;
use inkwire::{
    job::Draft,
    store::{Admission, Store},
};
use inkwire_core::{
    AdapterId, Address, Author, DeliveryId, EventKey, Outcome, Powers, Receipt, Time, Trust,
};
use std::time::Instant;

const ROUNDS: u32 = 200;

/// Medians, in milliseconds. All but `record` come before the answer.
pub(crate) struct Steps {
    /// The question's key and its answer, forced to disk.
    pub(crate) admit: f64,
    /// The answer, read again for who is to say it.
    pub(crate) page: f64,
    pub(crate) begin: f64,
    pub(crate) record: f64,
}

pub(crate) async fn alone(store: &dyn Store) -> anyhow::Result<Steps> {
    let (mut admit, mut page, mut begin, mut record) = (vec![], vec![], vec![], vec![]);
    for number in 0..ROUNDS {
        let timer = Instant::now();
        store.admit(vec![question(number)]).await?;
        admit.push(millis(timer.elapsed()));
        let timer = Instant::now();
        let id = due(store).await?;
        page.push(millis(timer.elapsed()));
        let timer = Instant::now();
        store.begin(&id, 0).await?;
        begin.push(millis(timer.elapsed()));
        let timer = Instant::now();
        store.record(&id, 0, Receipt::Sent(vec![]), Time::default()).await?;
        record.push(millis(timer.elapsed()));
    }
    let median = |times| Samples::new(times).median();
    let [admit, page, begin, record] = [admit, page, begin, record].map(median);
    Ok(Steps { admit, page, begin, record })
}

async fn due(store: &dyn Store) -> anyhow::Result<DeliveryId> {
    let page = store.due(&nobody(), 0, Time::default(), 1).await?;
    Ok(page.ready.into_iter().next().context("an answer")?.delivery.id)
}

/// An adapter that does not run.
fn nobody() -> AdapterId {
    "nobody".into()
}

fn question(number: u32) -> Admission {
    let outcome = Outcome::Expired;
    let answer = Draft {
        to: Address { adapter: nobody(), room: "#bench".into(), message: None, thread: None },
        asker: Author {
            adapter: nobody(),
            id: "ann".into(),
            name: "ann".into(),
            trust: Trust::Account,
            powers: Powers::default(),
        },
        answers: None,
        slot: format!("s{number}").as_str().into(),
        job: None,
        private: false,
        expires: None,
        outcome: outcome.clone(),
    };
    let seen = Some(EventKey(format!("e{number}")));
    let deliveries = vec![answer];
    let blank = Admission::empty(&nobody(), 0, Time::default());
    Admission { seen, deliveries, outcome: Some(outcome), ..blank }
}
