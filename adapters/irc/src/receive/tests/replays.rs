//! What is old is never run, and what a person writes over several lines is run once.
use super::*;

/// Whether the last line is left out after the others, which make no request.
fn replayed(lines: &[&str], last: &str) -> bool {
    let mut scene = Scene::new(&["account-tag", "server-time", "batch"]);
    for line in lines {
        assert!(scene.hear(line).is_none());
    }
    scene.hear(last).is_none()
}

#[test]
fn history_is_never_run() {
    let said = ":ann!a@h PRIVMSG #art :!queue";
    let batched = &format!("@batch=x {said}");
    assert!(replayed(&[":s BATCH +x chathistory #art"], batched));
    assert!(replayed(&[":s BATCH +x znc.in/playback #art"], batched));
    assert!(replayed(&[":s BATCH +y chathistory #art", "@batch=y :s BATCH +x custom"], batched));
    assert!(replayed(&[":s BATCH +x example/unheard-of #art"], batched));
    assert!(replayed(&[], batched), "a batch that nobody opened");
    assert!(!replayed(&[":s BATCH +x chathistory #art", ":s BATCH -x"], said));
    assert!(!replayed(&[":s BATCH +x labeled-response"], batched));
}

#[test]
fn old_lines_are_never_run_whatever_the_clocks_say() {
    let at = |time: &str| format!("@time=2026-11-20T{time}.000Z :ann!a@h PRIVMSG #art :!queue");
    assert!(!replayed(&[], &at("08:00:00")));
    assert!(!replayed(&[], &at("07:59:31")));
    assert!(replayed(&[], &at("07:59:29")));
    // The server's clock is an hour behind ours.
    let join = "@time=2026-11-20T07:00:00.000Z :ink[m]!i@h JOIN #art";
    assert!(!replayed(&[join], &at("07:00:00")));
    assert!(replayed(&[join], &at("06:59:59")));
    // A link that stalled: since then we hear.
    let late = |line: &str| {
        let mut scene = Scene::new(&["account-tag", "server-time", "batch"]);
        assert!(scene.hear("@time=2026-11-20T08:00:00.000Z :ink[m]!i@h JOIN #art").is_none());
        scene.later(Duration::from_mins(5));
        scene.hear(line).is_some()
    };
    assert!(late(&at("08:00:01")) && !late(&at("07:59:59")));
    // A JOIN of ours that is told again tells no time.
    let told = [
        ":s BATCH +x chathistory #art",
        "@batch=x;time=2026-11-20T07:00:00.000Z :ink[m]!i@h JOIN #art",
    ];
    assert!(replayed(&told, &at("07:00:01")));
    // Without the capability a tag is somebody's claim.
    assert!(Scene::new(&["account-tag"]).hear(&at("01:00:00")).is_some());
}

/// Who said what in the lines of one message.
fn lines(opening: &str, lines: &[&str]) -> Option<(String, String)> {
    let mut scene = Scene::new(&["account-tag", "batch", "server-time", "message-tags"]);
    assert!(scene.hear(opening).is_none());
    for line in lines {
        assert!(scene.hear(&format!("@batch=x {line}")).is_none());
    }
    let request = scene.hear(":s BATCH -x")?;
    Some((request.from.id.0.clone(), text(&request).to_owned()))
}

#[test]
fn a_message_of_several_lines_is_one_request() {
    let said = [":ann!a@h PRIVMSG #art :!imagine a fox", ":ann!a@h PRIVMSG #art :in \u{2}snow"];
    let opening = ":ann!a@h BATCH +x draft/multiline #art";
    let found = lines(&format!("@account=Boss;msgid=m {opening}"), &said);
    assert_eq!(found, Some(("boss".into(), "imagine a fox in snow".into())));
    assert_eq!(lines(opening, &[":ann!a@h NOTICE #art :!queue"]), None);
    assert_eq!(lines(opening, &[":eve!e@h PRIVMSG #art :!queue"]), None);
    assert_eq!(lines(&format!("@bot {opening}"), &said), None);
    assert_eq!(lines(":ink[m]!i@h BATCH +x draft/multiline #art", &said), None);
    assert_eq!(lines(":s BATCH +x draft/multiline #art", &said), None);
    assert_eq!(lines(&format!("@time=2026-11-20T07:00:00.000Z {opening}"), &said), None);
    assert_eq!(lines(&format!("@batch=history {opening}"), &said), None);
}

#[test]
fn what_we_said_ourselves_is_known_again() {
    let mut scene = Scene::new(&["account-tag", "server-time", "batch"]);
    let replayed = scene.receiver.replayed();
    for line in [
        ":s BATCH +x chathistory #art",
        "@batch=x :INK{M}!i@h PRIVMSG #ART :ann: k1 is done",
        "@batch=x :ann!a@h PRIVMSG #art :ann: k2 is done",
        "@time=2026-11-20T07:00:00.000Z :ink[m]!i@h PRIVMSG Bob^ :bob: k3 is done",
        ":ink[m]!i@h PRIVMSG #art :ann: k4 is done",
    ] {
        assert!(scene.hear(line).is_none());
    }
    let replayed = replayed.borrow();
    assert!(replayed.contains("#art", "ann: k1 is done"));
    assert!(replayed.contains("bob~", "bob: k3 is done"));
    assert!(!replayed.contains("#art", "ann: k2 is done"), "somebody else's");
    assert!(!replayed.contains("#art", "ann: k4 is done"), "said just now");
}
