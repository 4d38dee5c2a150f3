//! Lines to requests. It reads one line at a time and waits for its commit, which is all the
//! back-pressure a console needs; lines are bounded, odd bytes are replaced.
use crate::{ConsoleConfig, render};
use inkwire_core::{
    Address, Author, Batch, Body, EventKey, Health, Heard, Link, Place, PlaceKind, Powers, Reader,
    Refused, Request, Time, Trust,
    trigger::{self, Said},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::mpsc,
};

pub(crate) async fn receive(
    config: &ConsoleConfig,
    link: &Link,
    input: Reader,
    answers: mpsc::Sender<Vec<String>>,
) {
    link.health.set(Health::Up);
    let started = link.clock.now();
    let mut lines = Lines::new(input, config.max_line_bytes);
    for number in 0u64.. {
        let typed = tokio::select! {
            typed = lines.next() => typed,
            () = link.token.cancelled() => Line::End,
            () = answers.closed() => Line::End,
        };
        let answer = match typed {
            Line::End => break,
            Line::TooLong => vec![render::too_long(config.max_line_bytes)],
            Line::Text(text) => {
                let Some(words) = heard(link, &text) else { continue };
                let key = EventKey(format!("{}-{number}", started.0));
                hand_in(link, request(config, key, words, link.clock.now())).await
            }
        };
        if answers.send(answer).await.is_err() {
            break;
        }
    }
    link.health.set(Health::InputEnded);
}

/// The words without a trigger; everything typed here is meant for us.
fn heard(link: &Link, text: &str) -> Option<String> {
    let rules = &link.surface.borrow().triggers;
    let said = Said { room: "", direct: true, text };
    let words = trigger::hear(rules, &said)?.text;
    (!words.is_empty()).then(|| words.to_owned())
}

/// What to print once it is committed, or why it is not.
async fn hand_in(link: &Link, request: Request) -> Vec<String> {
    let prefix = link.surface.borrow().triggers.prefixes.first().cloned().unwrap_or_default();
    loop {
        let batch = Batch { requests: vec![request.clone()], ..Batch::default() };
        let retry_in = match link.inbox.deliver(batch).await {
            Ok(admitted) => {
                return admitted.iter().flat_map(|one| render::admitted(one, &prefix)).collect();
            }
            Err(Refused::Saturated { retry_in }) => retry_in,
            Err(refused) => return vec![render::refused(&refused)],
        };
        tokio::select! {
            () = tokio::time::sleep(retry_in) => {}
            () = link.token.cancelled() => return vec![render::refused(&Refused::Stopping)],
        }
    }
}

fn request(config: &ConsoleConfig, id: EventKey, words: String, now: Time) -> Request {
    let (adapter, room) = (config.id.clone(), render::ROOM.into());
    Request {
        id,
        from: Author {
            adapter: adapter.clone(),
            id: config.operator.as_str().into(),
            name: config.operator.clone(),
            trust: Trust::Account,
            powers: Powers::default(),
        },
        reply_to: Address { adapter, room, message: None, thread: None },
        // The answer comes with the commit: a console asks again rather than being told later.
        place: Place { kind: PlaceKind::Api, encrypted: false },
        heard: Heard::Typed,
        about: None,
        body: Body::Text(words),
        attachments: vec![],
        patience: None,
        sent_at: now,
    }
}

enum Line {
    Text(String),
    TooLong,
    End,
}

/// Lines of at most `max` bytes. Dropping `next` loses nothing.
struct Lines {
    input: BufReader<Reader>,
    line: Vec<u8>,
    max: usize,
}

impl Lines {
    fn new(input: Reader, max: usize) -> Self {
        Self { input: BufReader::new(input), line: vec![], max }
    }

    /// An input that cannot be read has ended.
    async fn next(&mut self) -> Line {
        loop {
            let chunk = self.input.fill_buf().await.unwrap_or_default();
            if chunk.is_empty() {
                return if self.line.is_empty() { Line::End } else { self.take() };
            }
            let part = chunk.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
            // One byte more than fits, to tell a full line from a longer one.
            let room = (self.max + 1).saturating_sub(self.line.len());
            let (used, ended) = (part.len(), part.ends_with(b"\n"));
            self.line.extend(part.iter().filter(|byte| **byte != b'\n').take(room));
            self.input.consume(used);
            if ended {
                return self.take();
            }
        }
    }

    fn take(&mut self) -> Line {
        let line = std::mem::take(&mut self.line);
        if line.len() > self.max {
            return Line::TooLong;
        }
        Line::Text(String::from_utf8_lossy(&line).into_owned())
    }
}
