//! Registration as a conversation: what the server says, what we answer.
use super::*;
use crate::config::Sasl;

fn config(sasl: bool) -> Config {
    let account = Sasl { username: "ink".into(), password_file: None, password: Some("pw".into()) };
    Config {
        host: "h".into(),
        nick: "inkwire".into(),
        sasl: sasl.then_some(account),
        ..Config::default()
    }
}

/// All that we say until the end, or the error.
fn talk(config: &Config, server: &[&str]) -> Vec<String> {
    let mut registration = Registration::new(config);
    let mut said = vec![];
    for line in server {
        match registration.take(&line.parse().unwrap()) {
            Ok(Step::Say(lines)) => said.extend(lines.iter().map(text)),
            Ok(Step::Welcome(caps)) => said.push(format!("welcome {caps:?}")),
            Err(error) => said.push(error.to_string()),
        }
    }
    said
}

fn text(line: &IrcLine) -> String {
    String::from_utf8_lossy(line.as_bytes()).trim_end().to_owned()
}

fn check(sasl: bool, server: &[&str], expected: &[&str]) {
    assert_eq!(talk(&config(sasl), server), expected, "{server:?}");
}

#[test]
fn a_connection_opens_with_capabilities_password_nick_and_user() {
    let config = Config { password: Some("pw".into()), ..config(false) };
    let lines: Vec<_> = Registration::new(&config).opening().iter().map(text).collect();
    let user = "USER inkwire 0 * :inkwire, pictures from words";
    assert_eq!(lines, ["CAP LS 302", "PASS pw", "NICK inkwire", user]);
}

#[test]
fn capabilities_are_asked_for_if_offered() {
    check(false, &[":s CAP * LS :", ":s 001 inkwire :Hi"], &["CAP END", "welcome {}"]);
    check(
        false,
        &[
            ":s CAP * LS * :sasl=PLAIN multi-prefix",
            ":s CAP * LS :server-time batch",
            ":s CAP * ACK :batch server-time",
            ":s 001 inkwire :Hi",
        ],
        &["CAP REQ :batch server-time", "CAP END", "welcome {\"batch\", \"server-time\"}"],
    );
    check(false, &[":s CAP * LS :batch", ":s CAP * NAK :batch"], &["CAP REQ batch", "CAP END"]);
    check(false, &[":s 421 * CAP :Unknown command", ":s 001 inkwire :Hi"], &["welcome {}"]);
}

#[test]
fn an_account_is_logged_in_to() {
    let open = [":s CAP * LS :batch sasl", ":s CAP * ACK :batch sasl", "AUTHENTICATE +"];
    let said = ["CAP REQ :batch sasl", "AUTHENTICATE PLAIN", "AUTHENTICATE aW5rAGluawBwdw=="];
    let with = |last: &'static str| [&open[..], &[last]].concat();
    let then = |last: &'static str| [&said[..], &[last]].concat();
    check(true, &with(":s 903 inkwire :Done"), &then("CAP END"));
    check(true, &with(":s 904 inkwire :Wrong"), &then("credentials refused: Wrong"));
    let naked = [":s CAP * LS :batch sasl", ":s CAP * NAK :batch sasl", ":s CAP * ACK :sasl"];
    check(true, &naked, &["CAP REQ :batch sasl", "CAP REQ sasl", "AUTHENTICATE PLAIN"]);
    let none = "credentials refused: the server offers no SASL PLAIN";
    check(true, &[":s CAP * LS :", ":s 001 inkwire :Hi"], &["CAP END", none]);
}

#[test]
fn long_credentials_go_in_pieces() {
    let account = |length| Sasl {
        username: "u".into(),
        password_file: None,
        password: Some("p".repeat(length).as_str().into()),
    };
    let lengths = |length| -> Vec<_> {
        credentials(&account(length)).iter().map(|line| text(line).len() - 13).collect()
    };
    assert_eq!(lengths(300 - 4), [400, 1]);
    assert_eq!(lengths(300), [400, 8]);
}

#[test]
fn a_taken_nick_gets_an_alternative_until_none_is_left() {
    let taken = ":s 433 * inkwire :Nickname is already in use";
    let expected = ["NICK inkwire_", "NICK inkwire__", "NICK inkwire3"];
    check(false, &[taken; 3], &expected);
    assert_eq!(talk(&config(false), &[taken; 10]).last().unwrap(), "sent away: no nick is free");
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
    let config = config(true);
    let mut registration = Registration::new(&config);
    assert_eq!(registration.deadline() - Instant::now(), WELCOME_WITHIN);
    for line in [":s CAP * LS :sasl", ":s CAP * ACK :sasl"] {
        registration.take(&line.parse().unwrap()).unwrap();
    }
    assert_eq!(registration.deadline() - Instant::now(), SASL_WITHIN);
    assert_eq!(registration.overdue().to_string(), "connection lost: no answer to the login");
}
