//! The worker: takes one prompt after the other and writes what became of it.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::faults::Fault;
use super::perform::Done;
use super::queue::Item;
use super::run::Run;
use super::{Server, lock};

/// What outlives a prompt: the results of the last one, by content, and the model in memory.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) results: BTreeMap<String, Arc<Done>>,
    resident: Option<String>,
}

impl Memory {
    /// Loads a model, which takes time only if another one is there.
    pub(super) async fn load(&mut self, server: &Server, model: &str) {
        if self.resident.as_deref() != Some(model) {
            tokio::time::sleep(server.options.load_time).await;
            self.resident = Some(model.to_owned());
        }
    }

    /// How many pixels are kept.
    pub(super) fn pixels(&self) -> u64 {
        self.results.values().map(|done| done.pixels()).sum()
    }

    fn free(&mut self, server: &Server) {
        let asked = std::mem::take(&mut *lock(&server.free));
        if asked.unload_models || asked.free_memory {
            self.resident = None;
        }
        if asked.free_memory {
            self.results.clear();
        }
    }
}

/// Runs prompts for ever.
pub(super) async fn work(server: Arc<Server>) {
    let mut memory = Memory::default();
    loop {
        memory.free(&server);
        if lock(&server.queue).remaining() > 0 {
            server.faults.linger(Fault::Stalled).await;
        }
        let item = lock(&server.queue).take();
        match item {
            Some(item) => prompt(&server, &mut memory, &item).await,
            None => server.wake.notified().await,
        }
    }
}

/// Runs one prompt and writes what became of it.
async fn prompt(server: &Server, memory: &mut Memory, item: &Item) {
    server.log.run(&item.id);
    server.status();
    server.interrupt.send_replace(false);
    if server.faults.strikes(Fault::Restart) {
        server.restart();
        *memory = Memory::default();
        return;
    }
    let mut run = Run::new(server, memory, item);
    let success = run.nodes().await;
    // A restart in the middle wiped the prompt.
    if !lock(&server.queue).is_running(&item.id) {
        *memory = Memory::default();
        return;
    }
    let ending = run.ending(success);
    lock(&server.queue).done(&ending);
    *lock(&server.running) = None;
    server.status();
    if item.client().is_some() {
        let end = json!({"node": null, "prompt_id": item.id});
        server.sockets.send(item.client(), "executing", &end);
    }
}
