//! Each problem is found and named; secrets stay out of sight.
use super::*;

fn check(change: impl FnOnce(&mut Config), expected: &[&str]) {
    let servers = vec!["irc.example.org".parse().unwrap()];
    let mut config = Config { servers, ..Config::default() };
    change(&mut config);
    let problems = config.problems();
    let keys: Vec<_> = problems.iter().filter_map(|p| p.split(':').next()).collect();
    assert_eq!(keys, expected, "{problems:?}");
}

#[test]
fn each_problem_names_its_key() {
    check(|_| (), &[]);
    check(|c| c.servers = vec![], &["server"]);
    check(|c| c.pins = vec!["sha1:00".into(), "sha256:00".into()], &["pins"; 2]);
    check(|c| c.pins = vec![format!("sha256:{}", "aB:".repeat(32))], &[]);
    check(|c| c.client_key_file = Some("key.pem".into()), &["client_cert_file"]);
    check(|c| c.socks5 = Some(Socks5::default()), &["socks5"]);
    check(|c| c.nick = "1up".into(), &["nick"]);
    check(|c| c.alt_nicks = vec!["a b".into()], &["nick"]);
    check(|c| c.channels = vec!["#art".into(), "art".into(), "#a,b".into()], &["channels"; 2]);
    check(|c| c.nick = "n".repeat(65), &["nick"]);
    check(|c| c.username = ":ink".into(), &["username"]);
    check(|c| c.realname = ":pictures".into(), &["realname"]);
    check(|c| c.channels = vec![format!("#{}", "a".repeat(200)).as_str().into()], &["channels"]);
    for (key, expected) in [("k", &[][..]), ("a b", &["channels"]), (":k", &["channels"])] {
        let keyed = |key: &str| Channel { key: Some(key.into()), ..Channel::from("#art") };
        check(|c| c.channels = vec![keyed(key)], expected);
        check(|c| c.channels = vec![keyed(&key.repeat(101))], &["channels"]);
    }
    check(|c| c.prefix = Some(" ".into()), &["prefix"]);
    check(|c| (c.tls, c.password) = (false, Some("x".into())), &["tls"]);
    let local = || vec!["[::1]:6667".parse().unwrap()];
    check(|c| (c.tls, c.password, c.servers) = (false, Some("x".into()), local()), &[]);
    check(|c| c.sasl = Some(Sasl { account: "ink".into(), ..Sasl::default() }), &["sasl"]);
    check(|c| c.flood.burst = 0, &["flood"]);
    check(|c| c.max_lines = 0, &["max_lines"]);
    check(|c| c.timeouts.pong_secs = 0, &["timeouts"]);
    check(|c| c.timeouts.register_secs = u64::MAX, &["timeouts"]);
    let relay = |pattern: &str| Relay { who: "b!*@*".into(), pattern: pattern.into() };
    check(
        |c| c.relays = vec![relay(&Relay::usual_pattern()), relay("("), relay("^(.*)$")],
        &["relays"; 2],
    );
    let host = |mask: &str| HostmaskAccount { mask: mask.into(), account: "ann".into() };
    check(
        |c| c.hostmask_accounts = vec![host("ann!*@*"), host("*!*@a.example")],
        &["hostmask_accounts"],
    );
}

#[test]
fn servers_are_hosts_with_or_without_ports() {
    let check = |text: &str, expected: Option<(&str, Option<u16>)>| {
        let server = text.parse::<Server>().ok();
        assert_eq!(server.as_ref().map(|s| (s.host.as_str(), s.port)), expected, "{text}");
    };
    check("irc.example.org", Some(("irc.example.org", None)));
    check("irc.example.org:6697", Some(("irc.example.org", Some(6697))));
    check("[::1]:6667", Some(("::1", Some(6667))));
    check("::1", Some(("::1", None)));
    check("", None);
    check("a b", None);
    check("host:0", None);
    check("host:port", None);
    check("irc://host", None);
}

#[test]
fn secrets_stay_out_of_sight() {
    let sasl = Sasl { password: Some("hunter2".into()), ..Sasl::default() };
    let config = Config { password: Some("hunter2".into()), sasl: Some(sasl), ..Config::default() };
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_channel_is_a_name_or_has_more() {
    let text = r##"{"server": ["h", "i:1"], "channels": ["#a", {"name": "#b", "key": "k"}]}"##;
    let config: Config = serde_json::from_str(text).unwrap();
    let found: Vec<_> = config.channels.iter().map(|c| (&*c.name, c.key.is_some())).collect();
    assert_eq!((config.servers.len(), found), (2, vec![("#a", false), ("#b", true)]));
    let text = r##"{"channels": [{"name": "#b", "key_file": "k"}, "#c"]}"##;
    let mut config: Config = serde_json::from_str(text).unwrap();
    let keys = config.secrets().into_iter().filter(|secret| secret.key == "channels.key_file");
    assert_eq!(keys.map(|secret| secret.file).collect::<Vec<_>>(), [Some("k".into())]);
    assert!(serde_json::from_str::<Config>(r#"{"hots": "h"}"#).is_err());
    assert!(serde_json::from_str::<Config>(r#"{"server": "a b"}"#).is_err());
}
