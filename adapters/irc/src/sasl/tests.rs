//! Logins as conversations: what the server says, what we answer, how it ends.
use super::*;

fn account() -> Sasl {
    Sasl { account: "ink".into(), password: Some("pw".into()), ..Sasl::default() }
}

fn config(sasl: Sasl, certificate: bool) -> Config {
    let client_cert_file = certificate.then(|| "cert.pem".into());
    Config { sasl: Some(sasl), client_cert_file, ..Config::default() }
}

fn show(progress: Progress) -> String {
    match progress {
        Progress::Say(lines) => lines.iter().map(IrcLine::text).collect::<Vec<_>>().join("|"),
        Progress::Done => "done".into(),
        Progress::Failed(reason) => format!("failed: {reason}"),
    }
}

fn talk(mut login: Login, server: &[&str]) -> Vec<String> {
    let mut said = vec![show(login.begin())];
    said.extend(server.iter().map(|line| show(login.take(&line.parse().unwrap()))));
    said
}

fn check(mechanisms: &[Mechanism], server: &[&str], expected: &[&str]) {
    let sasl = Sasl { mechanisms: mechanisms.to_vec(), ..account() };
    let login = Login::new(&config(sasl, true), "", true).unwrap();
    assert_eq!(talk(login, server), expected, "{server:?}");
}

const PLAIN: &str = "AUTHENTICATE PLAIN";
const EXTERNAL: &str = "AUTHENTICATE EXTERNAL";
const SCRAM: &str = "AUTHENTICATE SCRAM-SHA-256";

#[test]
fn only_what_both_sides_can_is_tried() {
    let first = |sasl: Sasl, certificate, offered, secure| {
        show(Login::new(&config(sasl, certificate), offered, secure).unwrap().begin())
    };
    assert_eq!(first(account(), true, "", true), SCRAM);
    assert_eq!(first(account(), true, "PLAIN,external", true), EXTERNAL);
    assert_eq!(first(account(), false, "EXTERNAL,PLAIN", true), PLAIN);
    let none = "failed: no mechanism that we can use among EXTERNAL,PLAIN";
    assert_eq!(first(account(), true, "EXTERNAL,PLAIN", false), none);
    let silent = Sasl { password: None, ..account() };
    assert_eq!(first(silent.clone(), true, "", true), EXTERNAL);
    assert_eq!(first(silent, false, "", true), "failed: no mechanism that we can use");
    let odd = Sasl { password: Some("a\u{7}".into()), ..account() };
    assert_eq!(first(odd, false, "", true), PLAIN);
    assert!(Login::new(&Config::default(), "", true).is_none());
}

#[test]
fn plain_and_external_say_one_thing_each() {
    let plain = "AUTHENTICATE aW5rAGluawBwdw==";
    check(&[Mechanism::Plain], &["AUTHENTICATE +", "903 ink :Ok"], &[PLAIN, plain, "done"]);
    let external = [EXTERNAL, "AUTHENTICATE +", "done"];
    check(&[Mechanism::External], &["AUTHENTICATE +", "903 ink :Ok"], &external);
    check(&[Mechanism::Plain], &["907 ink :Already"], &[PLAIN, "done"]);
    check(&[Mechanism::Plain], &["PRIVMSG ink :hi", "900 * * ink :Yes"], &[PLAIN, "", ""]);
}

#[test]
fn what_fails_is_followed_by_the_next() {
    let failures = ["904 * :No", "905 * :Too long"];
    check(&[], &failures, &[SCRAM, EXTERNAL, PLAIN]);
    let all = ["902 * :Locked", "906 * :Aborted", "904 * :No"];
    check(&[], &all, &[SCRAM, EXTERNAL, PLAIN, "failed: No"]);
    // A list alone fails nothing; it comes before or after the failure.
    let list = "908 * EXTERNAL,PLAIN :are available";
    check(&[], &[list, "904 * :No"], &[SCRAM, "", EXTERNAL]);
    check(&[], &["908 * PLAIN :are available", "904 * :No"], &[SCRAM, "", PLAIN]);
    check(&[], &["904 * :No", list, "904 * :No"], &[SCRAM, EXTERNAL, "", PLAIN]);
    check(&[], &["908 * X :are available", "904 * :No"], &[SCRAM, "", "failed: No"]);
}

#[test]
fn an_impostor_is_told_nothing_more() {
    let unproven = "failed: the server did not prove that it knows the password";
    check(&[Mechanism::ScramSha256, Mechanism::Plain], &["903 * :Ok"], &[SCRAM, unproven]);
    let nonsense = "the server's challenge makes no sense";
    let mut login = Login::new(&config(account(), false), "", true).unwrap();
    login.begin();
    login.take(&"AUTHENTICATE +".parse().unwrap());
    for (line, expected) in [
        ("AUTHENTICATE AAAA", "AUTHENTICATE *".to_owned()),
        ("AUTHENTICATE +", String::new()),
        ("904 * :No", format!("failed: {nonsense}")),
        ("903 * :Ok", format!("failed: {nonsense}")),
    ] {
        assert_eq!(show(login.take(&line.parse().unwrap())), expected, "{line}");
    }
    let broken = "AUTHENTICATE ????";
    check(&[Mechanism::Plain], &[broken], &[PLAIN, "AUTHENTICATE *"]);
}

#[tokio::test(start_paused = true)]
async fn each_mechanism_has_its_time() {
    let mut login = Login::new(&config(account(), true), "", true).unwrap();
    login.begin();
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(login.deadline() - Instant::now(), Duration::from_secs(5));
    login.take(&"904 * :No".parse().unwrap());
    assert_eq!(login.deadline() - Instant::now(), Duration::from_secs(15));
}
