//! What was said is said once: receipts, doubt after a crash, and what settles it.
//! Over a scripted server; time is paused.
use super::{
    ircd::Script,
    scenes::{Scene, config},
    speaking::{LABELS, check, receipt, scene, script},
};
use inkwire_conformance::Call;
use inkwire_core::{AdapterError, Failure, Outcome, Parcel, Receipt};
use serde_json::Value;

/// What the store was told of a delivery so far.
fn steps(scene: &Scene, parcel: &Parcel) -> Vec<&'static str> {
    let id = &parcel.delivery.id;
    let name = |call| match call {
        Call::Begin(of) if of == *id => Some("begin"),
        Call::Checkpoint(of, _) if of == *id => Some("written"),
        Call::Settle(of, Receipt::Sent(_)) if of == *id => Some("sent"),
        Call::Settle(of, _) if of == *id => Some("not sent"),
        _ => None,
    };
    scene.service.lane.calls().into_iter().filter_map(name).collect()
}

fn noted(scene: &Scene) -> Value {
    let note = |call| if let Call::Checkpoint(_, value) = call { Some(value) } else { None };
    scene.service.lane.calls().into_iter().rev().find_map(note).expect("a note")
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_job_counts_as_said_when_the_server_has_read_it() {
    let deaf = Script { pongs: false, ..script("", &[]) };
    let mut scene = Scene::joined(deaf, config()).await;
    let parcel = scene.push("#art", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k1 expired")]).await;
    let ping = scene.ircd.heard("PING").await;
    assert_eq!(steps(&scene, &parcel), ["begin", "written"]);
    let word = ping.strip_prefix("PING ").unwrap();
    scene.ircd.send(&format!(":s PONG s :{word}")).await;
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
    assert_eq!(steps(&scene, &parcel), ["begin", "written", "sent"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_takes_its_last_lines_with_it() {
    let deaf = Script { pongs: false, ..script("", &[]) };
    let mut scene = Scene::joined(deaf, config()).await;
    let parcel = scene.push("#art", Outcome::Expired);
    scene.ircd.heard("PING").await;
    let state = Some(noted(&scene));
    scene.ircd.hang_up().await;
    assert_eq!(receipt(&scene, &parcel).await, Receipt::Dropped);

    let mut scene = super::speaking::scene("", &[]).await;
    scene.service.lane.push(Parcel { state, in_doubt: true, ..parcel });
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k1 expired")]).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_process_wrote_before_it_was_killed_is_not_said_again() {
    let mut scene = scene("", &[]).await;
    let parcel = scene.parcel("#art", Outcome::Expired);
    let state = Some(serde_json::json!({ "written_by": "another process" }));
    scene.service.lane.push(Parcel { state, in_doubt: true, ..parcel.clone() });
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(posted) if posted.len() == 1));
    scene.push("#art", Outcome::Failed(Failure::Empty));
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k2 failed")]).await;
}

#[tokio::test(start_paused = true)]
async fn that_it_goes_on_is_not_said_again_where_it_may_be_known() {
    let mut scene = scene("", &[]).await;
    let parcel = scene.parcel("#art", Outcome::Started { engine: "gpu1".into() });
    scene.service.lane.push(Parcel { in_doubt: true, ..parcel.clone() });
    assert_eq!(receipt(&scene, &parcel).await, Receipt::Sent(vec![]));
    scene.push("#art", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k2 expired")]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_in_doubt_waits_for_what_the_room_remembers() {
    let mut scene = scene("", &[]).await;
    let parcel = scene.parcel("#art", Outcome::Expired);
    scene.service.lane.push(Parcel { in_doubt: true, ..parcel });
    assert!(scene.ircd.heard("PING").await.starts_with("PING said-"));
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k1 expired")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_remembers_is_asked() {
    let mut scene = scene("batch draft/chathistory message-tags", &[]).await;
    let parcel = scene.parcel("#art", Outcome::Expired);
    scene.service.lane.push(Parcel { in_doubt: true, ..parcel });
    assert_eq!(scene.ircd.heard("CHATHISTORY").await, "CHATHISTORY LATEST #art * 50");
    assert!(scene.ircd.heard("PING").await.starts_with("PING said-"));
}

#[tokio::test(start_paused = true)]
async fn what_the_room_shows_is_not_said_again() {
    let mut scene = scene("batch message-tags", &[]).await;
    let known = scene.parcel("#art", Outcome::Failed(Failure::Empty));
    let lines = [
        ":s BATCH +h chathistory #art",
        "@batch=h :inkwire!~ink@h PRIVMSG #art :ann: k1 failed: the engine made no picture; try \
         another model or workflow",
        ":s BATCH -h",
    ];
    scene.ircd.send(&lines.join("\r\n")).await;
    scene.service.lane.push(Parcel { in_doubt: true, ..known.clone() });
    assert!(matches!(receipt(&scene, &known).await, Receipt::Sent(_)));
    scene.push("#art", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k2 expired")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_leaves_it_in_doubt() {
    let deaf = Script { acks: false, pongs: false, ..script(LABELS, &[]) };
    let mut scene = Scene::joined(deaf, config()).await;
    let parcel = scene.push("#art", Outcome::Expired);
    scene.ircd.spoken().await;
    assert_eq!(receipt(&scene, &parcel).await, Receipt::Dropped);
    assert!(matches!(scene.ended().await, Err(AdapterError::Disconnected(_))));
}

#[tokio::test(start_paused = true)]
async fn one_ping_serves_all_that_is_in_doubt() {
    let mut scene = scene("batch draft/chathistory message-tags", &[]).await;
    for room in ["#art", "#quiet", "#art"] {
        let parcel = scene.parcel(room, Outcome::Expired);
        scene.service.lane.push(Parcel { in_doubt: true, ..parcel });
    }
    for room in ["#art", "#quiet"] {
        let asked = scene.ircd.heard("CHATHISTORY").await;
        assert_eq!(asked, format!("CHATHISTORY LATEST {room} * 50"));
    }
    assert_eq!(scene.ircd.heard("PING").await, "PING said-1");
    for _ in 0..3 {
        assert!(scene.ircd.heard("PRIVMSG").await.contains("expired"));
    }
    assert_eq!(scene.ircd.heard("PING").await, "PING said-2");
}

#[tokio::test(start_paused = true)]
async fn it_stays_in_doubt_while_its_room_is_closed_to_us() {
    let mut scene = scene("", &[]).await;
    let parcel = scene.parcel("#elsewhere", Outcome::Expired);
    scene.service.lane.push(Parcel { in_doubt: true, ..parcel.clone() });
    assert_eq!(receipt(&scene, &parcel).await, Receipt::Dropped);
}

#[tokio::test(start_paused = true)]
async fn progress_in_doubt_is_passed_over() {
    let mut scene = scene("", &[]).await;
    let parcel = scene.parcel("#art", Outcome::Cancelling);
    scene.service.lane.push(Parcel { in_doubt: true, ..parcel.clone() });
    assert_eq!(receipt(&scene, &parcel).await, Receipt::Sent(vec![]));
}

/// A line for which a server ends the connection would be said for ever.
#[tokio::test(start_paused = true)]
async fn nothing_is_said_a_third_time() {
    let deaf = || Script { pongs: false, ..script("", &[]) };
    let mut scene = Scene::joined(deaf(), config()).await;
    let parcel = scene.push("#art", Outcome::Expired);
    let mut state = None;
    for _ in 0..2 {
        assert!(scene.ircd.spoken().await.2.contains("expired"));
        // The question comes when the note is made.
        scene.ircd.heard("PING").await;
        state = Some(noted(&scene));
        scene = Scene::joined(Script::default(), config()).await;
        let in_doubt = Parcel { in_doubt: true, state: state.clone(), ..parcel.clone() };
        scene.service.lane.push(in_doubt);
    }
    assert!(state.is_some());
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
    assert!(steps(&scene, &parcel).iter().all(|step| *step == "sent"));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_killed_before_saying_it_again_has_not_said_it() {
    let mut scene = scene("", &[]).await;
    let parcel = scene.parcel("#art", Outcome::Expired);
    let state = Some(serde_json::json!({ "again": true, "texts": ["ann: k1 expired"] }));
    scene.service.lane.push(Parcel { in_doubt: true, state, ..parcel });
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k1 expired")]).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_said_is_found_as_it_was_said() {
    let mut scene = scene("batch message-tags", &[]).await;
    let lines = [
        ":s 005 inkwire STATUSMSG=@+ :are supported",
        ":s BATCH +h chathistory #art",
        "@batch=h :inkwire!~ink@h NOTICE @#Art :ann: other words",
        ":s BATCH -h",
    ];
    scene.ircd.send(&lines.join("\r\n")).await;
    scene.ircd.send(":ann!a@h PRIVMSG #art :!queue").await;
    scene.asked().await;
    let parcel = scene.parcel("@#art", Outcome::Expired);
    let state = Some(serde_json::json!({ "texts": ["ann: other words"] }));
    scene.service.lane.push(Parcel { in_doubt: true, state, ..parcel.clone() });
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
    assert!(!steps(&scene, &parcel).contains(&"begin"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_talks_but_does_not_answer_is_left() {
    let deaf = Script { pongs: false, ..script("", &[]) };
    let mut scene = Scene::joined(deaf, config()).await;
    let started = tokio::time::Instant::now();
    scene.push("#art", Outcome::Expired);
    for _ in 0..2 {
        tokio::time::sleep(std::time::Duration::from_secs(25)).await;
        scene.ircd.send(":ann!a@h PRIVMSG #art :hello").await;
    }
    let error = scene.ended().await.unwrap_err();
    assert_eq!(error.to_string(), "connection lost: no answer to a ping");
    assert_eq!(started.elapsed().as_secs(), 61, "a quarter of a second before it is asked");
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_late_holds_no_place() {
    let deaf = Script { pongs: false, ..script("", &[]) };
    let mut scene = Scene::joined(deaf, config()).await;
    let started = tokio::time::Instant::now();
    let mut parcel = scene.parcel("#art", Outcome::Answer(inkwire_core::Answer::Paused));
    parcel.delivery.expires = Some(parcel.at.after(std::time::Duration::from_secs(3)));
    scene.service.lane.push(Parcel { in_doubt: true, ..parcel.clone() });
    assert_eq!(receipt(&scene, &parcel).await, Receipt::Sent(vec![]));
    assert!(started.elapsed().as_secs() <= 3, "long before the ping counts as lost");
}
