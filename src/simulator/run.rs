//! One prompt: runs its nodes and tells the submitter, frame by frame in the order of the real
//! one.
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::faults::Fault;
use super::perform::{self, Done};
use super::queue::{Ending, Item};
use super::values::Given;
use super::worker::Memory;
use super::{Server, graph, lock};

/// Why a node did not get to its end.
pub(super) enum Stop {
    Interrupted,
    Failed { kind: &'static str, message: String },
}

/// One prompt on its way.
pub(super) struct Run<'a> {
    pub(super) server: &'a Server,
    pub(super) memory: &'a mut Memory,
    pub(super) item: &'a Item,
    /// The content of each node, under which its result is kept.
    keys: BTreeMap<String, String>,
    progress: Map<String, Value>,
    executed: Vec<String>,
    outputs: Map<String, Value>,
    messages: Vec<Value>,
}

impl<'a> Run<'a> {
    pub(super) fn new(server: &'a Server, memory: &'a mut Memory, item: &'a Item) -> Self {
        Self {
            server,
            memory,
            item,
            keys: keys(server, item),
            progress: Map::new(),
            executed: vec![],
            outputs: Map::new(),
            messages: vec![],
        }
    }

    /// Runs all nodes; false when it failed or was interrupted.
    pub(super) async fn nodes(&mut self) -> bool {
        self.tell("execution_start", json!({}));
        if self.server.faults.strikes(Fault::WsClose) {
            self.server.sockets.drop_one(self.item.client());
        }
        let wanted: BTreeSet<_> = self.keys.values().cloned().collect();
        self.memory.results.retain(|key, _| wanted.contains(key));
        let cached: BTreeSet<String> =
            self.keys.keys().filter(|id| self.result(id).is_some()).cloned().collect();
        self.tell("execution_cached", json!({"nodes": cached}));
        for id in graph::order(&self.item.graph, &self.item.outputs, &cached) {
            if cached.contains(&id) {
                self.known(&id);
            } else if let Err(stop) = self.node(&id).await {
                self.stopped(&id, &stop);
                return false;
            }
        }
        self.tell("execution_success", json!({}));
        true
    }

    /// A kept result of an earlier prompt: nothing runs, its old files are named again.
    fn known(&mut self, id: &str) {
        if let Some(done) = self.result(id) {
            self.executed(id, &done);
        }
        self.mark(id, &json!(1), &json!(1), "finished");
    }

    async fn node(&mut self, id: &str) -> Result<(), Stop> {
        let graph = &self.item.graph;
        let Some(node) = graph::node(graph, id) else { return Ok(()) };
        self.mark(id, &json!(0.0), &json!(1.0), "running");
        if let Some(client) = self.item.client() {
            *lock(&self.server.running) = Some((client.to_owned(), id.to_owned()));
            let start = json!({"node": id, "display_node": id, "prompt_id": self.item.id});
            self.server.sockets.send(Some(client), "executing", &start);
        }
        self.pause().await?;
        let mut linked = vec![];
        for (name, (from, slot)) in
            node.inputs.iter().filter_map(|(name, value)| Some((name, graph::link(value)?)))
        {
            let value = self.result(&from).and_then(|done| done.values.get(slot).cloned());
            linked.extend(value.map(|value| (name.clone(), value)));
        }
        let given = Given { inputs: node.inputs.clone(), linked };
        let done = Arc::new(perform::node(self, id, node.class.name, given).await?);
        if self.memory.pixels() + done.pixels() > perform::MEMORY {
            return Err(perform::out_of_memory());
        }
        if let Some(key) = self.keys.get(id) {
            self.memory.results.insert(key.clone(), done.clone());
        }
        self.executed(id, &done);
        let max = self.progress.get(id).and_then(|node| node.get("max")).cloned();
        let max = max.unwrap_or_else(|| json!(1.0));
        self.mark(id, &max, &max, "finished");
        self.executed.push(id.to_owned());
        Ok(())
    }

    /// One step of a sampler: progress, then the preview, or the other way round.
    pub(super) fn step(&mut self, id: &str, value: u64, max: u64, jpeg: &[u8]) {
        self.mark(id, &json!(value), &json!(max), "running");
        let client = self.item.client();
        let progress = json!({"value": value, "max": max, "prompt_id": self.item.id, "node": id});
        let about = json!({
            "node_id": id,
            "prompt_id": self.item.id,
            "display_node_id": id,
            "parent_node_id": null,
            "real_node_id": id,
            "image_type": "image/jpeg",
        });
        let sockets = &self.server.sockets;
        if sockets.has_metadata(client) {
            sockets.preview(client, &about, jpeg);
            sockets.send(client, "progress", &progress);
        } else {
            sockets.send(client, "progress", &progress);
            sockets.preview(client, &about, jpeg);
        }
    }

    /// A point at which the worker can be held and a prompt interrupted.
    pub(super) async fn pause(&self) -> Result<(), Stop> {
        let mut interrupt = self.server.interrupt.subscribe();
        tokio::select! {
            biased;
            _ = interrupt.wait_for(|asked| *asked) => Err(Stop::Interrupted),
            () = self.server.faults.gate() => Ok(()),
        }
    }

    fn result(&self, id: &str) -> Option<Arc<Done>> {
        self.memory.results.get(self.keys.get(id)?).cloned()
    }

    fn executed(&mut self, id: &str, done: &Done) {
        let output_node = graph::node(&self.item.graph, id).is_some_and(|n| n.class.output_node);
        let ui = done.ui.as_ref().filter(|_| !self.server.faults.is_on(Fault::NoOutputs));
        if !output_node {
            return;
        }
        if let Some(ui) = ui {
            self.outputs.insert(id.to_owned(), ui.clone());
        }
        let client = self.item.client();
        if client.is_some() {
            let data =
                json!({"node": id, "display_node": id, "output": ui, "prompt_id": self.item.id});
            self.server.sockets.send(client, "executed", &data);
        }
    }

    /// Changes one node in the table of progress and sends the whole table.
    fn mark(&mut self, id: &str, value: &Value, max: &Value, state: &str) {
        let entry = json!({
            "value": value,
            "max": max,
            "state": state,
            "node_id": id,
            "prompt_id": self.item.id,
            "display_node_id": id,
            "parent_node_id": null,
            "real_node_id": id,
        });
        self.progress.insert(id.to_owned(), entry);
        let data = json!({"prompt_id": self.item.id, "nodes": self.progress});
        self.server.sockets.send(self.item.client(), "progress_state", &data);
    }

    /// Sends a message of the prompt as a whole, and keeps it for the history.
    fn tell(&mut self, kind: &str, mut data: Value) {
        let millis = u64::try_from(super::clock().as_millis()).unwrap_or_default();
        if let Some(data) = data.as_object_mut() {
            data.insert("prompt_id".to_owned(), self.item.id.clone().into());
            data.insert("timestamp".to_owned(), millis.into());
        }
        let client = self.item.client();
        // The end of a prompt without a submitter is told to all.
        if client.is_some() || kind == "execution_interrupted" {
            self.server.sockets.send(client, kind, &data);
        }
        self.messages.push(json!([kind, data]));
    }

    fn stopped(&mut self, id: &str, stop: &Stop) {
        // After a restart nobody is left to tell.
        if !lock(&self.server.queue).is_running(&self.item.id) {
            return;
        }
        let node = graph::node(&self.item.graph, id);
        let class = node.map(|node| node.class.name);
        let mut data = json!({"node_id": id, "node_type": class, "executed": self.executed});
        let Stop::Failed { kind, message } = stop else {
            self.tell("execution_interrupted", data);
            return;
        };
        if let Some(data) = data.as_object_mut() {
            let inputs = node.map(|node| node.inputs.clone()).unwrap_or_default();
            let mut lists: Map<String, Value> =
                inputs.into_iter().map(|(name, value)| (name, json!([value]))).collect();
            if node.is_some_and(|node| node.class.output_node) {
                lists.insert("prompt".to_owned(), json!([self.item.graph.to_string()]));
                lists.insert("extra_pnginfo".to_owned(), json!([null]));
            }
            data.insert("exception_message".to_owned(), message.clone().into());
            data.insert("exception_type".to_owned(), (*kind).into());
            data.insert("traceback".to_owned(), json!(perform::TRACEBACK));
            data.insert("current_inputs".to_owned(), lists.into());
            data.insert("current_outputs".to_owned(), json!(self.keys.keys().collect::<Vec<_>>()));
        }
        self.tell("execution_error", data);
    }

    pub(super) fn ending(self, success: bool) -> Ending {
        let none = success && self.server.faults.strikes(Fault::NoOutputs);
        let outputs = if none { Map::new() } else { self.outputs };
        let meta = outputs.keys().map(|id| {
            let about =
                json!({"node_id": id, "display_node": id, "parent_node": null, "real_node_id": id});
            (id.clone(), about)
        });
        Ending { meta: meta.collect(), outputs, messages: self.messages, success }
    }
}

/// The content of every node that is needed, as a short name: made of its class, its values and
/// the names of the nodes before it.
fn keys(server: &Server, item: &Item) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::<String, String>::new();
    for id in graph::order(&item.graph, &item.outputs, &BTreeSet::new()) {
        let Some(node) = graph::node(&item.graph, &id) else { continue };
        let mut hasher = DefaultHasher::new();
        node.class.name.hash(&mut hasher);
        for (name, value) in node.inputs {
            name.hash(&mut hasher);
            match graph::link(value) {
                Some((from, slot)) => (keys.get(&from), slot).hash(&mut hasher),
                None => value.to_string().hash(&mut hasher),
            }
            if node.class.name == "LoadImage" {
                let file = server.upload(value.as_str().unwrap_or_default());
                file.map(|file| file.etag).hash(&mut hasher);
            }
        }
        keys.insert(id, format!("{:016x}", hasher.finish()));
    }
    keys
}
