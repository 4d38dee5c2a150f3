//! A submitted graph: checked as ComfyUI checks it, and put in the order in which it runs.
//! Pure: knows names of files, never their bytes.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::check::{self, Errors};
use super::models::Models;
use super::nodes::Class;

/// Nodes of a graph; the real one has no limit but its memory.
const NODES: usize = 2000;
/// Nodes in a row; the real one gives up at the depth of its stack.
const DEPTH: usize = 150;

/// What is on the disk of the simulator while a graph is checked.
pub(super) struct Stock<'a> {
    pub(super) models: &'a Models,
    pub(super) uploads: &'a [String],
    /// Whether a picture may be named in `LoadImage`.
    pub(super) readable: &'a dyn Fn(&str) -> bool,
}

/// The three answers a submitted graph can get.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Runs these output nodes; the errors are of branches left out.
    Accepted { outputs: Vec<String>, node_errors: Value },
    /// The body of a 400.
    Refused(Value),
    /// The server trips over it: a 500.
    Broken,
}

/// One node of a graph that passed, or will be asked to.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) class: &'static Class,
    pub(super) inputs: &'a Map<String, Value>,
}

/// The node of this name, if it is whole.
pub(super) fn node<'a>(graph: &'a Value, id: &str) -> Option<Node<'a>> {
    let node = graph.get(id)?;
    let class = Class::find(node.get("class_type")?.as_str()?)?;
    Some(Node { class, inputs: node.get("inputs")?.as_object()? })
}

/// `[id, slot]` when this value is a link.
pub(super) fn link(value: &Value) -> Option<(String, usize)> {
    let [id, slot] = value.as_array()?.as_slice() else { return None };
    Some((id.as_str()?.to_owned(), usize::try_from(slot.as_u64()?).ok()?))
}

/// Judges a graph. Numbers given as text become numbers in it, as they do in the real one.
pub(super) fn judge(graph: &mut Value, targets: Option<&[String]>, stock: &Stock) -> Verdict {
    let found = match outputs(graph, targets) {
        Ok(outputs) => outputs,
        Err(verdict) => return verdict,
    };
    if found.is_empty() {
        return Verdict::Refused(refusal(
            "prompt_no_outputs",
            "Prompt has no outputs",
            "",
            &json!({}),
        ));
    }
    let mut check = Check { stock, seen: BTreeMap::new(), depth: 0, node_errors: Map::new() };
    let (mut good, mut details) = (vec![], vec![]);
    for id in found {
        match check.output(graph, &id) {
            Ok(()) => good.push(id),
            Err(lines) => details.extend(lines),
        }
    }
    let node_errors = Value::Object(check.node_errors);
    if good.is_empty() {
        let (kind, message) =
            ("prompt_outputs_failed_validation", "Prompt outputs failed validation");
        return Verdict::Refused(refusal(kind, message, &details.join("\n"), &node_errors));
    }
    Verdict::Accepted { outputs: good, node_errors }
}

/// The nodes whose results are kept, or why the graph cannot even be walked.
fn outputs(graph: &Value, targets: Option<&[String]>) -> Result<Vec<String>, Verdict> {
    let nodes = match graph {
        Value::Object(nodes) if nodes.len() <= NODES => nodes,
        Value::Array(nodes) if nodes.is_empty() => return Ok(vec![]),
        _ => return Err(Verdict::Broken),
    };
    let mut found = vec![];
    for (id, node) in nodes {
        let class = match node {
            Value::Object(node) => node.get("class_type"),
            Value::String(_) | Value::Array(_) => None,
            _ => return Err(Verdict::Broken),
        };
        let place = format!("Node ID '#{id}'");
        let Some(name) = class else {
            let message = "Cannot execute because a node is missing the class_type property.";
            return Err(Verdict::Refused(refusal("invalid_prompt", message, &place, &json!({}))));
        };
        let name = name.as_str().unwrap_or_default();
        let Some(class) = Class::find(name) else {
            let message = format!("Cannot execute because node {name} does not exist.");
            return Err(Verdict::Refused(refusal("invalid_prompt", &message, &place, &json!({}))));
        };
        if class.output_node && targets.is_none_or(|targets| targets.contains(id)) {
            found.push(id.clone());
        }
    }
    Ok(found)
}

/// The body of a 400.
pub(super) fn refusal(kind: &str, message: &str, details: &str, node_errors: &Value) -> Value {
    json!({
        "error": {"type": kind, "message": message, "details": details, "extra_info": {}},
        "node_errors": node_errors,
    })
}

/// What is known of a node so far.
enum Seen {
    /// It is being checked: meeting it again is a cycle.
    Open,
    Done(bool, Vec<Value>),
}

struct Check<'a> {
    stock: &'a Stock<'a>,
    seen: BTreeMap<String, Seen>,
    depth: usize,
    node_errors: Map<String, Value>,
}

impl Check<'_> {
    /// Checks all that an output needs; its own errors as lines for people.
    fn output(&mut self, graph: &mut Value, id: &str) -> Result<(), Vec<String>> {
        let passed = match self.node(graph, id) {
            Ok(passed) => passed,
            Err(fault) => {
                self.seen.insert(id.to_owned(), Seen::Done(false, vec![fault.at_output()]));
                false
            }
        };
        if passed {
            return Ok(());
        }
        let mut own = vec![];
        for (node, seen) in &self.seen {
            let Seen::Done(false, reasons) = seen else { continue };
            if reasons.is_empty() {
                continue;
            }
            if node == id {
                own.extend(reasons.iter().map(line));
            }
            let class = graph.get(node).and_then(|node| node.get("class_type"));
            let entry = self.node_errors.entry(node.clone()).or_insert_with(
                || json!({"errors": reasons, "dependent_outputs": [], "class_type": class}),
            );
            if let Some(outputs) = entry.get_mut("dependent_outputs").and_then(Value::as_array_mut)
            {
                outputs.push(id.into());
            }
        }
        Err(own)
    }

    /// Whether a node and all before it can run.
    fn node(&mut self, graph: &mut Value, id: &str) -> Result<bool, check::Fault> {
        match self.seen.get(id) {
            Some(Seen::Done(passed, _)) => return Ok(*passed),
            Some(Seen::Open) => return Ok(false),
            None => {}
        }
        self.seen.insert(id.to_owned(), Seen::Open);
        let node = graph.get(id).ok_or_else(|| check::Fault::key(id))?;
        if node.get("inputs").is_none() {
            return Err(check::Fault::key("inputs"));
        }
        let name = node.get("class_type").and_then(Value::as_str).unwrap_or_default();
        let class = Class::find(name).ok_or_else(|| check::Fault::key(name))?;
        let mut errors = Errors::default();
        let mut whole = true;
        for (name, kind, required) in class.inputs() {
            let value = graph.pointer(&format!("/{}/inputs/{name}", pointer(id))).cloned();
            let config = || kind.describe(self.stock.models, self.stock.uploads);
            match value {
                None if required => errors.missing(name),
                None => {}
                Some(value @ Value::Array(_)) => {
                    whole &= self.linked(graph, name, &config(), &value, &mut errors)?;
                }
                Some(value) => {
                    let kept = check::value(name, kind, &value, self.stock, &mut errors);
                    if let Some(kept) = kept {
                        set(graph, id, name, kept);
                    }
                }
            }
        }
        let passed = whole && errors.0.is_empty();
        self.seen.insert(id.to_owned(), Seen::Done(passed, errors.0));
        Ok(passed)
    }

    /// Whether a linked input gets what it needs from a node that can run.
    fn linked(
        &mut self,
        graph: &mut Value,
        name: &str,
        config: &Value,
        value: &Value,
        errors: &mut Errors,
    ) -> Result<bool, check::Fault> {
        let Some((from, slot)) = link(value) else {
            errors.bad_link(name, config, value);
            return Ok(true);
        };
        let class = graph
            .get(&from)
            .and_then(|node| node.get("class_type"))
            .and_then(Value::as_str)
            .and_then(Class::find)
            .ok_or_else(|| check::Fault::key(&from))?;
        let (given, _) = class.outputs.get(slot).ok_or_else(check::Fault::index)?;
        let wanted = config.get(0).and_then(Value::as_str).unwrap_or("COMBO");
        if wanted != "*" && wanted != *given {
            errors.mismatch(name, config, given, value);
            return Ok(true);
        }
        if self.depth == DEPTH {
            return Ok(false);
        }
        self.depth += 1;
        let checked = self.node(graph, &from);
        self.depth -= 1;
        match checked {
            Ok(passed) => Ok(passed),
            Err(fault) => {
                let reason = fault.inside(name, config, value);
                self.seen.insert(from, Seen::Done(false, vec![reason]));
                Ok(false)
            }
        }
    }
}

fn line(reason: &Value) -> String {
    let text = |key: &str| reason.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("{}: {}", text("message"), text("details"))
}

/// A node id as a step of a JSON pointer.
fn pointer(id: &str) -> String {
    id.replace('~', "~0").replace('/', "~1")
}

fn set(graph: &mut Value, id: &str, name: &str, value: Value) {
    if let Some(place) = graph.pointer_mut(&format!("/{}/inputs/{name}", pointer(id))) {
        *place = value;
    }
}

/// The order in which the nodes that `outputs` need are run; `done` need no run and hide what
/// is behind them.
pub(super) fn order(graph: &Value, outputs: &[String], done: &BTreeSet<String>) -> Vec<String> {
    let mut waiting = needed(graph, outputs, done);
    let mut order: Vec<String> = vec![];
    while !waiting.is_empty() {
        let ready = |id: &String| sources(graph, id).iter().all(|from| !waiting.contains(from));
        let all: Vec<usize> =
            (0..).zip(&waiting).filter(|(_, id)| ready(id)).map(|(at, _)| at).collect();
        let kept = |at: &&usize| {
            waiting.get(**at).and_then(|id| node(graph, id)).is_some_and(|n| n.class.output_node)
        };
        // An output goes first, so that its picture is seen early.
        let Some(at) = all.iter().find(kept).or(all.first()) else { break };
        order.push(waiting.remove(*at));
    }
    order
}

/// What must run, found from the outputs backwards.
fn needed(graph: &Value, outputs: &[String], done: &BTreeSet<String>) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    for output in outputs {
        let mut open = vec![output.clone()];
        while let Some(id) = open.pop() {
            if found.contains(&id) {
                continue;
            }
            open.extend(sources(graph, &id).into_iter().filter(|from| !done.contains(from)));
            found.push(id);
        }
    }
    found
}

/// The nodes whose results this one takes. Links at inputs that its class does not have were not
/// checked and lead nowhere.
fn sources(graph: &Value, id: &str) -> Vec<String> {
    let Some(node) = node(graph, id) else { return vec![] };
    let taken = node.inputs.iter().filter(|(name, _)| node.class.takes(name));
    taken.filter_map(|(_, value)| link(value)).map(|(from, _)| from).collect()
}
