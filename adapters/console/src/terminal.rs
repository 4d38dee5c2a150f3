//! Where lines come from and go to: the process's own ends, or any others.
//! It moves bytes and knows no lines.
use inkwire_core::Reader;
use std::io::{IsTerminal, Read};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt, DuplexStream},
    runtime::Handle,
};

const CHUNK: usize = 8 * 1024;

pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Both ends, not yet opened.
pub struct Terminal(Source);

enum Source {
    Process,
    Given(Ends),
}

pub(crate) struct Ends {
    pub(crate) input: Reader,
    pub(crate) output: Writer,
    /// Somebody watches: there is a prompt, and progress is redrawn in place.
    pub(crate) live: bool,
}

impl Terminal {
    /// Standard input and output; drawn on where both are a terminal.
    pub fn standard() -> Self {
        Self(Source::Process)
    }

    /// Any two ends; `live` draws a prompt and progress in place.
    pub fn over(
        input: impl tokio::io::AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
        live: bool,
    ) -> Self {
        Self(Source::Given(Ends { input: Box::new(input), output: Box::new(output), live }))
    }

    pub(crate) fn open(self) -> Ends {
        match self.0 {
            Source::Given(ends) => ends,
            Source::Process => Ends {
                input: Box::new(standard_input()),
                output: Box::new(tokio::io::stdout()),
                live: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
            },
        }
    }
}

/// A thread of its own reads: Tokio's would keep the runtime from ending until Enter is pressed.
fn standard_input() -> DuplexStream {
    let (near, mut far) = tokio::io::duplex(CHUNK);
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let mut chunk = [0; CHUNK];
        let mut input = std::io::stdin().lock();
        while let Ok(read @ 1..) = input.read(&mut chunk) {
            let bytes = chunk.get(..read).unwrap_or_default();
            if runtime.block_on(far.write_all(bytes)).is_err() {
                break;
            }
        }
    });
    near
}
