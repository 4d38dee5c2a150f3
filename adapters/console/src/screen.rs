//! Lines on a terminal with a footer below them, or plain lines where nobody watches.
//! The footer is the progress bar, else the prompt; it is wiped before each line.
use crate::terminal::Writer;
use std::io;
use tokio::io::AsyncWriteExt;

const PROMPT: &str = "> ";
const WIPE: &str = "\r\x1b[2K";

pub(crate) struct Screen {
    output: Writer,
    live: bool,
    footer: Option<String>,
}

impl Screen {
    pub(crate) fn new(output: Writer, live: bool) -> Self {
        Self { output, live, footer: None }
    }

    pub(crate) fn live(&self) -> bool {
        self.live
    }

    pub(crate) async fn print(&mut self, lines: &[String]) -> io::Result<()> {
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        self.draw(&text).await
    }

    /// `None` shows the prompt.
    pub(crate) async fn footer(&mut self, footer: Option<String>) -> io::Result<()> {
        if !self.live || self.footer == footer {
            return Ok(());
        }
        self.footer = footer;
        self.draw("").await
    }

    /// Leaves no footer behind.
    pub(crate) async fn leave(&mut self) -> io::Result<()> {
        if self.live {
            self.output.write_all(WIPE.as_bytes()).await?;
        }
        self.output.flush().await
    }

    async fn draw(&mut self, text: &str) -> io::Result<()> {
        let footer = self.footer.as_deref().unwrap_or(PROMPT);
        let (wipe, footer) = if self.live { (WIPE, footer) } else { ("", "") };
        let written = self.output.write_all(format!("{wipe}{text}{footer}").as_bytes()).await;
        let written = written.and(self.output.flush().await);
        // Whoever watched is gone.
        self.live &= written.is_ok();
        written
    }
}
