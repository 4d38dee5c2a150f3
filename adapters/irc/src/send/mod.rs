//! Deliveries become lines, no faster than the network likes, results before progress.
//! The only task that writes; what it holds and has not begun stays due in the store.
mod at_once;
mod control;
mod habits;
mod order;
mod pings;
mod receipts;
mod speech;
mod turn;
mod wording;
mod written;

use crate::{
    config::Config,
    dial::lost,
    flood::{Limits, cost},
    framing::Wire,
    identity::Identity,
    line::IrcLine,
    receipts::{Sign, ping},
    receive::Replayed,
    session::Session,
};
use control::Control;
use habits::Habits;
use inkwire_core::{AdapterError, Clock, Delivery, Envelope, Link, Outbox, SendError};
use irc::proto::Command;
use order::{Step, ready};
use pings::Pings;
use speech::{Speech, room_of};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    io::AsyncWrite,
    sync::{mpsc, watch},
    time::{Instant, timeout},
};
use turn::{Turn, is_silent, pass_over};
use wording::Wording;

/// Envelopes in hand at most; the rest wait in the store.
const MAX_TURNS: usize = 64;
/// The server confirms every line.
const LABELS: &str = "labeled-response";
/// What lets us ask a server what was said; asked for nothing but what is in doubt.
const HISTORY: &str = "draft/chathistory";
const LAST_LINES: &str = "50";
/// Rooms have this long to answer a JOIN before answers go out without them.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

pub(crate) struct Speaker<W> {
    control: Control<W>,
    identity: watch::Receiver<Identity>,
    /// What the server says about our lines.
    signs: mpsc::Receiver<Sign>,
    answers: mpsc::Receiver<Delivery>,
    replayed: watch::Receiver<Replayed>,
    clock: Arc<dyn Clock>,
    wording: Wording,
    limits: Limits,
    habits: Habits,
    pings: Pings,
    /// The last line was for the server: among equals it is somebody else's turn.
    yields: bool,
    /// In the order in which they came.
    turns: Vec<Turn>,
    /// Labels and batches given so far.
    said: u64,
    closed: bool,
}

/// What the speaker is told by those who listen.
pub(crate) struct Told {
    /// Lines that go before all others.
    pub(crate) control: mpsc::Receiver<IrcLine>,
    pub(crate) signs: mpsc::Receiver<Sign>,
    /// What no store knows.
    pub(crate) answers: mpsc::Receiver<Delivery>,
}

impl<W: AsyncWrite + Unpin> Speaker<W> {
    pub(crate) fn new(
        wire: Wire<W>,
        session: &Session,
        told: Told,
        link: &Link,
        config: &Config,
    ) -> Self {
        Self {
            control: Control::new(wire, told.control),
            identity: session.identity(),
            signs: told.signs,
            answers: told.answers,
            replayed: session.replayed(),
            clock: link.clock.clone(),
            wording: Wording::new(config, link),
            limits: Limits::new(&config.flood),
            habits: Habits::default(),
            pings: Pings::default(),
            yields: false,
            turns: vec![],
            said: 0,
            closed: false,
        }
    }

    /// Speaks until the outbox closes.
    pub(crate) async fn run(&mut self, outbox: &Outbox) -> Result<(), AdapterError> {
        let mut identity = self.identity.clone();
        let settled =
            timeout(SETTLE_WITHIN, async { identity.wait_for(|me| me.settled).await.is_ok() });
        tokio::pin!(settled);
        let mut open = false;
        while !(self.closed && self.turns.iter().all(Turn::is_at_once)) {
            self.turns.retain(|turn| !turn.is_forgotten());
            self.limits.relax(self.identity.borrow().isupport.safe_rate);
            let next = self.next();
            let wants_more = open && !self.closed && self.turns.len() < MAX_TURNS;
            let has_room = self.control.has_room();
            // A timer is a millisecond late.
            if let Some((at, Step::Speak(index))) = next
                && at <= Instant::now()
                && self.turns.get(index).is_some_and(Turn::is_at_once)
            {
                self.speak(index).await?;
                continue;
            }
            tokio::select! {
                biased;
                line = self.control.next(), if has_room => match line {
                    Some(line) => self.control.take(line).await?,
                    None => return Ok(()),
                },
                Some(sign) = self.signs.recv() => self.heed(sign),
                Some(answer) = self.answers.recv(), if wants_more => {
                    self.take(at_once::envelope(answer, self.clock.now()));
                }
                _ = &mut settled, if !open => open = true,
                // First what there is, so that the best of it can go first.
                envelope = outbox.next(), if wants_more => match envelope {
                    Some(envelope) => self.take(envelope),
                    None => self.closed = true,
                },
                Some(step) = ready(next) => self.step(step).await?,
            }
        }
        let goodbye = IrcLine::command(Command::QUIT(Some("back soon".into())));
        self.control.write(&goodbye).await
    }

    async fn step(&mut self, step: Step) -> Result<(), AdapterError> {
        self.yields = step == Step::Control;
        let line = match step {
            Step::Speak(index) => return self.speak(index).await,
            Step::Lost => return Err(lost("no answer to a ping".into())),
            Step::Control => self.control.pop(),
            Step::Ask => Some(self.question()),
        };
        let Some(line) = line else { return Ok(()) };
        self.limits.take_control(cost(line.weight()));
        self.control.write(&line).await
    }

    fn question(&mut self) -> IrcLine {
        IrcLine::command(match self.pings.history() {
            Some(target) => {
                let words = ["LATEST", &target, "*", LAST_LINES].map(str::to_owned);
                Command::Raw("CHATHISTORY".into(), words.into())
            }
            None => ping(self.pings.ask(self.said, Instant::now())),
        })
    }

    fn take(&mut self, envelope: Envelope) {
        if is_silent(&envelope) {
            return pass_over(envelope);
        }
        let (key, remembers) = {
            let (me, delivery) = (self.identity.borrow(), &envelope.delivery);
            let room = room_of(&me, &delivery.to.room.0);
            let target = if delivery.private { &delivery.asker.name } else { room };
            (me.casemap.fold(target), me.caps.has(HISTORY))
        };
        let asked = if envelope.in_doubt { self.pings.behind(&key, remembers) } else { 0 };
        let turn = Turn::new(envelope, key, asked);
        if turn.note.is_final() { turn.said() } else { self.turns.push(turn) }
    }

    /// Finds the words for this turn, or says one thing of it: words may cost more than is left.
    async fn speak(&mut self, index: usize) -> Result<(), AdapterError> {
        let mut turn = self.turns.remove(index);
        if turn.unbegun().is_some() {
            if let Some(turn) = self.begun(turn).await? {
                self.turns.insert(index, turn);
            }
            return Ok(());
        }
        if let Some(speech) = turn.todo.pop_front() {
            self.say(&mut turn, speech).await?;
        }
        if turn.is_done() {
            turn.said();
            return Ok(());
        }
        // Whatever is confirmed while the disk works is confirmed.
        self.turns.insert(index, turn);
        match self.turns.get_mut(index).filter(|turn| turn.is_resting()) {
            Some(turn) => self.control.meanwhile(turn.note_written()).await,
            None => Ok(()),
        }
    }

    fn keep(&mut self, index: usize, turn: Turn) {
        if turn.is_done() { turn.said() } else { self.turns.insert(index, turn) }
    }

    /// The turn with its words; `None` if it ended before a word was said.
    async fn begun(&mut self, mut turn: Turn) -> Result<Option<Turn>, AdapterError> {
        let Some(envelope) = turn.unbegun() else { return Ok(Some(turn)) };
        if turn.over_at().is_some_and(|over| over <= self.clock.now()) {
            metrics::counter!("inkwire_irc_stale_total").increment(1);
            turn.silent();
            return Ok(None);
        }
        let draft = match self.draft(envelope) {
            Ok((key, draft)) => {
                turn.key = key;
                draft
            }
            Err(error) => {
                self.pings.forget(&turn.key);
                turn.not_said(error);
                return Ok(None);
            }
        };
        let Self { control, wording, .. } = self;
        let speeches = control.meanwhile(wording.speeches(draft)).await?;
        if speeches.is_empty() {
            turn.failed(SendError::Gone);
            return Ok(None);
        }
        if turn.is_in_doubt() && self.were_said(&turn, &speeches) {
            turn.said();
            return Ok(None);
        }
        let begun = self.control.meanwhile(turn.begin(speeches)).await?;
        Ok(begun.is_ok().then_some(turn))
    }

    /// True if the room itself shows all of it, as it was said or as it would be said now.
    fn were_said(&self, turn: &Turn, speeches: &VecDeque<Speech>) -> bool {
        let replayed = self.replayed.borrow();
        let shows = |text: &String| replayed.contains(&turn.key, text);
        let texts = &turn.note.texts;
        let as_said = !texts.is_empty() && texts.iter().all(shows);
        as_said || speeches.iter().flat_map(Speech::seen).all(|text| shows(&text))
    }

    fn draft(&mut self, envelope: &Envelope) -> Result<(String, wording::Draft), SendError> {
        let (me, delivery) = (self.identity.borrow(), &envelope.delivery);
        let habits = &mut self.habits;
        let stays_closed = |room: &str| habits.stays_closed(room, Instant::now());
        let place = self.wording.place(&me, delivery, stays_closed)?;
        habits.is_open(&place.key);
        Ok((place.key.clone(), self.wording.draft(&me, delivery, place)))
    }

    async fn say(&mut self, turn: &mut Turn, mut speech: Speech) -> Result<(), AdapterError> {
        self.said += 1;
        let lines = {
            let me = self.identity.borrow();
            turn.key = me.casemap.fold(room_of(&me, &speech.target));
            speech.adapt(&self.habits, &turn.key);
            speech.lines(&me, self.said)
        };
        let cost = lines.iter().map(|line| cost(line.weight())).sum();
        self.limits.take(&turn.key, cost);
        for line in &lines {
            self.control.write(line).await?;
        }
        if !lines.is_empty() {
            turn.aloft.insert(self.said, (Instant::now(), speech));
        }
        Ok(())
    }
}
