//! How an answer finds its way: what is refused, confirmed, lost or too long.
//! Over a scripted server; time is paused.
use super::{
    ircd::Script,
    scenes::{Scene, config},
};
use crate::{Config, Flood, Verb};
use inkwire_core::{Answer, Failure, Outcome, Parcel, Receipt, Rejection, SendError, Spec};
use std::time::Duration;
use tokio::time::Instant;

pub(super) const LABELS: &str = "batch labeled-response message-tags server-time";
const CANNOT: &str = "404 inkwire #art :Cannot send to channel";

fn answer() -> Outcome {
    Outcome::Answer(Answer::Paused)
}

fn long_answer() -> Outcome {
    let problems = (0..100).map(|n| format!("key number {n} is wrong")).collect();
    Outcome::Answer(Answer::ReloadFailed(problems))
}

pub(super) fn script(caps: &str, refusals: &[(&'static str, &'static str)]) -> Script {
    Script { caps: caps.into(), refusals: refusals.to_vec(), ..Script::default() }
}

pub(super) async fn scene(caps: &str, refusals: &[(&'static str, &'static str)]) -> Scene {
    Scene::joined(script(caps, refusals), config()).await
}

/// Verb, target and the beginning of the next lines for people.
pub(super) async fn check(scene: &mut Scene, expected: &[(&str, &str, &str)]) {
    for (verb, target, text) in expected {
        let (said, to, what) = scene.ircd.spoken().await;
        assert_eq!((said, to.as_str()), (*verb, *target), "{what}");
        assert!(what.starts_with(text), "{what}");
    }
}

pub(super) async fn receipt(scene: &Scene, parcel: &Parcel) -> Receipt {
    scene.service.lane.receipt(&parcel.delivery.id).await
}

// --- verbs and tags ---

#[tokio::test(start_paused = true)]
async fn results_are_said_and_answers_are_notices() {
    let mut scene = scene("", &[]).await;
    scene.push("#art", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k1 expired")]).await;
    scene.push("#art", Outcome::Rejected(Rejection::EmptyPrompt));
    check(&mut scene, &[("NOTICE", "#art", "ann: Say what to paint")]).await;
    scene.push("#art", answer());
    check(&mut scene, &[("NOTICE", "#art", "ann: Paused")]).await;
    scene.push("ann", answer());
    check(&mut scene, &[("NOTICE", "ann", "ann: Paused")]).await;
    scene.push("ann", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "ann", "k5 expired")]).await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_may_want_answers_said_aloud_in_rooms() {
    let config = Config { answers: Verb::Privmsg, ..config() };
    let mut scene = Scene::joined(script("", &[]), config).await;
    scene.push("#art", answer());
    check(&mut scene, &[("PRIVMSG", "#art", "ann: Paused")]).await;
    scene.push("ann", answer());
    check(&mut scene, &[("NOTICE", "ann", "ann: Paused")]).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_names_what_it_answers() {
    let mut scene = scene("message-tags", &[]).await;
    let mut parcel = scene.parcel("#art", answer());
    parcel.delivery.to.message = Some("m;1".into());
    scene.service.lane.push(parcel);
    let line = scene.ircd.heard("NOTICE").await;
    let tags = "@+draft/reply=m\\:1;+reply=m\\:1 ";
    assert_eq!(
        line.strip_prefix(tags).map(|line| line.get(..18)),
        Some(Some("NOTICE #art :ann: "))
    );
}

// --- refusals ---

#[tokio::test(start_paused = true)]
async fn a_room_without_notices_is_remembered() {
    for caps in ["", LABELS] {
        let mut scene = scene(caps, &[("NOTICE #art", CANNOT)]).await;
        let first = scene.push("#art", answer());
        let (notice, said) =
            (("NOTICE", "#art", "ann: Paused"), ("PRIVMSG", "#art", "ann: Paused"));
        check(&mut scene, &[notice, said]).await;
        assert!(matches!(receipt(&scene, &first).await, Receipt::Sent(_)));
        scene.push("#art", answer());
        check(&mut scene, &[said]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_room_refuses_is_told_to_the_asker() {
    let refusals = [("PRIVMSG #art", CANNOT), ("NOTICE #art", CANNOT)];
    for caps in ["", LABELS] {
        let mut scene = scene(caps, &refusals).await;
        let result = scene.push("#art", Outcome::Expired);
        let aloud = ("PRIVMSG", "#art", "ann: k1 expired");
        check(&mut scene, &[aloud, ("NOTICE", "ann", "ann: k1 expired")]).await;
        assert!(matches!(receipt(&scene, &result).await, Receipt::Sent(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_behind_a_relay_is_told_in_private() {
    let mut scene = scene(LABELS, &[("PRIVMSG #art", CANNOT)]).await;
    let mut parcel = scene.parcel("#art", Outcome::Expired);
    parcel.delivery.asker.powers.relay = true;
    scene.service.lane.push(parcel.clone());
    assert_eq!(receipt(&scene, &parcel).await, Receipt::Failed(SendError::Forbidden));
}

#[tokio::test(start_paused = true)]
async fn refusals_say_how_it_ended() {
    for (refusal, expected) in [
        ("401 inkwire ann :No such nick", SendError::After(Duration::from_mins(4))),
        ("716 inkwire ann :is in +g mode", SendError::Forbidden),
        ("439 inkwire ann :Please wait 20 seconds", SendError::After(Duration::from_secs(20))),
        ("599 inkwire ann :Something new", SendError::Forbidden),
    ] {
        let mut scene = scene(LABELS, &[("PRIVMSG ann", refusal)]).await;
        let parcel = scene.push("ann", Outcome::Expired);
        assert_eq!(receipt(&scene, &parcel).await, Receipt::Failed(expected), "{refusal}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_away_is_looked_for_and_not_for_ever() {
    let mut scene = scene(LABELS, &[("PRIVMSG ann", "401 inkwire ann :No such nick")]).await;
    tokio::time::sleep(Duration::from_mins(20)).await;
    let parcel = scene.push("ann", Outcome::Expired);
    assert_eq!(receipt(&scene, &parcel).await, Receipt::Failed(SendError::Gone));
}

#[tokio::test(start_paused = true)]
async fn a_private_result_follows_whoever_changes_nick() {
    let mut scene = scene("", &[]).await;
    scene.ircd.send(":ann!a@h NICK bea\r\nPING seen").await;
    scene.ircd.heard("PONG").await;
    let mut parcel = scene.parcel("#art", Outcome::Expired);
    parcel.delivery.private = true;
    scene.service.lane.push(parcel);
    check(&mut scene, &[("PRIVMSG", "bea", "k1")]).await;
    scene.push("ann", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "bea", "k2")]).await;
    scene.ircd.send(":ann!other@h PRIVMSG #art :hello\r\nPING seen").await;
    scene.ircd.heard("PONG").await;
    scene.push("ann", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "ann", "k3")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_behind_a_relay_is_not_called() {
    let mut scene = scene("", &[]).await;
    let mut parcel = scene.parcel("#art", Outcome::Expired);
    parcel.delivery.asker.powers.relay = true;
    scene.service.lane.push(parcel);
    check(&mut scene, &[("PRIVMSG", "#art", "‹a·nn› k1 expired")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_nobody_has_heard_of_is_no_end_in_a_room() {
    let refusal = "FAIL * SOMETHING_NEW :no";
    let mut scene = scene(LABELS, &[("PRIVMSG #art", refusal)]).await;
    let parcel = scene.push("#art", Outcome::Expired);
    let aloud = ("PRIVMSG", "#art", "ann: k1 expired");
    check(&mut scene, &[aloud, ("NOTICE", "ann", "ann: k1 expired")]).await;
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_too_long_is_cut_once() {
    let mut scene = scene(LABELS, &[("PRIVMSG ann", "417 inkwire ann :Too long")]).await;
    let parcel = scene.push("ann", Outcome::Expired);
    let (_, _, first) = scene.ircd.spoken().await;
    let (_, _, second) = scene.ircd.spoken().await;
    assert!(second.len() < first.len() && second.ends_with('…'), "{second}");
    assert_eq!(receipt(&scene, &parcel).await, Receipt::Failed(SendError::Forbidden));
}

#[tokio::test(start_paused = true)]
async fn without_labels_the_oldest_line_on_its_way_is_the_refused_one() {
    let early = [("PRIVMSG ann", "439 inkwire ann :Please wait 20 seconds")];
    let mut scene = scene("", &early).await;
    let other = scene.push("#art", Outcome::Expired);
    let refused = scene.push("ann", Outcome::Expired);
    let wait = SendError::After(Duration::from_secs(20));
    assert_eq!(receipt(&scene, &refused).await, Receipt::Failed(wait));
    assert!(matches!(receipt(&scene, &other).await, Receipt::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn with_labels_a_refusal_without_one_is_about_another_command() {
    let silent = Script { acks: false, ..script(LABELS, &[]) };
    let mut scene = Scene::joined(silent, config()).await;
    let parcel = scene.push("#art", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k1")]).await;
    scene.ircd.send(":s 404 inkwire #art :Cannot\r\n@label=s1 :s ACK").await;
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
    scene.push("#art", answer());
    check(&mut scene, &[("NOTICE", "#art", "ann: Paused")]).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_lines_is_said_later_and_the_second_once() {
    let config = Config { answers: Verb::Privmsg, ..config() };
    let mut scene = Scene::joined(script(LABELS, &[]), config).await;
    scene.ircd.refuse_next("439 inkwire #art :Please wait 20 seconds");
    let started = Instant::now();
    let parcel = scene.push("#art", long_answer());
    let (_, _, first) = scene.ircd.spoken().await;
    let (_, _, second) = scene.ircd.spoken().await;
    let (_, _, third) = scene.ircd.spoken().await;
    assert!(first == third && first != second, "{third}");
    assert_eq!(started.elapsed().as_secs(), 20);
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn a_refused_join_is_no_refused_line() {
    let mut scene = scene("", &[]).await;
    scene.push("#art", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "#art", "ann: k1")]).await;
    scene.ircd.send(":op!o@h KICK #art inkwire :out\r\n:s 403 inkwire #art :No such channel").await;
    scene.push("ann", answer());
    check(&mut scene, &[("NOTICE", "ann", "ann: Paused")]).await;
}

// --- receipts ---

#[tokio::test(start_paused = true)]
async fn a_line_is_sent_when_the_server_says_so() {
    let silent = Script { acks: false, ..script(LABELS, &[]) };
    let mut scene = Scene::joined(silent, config()).await;
    let (first, second) =
        (scene.push("#art", Outcome::Expired), scene.push("#quiet", Outcome::Expired));
    scene.ircd.spoken().await;
    scene.ircd.spoken().await;
    assert!(scene.service.lane.receipts(&first.delivery.id).is_empty(), "both are under way");
    scene.ircd.send("@label=s2 :inkwire!i@h PRIVMSG #quiet :ann: k2").await;
    assert!(matches!(receipt(&scene, &second).await, Receipt::Sent(_)));
    assert!(scene.service.lane.receipts(&first.delivery.id).is_empty());
    scene.ircd.hang_up().await;
    assert_eq!(receipt(&scene, &first).await, Receipt::Dropped, "in doubt");
}

#[tokio::test(start_paused = true)]
async fn what_was_confirmed_just_before_the_end_is_not_in_doubt() {
    for _ in 0..16 {
        let silent = Script { acks: false, ..script(LABELS, &[]) };
        let mut scene = Scene::joined(silent, config()).await;
        let parcel = scene.push("#art", Outcome::Expired);
        scene.ircd.spoken().await;
        scene.ircd.send("@label=s1 :s ACK\r\nERROR :bye").await;
        assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answered_ping_confirms_what_came_before_it() {
    let silent = Script { acks: false, ..script(LABELS, &[]) };
    let mut scene = Scene::joined(silent, config()).await;
    let started = Instant::now();
    let parcel = scene.push("#art", Outcome::Expired);
    assert!(scene.ircd.heard("PING").await.starts_with("PING said-"));
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_last_confirmation_and_then_says_goodbye() {
    let silent = Script { acks: false, ..script(LABELS, &[]) };
    let mut scene = Scene::joined(silent, config()).await;
    let started = Instant::now();
    let parcel = scene.push("#art", Outcome::Expired);
    scene.service.token.cancel();
    scene.service.lane.close();
    scene.ircd.heard("QUIT").await;
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert!(scene.ended().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn two_lines_are_one_message_where_the_server_takes_it() {
    let caps = format!("{LABELS} draft/multiline=max-bytes=4096,max-lines=100");
    let mut scene = scene(&caps, &[]).await;
    let parcel = scene.push("#art", long_answer());
    assert_eq!(scene.ircd.heard("BATCH").await, "@label=s1 BATCH +m1 draft/multiline #art");
    for _ in 0..2 {
        let line = scene.ircd.heard("NOTICE").await;
        assert!(line.starts_with("@batch=m1 NOTICE #art :ann: "), "{line}");
    }
    assert_eq!(scene.ircd.heard("BATCH").await, "BATCH -m1");
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn a_refused_message_of_two_lines_is_said_line_by_line() {
    let caps = format!("{LABELS} draft/multiline=max-bytes=4096");
    let mut scene = scene(&caps, &[("BATCH +", "FAIL BATCH MULTILINE_INVALID :no")]).await;
    let parcel = scene.push("#art", long_answer());
    scene.ircd.heard("BATCH").await;
    scene.ircd.heard("BATCH").await;
    for label in ["@label=s2 NOTICE #art :ann: ", "@label=s3 NOTICE #art :ann: "] {
        let line = scene.ircd.heard("NOTICE").await;
        assert!(line.starts_with(label), "{line}");
    }
    assert!(matches!(receipt(&scene, &parcel).await, Receipt::Sent(_)));
}

// --- long answers ---

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_behind_a_link() {
    let mut scene = scene("", &[]).await;
    scene.push("#art", long_answer());
    let (_, _, first) = scene.ircd.spoken().await;
    let (_, _, second) = scene.ircd.spoken().await;
    assert!(!first.contains("https://"), "{first}");
    let link = second.rsplit_once("… ").map(|(_, link)| link).unwrap();
    assert!(link.starts_with("https://pics.example/i/"), "{second}");

    let mut private = scene.parcel("#art", long_answer());
    private.delivery.private = true;
    scene.service.lane.push(private);
    scene.ircd.spoken().await;
    let (_, target, last) = scene.ircd.spoken().await;
    assert!(target == "ann" && last.ends_with('…'), "{last}");
}

#[tokio::test(start_paused = true)]
async fn help_is_short_in_a_room() {
    let spec = |n: usize| Spec {
        name: format!("command{n}"),
        aliases: vec![],
        usage: format!("command{n} [ID]"),
        summary: "does something".into(),
        role: inkwire_core::Role::Everybody,
        examples: vec![],
    };
    let help = || Outcome::Answer(Answer::Help((0..100).map(spec).collect()));
    let mut scene = scene("", &[]).await;
    scene.push("#art", help());
    let (_, _, line) = scene.ircd.spoken().await;
    assert!(line.ends_with("…; more: /msg inkwire help"), "{line}");
    scene.push("ann", help());
    for _ in 0..5 {
        check(&mut scene, &[("NOTICE", "ann", "ann: ")]).await;
    }
    scene.push("ann", answer());
    check(&mut scene, &[("NOTICE", "ann", "ann: Paused")]).await;
}

// --- rooms ---

#[tokio::test(start_paused = true)]
async fn a_result_for_a_room_that_stays_closed_goes_to_the_asker() {
    let mut scene = scene("", &[]).await;
    scene.ircd.send(":op!o@h KICK #art inkwire :out").await;
    scene.ircd.send(":ann!a@h PRIVMSG #quiet :!queue").await;
    scene.asked().await;
    let first = scene.push("#art", Outcome::Expired);
    assert!(matches!(receipt(&scene, &first).await, Receipt::Failed(SendError::After(_))));
    scene.push("#elsewhere", Outcome::Expired);
    tokio::time::sleep(Duration::from_secs(121)).await;
    scene.push("#elsewhere", Outcome::Failed(Failure::Empty));
    check(&mut scene, &[("NOTICE", "ann", "k3 failed")]).await;
    let mut passing = scene.parcel("#elsewhere", Outcome::Cancelling);
    passing.at = passing.at.after(Duration::from_secs(121));
    scene.service.lane.push(passing.clone());
    assert!(matches!(receipt(&scene, &passing).await, Receipt::Failed(SendError::After(_))));
    let mut relayed = scene.parcel("#elsewhere", Outcome::Expired);
    relayed.delivery.asker.powers.relay = true;
    scene.service.lane.push(relayed.clone());
    assert!(matches!(receipt(&scene, &relayed).await, Receipt::Failed(SendError::After(_))));
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_room_counts_as_the_room() {
    let mut scene = scene("", &[]).await;
    scene.ircd.send(":s 005 inkwire STATUSMSG=@+ :are supported").await;
    scene.ircd.send(":ann!a@h PRIVMSG #art :!queue").await;
    scene.asked().await;
    scene.push("@#art", Outcome::Expired);
    check(&mut scene, &[("PRIVMSG", "@#art", "ann: k1 expired")]).await;
    let mut parcel = scene.parcel("#art", Outcome::Expired);
    parcel.delivery.to.thread = Some("@".into());
    scene.service.lane.push(parcel);
    check(&mut scene, &[("PRIVMSG", "@#art", "ann: k2 expired")]).await;
}

// --- taking turns ---

#[tokio::test(start_paused = true)]
async fn one_busy_room_does_not_hold_up_another() {
    let config = Config { flood: Flood { burst: 1, ..Flood::default() }, ..config() };
    let mut scene = Scene::joined(script("", &[]), config).await;
    for _ in 0..20 {
        scene.push("#art", Outcome::Expired);
    }
    scene.push("#quiet", Outcome::Expired);
    let mut targets = vec![];
    for _ in 0..3 {
        targets.push(scene.ircd.spoken().await.1);
    }
    assert!(targets.contains(&"#quiet".to_owned()), "{targets:?}");
}

#[tokio::test(start_paused = true)]
async fn no_answer_waits_for_ever() {
    let config = Config {
        flood: Flood { burst: 1, target_interval_ms: 2000, ..Flood::default() },
        ..config()
    };
    let mut scene = Scene::joined(script("", &[]), config).await;
    scene.push("#quiet", answer());
    for _ in 0..50 {
        scene.push("#art", Outcome::Expired);
    }
    let mut before = 0;
    while scene.ircd.spoken().await.1 != "#quiet" {
        before += 1;
    }
    assert!((15..30).contains(&before), "results first, but not for ever: {before}");
}

#[tokio::test(start_paused = true)]
async fn progress_is_said_soon_or_never() {
    let flood = Flood { burst: 1, target_burst: 1, target_interval_ms: 2000, ..Flood::default() };
    let mut scene = Scene::joined(script("", &[]), Config { flood, ..config() }).await;
    for _ in 0..15 {
        scene.push("#art", Outcome::Expired);
    }
    let passing = scene.push("#art", Outcome::Started { engine: "gpu1".into() });
    assert_eq!(receipt(&scene, &passing).await, Receipt::Sent(vec![]));
    for _ in 0..15 {
        assert!(scene.ircd.said().await.1.contains("expired"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_line_waits_for_all_that_it_costs() {
    let config = Config { flood: Flood { burst: 2, ..Flood::default() }, ..config() };
    let mut scene = Scene::joined(script("", &[]), config).await;
    let started = Instant::now();
    scene.push("#art", long_answer());
    check(&mut scene, &[("NOTICE", "#art", "ann: ")]).await;
    assert_eq!(started.elapsed().as_secs(), 2, "the JOIN was one of the two");
}

#[tokio::test(start_paused = true)]
async fn progress_of_long_ago_is_not_told_after_a_reconnect() {
    let mut scene = scene("", &[]).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let old = scene.push("#art", Outcome::Cancelling);
    assert_eq!(receipt(&scene, &old).await, Receipt::Sent(vec![]));
}

#[tokio::test(start_paused = true)]
async fn the_server_comes_first_and_a_ping_waits_for_nothing() {
    let config = Config { flood: Flood { burst: 1, ..Flood::default() }, ..config() };
    let mut scene = Scene::joined(script("", &[]), config).await;
    let started = Instant::now();
    for _ in 0..3 {
        scene.ircd.send(":ann!a@h PRIVMSG inkwire :\u{1}VERSION\u{1}").await;
    }
    scene.ircd.send("PING late").await;
    assert_eq!(scene.ircd.heard("PONG").await, "PONG late");
    assert_eq!(started.elapsed(), Duration::ZERO);
    scene.push("#art", Outcome::Expired);
    let (version, k1) = (("NOTICE", "ann", "\u{1}VERSION"), ("PRIVMSG", "#art", "ann: k1"));
    check(&mut scene, &[version, k1, version, version]).await;
    assert_eq!(started.elapsed().as_secs(), 10, "whether k1 arrived is asked meanwhile");
}
