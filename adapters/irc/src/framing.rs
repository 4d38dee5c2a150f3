//! Lines out of bytes, bounded, lossless, never fatal; and lines into bytes, never for long.
//! What a line means is not known here.
use crate::line::IrcLine;
use inkwire_core::AdapterError;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// Tags and the line proper, as long as any server announces them.
const MAX_LINE: usize = 8191 + 8192;

pub(crate) struct Frames<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Inside a line that was too long: drop it up to its end.
    skipping: bool,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::with_capacity(1024), skipping: false }
    }

    /// The next line without its ending; `None` at the end. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> std::io::Result<Option<String>> {
        loop {
            if let Some(line) = self.cut() {
                metrics::counter!("inkwire_irc_lines_total", "direction" => "in").increment(1);
                return Ok(Some(line));
            }
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn cut(&mut self) -> Option<String> {
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = line.trim_ascii_end();
            if line.len() > MAX_LINE {
                self.overlong();
            }
            if !std::mem::take(&mut self.skipping) && !line.is_empty() {
                return Some(decode(line));
            }
        }
        if self.buffer.len() > MAX_LINE {
            self.overlong();
            self.buffer.clear();
        }
        None
    }

    fn overlong(&mut self) {
        if !std::mem::replace(&mut self.skipping, true) {
            metrics::counter!("inkwire_irc_overlong_total").increment(1);
            tracing::debug!("line too long, skipped");
        }
    }
}

/// The way to the server; it takes nothing but `IrcLine`s.
pub(crate) struct Wire<W> {
    writer: W,
    patience: Duration,
}

impl<W: AsyncWrite + Unpin> Wire<W> {
    pub(crate) fn new(writer: W, patience: Duration) -> Self {
        Self { writer, patience }
    }

    pub(crate) async fn write(&mut self, line: &IrcLine) -> Result<(), AdapterError> {
        let written = timeout(self.patience, async {
            self.writer.write_all(line.as_bytes()).await?;
            self.writer.flush().await
        });
        let why = match written.await {
            Ok(Ok(())) => {
                metrics::counter!("inkwire_irc_lines_total", "direction" => "out").increment(1);
                return Ok(());
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the server does not read".to_owned(),
        };
        Err(AdapterError::Disconnected(why))
    }
}

/// UTF-8, else what older clients send. NUL is no text at all, and neither is a CR that ends no
/// line.
fn decode(line: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(line) {
        return text.replace(['\0', '\r'], "");
    }
    let text = line.iter().filter(|byte| !matches!(byte, 0 | b'\r'));
    text.map(|byte| windows_1252(*byte)).collect()
}

/// Latin-1 with letters where that has control characters: every byte has one, so nothing is lost.
fn windows_1252(byte: u8) -> char {
    const FROM_80: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let special = byte.checked_sub(0x80).and_then(|at| FROM_80.chars().nth(at.into()));
    special.unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(bytes: &[u8], expected: &[&str]) {
        let mut frames = Frames::new(bytes);
        let mut found = vec![];
        while let Some(line) = frames.next().await.unwrap() {
            found.push(line);
        }
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn lines_end_in_lf_with_or_without_cr() {
        check(b"PING a\r\nPING b\n\r\n\nPING c", &["PING a", "PING b"]).await;
        check(b"a\0b\r\n", &["ab"]).await;
        check(b"a\rb\r\rc\r\r\n\r\rd\xe9\r\n", &["abc", "d\u{e9}"]).await;
    }

    #[tokio::test]
    async fn bytes_that_are_no_utf8_are_windows_1252() {
        check("caf\u{e9} \u{1f98a}\n".as_bytes(), &["caf\u{e9} \u{1f98a}"]).await;
        check(b"caf\xe9 \xffx\n", &["caf\u{e9} \u{ff}x"]).await;
        check(b"\x80\x93fox\x94\x9f\n", &["\u{20ac}\u{201c}fox\u{201d}\u{178}"]).await;
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_skipped_alone() {
        let long = vec![b'x'; 3 * MAX_LINE];
        check(&[b"a\n", &*long, b"\nb\n"].concat(), &["a", "b"]).await;
        let longest = "x".repeat(MAX_LINE);
        check(format!("{longest}\nb\n").as_bytes(), &[&longest, "b"]).await;
        check(&[&*long, b"\r\r\n\n", &long].concat(), &[]).await;
    }

    #[tokio::test]
    async fn a_line_without_an_end_takes_no_memory() {
        let endless = tokio::io::repeat(b'x').take(1 << 24);
        let mut frames = Frames::new(endless.chain(&b"\nPING a\n"[..]));
        assert_eq!(frames.next().await.unwrap().as_deref(), Some("PING a"));
        assert!(frames.buffer.capacity() <= 4 * MAX_LINE, "{}", frames.buffer.capacity());
    }
}
