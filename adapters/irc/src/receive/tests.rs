//! What becomes a request, from whom, and what never does.
mod accounts;
mod replays;

use super::*;
use crate::config::{Channel, HostmaskAccount, Relay};
use inkwire_core::{Body, PlaceKind, Role, Rules, Spec, Trust};
use std::time::Duration;

const NOW: Time = Time(1_795_161_600_000);

struct Scene {
    me: Identity,
    receiver: Receiver,
    surface: Surface,
    now: Now,
    /// What the server was asked.
    questions: Vec<String>,
}

fn config() -> Config {
    let bridge = Relay { who: "Bridge".into(), pattern: Relay::usual_pattern() };
    let telegram = Relay { who: "account:telegram".into(), pattern: Relay::usual_pattern() };
    let boss = HostmaskAccount { mask: "*!*@staff.example".into(), account: "Boss".into() };
    Config {
        channels: vec!["#art".into(), "#quiet".into()],
        relays: vec![bridge, telegram],
        ignore: vec!["troll*".into(), "*@bots.example".into(), "account:parrot".into()],
        hostmask_accounts: vec![boss],
        ..Config::default()
    }
}

fn command(name: &str, aliases: &[&str], role: Role, usage: &str) -> Spec {
    Spec {
        name: name.into(),
        aliases: aliases.iter().map(|alias| (*alias).into()).collect(),
        usage: usage.into(),
        summary: String::new(),
        role,
        examples: vec![],
    }
}

impl Scene {
    fn with(config: &Config, caps: &[&str]) -> Self {
        let mut me = Identity::new("ink[m]");
        me.caps = crate::caps::Caps::of(caps);
        me.rooms = [("#art", "#art"), ("#quiet", "#Quiet")]
            .map(|(folded, name)| (folded.to_owned(), name.to_owned()))
            .into();
        me.members.keep(me.rooms.values(), me.casemap);
        let triggers = Rules {
            prefixes: vec!["!".into()],
            rooms: [("#Quiet".to_owned(), vec!["ink!".to_owned()])].into(),
            names: vec!["inkwire".into()],
        };
        let commands = vec![
            command("admin pause", &["pause"], Role::Admin, "admin pause"),
            command("room set", &[], Role::RoomOperator, "room set NAME VALUE"),
            command("cancel", &["stop"], Role::Everybody, "cancel [ID|all]"),
            command("queue", &[], Role::Everybody, "queue"),
        ];
        let surface = Surface { triggers, commands, ..Surface::default() };
        let receiver = Receiver::new("irc.test".into(), config, NOW);
        Self { me, receiver, surface, now: Now::at(NOW), questions: vec![] }
    }

    fn new(caps: &[&str]) -> Self {
        Self::with(&config(), caps)
    }

    fn take(&mut self, line: &str) -> Vec<Request> {
        let message = crate::words::message(line).unwrap();
        self.me.learn(&message);
        self.me.members.take(&message, &self.me.isupport);
        let heard = self.receiver.take(&self.me, &self.surface, &message, self.now);
        self.requests(heard)
    }

    fn pass(&mut self, time: Duration) -> Vec<Request> {
        self.later(time);
        let heard = self.receiver.wake(&self.me, &self.surface, self.now);
        self.requests(heard)
    }

    fn later(&mut self, time: Duration) {
        self.now = Now { time: self.now.time.after(time), instant: self.now.instant + time };
    }

    fn requests(&mut self, heard: Vec<Heard>) -> Vec<Request> {
        let mut requests = vec![];
        for heard in heard {
            match heard {
                Heard::Request(request) => requests.push(*request),
                Heard::Question(line) => {
                    let line = String::from_utf8_lossy(line.as_bytes()).trim_end().to_owned();
                    self.questions.push(line);
                }
                Heard::Ctcp { nick, .. } => panic!("{nick} asks what we are"),
                Heard::Invited(room) => panic!("we are to come into {room}"),
            }
        }
        requests
    }

    fn hear(&mut self, line: &str) -> Option<Request> {
        let mut requests = self.take(line);
        assert!(requests.len() < 2);
        requests.pop()
    }
}

fn text(request: &Request) -> &str {
    match &request.body {
        Body::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

/// Room and text of what was heard.
fn check(line: &str, expected: Option<(&str, &str)>) {
    let request = Scene::new(&["account-tag", "message-tags"]).hear(line);
    let found = request.as_ref().map(|request| (request.reply_to.room.0.as_str(), text(request)));
    assert_eq!(found, expected, "{line}");
}

#[test]
fn only_what_is_meant_for_us_is_heard() {
    check(":ann!a@h PRIVMSG #art :!imagine a fox", Some(("#art", "imagine a fox")));
    check(":ann!a@h PRIVMSG #ART :!queue", Some(("#art", "queue")));
    check(":ann!a@h PRIVMSG #art :hello", None);
    check(":ann!a@h PRIVMSG #art :INK{m}: queue", Some(("#art", "queue")));
    check(":ann!a@h PRIVMSG #art :ink[m], queue", Some(("#art", "queue")));
    check(":ann!a@h PRIVMSG #art :InkWire:queue", Some(("#art", "queue")));
    check(":ann!a@h PRIVMSG #art :ink[m] queue", None);
    check(":ann!a@h PRIVMSG #art :\u{e9}\u{e9}\u{e9}\u{e9}: queue", None);
    check(":ann!a@h PRIVMSG #quiet :!queue", None);
    check(":ann!a@h PRIVMSG #quiet :ink!queue", Some(("#Quiet", "queue")));
    check(":ann!a@h PRIVMSG ink[m] :a fox", Some(("ann", "a fox")));
    check(":Ann^!a@h PRIVMSG INK{M} :!queue", Some(("ann~", "queue")));
    let coloured = ":ann!a@h PRIVMSG #art :\u{2}\u{3}04!imagine\u{f} a fox";
    check(coloured, Some(("#art", "imagine a fox")));
    check(":ann!a@h PRIVMSG #elsewhere :!queue", None);
    check(":ann!a@h PRIVMSG somebody :!queue", None);
    check(":ann!a@h PRIVMSG $$* :!queue", None);
}

#[test]
fn robots_services_and_echoes_are_not() {
    check(":ann!a@h NOTICE #art :!queue", None);
    check(":ann!a@h PRIVMSG #art :\u{1}ACTION !queue\u{1}", None);
    check(":ann!a@h PRIVMSG #art :\u{1}VERSION\u{1}", None);
    check(":ink[m]!i@h PRIVMSG #art :!queue", None);
    check(":INK{M}!i@h PRIVMSG ink[m] :!queue", None);
    check(":irc.example.org PRIVMSG ink[m] :!queue", None);
    check(":NickServ PRIVMSG ink[m] :!queue", None);
    check(":NickServ!NickServ@services.example PRIVMSG ink[m] :!queue", None);
    check(":Troll7!t@h PRIVMSG #art :!queue", None);
    check(":ann!a@BOTS.example PRIVMSG #art :!queue", None);
    check("@bot :ann!a@h PRIVMSG #art :!queue", None);
    check("@inspircd.org/bot :ann!a@h PRIVMSG #art :!queue", None);
    check("PRIVMSG #art :!queue", None);
    let robot = Scene::new(&["account-tag"]).hear("@bot :ann!a@h PRIVMSG #art :!queue");
    assert!(robot.is_some(), "a tag that was not agreed on");
    let parrot = "@account=parrot :ann!a@h PRIVMSG #art :!queue";
    assert!(Scene::new(&["account-tag"]).hear(parrot).is_none());
    assert!(
        Scene::new(&[]).hear(&parrot.replace("queue", "info")).is_some(),
        "a tag that nobody vouches for"
    );
}

#[test]
fn questions_of_clients_are_heard_in_private_alone() {
    let mut scene = Scene::new(&["message-tags"]);
    let mut ask = |line: &str| {
        let message = line.parse().unwrap();
        scene.receiver.take(&scene.me, &scene.surface, &message, scene.now).pop()
    };
    let heard = ask(":ann!a@h PRIVMSG ink[m] :\u{1}PING 1 2\u{1}");
    let Some(Heard::Ctcp { nick, word, rest }) = heard else { panic!("{heard:?}") };
    assert_eq!((nick.as_str(), word.as_str(), rest.as_str()), ("ann", "PING", "1 2"));
    assert!(ask(":ann!a@h PRIVMSG #art :\u{1}PING 1 2\u{1}").is_none());
    assert!(ask("@bot :ann!a@h PRIVMSG ink[m] :\u{1}PING 1 2\u{1}").is_none());
}

#[test]
fn a_room_has_its_own_prefix_and_else_its_networks() {
    let mut config = config();
    config.prefix = Some("%".to_owned());
    config.channels.push(Channel { prefix: Some("?".into()), ..Channel::from("#ART") });
    let mut scene = Scene::with(&config, &["account-tag"]);
    let mut check = |said: &str, expected: bool| {
        let heard = scene.hear(&format!(":ann!a@h PRIVMSG {said}")).map(|request| request.heard);
        assert_eq!(heard, expected.then_some(inkwire_core::Heard::Prefix), "{said}");
    };
    check("#art :?queue", true);
    check("#art :%queue", false);
    check("#art :!queue", false);
    check("#quiet :%queue", true);
    check("#quiet :ink!queue", false);
    check("ink[m] :%queue", true);
}

#[test]
fn what_is_said_to_some_of_a_room_is_answered_to_them_alone() {
    let mut scene = Scene::new(&[]);
    let said = |target: &str| format!(":ann!a@h PRIVMSG {target} :!imagine {target}");
    assert!(scene.hear(&said("@#art")).is_none(), "a server that knows nothing of it");
    scene.me.isupport.status_msg = "@+".into();
    for (target, expected) in [
        ("#art", Some(("#art", None))),
        ("@#ART", Some(("#art", Some("@")))),
        ("+@#Art", Some(("#art", Some("+@")))),
        ("%#art", None),
        ("@", None),
    ] {
        let heard = scene.hear(&said(target));
        let to = heard.as_ref().map(|request| &request.reply_to);
        let to = to.map(|to| (&*to.room.0, to.thread.as_ref().map(|sign| &*sign.0)));
        assert_eq!(to, expected, "{target}");
        assert!(heard.is_none_or(|request| request.place.kind == PlaceKind::Group));
    }
}

#[test]
fn requests_have_keys_of_their_own() {
    let mut scene = Scene::new(&["account-tag", "message-tags"]);
    let mut key = |line: &str| scene.hear(line).unwrap().id.0;
    let (one, two) = (key(":ann!a@h PRIVMSG #art :!queue"), key(":ann!a@h PRIVMSG #art :!queue"));
    assert_ne!(one, two);
    let again = "@msgid=xyz :ann!a@h PRIVMSG #art :!queue";
    assert_eq!((key(again), key(again)), ("msgid:xyz".into(), "msgid:xyz".into()));
    let untagged = Scene::new(&["account-tag"]).hear(again).unwrap();
    assert_ne!(untagged.id.0, "msgid:xyz", "a tag that was not agreed on");
}

#[test]
fn places_and_replies_are_told_apart() {
    let direct = Scene::new(&["account-tag", "message-tags"])
        .hear(":ann!a@h PRIVMSG ink[m] :queue")
        .unwrap();
    assert_eq!((direct.place.kind, direct.reply_to.message), (PlaceKind::Direct, None));
    let group = Scene::new(&["account-tag", "message-tags"])
        .hear("@msgid=x :ann!a@h PRIVMSG #art :!queue")
        .unwrap();
    assert_eq!((group.place.kind, group.reply_to.message), (PlaceKind::Group, Some("x".into())));
}

/// Id, name and powers of whoever says `words` behind a relay.
fn relayed(caps: &[&str], speaker: &str, words: &str) -> Option<(String, String, bool)> {
    let mut scene = Scene::new(caps);
    scene.take(":s MODE #art +oo bridge telly");
    let from = scene.hear(&format!("{speaker} PRIVMSG #art :{words}"))?.from;
    assert_eq!(from.trust, Trust::Unverified);
    assert!(!from.powers.room_operator);
    Some((from.id.0, from.name, from.powers.relay))
}

#[test]
fn behind_a_relay_is_somebody_without_powers() {
    let check = |speaker: &str, words: &str, expected: (&str, &str)| {
        let found = relayed(&["account-tag", "message-tags"], speaker, words).unwrap();
        assert_eq!(found, (expected.0.into(), expected.1.into(), true), "{words}");
    };
    let bridge = "@account=boss :bridge!b@staff.example";
    check(bridge, "<boss> !admin pause", ("~b@staff.example/boss", "boss"));
    check(
        bridge,
        "<@\u{2}\u{3}4b\u{200b}oss\u{f}> inkwire: queue",
        ("~b@staff.example/boss", "boss"),
    );
    check(bridge, "!admin pause", ("~b@staff.example", "bridge"));
    check("@account=Telegram :telly!t@h", "<ann> !queue", ("~t@h/ann", "ann"));
    check("@bot;account=Telegram :telly!t@h", "<ann> !queue", ("~t@h/ann", "ann"));
    check("@bot :bridge!b@h", "<ann> !queue", ("~b@h/ann", "ann"));
    assert_eq!(relayed(&["account-tag", "message-tags"], bridge, "<boss> hello"), None);
    assert_eq!(relayed(&["account-tag", "message-tags"], bridge, "<boss> <eve> !queue"), None);
    assert_eq!(
        relayed(&["account-tag", "message-tags"], "@account=eve :eve!e@h", "<ann> !queue"),
        None
    );
}

#[test]
fn operators_of_a_room_are_so_there_alone() {
    let mut scene = Scene::new(&["account-tag"]);
    scene.take(":s MODE #art +o ann");
    let mut check = |said: &str, expected: bool| {
        let request = scene.hear(&format!(":Ann!a@h PRIVMSG {said}")).unwrap();
        assert_eq!(request.from.powers.room_operator, expected, "{said}");
    };
    check("#ART :!queue", true);
    check("#quiet :ink!queue", false);
    check("ink[m] :!queue", false);
}

#[test]
fn circles_and_floods_are_not_heard() {
    let mut scene = Scene::new(&["account-tag"]);
    let again = ":ann!a@h PRIVMSG #art :inkwire: again";
    let heard = (0..10).filter(|_| scene.hear(again).is_some()).count();
    assert_eq!(heard, 2);
    assert!(scene.hear(":ann!a@h PRIVMSG #art :!queue").is_none(), "muted whatever it says");
    assert!(scene.hear(":bob!b@h PRIVMSG #art :inkwire: again").is_some());
    let many =
        (0..100).filter(|n| scene.hear(&format!(":n{n}!c@h PRIVMSG #art :!info {n}")).is_some());
    assert_eq!(many.count(), 30, "whatever the nick is");
    let mut relay =
        |who: &str| scene.hear(&format!(":bridge!b@x PRIVMSG #art :<{who}> !queue")).is_some();
    assert_eq!((0..20).filter(|_| relay("ann")).count(), 9);
    assert!(relay("bob"), "each behind a relay is one");
}

/// Two of us in a room without marks for bots: each answers whatever it hears from the other.
#[test]
fn two_of_us_fall_silent_within_six_lines() {
    let answers = ["k7f queued, 3 ahead", "unknown command; try help", "queue: nothing waits"];
    for answer in answers {
        let mut bots = ["one", "two"].map(|nick| {
            let mut scene = Scene::new(&["account-tag"]);
            scene.me.nick = nick.to_owned();
            scene
        });
        let mut lines = vec![format!(":one!one@h PRIVMSG #art :two: {answer}")];
        while let Some(said) = lines.last().filter(|_| lines.len() < 20) {
            let is_two = said.starts_with(":one");
            let bot = &mut bots[usize::from(is_two)];
            bot.later(Duration::from_secs(1));
            let Some(request) = bot.hear(said) else { break };
            let (from, to) = (if is_two { "two" } else { "one" }, request.from.name);
            lines.push(format!(":{from}!{from}@h PRIVMSG #art :{to}: {answer}"));
        }
        assert!(lines.len() <= 6, "{lines:?}");
    }
}
