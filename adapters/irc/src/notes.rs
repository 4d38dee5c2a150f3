//! Facts that must outlive a restart, committed by themselves beside the connection.
//! Only the newest counts, so nothing piles up; what the facts are is not known here.
use inkwire_core::{Batch, Inbox, Notes, Refused};
use std::time::Duration;
use tokio::sync::watch;

const TRY_AGAIN: Duration = Duration::from_secs(10);

/// Commits what changes, until the connection ends.
pub(crate) async fn keep(inbox: Inbox, mut notes: watch::Receiver<Notes>) {
    while notes.changed().await.is_ok() {
        loop {
            let batch = Batch { notes: notes.borrow_and_update().clone(), ..Batch::default() };
            let wait = match inbox.deliver(batch).await {
                Ok(_) => break,
                Err(Refused::Stopping) => return,
                Err(Refused::Saturated { retry_in }) => retry_in,
                Err(Refused::Storage) => TRY_AGAIN,
            };
            tokio::time::sleep(wait).await;
            if notes.has_changed().is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inkwire_core::Submission;
    use tokio::sync::mpsc;

    struct Scene {
        notes: watch::Sender<Notes>,
        submissions: mpsc::Receiver<Submission>,
        running: tokio::task::JoinHandle<()>,
    }

    impl Scene {
        fn start() -> Self {
            let notes = watch::Sender::new(Notes::new());
            let (inbox, submissions) = mpsc::channel(4);
            let inbox = Inbox::new("irc.test".into(), 1, inbox);
            let running = tokio::spawn(keep(inbox, notes.subscribe()));
            Self { notes, submissions, running }
        }

        fn note(&self, n: u8) {
            self.notes.send_replace(Notes::from([("n".to_owned(), n.into())]));
        }

        /// The note that is to be committed, which is answered like this.
        async fn next(&mut self, answer: Result<(), Refused>) -> Option<u64> {
            let submission = self.submissions.recv().await?;
            submission.done.send(answer.map(|()| vec![])).ok();
            submission.batch.notes.get("n").and_then(serde_json::Value::as_u64)
        }
    }

    #[tokio::test]
    async fn the_newest_is_kept() {
        let mut scene = Scene::start();
        scene.note(1);
        scene.note(2);
        assert_eq!(scene.next(Ok(())).await, Some(2));
        scene.note(3);
        assert_eq!(scene.next(Ok(())).await, Some(3));
        drop(scene.notes);
        scene.running.await.unwrap();
        assert!(scene.submissions.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_offered_again_while_the_connection_lasts() {
        let mut scene = Scene::start();
        scene.note(1);
        assert_eq!(scene.next(Err(Refused::Storage)).await, Some(1));
        scene.note(2);
        let saturated = Refused::Saturated { retry_in: Duration::from_secs(1) };
        assert_eq!(scene.next(Err(saturated)).await, Some(2));
        drop(scene.notes);
        scene.running.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_noted_last_is_kept_too() {
        let mut scene = Scene::start();
        scene.note(1);
        drop(scene.notes);
        let submission = scene.submissions.recv().await.unwrap();
        assert_eq!(submission.batch.notes.get("n"), Some(&1.into()));
    }

    #[tokio::test]
    async fn a_service_that_stops_keeps_nothing_more() {
        let mut scene = Scene::start();
        scene.note(1);
        scene.next(Err(Refused::Stopping)).await;
        scene.running.await.unwrap();
    }
}
