//! One HTTP request as bytes: tests look at what really came over the wire, headers included.
//! It knows no redirects, no TLS and no keep-alive.
use std::{collections::BTreeMap, io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What came back; header names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// # Errors
/// If nobody listens there, or what comes back is no HTTP.
pub async fn get(url: &str) -> io::Result<Reply> {
    request("GET", url).await
}

/// # Errors
/// If nobody listens there, or what comes back is no HTTP.
pub async fn request(method: &str, url: &str) -> io::Result<Reply> {
    let rest = url.strip_prefix("http://").ok_or_else(|| broken("no http address"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let exchange = async {
        let mut stream = TcpStream::connect(host).await?;
        let head =
            format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut answer = vec![];
        stream.read_to_end(&mut answer).await?;
        parse(&answer)
    };
    timeout(PATIENCE, exchange).await?
}

fn parse(answer: &[u8]) -> io::Result<Reply> {
    let gap = b"\r\n\r\n";
    let end = answer.windows(gap.len()).position(|window| window == gap);
    let (head, body) = answer.split_at(end.ok_or_else(|| broken("no head"))?);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let named = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Ok(Reply {
        status: status.ok_or_else(|| broken("no status"))?,
        headers: lines.filter_map(named).collect(),
        body: body.get(gap.len()..).unwrap_or_default().to_vec(),
    })
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
