//! A bare client: HTTP by hand and one socket, so that nothing of ours hides a mistake.
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::simulator::Simulator;

/// An answer, or as much of it as came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One request on a connection of its own; nothing if the line broke before an answer.
pub(super) async fn request(
    simulator: &Simulator,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let mut stream = TcpStream::connect(simulator.address()).await.ok()?;
    let extra: Vec<_> = headers
        .iter()
        .map(|(name, value)| {
            format!(
                "{name}: {value}
"
            )
        })
        .collect();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n",
        simulator.address(),
        body.len(),
        extra.concat()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.ok()?;
    let mut bytes = vec![];
    // A cut line is an error here and still leaves what came before it.
    while let Ok(count) = stream.read_buf(&mut bytes).await
        && count > 0
    {}
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    Some(Answer {
        status,
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body: bytes[end + 4..].to_vec(),
    })
}

pub(super) async fn get(simulator: &Simulator, path: &str) -> Answer {
    request(simulator, &format!("GET {path}"), &[], &[]).await.expect("an answer")
}

pub(super) async fn post(simulator: &Simulator, path: &str, body: &Value) -> Option<Answer> {
    let body = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
    request(simulator, &format!("POST {path}"), &[], &body).await
}

/// Queues a graph of stock nodes for this client.
pub(super) fn sketch(client: &str, color: u32) -> Value {
    json!({"client_id": client, "prompt": {
        "1": {"class_type": "EmptyImage", "inputs":
            {"width": 16, "height": 16, "batch_size": 1, "color": color}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }})
}

/// A socket and how many frames it got.
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(super) client: String,
    pub(super) got: usize,
}

/// A frame: its name, and its data unless it is a picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) kind: String,
    pub(super) data: Value,
}

impl Socket {
    pub(super) async fn open(simulator: &Simulator, client: &str) -> Self {
        let url = format!("ws://{}/ws?clientId={client}", simulator.address());
        let (stream, _) = tokio_tungstenite::connect_async(url).await.expect("a socket");
        Self { stream, client: client.to_owned(), got: 0 }
    }

    pub(super) async fn send(&mut self, message: &str) {
        self.stream.send(Message::text(message)).await.expect("sent");
    }

    pub(super) async fn close(mut self) {
        self.stream.close(None).await.expect("closed");
    }

    /// The next frame; nothing when the socket is gone.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let frame = match self.stream.next().await?.ok()? {
            Message::Text(text) => {
                let value: Value = serde_json::from_str(&text).ok()?;
                let kind = value["type"].as_str()?.to_owned();
                Frame { kind, data: value["data"].clone() }
            }
            Message::Binary(bytes) => binary(&bytes),
            _ => return None,
        };
        self.got += 1;
        Some(frame)
    }

    /// Reads up to and with the end of a prompt.
    pub(super) async fn until_end(&mut self) -> Vec<Frame> {
        let mut frames = vec![];
        while let Some(frame) = self.next().await {
            let end = frame.kind == "executing" && frame.data["node"].is_null();
            frames.push(frame);
            if end {
                break;
            }
        }
        frames
    }
}

/// A binary frame as its event number and, for event 4, what it says of itself.
fn binary(bytes: &[u8]) -> Frame {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let event = number(0);
    let data = match event {
        4 => {
            let length = usize::try_from(number(4)).unwrap();
            serde_json::from_slice(&bytes[8..8 + length]).unwrap()
        }
        _ => json!({"format": number(4)}),
    };
    assert!(bytes.windows(3).any(|window| window == [0xFF, 0xD8, 0xFF]), "no JPEG inside");
    Frame { kind: format!("binary {event}"), data }
}
