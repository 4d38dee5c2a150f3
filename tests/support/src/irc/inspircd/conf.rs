//! The server's configuration as text. An operator called `op`, password `op`, may do everything.
use super::{Certificate, Options};
use std::{fmt::Write as _, path::Path};

/// Beside the core: what the networks that people are on have loaded.
const MODULES: &[&str] = &[
    "md5",
    "spanningtree",
    "ssl_gnutls",
    "cap",
    "ircv3",
    "ircv3_accounttag",
    "ircv3_batch",
    "ircv3_capnotify",
    "ircv3_chghost",
    "ircv3_ctctags",
    "ircv3_echomessage",
    "ircv3_invitenotify",
    "ircv3_labeledresponse",
    "ircv3_msgid",
    "ircv3_servertime",
    "sasl",
    "services_account",
    "botmode",
    "monitor",
    "namesx",
    "uhnames",
    "setname",
    "sslinfo",
    "callerid",
    "commonchans",
    "deaf",
    // What a room can refuse.
    "banredirect",
    "blockcolor",
    "chanhistory",
    "customprefix",
    "delaymsg",
    "joinflood",
    "kicknorejoin",
    "messageflood",
    "muteban",
    "nickflood",
    "noctcp",
    "nonotice",
    "permchannels",
    "redirect",
    "rmode",
    "sslmodes",
    "stripcolor",
    "timedbans",
    // What an operator can do to us.
    "chghost",
    "hostcycle",
    "operprefix",
    "override",
    "remove",
    "sajoin",
    "sakick",
    "samode",
    "sanick",
    "sapart",
    "saquit",
    "sethost",
    "svshold",
];
const SERVICES: &str = "services.test";
/// Servers and services know each other by it.
pub(super) const LINK_PASSWORD: &str = "link";

/// Ports for clients, for clients with TLS, and for servers; `uplink` is called when an operator says so.
pub(super) fn text(
    options: &Options,
    ports: [u16; 3],
    folder: &Path,
    certificate: &Certificate,
    uplink: Option<(&str, u16)>,
) -> String {
    let loaded = MODULES.iter().filter(|name| !options.without.contains(name));
    let modules: Vec<_> = loaded.map(|name| format!("<module name=\"{name}\">\n")).collect();
    let mut text = modules.concat();
    // invariant: writing to a String cannot fail.
    let _written = base(&mut text, options, folder)
        .and_then(|()| listeners(&mut text, ports, certificate))
        .and_then(|()| sts(&mut text, options, ports))
        .and_then(|()| links(&mut text, options, uplink));
    text + &options.more
}

fn base(text: &mut String, options: &Options, folder: &Path) -> std::fmt::Result {
    let (name, path) = (options.name, folder.display());
    // Numbers of servers are three signs, the first a digit.
    let id = name.chars().next().unwrap_or('a').to_ascii_uppercase();
    let flood = options.flood;
    let lag = if flood.fakelag { "yes" } else { "no" };
    let password = options.password.unwrap_or_default();
    writeln!(
        text,
        // A server may miss the end of a link; its pings tell it soon.
        r#"<path configdir="{path}" datadir="{path}" logdir="{path}" runtimedir="{path}">
<server name="{name}" description="test" network="TestNet" id="0{id}{id}">
<admin name="t" nick="t" email="t@test">
<files motd="{path}/motd">
<log method="file" type="* -USERINPUT -USEROUTPUT -MODULE -CONFIG" level="default" flush="1" target="/dev/stdout">
<dns server="127.0.0.1" timeout="1">
<options prefixquit="Quit: " defaultmodes="ont" splitwhois="no" hidesplits="no"
 serverpingfreq="2s">
<performance softlimit="1000" nouserdns="yes" quietbursts="yes" clonesonconnect="no">
<connect name="all" allow="*" password="{password}" timeout="10" pingfreq="120"
 hardsendq="1M" softsendq="1M" recvq="{}" threshold="{}" commandrate="{}" fakelag="{lag}"
 localmax="1000" globalmax="1000" resolvehostnames="no" useident="no" uniqueusername="no">
<channels users="100" opers="100">
<class name="all" commands="*" privs="*" usermodes="*" chanmodes="*" snomasks="*">
<type name="NetAdmin" classes="all">
<oper name="op" password="op" host="*@*" type="NetAdmin">
<chanhistory maxlines="50" bots="yes" enableumode="yes">
<customprefix name="halfop" letter="h" prefix="%" rank="20000" ranktoset="30000">
<hostname charmap="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_/0123456789">"#,
        flood.receive, flood.threshold, flood.command_rate,
    )
}

fn listeners(text: &mut String, ports: [u16; 3], certificate: &Certificate) -> std::fmt::Result {
    let [plain, tls, servers] = ports;
    let (file, key) = (certificate.file.display(), certificate.key.display());
    writeln!(
        text,
        r#"<sslprofile name="test" provider="gnutls" certfile="{file}" keyfile="{key}"
 hash="sha256" requestclientcert="yes">
<bind address="127.0.0.1" port="{plain}" type="clients">
<bind address="127.0.0.1" port="{tls}" type="clients" sslprofile="test">
<bind address="127.0.0.1" port="{servers}" type="servers">"#
    )
}

fn sts(text: &mut String, options: &Options, ports: [u16; 3]) -> std::fmt::Result {
    let Some(duration) = options.sts else { return Ok(()) };
    let ([_, tls, _], seconds) = (ports, duration.as_secs());
    writeln!(
        text,
        r#"<module name="ircv3_sts"><sts host="localhost" duration="{seconds}" port="{tls}">"#
    )
}

fn links(text: &mut String, options: &Options, uplink: Option<(&str, u16)>) -> std::fmt::Result {
    let link = |name: &str, port: u16| {
        format!(
            r#"<link name="{name}" ipaddr="127.0.0.1" port="{port}" allowmask="127.0.0.1"
 sendpass="{LINK_PASSWORD}" recvpass="{LINK_PASSWORD}">"#
        )
    };
    writeln!(text, r#"<uline server="{SERVICES}" silent="yes"><sasl target="{SERVICES}">"#)?;
    writeln!(text, "{}", link(SERVICES, 1))?;
    match uplink {
        Some((name, port)) => writeln!(text, "{}", link(name, port)),
        None if options.name == "b.test" => Ok(()),
        None => writeln!(text, "{}", link("b.test", 1)),
    }
}
