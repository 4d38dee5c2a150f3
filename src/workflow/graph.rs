//! A graph in `ComfyUI`'s API format: node id to `{class_type, inputs, _meta?}`. It is only ever
//! read and written as JSON values, never as text.
use crate::written::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Always a JSON object of nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Graph(Map<String, Value>);

impl Graph {
    pub fn new(nodes: Map<String, Value>) -> Self {
        Self(nodes)
    }

    /// Reads an export; the problem says what to click where it is not one.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| not_json(file, &error))?;
        let Value::Object(nodes) = value else {
            return Err(Problem::new(file, "is not a graph: it must be a JSON object of nodes"));
        };
        if nodes.get("nodes").is_some_and(Value::is_array) {
            return Err(Problem::new(file, EDITOR_FORMAT));
        }
        let graph = Self(nodes);
        match graph.0.iter().find(|(_, node)| !is_node(node)) {
            Some((id, _)) => {
                let what = format!("node {id} has no `class_type` text and `inputs` object");
                Err(Problem::new(file, what))
            }
            None if graph.0.is_empty() => Err(Problem::new(file, "has no nodes")),
            None => Ok(graph),
        }
    }

    pub fn nodes(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Node ids with their classes.
    pub fn classes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(|(id, node)| Some((id.as_str(), node.get("class_type")?.as_str()?)))
    }

    pub fn class_of(&self, node: &str) -> Option<&str> {
        self.0.get(node)?.get("class_type")?.as_str()
    }

    pub fn inputs(&self, node: &str) -> Option<&Map<String, Value>> {
        self.0.get(node)?.get("inputs")?.as_object()
    }

    /// Every input of every node: node id, input name, value.
    pub fn all_inputs(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.0.iter().flat_map(|(id, node)| {
            let inputs = node.get("inputs").and_then(Value::as_object);
            inputs.into_iter().flatten().map(|(name, value)| (id.as_str(), name.as_str(), value))
        })
    }

    /// Every link: node id, input name, the id of the node it comes from.
    pub fn links(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.all_inputs().filter_map(|(id, name, value)| Some((id, name, link_source(value)?)))
    }

    /// The value of an input, to be replaced by another value; never a link.
    pub(super) fn literal_mut(&mut self, node: &str, input: &str) -> Option<&mut Value> {
        let value = self.0.get_mut(node)?.get_mut("inputs")?.get_mut(input)?;
        (!value.is_array() && !value.is_object()).then_some(value)
    }
}

const EDITOR_FORMAT: &str = "is in the editor's own format; in ComfyUI choose \
                             Workflow > Export (API) and save that file instead";

fn not_json(file: &str, error: &serde_json::Error) -> Problem {
    let line = u64::try_from(error.line()).ok();
    Problem { line, ..Problem::new(file, format!("is not whole JSON: {error}")) }
}

fn is_node(node: &Value) -> bool {
    node.get("class_type").is_some_and(Value::is_string)
        && node.get("inputs").is_some_and(Value::is_object)
}

/// The id of the node that a link comes from; `None` for a plain value.
pub(super) fn link_source(value: &Value) -> Option<&str> {
    match value.as_array()?.as_slice() {
        [Value::String(source), Value::Number(_)] => Some(source),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let problem = Graph::parse("x.json", text).expect_err(text);
        assert!(problem.to_string().contains(expected), "{text}: {problem}");
    }

    #[test]
    fn what_is_not_an_export_is_refused_in_plain_words() {
        check("", "x.json:1: is not whole JSON");
        check(r#"{"3": {"class_type": "KSampler","#, "is not whole JSON");
        check("[]", "must be a JSON object of nodes");
        check("{}", "has no nodes");
        check(r#"{"3": 4}"#, "node 3 has no `class_type`");
        check(r#"{"3": {"class_type": "KSampler"}}"#, "`inputs` object");
        check(r#"{"nodes": [], "links": [], "version": 0.4}"#, "Workflow > Export (API)");
        check(&"[".repeat(1000), "is not whole JSON");
        check(&format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500)), "recursion limit");
    }
}
