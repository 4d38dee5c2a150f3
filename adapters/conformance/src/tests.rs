//! The suite tried on itself: a small right adapter passes, and each planted fault is found.
//! Time is paused, so a case that hangs costs nothing.
use crate::{Features, Peer, Report, Shown, exercise};
use async_trait::async_trait;
use inkwire_core::{
    Adapter, AdapterError, AdapterId, Address, Author, Batch, Body, Capabilities, Envelope,
    EventKey, Health, Link, Native, Outcome, Place, PlaceKind, Powers, Request, Time, Trust,
    render::{self, Context, one_line},
    trigger::{Said, hear},
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::mpsc;

const MAX_TEXT: usize = 400;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    KeepsTrigger,
    OneKeyForAll,
    NewKeyForOld,
    HearsEverything,
    KeepsOldTriggers,
    DiesOfRefusal,
    ShowsCommits,
    WaitsForCommit,
    NeverBegins,
    DropsEnvelopes,
    IgnoresStale,
    HidesExpired,
    CutsNothing,
    LetsControlsThrough,
    GluesLinks,
    EndsLate,
    EndsForGood,
}

type Line = (u64, String, String);

/// Says what it hears to nobody but the suite.
struct Parrot {
    id: AdapterId,
    fault: Fault,
    heard: AtomicU64,
    wire: Mutex<Option<mpsc::Receiver<Line>>>,
    shown: mpsc::Sender<Shown>,
}

#[async_trait]
impl Adapter for Parrot {
    fn id(&self) -> &AdapterId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { max_text: MAX_TEXT, ..Capabilities::default() }
    }

    async fn run(&self, link: &mut Link) -> Result<(), AdapterError> {
        let mut wire = self.wire.lock().unwrap().take().unwrap();
        link.health.set(Health::Up);
        loop {
            tokio::select! {
                said = wire.recv() => match said {
                    Some(said) => self.receive(link, said).await?,
                    None if self.fault == Fault::EndsForGood => return Ok(()),
                    None => return Err(AdapterError::Disconnected("hung up".to_owned())),
                },
                envelope = link.outbox.next() => match envelope {
                    Some(envelope) => self.send(envelope).await,
                    None if self.fault == Fault::EndsLate => std::future::pending().await,
                    None => return Ok(()),
                },
            }
        }
    }
}

impl Parrot {
    async fn receive(&self, link: &Link, (id, who, text): Line) -> Result<(), AdapterError> {
        let direct = self.fault == Fault::HearsEverything;
        let rules = match self.fault {
            Fault::KeepsOldTriggers => crate::facts::surface().triggers,
            _ => link.surface.borrow().triggers.clone(),
        };
        let said = Said { room: "#art", direct, text: &text };
        let Some(words) = hear(&rules, &said).map(|words| words.text.to_owned()) else {
            return Ok(());
        };
        let words = if self.fault == Fault::KeepsTrigger { text } else { words };
        let key = match self.fault {
            Fault::OneKeyForAll => "1".to_owned(),
            Fault::NewKeyForOld => format!("new{}", self.heard.fetch_add(1, Ordering::Relaxed)),
            _ => id.to_string(),
        };
        let requests = vec![self.request(key, &who, words)];
        let (inbox, shown, fault) = (link.inbox.clone(), self.shown.clone(), self.fault);
        let commit = async move {
            let admitted = inbox.deliver(Batch { requests, ..Batch::default() }).await;
            let outcomes = admitted.iter().flatten().filter_map(|one| one.outcome.clone());
            for outcome in outcomes.filter(|_| fault == Fault::ShowsCommits) {
                shown.send(Shown::text(format!("{outcome:?}"))).await.ok();
            }
            admitted
        };
        match self.fault {
            Fault::WaitsForCommit => drop(commit.await),
            Fault::DiesOfRefusal => {
                let died = |refused: inkwire_core::Refused| {
                    AdapterError::Disconnected(refused.to_string())
                };
                return commit.await.map(drop).map_err(died);
            }
            _ => link.tasks.spawn("deliver".to_owned(), async { drop(commit.await) }),
        }
        Ok(())
    }

    fn request(&self, key: String, who: &str, words: String) -> Request {
        let adapter = self.id.clone();
        Request {
            id: EventKey(key),
            from: Author {
                adapter: adapter.clone(),
                id: who.into(),
                name: who.to_owned(),
                trust: Trust::Account,
                powers: Powers::default(),
            },
            reply_to: Address { adapter, room: "#art".into(), message: None, thread: None },
            place: Place { kind: PlaceKind::Group, encrypted: false },
            heard: inkwire_core::Heard::Prefix,
            about: None,
            body: Body::Text(words),
            attachments: vec![],
            patience: None,
            sent_at: Time::default(),
        }
    }

    async fn send(&self, envelope: Envelope) {
        let begun = self.fault == Fault::NeverBegins || envelope.begin().await.is_ok();
        if !begun && self.fault != Fault::IgnoresStale {
            return;
        }
        for line in self.words(&envelope.delivery.outcome) {
            self.shown.send(Shown::text(line)).await.ok();
        }
        if self.fault != Fault::DropsEnvelopes {
            envelope.sent(vec![]);
        }
    }

    fn words(&self, outcome: &Outcome) -> Vec<String> {
        if self.fault == Fault::HidesExpired && *outcome == Outcome::Expired {
            return vec![];
        }
        let context = Context { prefix: "!", job: None };
        let mut lines = render::outcome(outcome, &context);
        if let Outcome::Finished { artifacts, recipe, .. } = outcome {
            if self.fault == Fault::LetsControlsThrough {
                lines.extend(recipe.prompt.lines().map(str::to_owned));
            }
            let end = if self.fault == Fault::GluesLinks { "." } else { "" };
            lines.extend(render::links(artifacts).iter().map(|link| format!("{link}{end}")));
        }
        if self.fault != Fault::CutsNothing {
            lines = lines.iter().map(|line| cut(line)).collect();
        }
        lines
    }
}

fn cut(line: &str) -> String {
    one_line(line).chars().take(MAX_TEXT / 4).collect()
}

struct Room {
    parrot: Arc<Parrot>,
    line: Option<mpsc::Sender<Line>>,
    shown: mpsc::Receiver<Shown>,
    last: Line,
}

impl Room {
    fn with(fault: Fault) -> Self {
        let (tx, shown) = mpsc::channel(1024);
        let (line, wire) = mpsc::channel(1024);
        let (id, wire) = ("parrot".into(), Mutex::new(Some(wire)));
        let parrot = Arc::new(Parrot { id, fault, heard: AtomicU64::new(0), wire, shown: tx });
        Self { parrot, line: Some(line), shown, last: (0, String::new(), String::new()) }
    }
}

#[async_trait]
impl Peer for Room {
    fn adapter(&self) -> Arc<dyn Adapter> {
        self.parrot.clone()
    }

    fn features(&self) -> Features {
        Features { overhears: true, replays: true, disconnects: true, ..Features::default() }
    }

    fn room(&self) -> Native {
        "#art".into()
    }

    async fn say(&mut self, who: &str, text: &str) {
        self.last = (self.last.0 + 1, who.to_owned(), text.to_owned());
        self.say_again().await;
    }

    async fn say_again(&mut self) {
        self.line.as_ref().unwrap().send(self.last.clone()).await.unwrap();
    }

    async fn shown(&mut self) -> Shown {
        self.shown.recv().await.unwrap()
    }

    async fn disconnect(&mut self) {
        let (line, wire) = mpsc::channel(1024);
        *self.parrot.wire.lock().unwrap() = Some(wire);
        self.line = Some(line);
    }
}

async fn report(fault: Fault) -> Report {
    exercise(|| async move { Room::with(fault) }).await
}

#[tokio::test(start_paused = true)]
async fn a_right_adapter_passes_and_what_it_lacks_is_named() {
    let report = report(Fault::None).await;
    report.expect_clean();
    let skipped: Vec<_> = report.skipped.iter().map(|(name, _)| *name).collect();
    let lacking = ["a refused send says so", "a picture is uploaded", "links lead to the picture"];
    assert_eq!(skipped, lacking);
}

#[tokio::test(start_paused = true)]
async fn every_planted_fault_is_found() {
    for (fault, case) in [
        (Fault::KeepsTrigger, "a line becomes one request"),
        (Fault::OneKeyForAll, "each event has a key of its own"),
        (Fault::NewKeyForOld, "an event heard twice keeps its key"),
        (Fault::HearsEverything, "what is not for us is not heard"),
        (Fault::KeepsOldTriggers, "new triggers are heard at once"),
        (Fault::DiesOfRefusal, "a refused batch harms nothing"),
        (Fault::ShowsCommits, "an answer is shown exactly once"),
        (Fault::WaitsForCommit, "sending goes on while a commit is awaited"),
        (Fault::NeverBegins, "begin comes first, one receipt last"),
        (Fault::DropsEnvelopes, "begin comes first, one receipt last"),
        (Fault::IgnoresStale, "a stale begin sends nothing"),
        (Fault::HidesExpired, "every ending is shown"),
        (Fault::CutsNothing, "long text is cut"),
        (Fault::LetsControlsThrough, "control characters inject no line"),
        (Fault::GluesLinks, "a link is whole and last on its line"),
        (Fault::EndsLate, "a stop ends"),
        (Fault::EndsForGood, "a broken connection is made again"),
    ] {
        let report = report(fault).await;
        let found = report.failed.iter().any(|(name, _)| *name == case);
        assert!(found, "{fault:?} was not found by \"{case}\":\n{report}");
    }
}
