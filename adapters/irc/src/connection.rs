//! One connection from dialling to its end: I/O, time-outs, and the two halves side by side.
//! What messages mean is decided in `register` and `session`.
use crate::{
    config::Config,
    framing::{Frames, Wire},
    identity::Identity,
    line::IrcLine,
    register::{Caps, Registration, Step},
    send::Speaker,
    session::{Reaction, Session},
};
use inkwire_core::{AdapterError, AdapterId, Batch, Health, Inbox, Link, Refused, Request};
use irc::proto::{Command, Message};
use rustls::pki_types::ServerName;
use std::{convert::Infallible, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf},
    net::TcpStream,
    sync::mpsc,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;

const CONNECT_WITHIN: Duration = Duration::from_secs(15);
const TLS_WITHIN: Duration = Duration::from_secs(15);
const IDLE: Duration = Duration::from_mins(1);
const PONG_WITHIN: Duration = Duration::from_secs(30);
/// Protocol lines that wait for the writer; a server that lets them pile up does not read.
const MAX_CONTROL: usize = 64;
/// Requests that wait for the store; beyond it lines are dropped, as nobody replays them.
const MAX_ASKED: usize = 256;
const HAND_IN_TRIES: u32 = 3;

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}
type Stream = Box<dyn Io>;

pub(crate) async fn dial(
    config: &Config,
    tls: Option<&TlsConnector>,
) -> Result<Stream, AdapterError> {
    let address = (config.host.as_str(), config.port());
    let tcp = within(CONNECT_WITHIN, "connect", TcpStream::connect(address)).await?;
    // Without it an answer waits for the last packet's acknowledgement.
    tcp.set_nodelay(true).map_err(|error| lost(format!("nodelay: {error}")))?;
    let Some(tls) = tls else { return Ok(Box::new(tcp)) };
    let name =
        ServerName::try_from(config.host.clone()).map_err(|error| lost(error.to_string()))?;
    Ok(Box::new(within(TLS_WITHIN, "tls", tls.connect(name, tcp)).await?))
}

async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = std::io::Result<T>>,
) -> Result<T, AdapterError> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(|error| lost(format!("{what}: {error}"))),
        Err(_) => Err(lost(format!("{what}: no answer"))),
    }
}

fn lost(reason: String) -> AdapterError {
    AdapterError::Disconnected(reason)
}

/// A connection that the server welcomed.
pub(crate) struct Connection {
    frames: Frames<ReadHalf<Stream>>,
    wire: Wire<WriteHalf<Stream>>,
    me: Identity,
    caps: Caps,
}

impl Connection {
    pub(crate) async fn register(config: &Config, stream: Stream) -> Result<Self, AdapterError> {
        let (reader, writer) = tokio::io::split(stream);
        let (mut frames, mut wire) = (Frames::new(reader), Wire::new(writer));
        let mut me = Identity::new(&config.nick);
        let mut registration = Registration::new(config);
        let mut lines = registration.opening();
        loop {
            for line in lines.drain(..) {
                wire.write(&line).await?;
            }
            let next = timeout_at(registration.deadline(), frames.next()).await;
            let Some(message) = message(next.map_err(|_| registration.overdue())?)? else {
                continue;
            };
            me.learn(&message);
            match registration.take(&message)? {
                Step::Welcome(caps) => return Ok(Self { frames, wire, me, caps }),
                Step::Say(answer) => lines = answer,
            }
        }
    }

    /// Hears and speaks until the outbox closes or the connection ends.
    pub(crate) async fn serve(
        self,
        id: &AdapterId,
        config: &Config,
        link: &Link,
    ) -> Result<(), AdapterError> {
        tracing::info!(adapter = %id, nick = self.me.nick, "registered");
        link.health.set(Health::Up);
        let session = Session::new(id.clone(), config, self.me, self.caps, link.clock.now());
        let (control, lines) = mpsc::channel(MAX_CONTROL);
        let (asked, requests) = mpsc::channel(MAX_ASKED);
        link.tasks.spawn(format!("{id} hands in"), hand_in(link.inbox.clone(), requests));
        let surface = link.surface.clone();
        let speaker = Speaker::new(self.wire, session.identity(), surface, config);
        let mut listener = Listener { frames: self.frames, session, control, asked };
        tokio::select! {
            ended = listener.run(link) => ended.map(|never| match never {}),
            ended = speaker.run(&link.outbox, lines) => ended,
        }
    }
}

/// A line that cannot be parsed is no reason to hang up: `None`.
fn message(next: std::io::Result<Option<String>>) -> Result<Option<Message>, AdapterError> {
    match next {
        Ok(Some(line)) => Ok(line.parse().ok()),
        Ok(None) => Err(lost("the server hung up".into())),
        Err(error) => Err(lost(error.to_string())),
    }
}

struct Listener {
    frames: Frames<ReadHalf<Stream>>,
    session: Session,
    control: mpsc::Sender<IrcLine>,
    asked: mpsc::Sender<Request>,
}

impl Listener {
    async fn run(&mut self, link: &Link) -> Result<Infallible, AdapterError> {
        let (mut heard_at, mut pinged) = (Instant::now(), false);
        loop {
            let silent_until = heard_at + if pinged { IDLE + PONG_WITHIN } else { IDLE };
            let join_at = self.session.due();
            tokio::select! {
                next = self.frames.next() => {
                    (heard_at, pinged) = (Instant::now(), false);
                    if let Some(message) = message(next)? {
                        self.take(&message, link)?;
                    }
                }
                Some(()) = at(join_at) => {
                    for line in self.session.join() {
                        self.say(line)?;
                    }
                }
                () = sleep_until(silent_until) => {
                    if std::mem::replace(&mut pinged, true) {
                        return Err(lost("no answer to a ping".into()));
                    }
                    self.say(IrcLine::command(Command::PING("inkwire".into(), None)))?;
                }
            }
        }
    }

    fn take(&mut self, message: &Message, link: &Link) -> Result<(), AdapterError> {
        let reaction = {
            let surface = link.surface.borrow();
            self.session.take(message, &surface.triggers, link.clock.now())?
        };
        match reaction {
            Some(Reaction::Say(answer)) => self.say(answer),
            Some(Reaction::Ask(request)) if !link.token.is_cancelled() => {
                if self.asked.try_send(*request).is_err() {
                    metrics::counter!("inkwire_irc_requests_dropped_total").increment(1);
                    tracing::warn!("request dropped, too many wait");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn say(&self, line: IrcLine) -> Result<(), AdapterError> {
        self.control.try_send(line).map_err(|_| lost("the server does not read".into()))
    }
}

async fn at(moment: Option<Instant>) -> Option<()> {
    sleep_until(moment?).await;
    Some(())
}

/// Beside the connection, so that a slow commit never delays an answer to a ping, and what was
/// heard before the connection ended is still handed in.
async fn hand_in(inbox: Inbox, mut requests: mpsc::Receiver<Request>) {
    while let Some(request) = requests.recv().await {
        hand_in_one(&inbox, request).await;
    }
}

/// Nobody replays an IRC line: what is refused for a moment is offered again.
async fn hand_in_one(inbox: &Inbox, request: Request) {
    for _ in 0..HAND_IN_TRIES {
        let batch = Batch { requests: vec![request.clone()], ..Batch::default() };
        let wait = match inbox.deliver(batch).await {
            Ok(_) | Err(Refused::Stopping) => return,
            Err(Refused::Saturated { retry_in }) => retry_in,
            Err(Refused::Storage) => Duration::from_secs(1),
        };
        tokio::time::sleep(wait).await;
    }
    tracing::error!(room = %request.reply_to.room, "request could not be handed in");
}
