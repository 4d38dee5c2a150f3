//! The least client that does the same work: one connection, one request after the other, and the
//! same picture functions. It knows no job, no queue and no store.
use anyhow::{Context, bail};
use bytes::Bytes;
use inkwire::picture::process;
use serde_json::Value;
use std::{
    fs::{self, File},
    io::Write,
    net::SocketAddr,
    path::Path,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
    task::spawn_blocking,
};

/// Of pictures that are posted, as the service has it by default.
const QUALITY: f32 = 80.0;

pub(crate) struct Bare {
    stream: BufStream<TcpStream>,
    host: SocketAddr,
}

impl Bare {
    pub(crate) async fn connect(host: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufStream::new(stream), host })
    }

    /// The body of a 200 that says how long it is.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Vec<u8>> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host);
        self.stream.write_all(request.as_bytes()).await?;
        self.stream.flush().await?;
        let (mut length, mut status) = (0, String::new());
        self.stream.read_line(&mut status).await?;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        if !status.starts_with("HTTP/1.1 200") {
            bail!("GET {path}: {}", status.trim());
        }
        Ok(body)
    }

    /// From a prompt's end to its picture on the disk.
    pub(crate) async fn keep(&mut self, id: &str, dir: &Path) -> anyhow::Result<()> {
        let entry: Value = serde_json::from_slice(&self.get(&format!("/history/{id}")).await?)?;
        let file = entry.pointer(&format!("/{id}/outputs/9/images/0/filename"));
        let file = file.and_then(Value::as_str).context("a picture")?;
        let path = format!("/view?filename={file}&subfolder=&type=output");
        let bytes = Bytes::from(self.get(&path).await?);
        let dir = dir.to_owned();
        spawn_blocking(move || make(&bytes, &dir)).await?
    }
}

/// The picture lasts, the thumbnail need not.
fn make(bytes: &[u8], dir: &Path) -> anyhow::Result<()> {
    let made = process(bytes, QUALITY)?;
    fs::write(dir.join("thumbnail"), &made.thumbnail.webp)?;
    let mut file = File::create(dir.join("draft"))?;
    file.write_all(&made.webp)?;
    file.sync_all()?;
    fs::rename(dir.join("draft"), dir.join("picture"))?;
    File::open(dir)?.sync_all()?;
    Ok(())
}
