//! The node classes of an engine, in the little of them that we need: read from `/object_info`.
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nodes {
    pub classes: BTreeMap<String, NodeClass>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeClass {
    pub inputs: BTreeMap<String, Input>,
    /// Its result is kept by the engine.
    pub is_output: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub required: bool,
    pub kind: InputKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum InputKind {
    /// One of these, such as model files and samplers.
    Choice(Vec<String>),
    Integer {
        min: i64,
        max: u64,
        step: u64,
    },
    Decimal {
        min: f64,
        max: f64,
    },
    Text,
    Switch,
    /// A link to another node's output of this type.
    Link(String),
}

/// From the whole answer of `/object_info`; what has an unknown shape is left out. Class by class:
/// the whole answer as a tree takes ten times its size in memory.
impl<'de> Deserialize<'de> for Nodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Classes)
    }
}

struct Classes;

impl<'de> Visitor<'de> for Classes {
    type Value = Nodes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("node classes by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Nodes, A::Error> {
        let mut nodes = Nodes::default();
        while let Some((name, info)) = map.next_entry::<String, Value>()? {
            nodes.classes.insert(name, NodeClass::read(&info));
        }
        Ok(nodes)
    }
}

impl NodeClass {
    fn read(info: &Value) -> Self {
        let section = |name: &'static str| {
            let inputs = info.pointer(&format!("/input/{name}")).and_then(Value::as_object);
            let inputs = inputs.into_iter().flatten();
            inputs.filter_map(move |(key, spec)| {
                let input = Input { required: name == "required", kind: InputKind::read(spec)? };
                Some((key.clone(), input))
            })
        };
        Self {
            inputs: section("optional").chain(section("required")).collect(),
            is_output: info.get("output_node").and_then(Value::as_bool).unwrap_or_default(),
        }
    }
}

impl InputKind {
    /// `[TYPE, {options}]`, where a choice is either `[[..], {}]` or `["COMBO", {"options": [..]}]`.
    fn read(spec: &Value) -> Option<Self> {
        let nothing = Map::new();
        let options = spec.get(1).and_then(Value::as_object).unwrap_or(&nothing);
        Some(match spec.get(0)? {
            Value::Array(values) => Self::Choice(texts(values)),
            Value::String(kind) => match kind.as_str() {
                "COMBO" => match options.get("options").and_then(Value::as_array) {
                    Some(values) => Self::Choice(texts(values)),
                    // Filled in by the page from elsewhere: anything may be right.
                    None => Self::Text,
                },
                "INT" => integer(options),
                "FLOAT" => Self::Decimal {
                    min: options.get("min").and_then(Value::as_f64).unwrap_or(f64::MIN),
                    max: options.get("max").and_then(Value::as_f64).unwrap_or(f64::MAX),
                },
                "STRING" => Self::Text,
                "BOOLEAN" => Self::Switch,
                link => Self::Link(link.to_owned()),
            },
            _ => return None,
        })
    }
}

fn integer(options: &Map<String, Value>) -> InputKind {
    let max = options.get("max");
    InputKind::Integer {
        min: options.get("min").and_then(Value::as_i64).unwrap_or(i64::MIN),
        // A negative maximum leaves nothing that we could ask for.
        max: max.map_or(u64::MAX, |max| {
            max.as_u64().unwrap_or(if max.is_i64() { 0 } else { u64::MAX })
        }),
        step: options.get("step").and_then(Value::as_u64).unwrap_or(1).max(1),
    }
}

fn texts(values: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    values.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(spec: &Value) -> Option<InputKind> {
        let info = json!({"Node": {"input": {"required": {"x": spec}}}});
        let nodes: Nodes = serde_json::from_value(info).unwrap();
        nodes.classes["Node"].inputs.get("x").map(|input| input.kind.clone())
    }

    #[test]
    fn inputs_of_all_shapes_are_read() {
        let check = |spec: Value, expected: Option<InputKind>| {
            assert_eq!(read(&spec), expected, "{spec}");
        };
        let choice = |values: &[&str]| {
            Some(InputKind::Choice(values.iter().map(|value| (*value).to_owned()).collect()))
        };
        check(json!([["a", "b"], {}]), choice(&["a", "b"]));
        check(json!([["a", 2, true]]), choice(&["a", "2", "true"]));
        check(json!(["COMBO", {"options": ["a", "b"]}]), choice(&["a", "b"]));
        check(json!(["COMBO", {"remote": {}}]), Some(InputKind::Text));
        check(
            json!(["INT", {"min": 16, "max": 16384, "step": 8}]),
            Some(InputKind::Integer { min: 16, max: 16384, step: 8 }),
        );
        check(
            json!(["INT", {"min": -5, "max": 18_446_744_073_709_551_615_u64}]),
            Some(InputKind::Integer { min: -5, max: u64::MAX, step: 1 }),
        );
        check(
            json!(["FLOAT", {"min": 0, "max": 100.5}]),
            Some(InputKind::Decimal { min: 0.0, max: 100.5 }),
        );
        check(json!(["STRING", {"multiline": true}]), Some(InputKind::Text));
        check(json!(["BOOLEAN"]), Some(InputKind::Switch));
        check(json!(["MODEL", {"tooltip": "x"}]), Some(InputKind::Link("MODEL".into())));
        check(json!([]), None);
        check(json!("INT"), None);
        check(json!([7]), None);
    }

    #[test]
    fn classes_know_what_they_need_and_whether_they_keep_results() {
        let info = json!({
            "Save": {"input": {"required": {"a": ["IMAGE"]}, "optional": {"b": ["INT"]},
                     "hidden": {"prompt": "PROMPT"}}, "output_node": true},
            "Bare": {},
            "Odd": 7,
        });
        let nodes: Nodes = serde_json::from_value(info).unwrap();
        let save = &nodes.classes["Save"];
        assert_eq!(
            (save.inputs["a"].required, save.inputs["b"].required, save.inputs.len()),
            (true, false, 2)
        );
        assert!(save.is_output && !nodes.classes["Bare"].is_output);
        assert_eq!(nodes.classes["Odd"], NodeClass::default());
        assert!(serde_json::from_value::<Nodes>(Value::Null).is_err());
    }
}
