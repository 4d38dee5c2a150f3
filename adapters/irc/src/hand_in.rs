//! Requests on their way in: in order, as many at once as wait, beside the connection.
//! Nobody replays an IRC line, so what is refused for a moment is offered again.
use inkwire_core::{Admitted, Batch, Delivery, Inbox, Refused, Request};
use std::time::Duration;
use tokio::{sync::mpsc, time::Instant};

/// Requests of one commit.
const MOST_AT_ONCE: usize = 32;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Whoever asked that long ago no longer waits for an answer.
const PATIENCE: Duration = Duration::from_mins(10);
/// The same once the connection has ended: the next one hands in beside us.
const LAST_PATIENCE: Duration = Duration::from_secs(30);

/// Beside the connection, so that a slow commit never delays an answer to a ping, and what was
/// heard before the connection ended is still handed in. Answers that no store knows go to
/// whoever speaks.
pub(crate) async fn hand_in(
    inbox: Inbox,
    mut requests: mpsc::Receiver<Request>,
    answers: mpsc::Sender<Delivery>,
) {
    let mut waiting = vec![];
    while requests.recv_many(&mut waiting, MOST_AT_ONCE).await > 0 {
        let batch = std::mem::take(&mut waiting);
        let patience = if requests.is_closed() { LAST_PATIENCE } else { PATIENCE };
        let admitted = match offer(&inbox, batch, patience).await {
            Ok(admitted) => admitted,
            Err(Refused::Stopping) => return,
            Err(_) => vec![],
        };
        for answer in admitted.into_iter().filter_map(|admitted| admitted.answer) {
            // Once the connection has ended nobody says it any more.
            drop(answers.send(*answer).await);
        }
    }
}

/// Until it is taken; what nobody takes within `patience` is dropped.
async fn offer(
    inbox: &Inbox,
    requests: Vec<Request>,
    patience: Duration,
) -> Result<Vec<Admitted>, Refused> {
    let (since, mut wait) = (Instant::now(), FIRST_WAIT);
    loop {
        let batch = Batch { requests: requests.clone(), ..Batch::default() };
        let refused = match inbox.deliver(batch).await {
            Ok(admitted) => return Ok(admitted),
            Err(Refused::Stopping) => return Err(Refused::Stopping),
            Err(refused) => refused,
        };
        let pause = match refused {
            Refused::Saturated { retry_in } => retry_in.min(LONGEST_WAIT),
            _ => wait,
        };
        if since.elapsed() + pause > patience {
            let lost = u64::try_from(requests.len()).unwrap_or(u64::MAX);
            metrics::counter!("inkwire_irc_requests_dropped_total").increment(lost);
            tracing::error!(requests = lost, reason = %refused, "requests could not be handed in");
            return Err(refused);
        }
        tokio::time::sleep(pause).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inkwire_core::{
        Address, Author, Body, Heard, Place, PlaceKind, Powers, Submission, Time, Trust,
    };
    use tokio::task::JoinHandle;

    fn request(key: usize) -> Request {
        Request {
            id: key.to_string().as_str().into(),
            from: Author {
                adapter: "irc.test".into(),
                id: "~ann".into(),
                name: "ann".into(),
                trust: Trust::Unverified,
                powers: Powers::default(),
            },
            reply_to: Address {
                adapter: "irc.test".into(),
                room: "#art".into(),
                message: None,
                thread: None,
            },
            place: Place { kind: PlaceKind::Group, encrypted: false },
            heard: Heard::Prefix,
            about: None,
            body: Body::Text("queue".into()),
            attachments: vec![],
            patience: None,
            sent_at: Time::default(),
        }
    }

    struct Scene {
        asked: mpsc::Sender<Request>,
        submissions: mpsc::Receiver<Submission>,
        running: JoinHandle<()>,
    }

    impl Scene {
        fn start() -> Self {
            let (asked, requests) = mpsc::channel(256);
            let (inbox, submissions) = mpsc::channel(4);
            let inbox = Inbox::new("irc.test".into(), 1, inbox);
            let running = tokio::spawn(hand_in(inbox, requests, mpsc::channel(1).0));
            Self { asked, submissions, running }
        }

        fn ask(&self, keys: std::ops::Range<usize>) {
            keys.for_each(|key| self.asked.try_send(request(key)).unwrap());
        }

        /// Keys of the next batch, which is answered like this.
        async fn next(&mut self, answer: Result<(), Refused>) -> Vec<String> {
            let submission = self.submissions.recv().await.unwrap();
            submission.done.send(answer.map(|()| vec![])).ok();
            submission.batch.requests.into_iter().map(|request| request.id.0).collect()
        }
    }

    fn keys(keys: std::ops::Range<usize>) -> Vec<String> {
        keys.map(|key| key.to_string()).collect()
    }

    #[tokio::test]
    async fn what_waits_is_handed_in_together_and_in_order() {
        let mut scene = Scene::start();
        scene.ask(0..40);
        assert_eq!(scene.next(Ok(())).await, keys(0..32));
        assert_eq!(scene.next(Ok(())).await, keys(32..40));
        drop(scene.asked);
        scene.running.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_offered_again_later_and_later() {
        let (mut scene, started) = (Scene::start(), Instant::now());
        scene.ask(0..2);
        for refused in [
            Refused::Storage,
            Refused::Storage,
            Refused::Saturated { retry_in: Duration::from_secs(7) },
            Refused::Saturated { retry_in: Duration::from_hours(1) },
        ] {
            assert_eq!(scene.next(Err(refused)).await, keys(0..2));
        }
        scene.ask(2..3);
        assert_eq!(scene.next(Ok(())).await, keys(0..2));
        assert_eq!(started.elapsed().as_secs(), 1 + 2 + 7 + 30);
        assert_eq!(scene.next(Ok(())).await, keys(2..3));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_offered_for_ever() {
        let (mut scene, started) = (Scene::start(), Instant::now());
        scene.ask(0..1);
        while scene.next(Err(Refused::Storage)).await == keys(0..1) {
            if scene.asked.capacity() == 256 && started.elapsed() < PATIENCE {
                scene.ask(1..2);
            }
        }
        let waited = started.elapsed();
        assert!(waited <= PATIENCE && waited > PATIENCE / 2, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_connection_what_is_left_is_offered_for_a_moment() {
        let (mut scene, started) = (Scene::start(), Instant::now());
        scene.ask(0..40);
        drop(scene.asked);
        let refuse = async {
            while let Some(submission) = scene.submissions.recv().await {
                submission.done.send(Err(Refused::Storage)).ok();
            }
        };
        refuse.await;
        scene.running.await.unwrap();
        assert!(started.elapsed() <= 2 * LAST_PATIENCE);
    }

    #[tokio::test]
    async fn a_service_that_stops_takes_nothing_more() {
        let mut scene = Scene::start();
        scene.ask(0..40);
        scene.next(Err(Refused::Stopping)).await;
        scene.running.await.unwrap();
        assert!(scene.submissions.recv().await.is_none());
    }
}
