//! The hearing half of a connection: lines in, silence noticed, and what is due in time.
//! It does the I/O; what a message means is `session`'s business.
use crate::{
    config::Timeouts,
    connection::message,
    dial::{Stream, lost},
    framing::Frames,
    lag::Lag,
    line::IrcLine,
    receipts::Signs,
    session::{Reaction, Session},
};
use inkwire_core::{AdapterError, Link, Request};
use irc::proto::Message;
use metrics::Gauge;
use std::{convert::Infallible, time::Duration};
use tokio::{
    io::ReadHalf,
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// Where what is heard goes.
pub(crate) struct Heard {
    /// Lines that the server wants at once.
    pub(crate) control: mpsc::Sender<IrcLine>,
    pub(crate) asked: mpsc::Sender<Request>,
    /// What becomes of lines of ours.
    pub(crate) signs: Signs,
}

pub(crate) struct Listener {
    frames: Frames<ReadHalf<Stream>>,
    session: Session,
    heard: Heard,
    lag: Lag,
    /// Where the lag is shown.
    gauge: Gauge,
    /// Silence after which the server is asked whether it is there.
    idle: Duration,
    pong: Duration,
}

impl Listener {
    pub(crate) fn new(
        frames: Frames<ReadHalf<Stream>>,
        session: Session,
        heard: Heard,
        gauge: Gauge,
        timeouts: &Timeouts,
    ) -> Self {
        let (idle, pong) = (timeouts.idle_secs, timeouts.pong_secs);
        let (idle, pong) = (Duration::from_secs(idle), Duration::from_secs(pong));
        Self { frames, session, heard, lag: Lag::default(), gauge, idle, pong }
    }

    pub(crate) async fn run(&mut self, link: &Link) -> Result<Infallible, AdapterError> {
        let (mut heard_at, mut pinged) = (Instant::now(), false);
        loop {
            let silent_until = heard_at + if pinged { self.idle + self.pong } else { self.idle };
            let wake_at = self.session.due();
            let answers_at = self.session.answers_due();
            tokio::select! {
                next = self.frames.next() => {
                    // Whatever it is: somebody is there.
                    (heard_at, pinged) = (Instant::now(), false);
                    if let Some(message) = message(next)? {
                        self.take(&message, link)?;
                    }
                }
                Some(()) = at(wake_at) => {
                    let woken = self.session.wake();
                    self.react(woken, link)?;
                }
                Some(()) = at(answers_at) => {
                    let now = link.clock.now();
                    let given_up = self.session.answers(&link.surface.borrow(), now);
                    self.react(given_up, link)?;
                }
                () = sleep_until(silent_until) => {
                    if std::mem::replace(&mut pinged, true) {
                        return Err(lost("no answer to a ping".into()));
                    }
                    let ping = self.lag.ask(Instant::now());
                    self.say(ping)?;
                }
            }
        }
    }

    /// Hands in what still waits for an answer of the server, which will not come any more.
    pub(crate) fn end(mut self, link: &Link) -> Session {
        let waiting = self.session.end(&link.surface.borrow(), link.clock.now());
        // There is nobody to say anything to.
        self.react(waiting, link).ok();
        self.session
    }

    fn take(&mut self, message: &Message, link: &Link) -> Result<(), AdapterError> {
        self.heard.signs.take(message);
        if let Some(lag) = self.lag.take(message, Instant::now()) {
            self.gauge.set(lag.as_secs_f64());
        }
        let reactions = {
            let surface = link.surface.borrow();
            self.session.take(message, &surface, link.clock.now())?
        };
        self.react(reactions, link)
    }

    fn react(&self, reactions: Vec<Reaction>, link: &Link) -> Result<(), AdapterError> {
        for reaction in reactions {
            match reaction {
                Reaction::Say(words) => self.say(words)?,
                Reaction::Ask(_) if link.token.is_cancelled() => {}
                Reaction::Ask(request) => self.ask(*request),
            }
        }
        Ok(())
    }

    fn ask(&self, request: Request) {
        if self.heard.asked.try_send(request).is_err() {
            metrics::counter!("inkwire_irc_requests_dropped_total").increment(1);
            tracing::warn!("request dropped, too many wait");
        }
    }

    fn say(&self, line: IrcLine) -> Result<(), AdapterError> {
        self.heard.control.try_send(line).map_err(|_| lost("the server does not read".into()))
    }
}

async fn at(moment: Option<Instant>) -> Option<()> {
    sleep_until(moment?).await;
    Some(())
}
