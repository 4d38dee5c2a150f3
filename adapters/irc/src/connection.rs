//! One connection: registered, then heard and spoken to by two halves side by side.
//! What messages mean is decided in `register` and `session`; how one gets here, in `dial`.
use crate::{
    config::Config,
    dial::{Stream, Target, lost},
    framing::{Frames, Wire},
    hand_in::hand_in,
    identity::Identity,
    line::IrcLine,
    listen::{Heard, Listener},
    notes::keep,
    receipts::Signs,
    register::{Registration, Step},
    send::{Speaker, Told},
    session::Session,
    sts::Offer,
    words,
};
use inkwire_core::{AdapterError, AdapterId, Health, Link};
use irc::proto::{Command, Message};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{ReadHalf, WriteHalf},
    sync::{mpsc, watch},
    time::{timeout, timeout_at},
};

/// Protocol lines that wait for the writer; a server that lets them pile up does not read.
const MAX_CONTROL: usize = 64;
/// Requests that wait for the store; beyond it lines are dropped, as nobody replays them.
const MAX_ASKED: usize = 256;
/// Answers that wait for the speaker; beyond it requests wait.
const MAX_ANSWERS: usize = 64;
/// What the server says about our lines, until the speaker looks; a ping makes up for lost ones.
const MAX_SIGNS: usize = 256;

/// How long a server that takes nothing any more is listened to.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A connection that the server welcomed.
pub(crate) struct Connection {
    frames: Frames<ReadHalf<Stream>>,
    wire: Wire<WriteHalf<Stream>>,
    me: Identity,
}

/// How a registration ends, if it ends well.
pub(crate) enum Registered {
    Welcome(Box<Connection>),
    /// The server wants us by TLS on this port.
    Upgrade(u16),
}

impl Connection {
    pub(crate) async fn register(
        registration: &mut Registration<'_>,
        stream: Stream,
    ) -> Result<Registered, AdapterError> {
        let (reader, writer) = tokio::io::split(stream);
        let mut frames = Frames::new(reader);
        let mut wire = Wire::new(writer, registration.write_limit());
        let mut me = Identity::new(registration.nick());
        me.secure = registration.is_secure();
        let mut step = Step::Say(registration.opening());
        loop {
            match step {
                Step::Say(lines) => {
                    for line in lines {
                        // Why it does not go through is what the server says last.
                        if wire.write(&line).await.is_err() {
                            break;
                        }
                    }
                }
                Step::Welcome(caps) => {
                    me.caps = caps;
                    return Ok(Registered::Welcome(Box::new(Self { frames, wire, me })));
                }
                Step::Upgrade(port) => return Ok(Registered::Upgrade(port)),
                Step::Leave(line, error) => {
                    // The error says more than a failure to say goodbye.
                    wire.write(&line).await.ok();
                    return Err(error);
                }
            }
            step = match timeout_at(registration.deadline(), frames.next()).await {
                Err(_) => registration.overdue()?,
                Ok(next) => match message(next).map_err(|error| registration.broken(error))? {
                    Some(message) => {
                        me.learn(&message);
                        registration.take(&message)?
                    }
                    None => Step::Say(vec![]),
                },
            };
        }
    }

    /// Says goodbye and hangs up.
    pub(crate) async fn leave(mut self) -> Identity {
        // Whoever leaves needs no answer.
        self.wire.write(&IrcLine::command(Command::QUIT(None))).await.ok();
        self.me
    }

    /// Hears and speaks until the outbox closes or the connection ends.
    pub(crate) async fn serve(
        self,
        id: &AdapterId,
        config: &Arc<Config>,
        target: &Target,
        link: &mut Link,
    ) -> Result<(), AdapterError> {
        tracing::info!(adapter = %id, nick = self.me.nick, "registered");
        link.health.set(Health::Up);
        let (notes, now) = (link.notes.clone(), link.clock.now());
        let session = Session::new(id.clone(), config, self.me, notes, now);
        let (control, lines) = mpsc::channel(MAX_CONTROL);
        let (asked, requests) = mpsc::channel(MAX_ASKED);
        let (answer, answers) = mpsc::channel(MAX_ANSWERS);
        link.tasks.spawn(format!("{id} hands in"), hand_in(link.inbox.clone(), requests, answer));
        let (told, signs) = mpsc::channel(MAX_SIGNS);
        let notes = session.notes();
        link.tasks.spawn(format!("{id} keeps notes"), keep(link.inbox.clone(), notes.clone()));
        if config.sts {
            session.promise(target, now);
        }
        let identity = session.identity();
        let mut speaker = Speaker::new(
            self.wire,
            &session,
            Told { control: lines, signs, answers },
            link,
            config,
        );
        let heard = Heard { control, asked, signs: Signs::new(session.identity(), told) };
        let lag = metrics::gauge!("inkwire_irc_lag_seconds", "adapter" => id.0.clone());
        let mut listener = Listener::new(self.frames, session, heard, lag, &config.timeouts);
        let ended = tokio::select! {
            ended = halves(&mut listener, &mut speaker, link) => ended,
            Some(error) = wants_tls(identity), if config.sts => Err(error),
        };
        let session = listener.end(link);
        if config.sts {
            // A promise counts from the end of the connection.
            session.promise(target, link.clock.now());
        }
        speaker.heed_the_last();
        // The next connection of this run begins with what this one learned.
        link.notes.extend(notes.borrow().clone());
        ended
    }
}

/// Hears and speaks until one of both ends. Why nothing can be written any more is what the server
/// says last.
async fn halves(
    listener: &mut Listener,
    speaker: &mut Speaker<WriteHalf<Stream>>,
    link: &Link,
) -> Result<(), AdapterError> {
    let listening = listener.run(link);
    tokio::pin!(listening);
    let error = tokio::select! {
        ended = &mut listening => return ended.map(|never| match never {}),
        ended = speaker.run(&link.outbox) => match ended {
            Ok(()) => return Ok(()),
            Err(error) => error,
        },
    };
    let last = timeout(LAST_WORDS, listening).await;
    Err(last.map_or(error, |Err(last)| last))
}

/// Ends when a server that others can read along with wants TLS: the next connection obeys.
async fn wants_tls(mut identity: watch::Receiver<Identity>) -> Option<AdapterError> {
    let offers = |me: &Identity| Offer::of(&me.caps).is_some_and(|offer| offer.port.is_some());
    identity.wait_for(|me| !me.secure && offers(me)).await.ok()?;
    Some(lost("the server wants TLS from now on".into()))
}

/// A line that cannot be parsed is no reason to hang up: `None`.
pub(crate) fn message(
    next: std::io::Result<Option<String>>,
) -> Result<Option<Message>, AdapterError> {
    match next {
        Ok(Some(line)) => Ok(words::message(&line)),
        Ok(None) => Err(lost("the server hung up".into())),
        Err(error) => Err(lost(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flood;
    use inkwire_conformance::{Service, Shelf};
    use inkwire_core::{Adapter, Capabilities};
    use tokio::io::AsyncWriteExt;

    struct Nobody(AdapterId);

    #[async_trait::async_trait]
    impl Adapter for Nobody {
        fn id(&self) -> &AdapterId {
            &self.0
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities::default()
        }

        async fn run(&self, _: &mut Link) -> Result<(), AdapterError> {
            Ok(())
        }
    }

    /// A server that closes one direction first; what it says in the other a moment later, if it
    /// says anything; how the connection ended.
    async fn check(last: Option<&str>, expected: &str) {
        let (heard, mut server) = tokio::io::duplex(1024);
        let (said, deaf) = tokio::io::duplex(1024);
        drop(deaf);
        let stream: Stream = Box::new(tokio::io::join(heard, said));
        let (reader, writer) = tokio::io::split(stream);
        let (frames, wire) = (Frames::new(reader), Wire::new(writer, Duration::from_secs(10)));
        let connection = Connection { frames, wire, me: Identity::new("ink") };
        let id = AdapterId("irc.test".into());
        let (_service, mut link) = Service::new(&Nobody(id.clone()), Arc::new(Shelf));
        let config =
            Config { channels: vec!["#art".into()], flood: Flood::off(), ..Config::default() };
        let target = Target { host: "localhost".into(), port: 6667, tls: false };
        let config = config.into();
        let serving = connection.serve(&id, &config, &target, &mut link);
        let speaking = async {
            tokio::time::sleep(LAST_WORDS).await;
            if let Some(last) = last {
                server.write_all(last.as_bytes()).await.unwrap();
            }
        };
        let (ended, ()) = tokio::join!(serving, speaking);
        let error = ended.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_server_says_last_outdoes_a_broken_pipe() {
        check(Some("ERROR :Closing Link: 10.0.0.1 (K-Lined)\r\n"), "K-Lined").await;
        check(None, "broken pipe").await;
    }
}
