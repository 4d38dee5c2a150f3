//! The errors of single inputs, in the words and with the fields that ComfyUI 0.3.64 gives them.
use serde_json::{Value, json};

use super::graph::Stock;
use super::nodes::Kind;

/// The errors of one node, in the order of its inputs.
#[derive(Default)]
pub(super) struct Errors(pub(super) Vec<Value>);

impl Errors {
    fn add(&mut self, kind: &str, message: &str, details: &str, extra: &Value) {
        let error =
            json!({"type": kind, "message": message, "details": details, "extra_info": extra});
        self.0.push(error);
    }

    pub(super) fn missing(&mut self, name: &str) {
        let extra = json!({"input_name": name});
        self.add("required_input_missing", "Required input is missing", name, &extra);
    }

    pub(super) fn bad_link(&mut self, name: &str, config: &Value, value: &Value) {
        let message = "Bad linked input, must be a length-2 list of [node_id, slot_index]";
        let extra = json!({"input_name": name, "input_config": config, "received_value": value});
        self.add("bad_linked_input", message, name, &extra);
    }

    pub(super) fn mismatch(&mut self, name: &str, config: &Value, given: &str, value: &Value) {
        let wanted = config.get(0).and_then(Value::as_str).unwrap_or("COMBO");
        let details = format!("{name}, received_type({given}) mismatch input_type({wanted})");
        let extra = json!({
            "input_name": name, "input_config": config,
            "received_type": given, "linked_node": value,
        });
        let message = "Return type mismatch between linked nodes";
        self.add("return_type_mismatch", message, &details, &extra);
    }

    fn not_a(&mut self, name: &str, config: &Value, value: &Value, why: &str) {
        let kind = config.get(0).and_then(Value::as_str).unwrap_or_default();
        let message = format!("Failed to convert an input value to a {kind} value");
        let details = format!("{name}, {}, {why}", plain(value));
        let extra = json!({
            "input_name": name, "input_config": config,
            "received_value": value, "exception_message": why,
        });
        self.add("invalid_input_type", &message, &details, &extra);
    }

    fn range(&mut self, name: &str, config: &Value, value: &Value, bound: &str) {
        let (kind, word) = match bound {
            "min" => ("value_smaller_than_min", "smaller"),
            _ => ("value_bigger_than_max", "bigger"),
        };
        let limit = config.pointer(&format!("/1/{bound}")).cloned().unwrap_or_default();
        let message = format!("Value {} {word} than {bound} of {}", plain(value), plain(&limit));
        let extra = json!({"input_name": name, "input_config": config, "received_value": value});
        self.add(kind, &message, name, &extra);
    }

    fn not_listed(&mut self, name: &str, config: &Value, value: &Value, choices: &[String]) {
        let short = choices.len() <= 20;
        let list = if short {
            let quoted: Vec<_> = choices.iter().map(|choice| format!("'{choice}'")).collect();
            format!("[{}]", quoted.join(", "))
        } else {
            format!("(list of length {})", choices.len())
        };
        let details = format!("{name}: '{}' not in {list}", plain(value));
        let config = short.then_some(config);
        let extra = json!({"input_name": name, "input_config": config, "received_value": value});
        self.add("value_not_in_list", "Value not in list", &details, &extra);
    }

    fn unreadable(&mut self, name: &str, value: &Value) {
        let details = format!("{name} - Invalid image file: {}", plain(value));
        let extra = json!({"input_name": name});
        self.add("custom_validation_failed", "Custom validation failed for node", &details, &extra);
    }
}

/// Checks a value that is not a link; gives back what the graph holds from then on.
pub(super) fn value(
    name: &str,
    kind: Kind,
    value: &Value,
    stock: &Stock,
    errors: &mut Errors,
) -> Option<Value> {
    let config = kind.describe(stock.models, stock.uploads);
    match kind {
        Kind::Int { min, max, .. } => match integer(value) {
            Err(why) => errors.not_a(name, &config, value, &why),
            Ok(number) => {
                let kept = number_value(number, value);
                if number < i128::from(min) {
                    errors.range(name, &config, &kept, "min");
                } else if number > i128::from(max) {
                    errors.range(name, &config, &kept, "max");
                }
                return Some(kept);
            }
        },
        Kind::Float { min, max, .. } => match decimal(value) {
            Err(why) => errors.not_a(name, &config, value, &why),
            Ok(number) => {
                let kept = json!(number);
                if number < min {
                    errors.range(name, &config, &kept, "min");
                } else if number > max {
                    errors.range(name, &config, &kept, "max");
                }
                return Some(kept);
            }
        },
        Kind::Upload => {
            if !value.as_str().is_some_and(|file| (stock.readable)(file)) {
                errors.unreadable(name, value);
            }
        }
        Kind::OneOf(_) | Kind::File(_) => {
            let choices = kind.choices(stock.models, stock.uploads).unwrap_or_default();
            if !value.as_str().is_some_and(|value| choices.iter().any(|choice| choice == value)) {
                errors.not_listed(name, &config, value, &choices);
            }
        }
        Kind::Text | Kind::Line(_) if !value.is_string() => return Some(plain(value).into()),
        Kind::Text | Kind::Line(_) | Kind::Link(_) => {}
    }
    None
}

/// A whole number, also out of text and by cutting a decimal one.
fn integer(value: &Value) -> Result<i128, String> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let whole = number.as_f64().map(|n| format!("{:.0}", n.trunc())).unwrap_or_default();
            text.parse().or_else(|_| whole.parse()).map_err(|_| "cannot convert float".to_owned())
        }
        Value::Bool(on) => Ok(i128::from(*on)),
        Value::String(text) => text
            .trim()
            .parse()
            .map_err(|_| format!("invalid literal for int() with base 10: '{text}'")),
        other => Err(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            type_name(other)
        )),
    }
}

fn decimal(value: &Value) -> Result<f64, String> {
    match value {
        Value::Number(number) => Ok(number.as_f64().unwrap_or_default()),
        Value::Bool(on) => Ok(f64::from(u8::from(*on))),
        Value::String(text) => {
            text.trim().parse().map_err(|_| format!("could not convert string to float: '{text}'"))
        }
        other => Err(format!(
            "float() argument must be a string or a real number, not '{}'",
            type_name(other)
        )),
    }
}

/// JSON holds whole numbers of 64 bits; a bigger one stays as it came.
fn number_value(number: i128, original: &Value) -> Value {
    match (u64::try_from(number), i64::try_from(number)) {
        (Ok(number), _) => number.into(),
        (_, Ok(number)) => number.into(),
        _ => original.clone(),
    }
}

/// A value as it is printed inside of messages.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(huge) if number.is_f64() && huge.abs() >= 1e16 => format!("{huge:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Object(_) => "dict",
        _ => "list",
    }
}

/// What makes the checking itself stumble.
pub(super) struct Fault {
    exception: &'static str,
    message: String,
}

impl Fault {
    pub(super) fn key(name: &str) -> Self {
        Self { exception: "KeyError", message: format!("'{name}'") }
    }

    pub(super) fn index() -> Self {
        Self { exception: "IndexError", message: "tuple index out of range".to_owned() }
    }

    /// The fault as the error of an output node.
    pub(super) fn at_output(&self) -> Value {
        json!({
            "type": "exception_during_validation",
            "message": "Exception when validating node",
            "details": self.message,
            "extra_info": {"exception_type": self.exception, "traceback": TRACEBACK},
        })
    }

    /// The fault as the error of a node that another one asked for.
    pub(super) fn inside(&self, name: &str, config: &Value, link: &Value) -> Value {
        json!({
            "type": "exception_during_inner_validation",
            "message": "Exception when validating inner node",
            "details": self.message,
            "extra_info": {
                "input_name": name,
                "input_config": config,
                "exception_message": self.message,
                "exception_type": self.exception,
                "traceback": TRACEBACK,
                "linked_node": link,
            },
        })
    }
}

/// Paths of the kind that a client must not show to people.
const TRACEBACK: &[&str] =
    &["  File \"/opt/comfyui/execution.py\", line 788, in validate_inputs\n\n"];
