//! From an accepted prompt to its pictures. The socket says when to look, `/history` and `/queue`
//! say what is true, and a clock looks where the socket is silent.
use super::{ComfyUi, feeds::Feed, history, http::HttpError, reconcile::Place, socket::Hearing};
use crate::engine::{EngineError, EngineEvent, EventSink, Output};
use bytes::Bytes;
use inkwire_core::EngineHealth;
use serde_json::Value;
use std::time::Duration;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// An end is announced before the history has it.
const SETTLING: [u64; 5] = [0, 50, 150, 400, 900];

/// What the sink was told so far, and since when there is nothing to tell.
struct Told {
    started: bool,
    progress: (u32, u32),
    previews: u32,
    ends: u32,
    reconnecting: bool,
    /// When the server answered last.
    reached: Instant,
    /// When the prompt moved last.
    moved: Instant,
}

impl Told {
    fn nothing(now: Instant) -> Self {
        Self {
            started: false,
            progress: (0, 0),
            previews: 0,
            ends: 0,
            reconnecting: false,
            reached: now,
            moved: now,
        }
    }
}

/// What the sink was not told yet.
struct News {
    started: bool,
    progress: Option<(u32, u32)>,
    preview: Option<(u32, &'static str, Bytes)>,
    ends: u32,
}

/// Why to look.
enum Wake {
    Cancelled,
    View,
    /// The socket opened or went.
    Line,
    Silence,
    Clock,
}

/// Whether silence means something yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waited {
    Briefly,
    Enough,
}

/// Who handed a prompt in.
pub(super) enum Origin {
    /// Just now, under this client id, after that many frames.
    Ours { client: String, heard: u64 },
    /// An earlier process, whose frames went with its socket.
    Earlier,
}

/// One prompt being followed.
pub(super) struct Follower<'a> {
    pub(super) engine: &'a ComfyUi,
    pub(super) id: &'a str,
    pub(super) feed: Feed<'a>,
    pub(super) events: &'a dyn EventSink,
    pub(super) cancel: &'a CancellationToken,
    pub(super) origin: Origin,
}

impl Follower<'_> {
    pub(super) async fn outputs(mut self) -> Result<Vec<Output>, EngineError> {
        let entry = self.entry().await?;
        self.test_hearing(Waited::Briefly);
        let forget_at = Instant::now() + self.engine.times.forget;
        let outputs = match history::outcome(&entry) {
            Ok(files) => {
                let fetched = self.cancel.run_until_cancelled(self.engine.fetch(&files)).await;
                fetched.unwrap_or(Err(EngineError::Cancelled))
            }
            Err(why) => Err(why),
        };
        self.engine.feeds.ended(self.id, forget_at);
        outputs
    }

    /// The prompt's entry in the history, once it has one.
    async fn entry(&mut self) -> Result<Value, EngineError> {
        let now = Instant::now();
        let mut told = Told::nothing(now);
        let (mut look_at, mut silence) = (now, None);
        if let Origin::Ours { .. } = self.origin {
            look_at += self.pace();
            silence = Some(now + self.engine.times.silence);
        }
        let mut line = self.engine.line.changes();
        loop {
            let wake = tokio::select! {
                biased;
                () = self.cancel.cancelled() => Wake::Cancelled,
                () = changed(&mut self.feed.views) => Wake::View,
                () = changed(&mut line) => Wake::Line,
                () = until(silence) => Wake::Silence,
                () = sleep_until(look_at) => Wake::Clock,
            };
            match wake {
                Wake::Cancelled => {
                    self.engine.withdraw(self.id).await;
                    return Err(EngineError::Cancelled);
                }
                Wake::View => {
                    if self.tell(&mut told).await
                        && let Some(entry) = self.settled().await
                    {
                        return Ok(entry);
                    }
                    continue;
                }
                Wake::Silence => {
                    silence = None;
                    self.test_hearing(Waited::Enough);
                }
                Wake::Line | Wake::Clock => {}
            }
            let polled = matches!(wake, Wake::Clock);
            if let Some(entry) = self.look(&mut told).await? {
                self.count_polled(polled);
                return Ok(entry);
            }
            look_at = Instant::now() + self.pace();
        }
    }

    /// Passes on what is new; true if an end was announced.
    async fn tell(&mut self, told: &mut Told) -> bool {
        told.moved = Instant::now();
        let News { started, progress, preview, ends } = self.news(told);
        if started {
            told.started = true;
            self.events.event(EngineEvent::Started).await;
        }
        if let Some((done, total)) = progress {
            told.progress = (done, total);
            self.events.event(EngineEvent::Progress { done, total }).await;
        }
        if let Some((number, mime, bytes)) = preview {
            told.previews = number;
            self.events.event(EngineEvent::Preview { mime, bytes }).await;
        }
        std::mem::replace(&mut told.ends, ends) != ends
    }

    fn news(&mut self, told: &Told) -> News {
        let view = self.feed.views.borrow_and_update();
        let shown = view.gauge.shown();
        let preview = view.preview.as_ref().filter(|_| view.previews != told.previews);
        News {
            started: view.started && !told.started,
            progress: Some(shown).filter(|shown| shown.1 > 0 && *shown != told.progress),
            preview: preview.map(|(mime, bytes)| (view.previews, *mime, bytes.clone())),
            ends: view.ends,
        }
    }

    /// The history right after an end; empty-handed, the clock goes on.
    async fn settled(&mut self) -> Option<Value> {
        for pause in SETTLING {
            // The next frame most likely says that it is there now.
            let frame = changed(&mut self.feed.views);
            drop(timeout(Duration::from_millis(pause), frame).await);
            if let Ok(Some(entry)) = self.engine.api.entry(self.id).await {
                return Some(entry);
            }
        }
        None
    }

    async fn look(&self, told: &mut Told) -> Result<Option<Value>, EngineError> {
        match self.engine.locate(self.id).await {
            Ok(place) => {
                told.reached = Instant::now();
                told.reconnecting = false;
                self.judge(place, told).await
            }
            Err(error) => self.out_of_reach(error, told).await.map(|()| None),
        }
    }

    async fn judge(&self, place: Place, told: &mut Told) -> Result<Option<Value>, EngineError> {
        let is_stuck = match place {
            Place::Ended(entry) => return Ok(Some(entry)),
            Place::Absent => return Err(EngineError::Lost),
            Place::Pending => self.engine.status.borrow().health == EngineHealth::Stalled,
            Place::Running => {
                if !std::mem::replace(&mut told.started, true) {
                    told.moved = Instant::now();
                    self.events.event(EngineEvent::Started).await;
                }
                // Unheard it may move all the time: then its job's own limit counts.
                let hearing = self.engine.line.hearing() == Hearing::Open;
                hearing && told.moved.elapsed() >= self.engine.times.no_progress
            }
        };
        if is_stuck {
            self.engine.feeds.abandon(self.id);
            return Err(EngineError::Stalled);
        }
        Ok(None)
    }

    async fn out_of_reach(&self, error: HttpError, told: &mut Told) -> Result<(), EngineError> {
        if told.reached.elapsed() >= self.engine.times.unreachable {
            self.engine.feeds.abandon(self.id);
            return Err(error.into());
        }
        if !std::mem::replace(&mut told.reconnecting, true) {
            self.engine.failed(&error);
            self.events.event(EngineEvent::Reconnecting).await;
        }
        Ok(())
    }

    /// A socket that says nothing after a prompt of ours is deaf, or its server is stuck.
    fn test_hearing(&self, waited: Waited) {
        let line = &self.engine.line;
        if let Origin::Ours { client, heard } = &self.origin
            && line.client().as_ref() == Some(client)
            && (line.heard() > *heard || waited == Waited::Enough)
        {
            line.tested(line.heard() > *heard);
        }
    }

    fn pace(&self) -> Duration {
        let (engine, times) = (self.engine, &self.engine.times);
        match &self.origin {
            Origin::Ours { client, .. } if engine.line.hears(client) => times.poll,
            _ => times.poll_blind,
        }
    }

    fn count_polled(&self, polled: bool) {
        if polled {
            let engine = self.engine.name.clone();
            metrics::counter!("inkwire_engine_polled_completions_total", "engine" => engine)
                .increment(1);
        }
    }
}

/// Never, once nobody can change it any more.
async fn changed<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
