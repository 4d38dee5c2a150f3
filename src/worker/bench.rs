//! What an engine can do, as the queue asks it: has it the nodes and the model of a job?
//! Answers are remembered for as long as catalogue and library stay the same.
use crate::{
    engine::Catalog,
    queue::Asker,
    store::IndexRow,
    workflow::{Library, offers},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

pub(super) struct Bench {
    engine: String,
    library: Arc<Library>,
    catalog: Arc<Catalog>,
    known: Mutex<BTreeMap<(String, String), bool>>,
}

impl Bench {
    pub(super) fn new(engine: &str, library: Arc<Library>, catalog: Arc<Catalog>) -> Self {
        Self { engine: engine.to_owned(), library, catalog, known: Mutex::default() }
    }
}

impl Asker for Bench {
    fn name(&self) -> &str {
        &self.engine
    }

    fn can(&self, job: &IndexRow) -> bool {
        let key = (job.workflow.clone(), job.checkpoint.clone());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(key).or_insert_with(|| {
            let workflow = self.library.get(&job.workflow);
            workflow.is_some_and(|found| offers(found, &job.checkpoint, &self.catalog.nodes))
        })
    }
}
