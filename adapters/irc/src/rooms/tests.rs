//! Coming into rooms, being kept out of them, and being asked into others.
use super::*;
use crate::{config::Channel, words::message};

fn rooms(channels: &[&str]) -> Rooms {
    let channels = channels.iter().map(|name| Channel::from(*name)).collect();
    Rooms::new(&Config { channels, ..Config::default() }, &[])
}

fn lines(rooms: &mut Rooms) -> Vec<String> {
    lines_of(rooms, "")
}

fn lines_of(rooms: &mut Rooms, supported: &str) -> Vec<String> {
    let mut isupport = Isupport::default();
    isupport.read(&["ink".to_owned(), supported.to_owned()]);
    let lines = rooms.join(&isupport, Instant::now());
    lines.iter().map(|l| String::from_utf8_lossy(l.as_bytes()).trim_end().to_owned()).collect()
}

fn take(rooms: &mut Rooms, line: &str) -> Option<Change> {
    rooms.take(&Identity::new("ink"), &message(line).unwrap())
}

fn invite(rooms: &mut Rooms, name: &str, allowed: bool) -> bool {
    rooms.invited(&Identity::new("ink"), name, allowed).is_some()
}

fn wait(rooms: &Rooms) -> u64 {
    (rooms.due().unwrap() - Instant::now()).as_secs()
}

// --- asking ---

#[tokio::test]
async fn rooms_with_keys_come_first() {
    let keyed = Channel { key: Some("k".into()), ..Channel::from("#key") };
    let channels = vec!["#a".into(), keyed, "#b".into()];
    let mut rooms = Rooms::new(&Config { channels, ..Config::default() }, &[]);
    assert_eq!(lines(&mut rooms), ["JOIN #key,#a,#b k"]);
    assert_eq!(lines(&mut rooms), [""; 0], "asked once");
}

#[tokio::test]
async fn many_rooms_take_several_lines() {
    let names: Vec<_> = (0..40).map(|n| format!("#room-number-{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let count = |lines: &[String]| lines.iter().flat_map(|line| line.split(',')).count();
    let by_bytes = lines(&mut rooms(&names));
    assert_eq!((by_bytes.len(), count(&by_bytes)), (2, 40));
}

#[tokio::test(start_paused = true)]
async fn a_few_lines_go_at_once_and_the_rest_later() {
    let names: Vec<_> = (0..10).map(|n| format!("#room-{n}")).collect();
    let mut rooms = rooms(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for expected in [
        &[
            "JOIN #room-0,#room-1",
            "JOIN #room-2,#room-3",
            "JOIN #room-4,#room-5",
            "JOIN #room-6,#room-7",
        ][..],
        &["JOIN #room-8,#room-9"],
    ] {
        assert_eq!(lines_of(&mut rooms, "TARGMAX=JOIN:2"), expected);
        assert_eq!(lines_of(&mut rooms, "TARGMAX=JOIN:2"), [""; 0]);
        tokio::time::advance(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn a_room_that_is_configured_twice_is_one() {
    assert_eq!(lines(&mut rooms(&["#art", "#ART"])), ["JOIN #art"]);
}

#[tokio::test(start_paused = true)]
async fn no_more_rooms_are_asked_for_than_the_server_allows() {
    let mut rooms = rooms(&["#a", "#b", "&c", "#d"]);
    assert_eq!(lines_of(&mut rooms, "CHANLIMIT=#:2"), ["JOIN #a,#b,&c"]);
    take(&mut rooms, ":ink!i@h JOIN #a");
    take(&mut rooms, ":ink!i@h JOIN #b");
    take(&mut rooms, ":ink!i@h JOIN &c");
    assert!(rooms.settled(), "the rest is not waited for");
    assert_eq!(wait(&rooms), 600);
    tokio::time::advance(LONGEST_WAIT).await;
    assert_eq!(lines_of(&mut rooms, "CHANLIMIT=#:2"), [""; 0]);
    tokio::time::advance(LONGEST_WAIT).await;
    assert_eq!(lines_of(&mut rooms, "CHANLIMIT=#:3"), ["JOIN #d"]);
}

// --- being refused ---

#[tokio::test(start_paused = true)]
async fn a_kick_is_answered_later_and_later() {
    let mut rooms = rooms(&["#art"]);
    assert_eq!(lines(&mut rooms), ["JOIN #art"]);
    assert!(!rooms.settled());
    for expected in [5, 10, 20] {
        assert!(take(&mut rooms, ":Ink!i@h JOIN #ART").is_some());
        assert!(rooms.settled() && rooms.due().is_none());
        assert!(take(&mut rooms, ":op!o@h KICK #art ink :out").is_some());
        assert_eq!(lines(&mut rooms), [""; 0]);
        assert!((expected..=expected * 3 / 2).contains(&wait(&rooms)));
        tokio::time::advance(rooms.due().unwrap() - Instant::now()).await;
        assert_eq!(lines(&mut rooms), ["JOIN #art"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_that_always_says_no_is_asked_rarely() {
    let mut rooms = rooms(&["#art"]);
    for expected in [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 1800, 1800] {
        lines(&mut rooms);
        assert!(take(&mut rooms, ":s 474 ink #art :Cannot join channel (+b)").is_some());
        assert!((expected..=expected * 3 / 2).contains(&wait(&rooms)), "{expected}");
        tokio::time::advance(rooms.due().unwrap() - Instant::now()).await;
    }
    lines(&mut rooms);
    take(&mut rooms, ":ink!i@h JOIN #art");
    tokio::time::advance(LONGEST_WAIT * 2).await;
    take(&mut rooms, ":ink!i@h PART #art :SAPART");
    assert!((5..=7).contains(&wait(&rooms)), "after a long stay it begins anew");
}

#[tokio::test]
async fn every_refusal_settles_a_room() {
    let check = |line: &str, expected| {
        let mut rooms = rooms(&["#art"]);
        lines(&mut rooms);
        let taken = take(&mut rooms, line) == Some(Change::Moved);
        assert_eq!((taken, rooms.settled()), (expected, expected), "{line}");
        assert!(rooms.joined(Casemap::Ascii).is_empty());
    };
    for number in [403, 405, 437, 471, 473, 474, 475, 476, 477, 480, 489, 520] {
        check(&format!(":s {number} ink #Art :no"), true);
    }
    check(":s 470 ink #art ##art :Forwarding to another channel", true);
    check("FAIL JOIN CHANNEL_LOCKED #art :no", true);
    check("FAIL PRIVMSG NO #art :no", false);
    check(":s 474 ink #other :no", false);
    check(":s 474 ink", false);
    check(":s 404 ink #art :no", false);
    check(":ann!a@h JOIN #art", false);
    check(":ann!a@h PART #art", false);
    check(":op!o@h KICK #art ann :out", false);
}

#[tokio::test(start_paused = true)]
async fn too_many_rooms_are_tried_much_later() {
    let mut rooms = rooms(&["#art"]);
    lines(&mut rooms);
    take(&mut rooms, ":s 405 ink #art :You have joined too many channels");
    assert!((600..=900).contains(&wait(&rooms)));
}

#[tokio::test]
async fn a_number_that_answers_something_else_puts_us_out_of_no_room() {
    let mut rooms = rooms(&["#art"]);
    take(&mut rooms, ":ink!i@h JOIN #art");
    assert_eq!(take(&mut rooms, ":s 477 ink #art :You need an account to speak"), None);
    assert_eq!(rooms.joined(Casemap::Ascii).len(), 1);
}

#[tokio::test]
async fn a_room_that_we_were_sent_to_instead_is_left() {
    let mut rooms = rooms(&["#art", "#home"]);
    take(&mut rooms, ":s 470 ink #art #home :Forwarding to another channel");
    assert_eq!(take(&mut rooms, ":ink!i@h JOIN #home"), Some(Change::Moved), "configured");
    assert_eq!(take(&mut rooms, ":ink!i@h JOIN ##art"), None, "somebody else's doing");
    take(&mut rooms, ":s 470 ink #art ##art :Forwarding to another channel");
    assert_eq!(take(&mut rooms, ":ink!i@h JOIN ##art"), Some(Change::Leave("##art".into())));
    assert_eq!(take(&mut rooms, ":ink!i@h PART ##art"), None);
    assert_eq!(take(&mut rooms, ":ink!i@h JOIN ##art"), None, "left once");
}

// --- invitations ---

#[tokio::test(start_paused = true)]
async fn an_invitation_into_a_configured_room_is_followed_at_once() {
    let mut rooms = rooms(&["#art"]);
    lines(&mut rooms);
    take(&mut rooms, ":s 473 ink #art :Cannot join channel (+i)");
    assert_eq!(lines(&mut rooms), [""; 0]);
    assert!(invite(&mut rooms, "#Art", false));
    assert_eq!(lines(&mut rooms), ["JOIN #art"]);
    take(&mut rooms, ":ink!i@h JOIN #art");
    assert!(!invite(&mut rooms, "#art", true), "we are there");
}

#[tokio::test(start_paused = true)]
async fn an_invitation_into_another_room_must_be_allowed() {
    let mut rooms = rooms(&["#art"]);
    assert!(!invite(&mut rooms, "#new", false) && !invite(&mut rooms, "ann", true));
    assert!(!invite(&mut rooms, "#a,#b", true) && !invite(&mut rooms, "#a b", true));
    tokio::time::advance(INVITATIONS_WITHIN).await;
    assert!(invite(&mut rooms, "#new", true));
    assert_eq!(lines(&mut rooms), ["JOIN #art,#new"]);
    take(&mut rooms, ":ink!i@h JOIN #new");
    assert_eq!((rooms.guests(), rooms.joined(Casemap::Ascii).len()), (vec!["#new"], 1));
    take(&mut rooms, ":op!o@h KICK #new ink :out");
    assert_eq!(rooms.guests(), [""; 0], "a kick is for good");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_invites_and_then_refuses_is_given_up() {
    let mut rooms = rooms(&[]);
    assert!(invite(&mut rooms, "#new", true));
    for _ in 0..PATIENCE {
        assert_eq!(lines(&mut rooms), ["JOIN #new"]);
        take(&mut rooms, ":s 474 ink #new :Cannot join channel (+b)");
        tokio::time::advance(LONGEST_WAIT * 2).await;
    }
    assert!(rooms.guests().is_empty() && rooms.due().is_none());
}

#[tokio::test(start_paused = true)]
async fn invitations_are_bounded() {
    let mut rooms = rooms(&[]);
    let granted = (0..100).filter(|n| invite(&mut rooms, &format!("#r{n}"), true)).count();
    assert_eq!(granted, INVITATIONS);
    for n in 0..100 {
        tokio::time::advance(INVITATIONS_WITHIN).await;
        invite(&mut rooms, &format!("#s{n}"), true);
    }
    assert_eq!(rooms.guests().len(), MAX_INVITED);
    assert!(!invite(&mut rooms, &format!("#{}", "x".repeat(MAX_NAME)), true));
}

#[tokio::test]
async fn remembered_rooms_are_asked_for_while_somebody_may_invite() {
    let invited = ["#new", "#ART", "#a b"].map(str::to_owned);
    let channels = vec!["#art".into()];
    let config = Config { channels, inviters: vec!["boss".into()], ..Config::default() };
    assert_eq!(lines(&mut Rooms::new(&config, &invited)), ["JOIN #art,#new"]);
    let config = Config { inviters: vec![], ..config };
    assert_eq!(lines(&mut Rooms::new(&config, &invited)), ["JOIN #art"]);
}

#[tokio::test(start_paused = true)]
async fn a_login_may_open_rooms_that_were_closed() {
    let mut rooms = rooms(&["#art"]);
    lines(&mut rooms);
    take(&mut rooms, ":s 477 ink #art :Cannot join channel (+r)");
    rooms.hurry();
    assert_eq!(lines(&mut rooms), ["JOIN #art"]);
}
