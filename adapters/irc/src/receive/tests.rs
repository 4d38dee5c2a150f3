//! What becomes a request, from whom, and what never does.
use super::*;

const NOW: Time = Time(1_795_161_600_000);

struct Scene {
    me: Identity,
    receiver: Receiver,
    rules: Rules,
}

impl Scene {
    fn new(caps: &[&str]) -> Self {
        let caps = caps.iter().map(|cap| (*cap).to_owned()).collect();
        let mut me = Identity::new("ink[m]");
        me.rooms = [("#art", "#art"), ("#quiet", "#quiet")]
            .map(|(folded, name)| (folded.to_owned(), name.to_owned()))
            .into();
        let rules = Rules {
            prefixes: vec!["!".into()],
            rooms: [("#Quiet".to_owned(), vec!["ink!".to_owned()])].into(),
            names: vec!["inkwire".into()],
            relays: vec!["Bridge".into()],
        };
        Self { me, receiver: Receiver::new("irc.test".into(), None, caps, NOW), rules }
    }

    fn hear(&mut self, line: &str) -> Option<Request> {
        let message = line.parse().unwrap();
        match self.receiver.take(&self.me, &self.rules, &message, NOW)? {
            Heard::Request(request) => Some(*request),
            Heard::Version { nick } => panic!("{nick} asked for a version"),
        }
    }
}

#[test]
fn a_network_has_its_own_prefix_everywhere() {
    let mut scene = Scene::new(&[]);
    scene.receiver.prefix = Some("%".to_owned());
    let mut check = |said: &str, expected: Option<inkwire_core::Heard>| {
        let heard = scene.hear(&format!(":ann!a@h PRIVMSG {said}")).map(|request| request.heard);
        assert_eq!(heard, expected, "{said}");
    };
    check("#art :%queue", Some(inkwire_core::Heard::Prefix));
    check("#art :!queue", None);
    check("#quiet :%queue", Some(inkwire_core::Heard::Prefix));
    check("#quiet :ink!queue", None);
    check("ink[m] :%queue", Some(inkwire_core::Heard::Prefix));
}

/// Room and text of what was heard.
fn check(line: &str, expected: Option<(&str, &str)>) {
    let request = Scene::new(&[]).hear(line);
    let found = request.as_ref().map(|request| match &request.body {
        Body::Text(text) => (request.reply_to.room.0.as_str(), text.as_str()),
        other => panic!("{other:?}"),
    });
    assert_eq!(found, expected, "{line}");
}

#[test]
fn only_what_is_meant_for_us_is_heard() {
    check(":ann!a@h PRIVMSG #art :!imagine a fox", Some(("#art", "imagine a fox")));
    check(":ann!a@h PRIVMSG #ART :!queue", Some(("#art", "queue")));
    check(":ann!a@h PRIVMSG #art :hello", None);
    check(":ann!a@h PRIVMSG #art :INK{m}: queue", Some(("#art", "queue")));
    check(":ann!a@h PRIVMSG #art :ink[m], queue", Some(("#art", "queue")));
    check(":ann!a@h PRIVMSG #art :inkwire: queue", Some(("#art", "queue")));
    check(":ann!a@h PRIVMSG #art :\u{e9}\u{e9}\u{e9}\u{e9}: queue", None);
    check(":ann!a@h PRIVMSG #quiet :!queue", None);
    check(":ann!a@h PRIVMSG #quiet :ink!queue", Some(("#quiet", "queue")));
    check(":ann!a@h PRIVMSG ink[m] :a fox", Some(("ann", "a fox")));
    check(":Ann^!a@h PRIVMSG INK{M} :!queue", Some(("ann~", "queue")));
    check(
        ":ann!a@h PRIVMSG #art :\u{2}\u{3}04!imagine\u{f} a fox",
        Some(("#art", "imagine a fox")),
    );
    check(":ann!a@h PRIVMSG #elsewhere :!queue", None);
    check(":ann!a@h PRIVMSG somebody :!queue", None);
}

#[test]
fn robots_services_and_echoes_are_not() {
    check(":ann!a@h NOTICE #art :!queue", None);
    check(":ann!a@h PRIVMSG #art :\u{1}ACTION !queue\u{1}", None);
    check(":ann!a@h PRIVMSG #art :\u{1}VERSION\u{1}", None);
    check(":ann!a@h PRIVMSG ink[m] :\u{1}PING 1\u{1}", None);
    check(":ink[m]!i@h PRIVMSG #art :!queue", None);
    check(":INK{M}!i@h PRIVMSG ink[m] :!queue", None);
    check(":irc.example.org PRIVMSG ink[m] :!queue", None);
    check(":NickServ PRIVMSG ink[m] :!queue", None);
    check("@bot :ann!a@h PRIVMSG #art :!queue", None);
    check("PRIVMSG #art :!queue", None);
}

#[test]
fn a_version_is_told_in_private_alone() {
    let mut scene = Scene::new(&[]);
    let message = ":ann!a@h PRIVMSG ink[m] :\u{1}VERSION\u{1}".parse().unwrap();
    let heard = scene.receiver.take(&scene.me, &scene.rules, &message, NOW);
    assert!(matches!(heard, Some(Heard::Version { nick }) if nick == "ann"));
}

fn author(caps: &[&str], line: &str) -> (String, String, Trust, bool) {
    let from = Scene::new(caps).hear(line).unwrap().from;
    (from.id.0, from.name, from.trust, from.powers.relay)
}

#[test]
fn only_the_server_vouches_for_an_account() {
    let said = ":Ann^!a@h PRIVMSG #art :!queue";
    let tagged = &format!("@account=Boss {said}");
    let nick = ("~ann~".to_owned(), "Ann^".to_owned(), Trust::Unverified, false);
    assert_eq!(author(&["account-tag"], said), nick);
    assert_eq!(author(&[], tagged), nick, "a tag nobody granted");
    assert_eq!(author(&["account-tag"], &format!("@+account=Boss {said}")), nick, "a client's tag");
    let account = ("boss".to_owned(), "Ann^".to_owned(), Trust::Account, false);
    assert_eq!(author(&["account-tag"], tagged), account);
    let relayed = "@account=bridge :bridge!b@h PRIVMSG #art :<boss> !queue";
    let behind = ("~bridge/boss".to_owned(), "boss".to_owned(), Trust::Unverified, true);
    assert_eq!(author(&["account-tag"], relayed), behind);
}

#[test]
fn requests_have_keys_of_their_own() {
    let mut scene = Scene::new(&[]);
    let mut key = |line: &str| scene.hear(line).unwrap().id.0;
    let (one, two) = (key(":ann!a@h PRIVMSG #art :!queue"), key(":ann!a@h PRIVMSG #art :!queue"));
    assert_ne!(one, two);
    let again = "@msgid=xyz :ann!a@h PRIVMSG #art :!queue";
    assert_eq!((key(again), key(again)), ("msgid:xyz".into(), "msgid:xyz".into()));
}

#[test]
fn places_and_replies_are_told_apart() {
    let direct = Scene::new(&[]).hear(":ann!a@h PRIVMSG ink[m] :queue").unwrap();
    assert_eq!((direct.place.kind, direct.reply_to.message), (PlaceKind::Direct, None));
    let group = Scene::new(&[]).hear("@msgid=x :ann!a@h PRIVMSG #art :!queue").unwrap();
    assert_eq!((group.place.kind, group.reply_to.message), (PlaceKind::Group, Some("x".into())));
}

fn replayed(lines: &[&str], last: &str) -> bool {
    let mut scene = Scene::new(&["server-time", "batch"]);
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
    assert!(!replayed(&[":s BATCH +x chathistory #art", ":s BATCH -x"], said));
    assert!(!replayed(&[":s BATCH +x draft/multiline #art"], batched));
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
    // Without the capability a tag is somebody's claim.
    assert!(Scene::new(&[]).hear(&at("01:00:00")).is_some());
}
