//! A connection's conversation: what is said to what the server says.
use super::*;
use crate::{Channel, caps::Caps, words::message};
use proptest::prelude::*;

const NOW: Time = Time(1_795_161_600_000);

fn session_of(config: &Config, caps: &[&str], notes: Notes) -> Session {
    let mut me = Identity::new("ink");
    me.caps = Caps::of(caps);
    Session::new("irc.test".into(), &Arc::new(config.clone()), me, notes, NOW)
}

fn config() -> Config {
    let channels = vec![Channel::from("#art")];
    Config { channels, nick: "ink".into(), inviters: vec!["Boss".into()], ..Config::default() }
}

fn session() -> Session {
    session_of(&config(), &["account-tag", "batch", "server-time"], Notes::new())
}

fn texts(reactions: Vec<Reaction>) -> Vec<String> {
    let text = |reaction| match reaction {
        Reaction::Say(line) => String::from_utf8_lossy(line.as_bytes()).trim_end().to_owned(),
        Reaction::Ask(request) => panic!("{request:?}"),
    };
    reactions.into_iter().map(text).collect()
}

fn hears(session: &mut Session, line: &str) -> Vec<String> {
    let surface = Surface::default();
    texts(session.take(&message(line).unwrap(), &surface, NOW).unwrap())
}

fn wakes(session: &mut Session) -> Vec<String> {
    texts(session.wake())
}

fn remembered(session: &Session) -> Option<String> {
    session.notes().borrow().get(ROOMS).map(ToString::to_string)
}

#[tokio::test]
async fn pings_come_back_as_they_were() {
    let mut session = session();
    for (ping, pong) in
        [("PING a", "PONG a"), ("PING :two words", "PONG :two words"), ("PING from to", "PONG to")]
    {
        assert_eq!(hears(&mut session, ping), [pong]);
    }
}

#[tokio::test]
async fn a_version_is_told_a_few_times_a_minute() {
    let (mut session, ask) = (session(), ":ann!a@h PRIVMSG ink :\u{1}VERSION\u{1}");
    for _ in 0..3 {
        let answer = hears(&mut session, ask).pop().unwrap();
        assert!(answer.starts_with("NOTICE ann :\u{1}VERSION inkwire "), "{answer}");
    }
    assert_eq!(hears(&mut session, ask), [""; 0]);
}

// --- after the welcome ---

#[tokio::test(start_paused = true)]
async fn rooms_are_asked_for_once_the_server_said_what_it_supports() {
    let mut session = session();
    let wait = |session: &Session| session.due().unwrap() - Instant::now();
    assert_eq!(wait(&session), GREETING);
    hears(&mut session, ":s 005 ink BOT=B :are supported");
    assert_eq!(wait(&session), GREETING);
    hears(&mut session, ":s 422 ink :no MOTD");
    assert_eq!(wait(&session), Duration::ZERO);
    assert_eq!(wakes(&mut session), ["JOIN #art", "MODE ink +B"]);
    assert_eq!(wait(&session).as_secs(), 60, "an answer is waited for");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_no_mode_for_robots_hears_of_none() {
    let mut session = session();
    tokio::time::advance(GREETING).await;
    assert_eq!(wakes(&mut session), ["JOIN #art"]);
    hears(&mut session, ":ink!i@h JOIN #art");
    assert_eq!(session.due(), None);
    hears(&mut session, ":s 005 ink BOT=B :are supported");
    assert!(session.due().is_some());
    assert_eq!(wakes(&mut session), ["MODE ink +B"], "it comes late");
    assert_eq!(session.due(), None);
}

#[tokio::test(start_paused = true)]
async fn operators_are_known_while_we_are_in_a_room() {
    let mut session = session();
    let identity = session.identity();
    let is_operator = || {
        let me = identity.borrow();
        me.members.is_operator("#art", "ann", me.casemap)
    };
    for line in [
        ":ink!i@h JOIN #art",
        ":s 353 ink = #art :@ann ink",
        ":s 366 ink #art :End",
        ":s 353 ink = #other :@ann",
    ] {
        assert!(!is_operator() || line.contains("#other"), "{line}");
        hears(&mut session, line);
    }
    assert!(is_operator());
    hears(&mut session, ":s MODE #art -o ann");
    assert!(!is_operator());
    hears(&mut session, ":s MODE #art +o ann");
    hears(&mut session, ":op!o@h KICK #art ink :out");
    hears(&mut session, ":ink!i@h JOIN #art");
    assert!(!is_operator(), "what was known ended with the kick");
}

#[tokio::test(start_paused = true)]
async fn rooms_are_found_again_when_names_compare_otherwise() {
    let config = Config { channels: vec!["#art[1]".into()], ..config() };
    let mut session = session_of(&config, &[], Notes::new());
    hears(&mut session, ":ink!i@h JOIN #art[1]");
    let identity = session.identity();
    assert!(identity.borrow().room("#ART{1}").is_some());
    hears(&mut session, ":s 005 ink CASEMAPPING=ascii :are supported");
    assert!(identity.borrow().room("#ART[1]").is_some());
    assert!(identity.borrow().room("#ART{1}").is_none());
}

#[tokio::test]
async fn a_room_that_we_were_sent_to_instead_is_left() {
    let mut session = session();
    hears(&mut session, ":s 470 ink #art ##art :Forwarding to another channel");
    assert_eq!(hears(&mut session, ":ink!i@h JOIN ##art"), ["PART ##art"]);
    assert!(session.identity().borrow().rooms.is_empty());
}

// --- invitations ---

#[tokio::test(start_paused = true)]
async fn only_accounts_that_may_invite_bring_us_somewhere() {
    const INVITE: &str = ":ann!a@h INVITE ink :#new";
    let check = |line: &str, caps: &[&str], expected: &[&str]| {
        let mut session = session_of(&config(), caps, Notes::new());
        wakes(&mut session);
        hears(&mut session, line);
        assert_eq!(wakes(&mut session), expected, "{line}");
        assert_eq!(remembered(&session).is_some(), !expected.is_empty(), "{line}");
    };
    let tags = &["account-tag"][..];
    check(&format!("@account=boss {INVITE}"), tags, &["JOIN #new"]);
    check(&format!("@account=boss {INVITE}"), &[], &[]);
    check(&format!("@account=bossy {INVITE}"), tags, &[]);
    check(INVITE, tags, &[]);
    check("@account=boss :boss!a@h INVITE cid #new", tags, &[]);
    check(":boss!a@h INVITE ink #new", tags, &[]);
    check(":boss!a@h INVITE ink #new", &["extended-join", "account-notify"], &[]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_a_join_told_may_invite_too() {
    let mut session = session_of(&config(), &["extended-join", "account-notify"], Notes::new());
    wakes(&mut session);
    hears(&mut session, ":ink!i@h JOIN #art ink :Ink");
    hears(&mut session, ":ann!a@h JOIN #art Boss :Ann");
    hears(&mut session, ":ann!a@h INVITE ink #new");
    assert_eq!(wakes(&mut session), ["JOIN #new"]);
    hears(&mut session, ":ann!a@h ACCOUNT *");
    hears(&mut session, ":ann!a@h INVITE ink #other");
    assert_eq!(wakes(&mut session), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn rooms_of_invitations_are_remembered_until_a_kick() {
    let mut session = session();
    assert_eq!(remembered(&session), None);
    hears(&mut session, "@account=boss :ann!a@h INVITE ink #new");
    assert_eq!(remembered(&session).as_deref(), Some(r##"["#new"]"##));
    let notes = session.notes().borrow().clone();

    let mut session = session_of(&config(), &[], notes);
    assert_eq!(wakes(&mut session), ["JOIN #art,#new"]);
    hears(&mut session, ":ink!i@h JOIN #new");
    assert!(session.identity().borrow().room("#new").is_some());
    hears(&mut session, ":op!o@h KICK #new ink :out");
    assert_eq!(remembered(&session).as_deref(), Some("[]"));
}

#[tokio::test(start_paused = true)]
async fn a_note_that_makes_no_sense_is_none() {
    let notes = Notes::from([(ROOMS.to_owned(), serde_json::json!({ "a": 1 }))]);
    assert_eq!(wakes(&mut session_of(&config(), &[], notes)), ["JOIN #art"]);
}

#[tokio::test]
async fn a_promise_of_tls_is_what_the_server_says_last() {
    let mut session = session();
    let target = Target { host: "irc.example".into(), port: 6697, tls: true };
    let mut promised = |line: &str| {
        hears(&mut session, line);
        session.promise(&target, NOW);
        sts::port(&session.notes().borrow(), "irc.example", NOW.after(Duration::from_secs(9)))
    };
    assert_eq!(promised("PING a"), None);
    assert_eq!(promised(":s CAP ink NEW :sts=duration=600"), Some(6697));
    assert_eq!(promised(":s CAP ink NEW :sts=duration=0"), None);
}

// --- services ---

fn with_account() -> Config {
    let password = Some("pw".into());
    let sasl = crate::Sasl { account: "painter".into(), password, ..crate::Sasl::default() };
    Config { sasl: Some(sasl), ..config() }
}

fn without_login() -> Session {
    let mut me = Identity::new("ink");
    (me.caps, me.secure) = (Caps::new(true), true);
    Session::new("irc.test".into(), &with_account().into(), me, Notes::new(), NOW)
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_offered_late_is_taken() {
    let mut session = without_login();
    wakes(&mut session);
    hears(&mut session, ":s 477 ink #art :Cannot join channel (+r)");
    assert_eq!(
        hears(&mut session, ":s CAP ink NEW :sasl=PLAIN setname"),
        ["CAP REQ :setname sasl"]
    );
    assert_eq!(hears(&mut session, ":s CAP ink ACK :setname sasl"), ["AUTHENTICATE PLAIN"]);
    let said = hears(&mut session, "AUTHENTICATE +");
    assert_eq!(said, ["AUTHENTICATE cGFpbnRlcgBwYWludGVyAHB3"]);
    hears(&mut session, ":s 900 ink ink!i@h painter :You are now logged in as painter");
    hears(&mut session, ":s 903 ink :SASL authentication successful");
    assert_eq!(session.identity().borrow().account.as_deref(), Some("painter"));
    assert_eq!(wakes(&mut session), ["JOIN #art"], "what was refused may be open now");
    assert_eq!(hears(&mut session, ":s CAP ink NEW :sasl=PLAIN"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_late_login_ends_one_way_or_another() {
    let mut session = without_login();
    wakes(&mut session);
    hears(&mut session, ":s CAP ink NEW :sasl=PLAIN");
    assert_eq!(hears(&mut session, ":s CAP ink ACK :sasl"), ["AUTHENTICATE PLAIN"]);
    assert_eq!(hears(&mut session, ":s CAP ink DEL :sasl"), [""; 0]);
    assert_eq!(hears(&mut session, "AUTHENTICATE +"), [""; 0], "nobody asks any more");

    hears(&mut session, ":s CAP ink NEW :sasl=PLAIN");
    hears(&mut session, ":s CAP ink ACK :sasl");
    assert_eq!(hears(&mut session, ":s 904 ink :SASL authentication failed"), [""; 0]);
    assert_eq!(hears(&mut session, ":s CAP ink NEW :sasl=PLAIN"), ["AUTHENTICATE PLAIN"]);
    let deadline = session.services.due().unwrap();
    tokio::time::advance(deadline - Instant::now()).await;
    session.wake();
    assert_eq!(hears(&mut session, "AUTHENTICATE +"), [""; 0], "it took too long");
}

#[tokio::test]
async fn capabilities_come_and_go() {
    let mut session = session();
    assert_eq!(
        hears(&mut session, ":s CAP ink NEW :multi-prefix unheard-of"),
        ["CAP REQ multi-prefix"]
    );
    hears(&mut session, ":s CAP ink ACK :multi-prefix");
    assert!(session.identity().borrow().caps.has("multi-prefix"));
    hears(&mut session, ":s CAP ink DEL :account-tag multi-prefix");
    let caps = session.identity().borrow().caps.clone();
    assert!(!caps.has("multi-prefix") && !caps.has("account-tag") && caps.has("batch"));
}

proptest! {
    #[test]
    fn nothing_that_a_server_says_is_fatal_or_grows(
        lines in prop::collection::vec(
            "(@[a-z=;/\\\\:0-9-]{0,12} )?(:(ink|[a-z]{0,4})(![a-z]@[a-z.]{0,9})? )?\
             (PRIVMSG|JOIN|KICK|NICK|CAP|BATCH|MODE|PONG|CHGHOST|SETNAME|ACCOUNT|PART|QUIT|INVITE|\
             AUTHENTICATE|FAIL|00[15]|30[13]|353|366|396|43[37]|4[0-57-9][0-9]|46[0-46-9]|7[0-9][0-9]|90[0-8]|\\PC{0,4})\
             ( (ink|NEW|ACK|[#a-z*+,=@\u{1}-]{0,8})){0,16}( :\\PC{0,12})?",
            1..40,
        ),
    ) {
        let mut session = session();
        for line in &lines {
            let Some(message) = message(line) else { continue };
            prop_assert!(session.take(&message, &Surface::default(), NOW).is_ok());
            session.wake();
            prop_assert!(session.due().is_none_or(|due| due > Instant::now()), "{line}");
        }
        let me = session.identity();
        prop_assert!(me.borrow().rooms.len() <= 1 + 50);
    }
}
