//! Networks: their keys, their mistakes and their secrets.
use super::*;
use crate::written::keys;

#[test]
fn the_template_with_its_network_uncommented_is_good() {
    let (before, network) = template().split_once("irc: []\n").unwrap();
    let before = before.replace("# public_url:", "public_url:");
    let (network, after) = network.split_once("\n\n").unwrap();
    let lines: Vec<&str> = network.lines().map(|line| line.strip_prefix('#').unwrap()).collect();
    let told = loaded(&format!("{before}irc:\n{}\n\n{after}", lines.join("\n")));
    assert_eq!(told.irc[0].servers[0].to_string(), "irc.libera.chat:6697");
    assert_eq!(told.irc[0].channels[0].name, "#inkwire");
}

#[test]
fn the_template_shows_every_key() {
    let all = [
        keys::<raw::Config>(),
        keys::<raw::Log>(),
        keys::<raw::Engine>(),
        keys::<raw::Queue>(),
        keys::<raw::Limits>(),
        keys::<raw::Limit>(),
        keys::<raw::Media>(),
        keys::<raw::Telemetry>(),
        keys::<Irc>(),
        keys::<inkwire_irc::Sasl>(),
        keys::<inkwire_irc::Socks5>(),
        keys::<inkwire_irc::Relay>(),
        keys::<inkwire_irc::HostmaskAccount>(),
        keys::<inkwire_irc::Flood>(),
        keys::<inkwire_irc::Timeouts>(),
        keys::<raw::Triggers>(),
        keys::<raw::Files>(),
        keys::<raw::Retention>(),
    ];
    assert!(all.iter().all(|keys| !keys.is_empty()));
    for key in all.into_iter().flatten() {
        assert!(template().contains(&format!("{key}:")), "the template does not show `{key}`");
    }
    for name in ["COMFYUI_ADDRESS", "COMFYUI_PORT", "LOG_LEVEL"] {
        assert!(template().contains(name), "the template does not show `{name}`");
    }
}

#[test]
fn networks_are_checked() {
    refused("irc:\n  - libera\n", ":2: this must be a section");
    let network = |rest: &str, expected: &str| {
        let text = format!("{LINKS}irc: [{{name: l, server: h, nick: ink, {rest}}}]");
        refused(&text, expected);
    };
    refused(&format!("{LINKS}irc: [{{}}]"), "irc[0].server: is missing");
    refused(
        &format!("{LINKS}irc: [{{name: l, server: 'h:x', nick: a}}]"),
        "`h:x` is not HOST or HOST:PORT",
    );
    refused(
        &format!("{LINKS}irc: [{{name: l, server: h, nick: 9a}}]"),
        "irc.l.nick: `9a` is no nick",
    );
    network("channels: [{name: art}]", "irc.l.channels: `art` is no channel name");
    network("channels: ['#a b']", "irc.l.channels: `#a b` is no channel name");
    network(
        "channels: [{name: '#a', key: 'x y'}]",
        "irc.l.channels: the key of `#a` must be one short word",
    );
    network("realname: \"a\\nQUIT\"", "irc.l.realname: must be one line");
    network("sasl: {account: a}", "irc.l.sasl: has no password");
    refused(
        "irc: [{name: l, server: h, nick: ink}]",
        "media.public_url is missing: IRC shows pictures as links",
    );
}

#[test]
fn sasl_does_not_go_over_open_wires() {
    let text = |host: &str| {
        format!(
            "{LINKS}irc: [{{name: l, server: {host}, nick: ink, tls: false, sasl: {{account: a}}}}]"
        )
    };
    let variable = [("INKWIRE_IRC_L_SASL_PASSWORD", "hush")];
    let found = problems(load_text(&text("irc.example.org"), &variable));
    assert!(found[0].contains("irc.l.tls: a password needs it"), "{found:?}");
    assert!(load_text(&text("127.0.0.1"), &variable).is_ok());
}

#[test]
fn a_login_comes_from_a_private_file_or_the_environment() {
    let text = format!(
        "{LINKS}irc: [{{name: my-net, server: h, sasl: {{account: a, password_file: s}}}}]"
    );
    let dir = directory(&[("inkwire.yaml", &text), ("s", "hush-file\n")]);
    let check = |variables: &[(&str, &str)], expected: &str| {
        let config = load_dir(dir.path(), variables).expect("loaded");
        assert!(!format!("{config:?}").contains("hush"));
        let password = config.irc[0].sasl.as_ref().and_then(|sasl| sasl.password.as_ref());
        assert_eq!(password.expect("password").expose_secret(), expected);
    };
    check(&[], "hush-file");
    check(&[("INKWIRE_IRC_MY_NET_SASL_PASSWORD", "hush-env")], "hush-env");
}

#[test]
fn a_channels_key_comes_from_a_private_file_too() {
    let text = format!(
        "{LINKS}irc: [{{name: l, server: h, channels: ['#a', {{name: '#b', key_file: k}}]}}]"
    );
    let dir = directory(&[("inkwire.yaml", &text), ("k", "hush-key\n")]);
    let config = load_dir(dir.path(), &[]).expect("loaded");
    assert!(!format!("{config:?}").contains("hush"));
    let keys = config.irc[0].channels.iter().map(|channel| channel.key.as_ref());
    let keys: Vec<_> = keys.map(|key| key.map(ExposeSecret::expose_secret)).collect();
    assert_eq!(keys, [None, Some("hush-key")]);
}

#[test]
fn no_two_networks_share_a_secret() {
    let check = |names: [&str; 2], shared: Option<&str>| {
        let networks =
            names.map(|name| format!("{{name: {name}, server: h, sasl: {{account: a}}}}"));
        let text = format!("{LINKS}irc: [{}]", networks.join(", "));
        let variables = names.map(|name| {
            let name = name.to_uppercase().replace('-', "_");
            format!("INKWIRE_IRC_{name}_SASL_PASSWORD")
        });
        let variables = variables.each_ref().map(|name| (name.as_str(), "hush"));
        let found = load_text(&text, &variables);
        match shared {
            Some(name) => {
                let found = problems(found);
                assert!(found.iter().any(|problem| problem.contains(name)), "{found:?}");
            }
            None => assert!(found.is_ok(), "{names:?}"),
        }
    };
    check(
        ["a-b", "a_b"],
        Some("irc.a_b.name: INKWIRE_IRC_A_B_PASSWORD would be a secret of `a-b`"),
    );
    check(["libera_sasl", "libera"], Some("INKWIRE_IRC_LIBERA_SASL_PASSWORD would be"));
    check(["libera", "oftc"], None);
}
