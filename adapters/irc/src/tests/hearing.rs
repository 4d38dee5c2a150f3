//! What people say, over a connection: who they are, in what order, what is left out.
use super::{
    ircd::Script,
    scenes::{Scene, config},
};
use crate::{Config, Relay};
use inkwire_core::{Refused, Request, Role, Spec, Trust};
use std::time::Duration;
use tokio::time::Instant;

/// A network that tags nothing and can be asked.
async fn plain(isupport: &str) -> Scene {
    let script = Script { caps: String::new(), ..Script::default() };
    let scene = Scene::joined(script, config()).await;
    scene.ircd.send(&format!(":s 005 inkwire {isupport} :are supported")).await;
    scene.service.surface.send_modify(|surface| {
        surface.commands.push(Spec {
            name: "admin pause".into(),
            aliases: vec![],
            usage: String::new(),
            summary: String::new(),
            role: Role::Admin,
            examples: vec![],
        });
    });
    scene
}

/// The requests of the next batch, which is committed.
async fn handed_in(scene: &mut Scene) -> Vec<Request> {
    let submission = scene.service.submissions.recv().await.unwrap();
    submission.done.send(Ok(vec![])).unwrap();
    submission.batch.requests
}

fn whose(request: &Request) -> (&str, Trust) {
    (&request.from.id.0, request.from.trust)
}

const PAUSE: &str = ":ann!a@h PRIVMSG #art :!admin pause";
const QUEUE: &str = ":ann!a@h PRIVMSG #art :!queue";

#[tokio::test]
async fn an_admin_is_asked_about_before_being_obeyed() {
    let mut scene = plain("WHOX").await;
    scene.ircd.send(PAUSE).await;
    assert_eq!(scene.ircd.heard("WHO").await, "WHO ann %tnuhaf,1");
    scene.ircd.send(QUEUE).await;
    scene.ircd.send(":s 354 inkwire 1 a h ann H Boss\r\n:s 315 inkwire ann :End").await;
    let requests = handed_in(&mut scene).await;
    let all: Vec<_> = requests.iter().map(whose).collect();
    assert_eq!(all, [("boss", Trust::Account); 2], "in the order in which they were said");

    let mut scene = plain("NETWORK=Old").await;
    scene.ircd.send(QUEUE).await;
    assert_eq!(whose(&handed_in(&mut scene).await[0]), ("~a@h", Trust::Unverified));
    scene.ircd.send(PAUSE).await;
    assert_eq!(scene.ircd.heard("WHOIS").await, "WHOIS ann");
    scene.ircd.send(":s 311 inkwire ann a h * :Ann").await;
    scene.ircd.send(":s 330 inkwire ann Boss :is logged in as").await;
    scene.ircd.send(":s 318 inkwire ann :End of WHOIS").await;
    assert_eq!(whose(&handed_in(&mut scene).await[0]), ("boss", Trust::Account));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_leaves_strangers() {
    let mut scene = plain("WHOX").await;
    let started = Instant::now();
    scene.ircd.send(PAUSE).await;
    assert_eq!(whose(&handed_in(&mut scene).await[0]), ("~a@h", Trust::Unverified));
    assert_eq!(started.elapsed().as_secs(), 15);
}

#[tokio::test]
async fn what_waits_outlives_the_connection() {
    let mut scene = plain("WHOX").await;
    scene.ircd.send(PAUSE).await;
    scene.ircd.heard("WHO").await;
    scene.ircd.hang_up().await;
    assert_eq!(whose(&handed_in(&mut scene).await[0]), ("~a@h", Trust::Unverified));
}

#[tokio::test]
async fn a_message_of_several_lines_is_one_request() {
    let mut scene = Scene::joined(Script::default(), config()).await;
    for line in [
        "@account=boss;msgid=m1 :ann!a@h BATCH +7 draft/multiline #art",
        "@batch=7 :ann!a@h PRIVMSG #art :!imagine a fox",
        "@batch=7 :ann!a@h PRIVMSG #art :in the snow",
        ":bob!b@h PRIVMSG #art :!queue",
    ] {
        scene.ircd.send(line).await;
    }
    assert_eq!(scene.answered().await, "queue");
    scene.ircd.send(":s BATCH -7").await;
    let request = handed_in(&mut scene).await.remove(0);
    assert_eq!((request.id.0.as_str(), whose(&request)), ("msgid:m1", ("boss", Trust::Account)));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_busy_gets_everything_later_and_in_order() {
    let mut scene = Scene::joined(Script::default(), config()).await;
    scene.ircd.send(":ann!a@h PRIVMSG #art :!imagine 0").await;
    let held = scene.service.submissions.recv().await.unwrap();
    for n in 1..=20 {
        scene.ircd.send(&format!(":ann!a@h PRIVMSG #art :!imagine {n}")).await;
    }
    scene.ircd.send("PING all").await;
    scene.ircd.heard("PONG").await;
    held.done.send(Err(Refused::Saturated { retry_in: Duration::from_secs(3) })).unwrap();
    assert_eq!(scene.answered().await, "imagine 0");
    let rest: Vec<_> = (1..=20).map(|n| format!("imagine {n}")).collect();
    assert_eq!(scene.answered().await, rest.join("; "));
}

#[tokio::test]
async fn a_relay_names_the_author_and_nobody_else() {
    let relays = vec![Relay { who: "bridge".into(), pattern: Relay::usual_pattern() }];
    let mut scene = Scene::joined(Script::default(), Config { relays, ..config() }).await;
    for line in [
        "@account=boss :bridge!b@h PRIVMSG #art :<boss> !admin pause",
        "@account=boss :bridge!b@h PRIVMSG #art :!admin pause",
        "@account=boss :ann!a@h PRIVMSG #art :<boss> !admin pause",
        "@account=boss :ann!a@h PRIVMSG #art :!admin pause",
    ] {
        scene.ircd.send(line).await;
    }
    let mut found = vec![];
    while found.len() < 3 {
        found.extend(handed_in(&mut scene).await);
    }
    let all: Vec<_> = found.iter().map(whose).collect();
    let stranger = Trust::Unverified;
    assert_eq!(all, [("~b@h/boss", stranger), ("~b@h", stranger), ("boss", Trust::Account)]);
}

/// A room with a history: what is told about the past is left out, whoever tells it and however.
#[tokio::test]
async fn a_replay_makes_no_request() {
    let mut scene = Scene::joined(Script::default(), config()).await;
    for n in 0..100 {
        let time = format!("@time=2001-01-01T00:00:{:02}.000Z", n % 60);
        scene.ircd.send(&format!("{time} :n{n}!u{n}@h PRIVMSG #art :!queue")).await;
        scene.ircd.send(&format!(":s BATCH +{n} chathistory #art")).await;
        scene.ircd.send(&format!("@batch={n} :n{n}!u{n}@h PRIVMSG #art :!queue")).await;
        scene.ircd.send(&format!(":s BATCH -{n}")).await;
    }
    scene.ircd.send(":ann!a@h PRIVMSG #art :!status").await;
    assert_eq!(scene.answered().await, "status");
}
