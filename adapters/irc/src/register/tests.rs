//! Registration as a conversation: what the server says, what we answer.
use super::*;
use crate::config::{Mechanism, Sasl};
use proptest::prelude::*;

impl IrcLine {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.as_bytes()).trim_end().to_owned()
    }
}

fn target(tls: bool) -> Target {
    Target { host: "irc.example".into(), port: 6697, tls }
}

fn config(sasl: bool) -> Config {
    let mechanisms = vec![Mechanism::Plain];
    let account =
        Sasl { account: "ink".into(), password: Some("pw".into()), mechanisms, ..Sasl::default() };
    Config { nick: "inkwire".into(), sasl: sasl.then_some(account), ..Config::default() }
}

/// All that we say until the end, or the error.
fn talk(config: &Config, server: &[&str]) -> Vec<String> {
    let target = target(config.tls);
    let mut registration = Registration::new(config, &target);
    server.iter().flat_map(|line| show(registration.take(&line.parse().unwrap()))).collect()
}

fn show(step: Result<Step, AdapterError>) -> Vec<String> {
    match step {
        Ok(Step::Say(lines)) => lines.iter().map(IrcLine::text).collect(),
        Ok(Step::Welcome(caps)) => vec![format!("welcome {}", caps.names().join(" "))],
        Ok(Step::Upgrade(port)) => vec![format!("upgrade {port}")],
        Ok(Step::Leave(line, error)) => vec![line.text(), error.to_string()],
        Err(error) => vec![error.to_string()],
    }
}

fn check(sasl: bool, server: &[&str], expected: &[&str]) {
    assert_eq!(talk(&config(sasl), server), expected, "{server:?}");
}

#[test]
fn a_connection_opens_with_capabilities_password_nick_and_user() {
    let config = Config { password: Some("pw".into()), ..config(false) };
    let lines: Vec<_> =
        Registration::new(&config, &target(true)).opening().iter().map(IrcLine::text).collect();
    let user = "USER inkwire 0 * :inkwire, pictures from words";
    assert_eq!(lines, ["CAP LS 302", "PASS pw", "NICK inkwire", user]);
}

#[test]
fn capabilities_are_asked_for_if_offered() {
    check(false, &[":s CAP * LS :", ":s 001 inkwire :Hi"], &["CAP END", "welcome "]);
    check(
        false,
        &[
            ":s CAP * LS * :sasl=PLAIN multi-prefix",
            ":s CAP * LS :server-time batch",
            ":s CAP * ACK :batch server-time multi-prefix",
            ":s 001 inkwire :Hi",
        ],
        &[
            "CAP REQ :batch server-time multi-prefix",
            "CAP END",
            "welcome batch multi-prefix server-time",
        ],
    );
    let naked = [
        ":s CAP * LS :batch setname",
        ":s CAP * NAK :b",
        ":s CAP * NAK :b",
        ":s CAP * ACK :setname",
    ];
    let asked = ["CAP REQ :batch setname", "CAP REQ batch", "CAP REQ setname", "CAP END"];
    check(false, &naked, &asked);
    check(false, &[":s 421 * CAP :Unknown command", ":s 001 inkwire :Hi"], &["welcome "]);
}

#[test]
fn an_account_is_logged_in_to() {
    let open = [":s CAP * LS :batch sasl", ":s CAP * ACK :batch sasl", "AUTHENTICATE +"];
    let said = ["CAP REQ :batch sasl", "AUTHENTICATE PLAIN", "AUTHENTICATE aW5rAGluawBwdw=="];
    let with = |last: &'static str| [&open[..], &[last]].concat();
    let then = |last: &'static str| [&said[..], &[last]].concat();
    check(true, &with(":s 903 inkwire :Done"), &then("CAP END"));
    let quit = ["QUIT :login failed", "credentials refused: Wrong"];
    check(true, &with(":s 904 inkwire :Wrong"), &[&said[..], &quit].concat());
    let naked = [":s CAP * LS :sasl", ":s CAP * NAK :sasl", ":s 001 inkwire :Hi"];
    let none = "connection lost: the server offers no login (sasl) now";
    check(true, &naked, &["CAP REQ sasl", "CAP END", none]);
    check(true, &[":s CAP * LS :", ":s 001 inkwire :Hi"], &["CAP END", none]);
}

#[test]
fn another_mechanism_is_tried_before_it_is_given_up() {
    let mut config = config(true);
    config.sasl.as_mut().unwrap().mechanisms = vec![];
    let lines = [
        ":s CAP * LS :sasl=PLAIN,EXTERNAL,SCRAM-SHA-256",
        ":s CAP * ACK :sasl",
        ":s 908 * PLAIN :are available",
        ":s 904 * :No",
        "AUTHENTICATE +",
        ":s 900 * * ink :You are now logged in",
        ":s 903 * :Done",
        ":s 001 inkwire :Hi",
    ];
    let said = [
        "CAP REQ sasl",
        "AUTHENTICATE SCRAM-SHA-256",
        "AUTHENTICATE PLAIN",
        "AUTHENTICATE aW5rAGluawBwdw==",
        "CAP END",
        "welcome sasl",
    ];
    assert_eq!(talk(&config, &lines), said);
}

#[test]
fn without_an_account_it_goes_on_where_that_is_wanted() {
    let mut config = config(true);
    config.sasl.as_mut().unwrap().on_failure = OnFailure::Continue;
    let lines =
        [":s CAP * LS :sasl=PLAIN", ":s CAP * ACK :sasl", ":s 904 * :No", ":s 001 inkwire :Hi"];
    let said = ["CAP REQ sasl", "AUTHENTICATE PLAIN", "CAP END", "welcome sasl"];
    assert_eq!(talk(&config, &lines), said);
    assert_eq!(talk(&config, &[":s 001 inkwire :Hi"]), ["welcome "]);
}

#[test]
fn a_password_is_not_told_to_everybody() {
    let open = Config { tls: false, ..config(true) };
    let lines = [":s CAP * LS :sasl=PLAIN,EXTERNAL", ":s CAP * ACK :sasl"];
    let refused = "credentials refused: no mechanism that we can use among PLAIN,EXTERNAL";
    assert_eq!(talk(&open, &lines), ["CAP REQ sasl", "QUIT :login failed", refused]);
}

#[test]
fn a_server_that_wants_tls_is_obeyed() {
    let check = |tls, sts, offer: &str, expected: &[&str]| {
        let config = Config { tls, sts, ..config(false) };
        let target = target(tls);
        let mut registration = Registration::new(&config, &target);
        let said = show(registration.take(&format!("CAP * LS :{offer}").parse().unwrap()));
        assert_eq!(said, expected);
    };
    check(false, true, "batch sts=port=6697", &["upgrade 6697"]);
    check(false, true, "sts=duration=10", &["CAP END"]);
    check(false, false, "sts=port=6697", &["CAP END"]);
    check(true, true, "sts=port=1,duration=10", &["CAP END"]);
    check(true, true, "sts=duration=0", &["CAP END"]);
    check(true, true, "sts=port=1", &["CAP END"]);
    check(true, false, "sts=duration=10", &["CAP END"]);
}

#[test]
fn a_taken_nick_gets_an_alternative_until_none_is_left() {
    let taken = ":s 433 * inkwire :Nickname is already in use";
    let expected = ["NICK inkwire_", "NICK inkwire__", "NICK inkwire3"];
    check(false, &[taken; 3], &expected);
    assert_eq!(talk(&config(false), &[taken; 10]).last().unwrap(), "sent away: no nick is free");
    let named = Config { alt_nicks: vec!["quill".into()], ..config(false) };
    assert_eq!(talk(&named, &[taken; 3]), ["NICK quill", "NICK inkwire_", "NICK inkwire__"]);
    let late = [":s CAP * LS :", ":s 437 * inkwire :Held", ":s 432 * x :Bad", ":s 001 other :Hi"];
    check(false, &late, &["CAP END", "NICK inkwire_", "NICK inkwire__", "welcome "]);
    assert_eq!(alternative("quillpainter", 1).unwrap(), "quillpainte_");
    assert_eq!(alternative("quillpain", 2).unwrap(), "quillpa__");
}

#[test]
fn refusals_are_errors() {
    check(false, &[":s 465 * :Go away"], &["sent away: banned: Go away"]);
    check(false, &["ERROR :Closing Link: throttled"], &["sent away: Closing Link: throttled"]);
    check(false, &[":s 464 * :Password incorrect"], &["credentials refused: Password incorrect"]);
}

#[tokio::test(start_paused = true)]
async fn a_login_has_less_time_than_a_welcome() {
    let check = |on_failure, expected: &[&str]| {
        let mut config = config(true);
        config.sasl.as_mut().unwrap().on_failure = on_failure;
        let target = target(true);
        let mut registration = Registration::new(&config, &target);
        assert_eq!(registration.deadline() - Instant::now(), Duration::from_secs(30));
        for line in [":s CAP * LS :sasl", ":s CAP * ACK :sasl"] {
            registration.take(&line.parse().unwrap()).unwrap();
        }
        assert_eq!(registration.deadline() - Instant::now(), Duration::from_secs(15));
        assert_eq!(show(registration.overdue()), expected);
        registration
            .deadline()
            .checked_duration_since(Instant::now())
            .map_or(0, |left| left.as_secs())
    };
    assert_eq!(check(OnFailure::Retry, &["connection lost: no answer to the login"]), 15);
    assert_eq!(check(OnFailure::Continue, &["CAP END"]), 30);
}

proptest! {
    #[test]
    fn whatever_a_server_says_we_stay_polite(
        continues: bool,
        lines in prop::collection::vec(
            "(:s )?(CAP \\* (LS|ACK|NAK|NEW|DEL)|AUTHENTICATE|9[0-9]{2} ink|43[237] ink|PING|NOTICE)\
             ( (\\*|\\+|-?[a-z=,;0-9]{0,9})){0,3}( :((sasl|batch|sts)(=[A-Za-z0-9=,-]{0,9})? ?){0,3})?",
            1..30,
        ),
    ) {
        let mut config = config(true);
        let sasl = config.sasl.as_mut().unwrap();
        (sasl.mechanisms, sasl.on_failure) = (vec![], OnFailure::Retry);
        if continues {
            sasl.on_failure = OnFailure::Continue;
        }
        let target = target(true);
        let mut registration = Registration::new(&config, &target);
        for message in lines.iter().filter_map(|line| line.parse().ok()) {
            let said = show(registration.take(&message));
            prop_assert!(said.len() <= 24, "{said:?}");
            if said.iter().any(|line| line.starts_with("QUIT") || line.starts_with("sent away")) {
                break;
            }
        }
    }
}
