//! What a `ComfyUI` says over its socket, decoded. Pure: any bytes give a frame, most of them `Other`.
//! Frames are hints: what is true is asked of `/history` and `/queue`.
use super::{lenient, picture_kind};
use bytes::{Buf, Bytes};
use serde_json::Value;

/// A preview larger than this is a result that somebody sends through the socket.
const LARGEST_PREVIEW: usize = 4 << 20;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Frame {
    Started {
        prompt: String,
    },
    /// Nodes that need no work this time.
    Cached {
        prompt: String,
        nodes: Vec<String>,
    },
    Executing {
        prompt: String,
        node: String,
    },
    Nodes {
        prompt: String,
        nodes: Vec<Step>,
    },
    /// It succeeded, failed or was interrupted: time to look into the history.
    Ended {
        prompt: String,
    },
    /// Older servers do not say whose preview it is: that of the last prompt seen at work.
    Preview {
        prompt: Option<String>,
        mime: &'static str,
        bytes: Bytes,
    },
    Other,
}

/// How far one node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) node: String,
    pub(super) value: f64,
    pub(super) max: f64,
    pub(super) finished: bool,
}

impl Frame {
    pub(super) fn text(bytes: &[u8]) -> Self {
        lenient::parse(bytes).and_then(|message| decode(&message)).unwrap_or(Self::Other)
    }

    pub(super) fn binary(bytes: Bytes) -> Self {
        preview(bytes).unwrap_or(Self::Other)
    }

    pub(super) fn prompt(&self) -> Option<&str> {
        match self {
            Self::Started { prompt }
            | Self::Cached { prompt, .. }
            | Self::Executing { prompt, .. }
            | Self::Nodes { prompt, .. }
            | Self::Ended { prompt } => Some(prompt),
            Self::Preview { prompt, .. } => prompt.as_deref(),
            Self::Other => None,
        }
    }
}

fn decode(message: &Value) -> Option<Frame> {
    let data = message.get("data")?;
    let prompt = data.get("prompt_id")?.as_str()?.to_owned();
    Some(match message.get("type")?.as_str()? {
        "execution_start" => Frame::Started { prompt },
        "execution_cached" => Frame::Cached { prompt, nodes: texts(data.get("nodes")?) },
        "executing" => match text(data, "node") {
            Some(node) => Frame::Executing { prompt, node },
            None => Frame::Ended { prompt },
        },
        "progress" => {
            let step = step(&text(data, "node")?, data)?;
            Frame::Nodes { prompt, nodes: vec![step] }
        }
        "progress_state" => {
            let nodes = data.get("nodes")?.as_object()?;
            let nodes = nodes.iter().filter_map(|(id, state)| step(id, state)).collect();
            Frame::Nodes { prompt, nodes }
        }
        // A blocked branch is reported as an error, and yet the prompt goes on.
        "execution_error" if is_blocked(data) => Frame::Other,
        "execution_success" | "execution_error" | "execution_interrupted" => {
            Frame::Ended { prompt }
        }
        _ => Frame::Other,
    })
}

pub(super) fn is_blocked(error: &Value) -> bool {
    error.get("exception_type").and_then(Value::as_str) == Some("ExecutionBlocked")
}

fn step(node: &str, state: &Value) -> Option<Step> {
    Some(Step {
        node: node.to_owned(),
        value: state.get("value")?.as_f64()?,
        max: state.get("max")?.as_f64()?,
        finished: state.get("state").and_then(Value::as_str) == Some("finished"),
    })
}

fn text(data: &Value, key: &str) -> Option<String> {
    data.get(key)?.as_str().map(str::to_owned)
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn preview(mut bytes: Bytes) -> Option<Frame> {
    let prompt = match bytes.try_get_u32().ok()? {
        1 => {
            bytes.try_get_u32().ok()?;
            None
        }
        4 => {
            let length = usize::try_from(bytes.try_get_u32().ok()?).ok()?;
            let about = (length <= bytes.len()).then(|| bytes.split_to(length))?;
            Some(text(&lenient::parse(&about)?, "prompt_id")?)
        }
        // Progress texts of nodes, and whatever comes next.
        _ => return None,
    };
    let mime = picture_kind(&bytes).filter(|mime| matches!(*mime, "image/jpeg" | "image/png"))?;
    (bytes.len() <= LARGEST_PREVIEW).then_some(Frame::Preview { prompt, mime, bytes })
}
