//! The wire, and what the server itself is to hear: pongs at once, all else in order.
//! What is said to people, and when anything is, is decided in `order`.
use crate::{framing::Wire, line::IrcLine};
use inkwire_core::AdapterError;
use std::collections::VecDeque;
use tokio::{io::AsyncWrite, sync::mpsc};

/// Lines that wait for the limits; beyond it they wait in their channel.
const MAX_URGENT: usize = 256;

pub(super) struct Control<W> {
    wire: Wire<W>,
    lines: mpsc::Receiver<IrcLine>,
    urgent: VecDeque<IrcLine>,
}

impl<W: AsyncWrite + Unpin> Control<W> {
    pub(super) fn new(wire: Wire<W>, lines: mpsc::Receiver<IrcLine>) -> Self {
        Self { wire, lines, urgent: VecDeque::new() }
    }

    /// The next line to take; `None` when nobody listens to the server any more. Dropping the
    /// future loses nothing.
    pub(super) async fn next(&mut self) -> Option<IrcLine> {
        self.lines.recv().await
    }

    pub(super) fn has_room(&self) -> bool {
        self.urgent.len() < MAX_URGENT
    }

    /// Whoever is late with a pong is taken for dead.
    pub(super) async fn take(&mut self, line: IrcLine) -> Result<(), AdapterError> {
        if line.is_pong() {
            return self.write(&line).await;
        }
        self.urgent.push_back(line);
        Ok(())
    }

    /// Waits for something slow, such as a disk, and leaves the wire to the server meanwhile.
    pub(super) async fn meanwhile<T>(
        &mut self,
        slow: impl Future<Output = T>,
    ) -> Result<T, AdapterError> {
        tokio::pin!(slow);
        loop {
            let has_room = self.has_room();
            tokio::select! {
                biased;
                done = &mut slow => return Ok(done),
                Some(line) = self.lines.recv(), if has_room => self.take(line).await?,
            }
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.urgent.is_empty()
    }

    pub(super) fn pop(&mut self) -> Option<IrcLine> {
        self.urgent.pop_front()
    }

    pub(super) async fn write(&mut self, line: &IrcLine) -> Result<(), AdapterError> {
        self.wire.write(line).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use irc::proto::Command;
    use std::time::Duration;
    use tokio::{
        io::{AsyncBufReadExt, BufReader},
        sync::oneshot,
    };

    #[tokio::test]
    async fn a_pong_goes_out_while_something_slow_is_awaited() {
        let (ours, theirs) = tokio::io::duplex(1024);
        let (lines, control) = mpsc::channel(4);
        let mut control = Control::new(Wire::new(ours, Duration::from_secs(10)), control);
        let line = IrcLine::command(Command::PING("a".into(), None));
        lines.send(line.clone()).await.unwrap();
        lines.send(IrcLine::command(Command::PONG("b".into(), None))).await.unwrap();
        let (done, slow) = oneshot::channel();
        let server = async {
            let mut heard = String::new();
            BufReader::new(theirs).read_line(&mut heard).await.unwrap();
            done.send(heard).unwrap();
        };
        let (heard, ()) = tokio::join!(control.meanwhile(slow), server);
        assert_eq!(heard.unwrap().unwrap(), "PONG b\r\n");
        assert_eq!(control.pop(), Some(line), "it waits for the limits");
    }
}
