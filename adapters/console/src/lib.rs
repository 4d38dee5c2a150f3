//! The smallest complete adapter, and the one to copy: a line in is a request, lines out are
//! outcomes. Two halves run at once, so that sending never waits for a commit.
mod config;
mod receive;
mod render;
mod screen;
mod send;
mod terminal;
#[cfg(test)]
mod tests;

pub use config::ConsoleConfig;
pub use terminal::Terminal;

use async_trait::async_trait;
use inkwire_core::{Adapter, AdapterError, AdapterId, Capabilities, Link};
use screen::Screen;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// Often enough to look alive.
const REDRAW: Duration = Duration::from_millis(100);
/// Answers that wait to be printed; when full, reading waits.
const ANSWERS: usize = 16;

pub struct Console {
    config: ConsoleConfig,
    /// Taken by the first `run`: a console has no connection to lose, hence there is one run.
    terminal: Mutex<Option<Terminal>>,
}

impl Console {
    pub fn new(config: ConsoleConfig, terminal: Terminal) -> Self {
        Self { config, terminal: Mutex::new(Some(terminal)) }
    }
}

#[async_trait]
impl Adapter for Console {
    fn id(&self) -> &AdapterId {
        &self.config.id
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_text: render::MAX_TEXT,
            update_interval: REDRAW,
            ..Capabilities::default()
        }
    }

    async fn run(&self, link: &mut Link) -> Result<(), AdapterError> {
        let terminal = self.terminal.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(terminal) = terminal else { return Ok(()) };
        let ends = terminal.open();
        let (tx, answers) = mpsc::channel(ANSWERS);
        let screen = Screen::new(ends.output, ends.live);
        let receiving = receive::receive(&self.config, link, ends.input, tx);
        let sending = send::send(&link.outbox, screen, answers);
        tokio::pin!(receiving, sending);
        tokio::select! {
            () = &mut sending => return Ok(()),
            () = &mut receiving => {}
        }
        sending.await;
        Ok(())
    }
}
