//! Answers to questions come back from the hand-in and are said: the store never hears of them.
//! Over a scripted server; time is paused.
use super::{
    ircd::Script,
    scenes::{Scene, config},
    speaking::{LABELS, check, scene, script},
};
use inkwire_core::{Admitted, Answer, Delivery, Outcome};

/// Somebody asks, and this is the answer.
async fn answered(scene: &mut Scene, outcome: Outcome) {
    scene.ircd.send(":ann!a@h PRIVMSG #art :!queue").await;
    let mut held = scene.service.submissions.recv().await.unwrap();
    let request = held.batch.requests.pop().unwrap();
    let delivery = Delivery {
        id: request.id.0.as_str().into(),
        to: request.reply_to.clone(),
        asker: request.from.clone(),
        answers: Some(request.id.clone()),
        slot: request.id.0.as_str().into(),
        seq: 0,
        job: None,
        private: false,
        expires: None,
        outcome: outcome.clone(),
    };
    let admitted = Admitted {
        request: request.id,
        job: None,
        outcome: Some(outcome),
        duplicate: false,
        answer: Some(Box::new(delivery)),
    };
    held.done.send(Ok(vec![admitted])).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_said_at_once_and_kept_nowhere() {
    for caps in ["", LABELS] {
        let mut scene = scene(caps, &[]).await;
        answered(&mut scene, Outcome::Answer(Answer::Paused)).await;
        check(&mut scene, &[("NOTICE", "#art", "ann: Paused")]).await;
        assert!(scene.service.lane.calls().is_empty(), "no step of it is stored");
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_without_notices_hears_it_all_the_same() {
    let refused = "404 inkwire #art :Cannot send to channel";
    let mut scene = scene("", &[("NOTICE #art", refused)]).await;
    answered(&mut scene, Outcome::Answer(Answer::Paused)).await;
    let expected = [("NOTICE", "#art", "ann: Paused"), ("PRIVMSG", "#art", "ann: Paused")];
    check(&mut scene, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_how_it_ended() {
    let deaf = Script { pongs: false, ..script("", &[]) };
    let mut scene = Scene::joined(deaf, config()).await;
    answered(&mut scene, Outcome::Answer(Answer::Paused)).await;
    check(&mut scene, &[("NOTICE", "#art", "ann: Paused")]).await;
    scene.service.token.cancel();
    scene.service.lane.close();
    assert!(scene.ircd.heard("QUIT").await.starts_with("QUIT"), "and the end is not held up");
    assert!(scene.ended().await.is_ok());
}
