//! From a line to a picture; nobody waits for anybody's adapter.
use super::{engine, store};
use inkwire_core::{Answer, ArtifactKind, JobId, Outcome, QueueLine};
use inkwire_testkit::{Bridge, Manner, Mood, Seen, settle};

#[tokio::test(start_paused = true)]
async fn a_prompt_becomes_a_picture() {
    let (bridge, [mut irc]) =
        Bridge::start(store(), engine(Mood::Works), [("irc", Manner::Polite)]).await;
    let admitted = irc.say("e1", "ann", "imagine a red boat --count 2").await.unwrap();
    assert!(matches!(admitted[0].outcome, Some(Outcome::Accepted { position: Some(1), .. })));
    let end = irc.ending().await.unwrap();
    let Outcome::Finished { artifacts, recipe, .. } = end.delivery.outcome else {
        panic!("finished")
    };
    assert_eq!(recipe.prompt, "a red boat");
    assert_eq!(artifacts.iter().map(|a| a.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(artifacts[0].kind, ArtifactKind::Grid);
    assert!(artifacts[1..].iter().all(|a| a.kind == ArtifactKind::Image));
    assert!(artifacts.iter().all(|a| a.link.is_some()));
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_never_reads_holds_up_nobody() {
    let adapters = [("deaf", Manner::NeverReads), ("irc", Manner::Polite)];
    let (bridge, [deaf, mut irc]) = Bridge::start(store(), engine(Mood::Works), adapters).await;
    let mut commits = vec![];
    for n in 0..300 {
        commits.push(deaf.shout(&format!("e{n}"), "dan", "imagine a wall").await);
        commits.push(irc.shout(&format!("e{n}"), "ann", "imagine a door").await);
    }
    for commit in commits {
        assert!(commit.await.unwrap().is_ok());
    }
    for _ in 0..300 {
        let end = irc.ending().await.unwrap();
        assert!(matches!(end.delivery.outcome, Outcome::Finished { .. }));
    }
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_sees_what_it_has_decided_before() {
    let (bridge, [mut irc]) =
        Bridge::start(store(), engine(Mood::Hangs), [("irc", Manner::Polite)]).await;
    let mut commits = vec![];
    for n in 0..5 {
        commits.push(irc.shout(&format!("e{n}"), "ann", "imagine a boat").await);
    }
    let queue = irc.shout("q", "ann", "queue").await;
    let mut jobs: Vec<JobId> = vec![];
    for commit in commits {
        jobs.extend(commit.await.unwrap().unwrap()[0].job.clone());
    }
    let answer = queue.await.unwrap().unwrap()[0].outcome.clone();
    let Some(Outcome::Answer(Answer::Queue(report))) = answer else { panic!("a queue") };
    let known = |line: &QueueLine| jobs.contains(&line.job);
    assert!(report.waiting.iter().all(known) && report.waiting.len() >= 3);
    assert!(irc.parcel().await.is_some());
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn progress_is_the_latest_only_and_blocks_no_worker() {
    let engine = std::sync::Arc::new(inkwire_testkit::FakeEngine::new(5000, Mood::Works));
    let adapters = [("deaf", Manner::NeverReads), ("irc", Manner::Polite)];
    let (bridge, [deaf, mut irc]) = Bridge::start(store(), engine.clone(), adapters).await;
    deaf.say("e1", "dan", "imagine a wall").await.unwrap();
    irc.say("e1", "ann", "imagine a door").await.unwrap();
    let mut last = 0;
    loop {
        match irc.seen.recv().await.unwrap() {
            Seen::News(latest) => {
                let Outcome::Progress { done, .. } = latest.outcome else { panic!("progress") };
                assert!(done > last, "only grows");
                last = done;
                assert!(latest.shown.len() <= 1);
            }
            Seen::Parcel(parcel) if parcel.delivery.outcome.is_terminal() => break,
            Seen::Parcel(_) => {}
        }
    }
    settle().await;
    assert!(last > 0 && irc.seen.try_recv().is_err(), "no news after the end");
    bridge.stop().await;
}
