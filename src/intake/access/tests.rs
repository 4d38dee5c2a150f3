//! The twelve impostors, and words behind masks.
use super::*;
use inkwire_core::{Address, Command, EventKey, Heard, Place, PlaceKind, Powers, Time};

fn whom(adapter: Option<&str>, id: &str) -> Whom {
    Whom { adapter: adapter.map(AdapterId::from), id: id.into() }
}

fn access(admins: Vec<Whom>) -> Access {
    Access::build(AccessRules { admins, ..AccessRules::default() }).unwrap()
}

/// Ann's own request, by her services account on one network.
fn request() -> Request {
    let adapter = AdapterId::from("irc.libera");
    Request {
        id: EventKey::from("1"),
        from: Author {
            adapter: adapter.clone(),
            id: "ann".into(),
            name: "ann".into(),
            trust: Trust::Account,
            powers: Powers::default(),
        },
        reply_to: Address { adapter, room: "#art".into(), message: None, thread: None },
        place: Place { kind: PlaceKind::Group, encrypted: false },
        heard: Heard::Prefix,
        about: None,
        body: Body::Command(Command::Queue),
        attachments: vec![],
        patience: None,
        sent_at: Time(0),
    }
}

#[test]
fn an_admin_is_an_account_on_its_own_network() {
    assert_eq!(access(vec![whom(Some("irc.libera"), "ann")]).role(&request()), Role::Admin);
    assert_eq!(access(vec![whom(None, "ann")]).role(&request()), Role::Admin);
    assert_eq!(access(vec![]).role(&request()), Role::Everybody);
}

/// What an adapter makes of each impostor, changed from what it makes of Ann.
#[test]
fn no_impostor_is_an_admin() {
    type Change = fn(&mut Request);
    let unverified = |request: &mut Request| request.from.trust = Trust::Unverified;
    let impostors: [(&str, Change); 15] = [
        ("same nick without account", unverified),
        ("logged-out nick", unverified),
        ("forged tag without the capability", unverified),
        ("ident or hostmask", |r| {
            r.from.id = "ann!ann@host".into();
            r.from.trust = Trust::Unverified;
        }),
        ("HTTP body nick", |r| {
            r.from.id = "token-7".into();
            r.from.name = "ann".into();
        }),
        ("display name", |r| r.from.id = "mallory".into()),
        ("case", |r| r.from.id = "Ann".into()),
        ("confusable", |r| r.from.id = "аnn".into()),
        ("full width", |r| r.from.id = "ａｎｎ".into()),
        ("same localpart on another server", |r| r.from.id = "@ann:evil.example".into()),
        ("account of another network", |r| {
            r.from.adapter = "irc.oftc".into();
            r.reply_to.adapter = "irc.oftc".into();
        }),
        ("an author of another adapter than the room's", |r| r.reply_to.adapter = "http".into()),
        ("relay text", |r| r.from.powers.relay = true),
        ("edit", |r| r.body = Body::Edited { of: "0".into(), text: "admin pause".into() }),
        ("history replay of a reaction", |r| r.body = Body::Reaction { key: "x".into() }),
    ];
    let access = access(vec![whom(Some("irc.libera"), "ann")]);
    for (name, change) in impostors {
        let mut request = request();
        change(&mut request);
        assert_eq!(access.role(&request), Role::Everybody, "{name}");
    }
}

/// The server vouches for an operator's hat, so nothing else has to.
#[test]
fn an_operator_of_a_room_has_that_room() {
    type Change = fn(&mut Request);
    let check = |name: &str, change: Change, expected: Role| {
        let mut request = request();
        request.from.id = "bob".into();
        request.from.trust = Trust::Unverified;
        request.from.powers.room_operator = true;
        change(&mut request);
        assert_eq!(access(vec![whom(None, "ann")]).role(&request), expected, "{name}");
    };
    check("with a hat", |_| {}, Role::RoomOperator);
    check("with a hat and an account", |r| r.from.trust = Trust::Account, Role::RoomOperator);
    check("without a hat", |r| r.from.powers.room_operator = false, Role::Everybody);
    check("behind a relay", |r| r.from.powers.relay = true, Role::Everybody);
    check("in private", |r| r.place.kind = PlaceKind::Direct, Role::Everybody);
    check("at an API", |r| r.place.kind = PlaceKind::Api, Role::Everybody);
    check("of another network", |r| r.from.adapter = "irc.oftc".into(), Role::Everybody);
    let edited = |r: &mut Request| r.body = Body::Edited { of: "0".into(), text: "x".into() };
    check("by an edit", edited, Role::Everybody);
    let admin = |r: &mut Request| {
        r.from.id = "ann".into();
        r.from.trust = Trust::Account;
    };
    check("an admin with a hat", admin, Role::Admin);
}

#[test]
fn banned_accounts_are_known_wherever_they_speak() {
    let rules = AccessRules { banned: vec![whom(None, "ann")], ..AccessRules::default() };
    let access = Access::build(rules).unwrap();
    assert!(access.is_banned(&request().from));
    let mut other = request().from;
    other.id = "bob".into();
    assert!(!access.is_banned(&other));
}

#[test]
fn blocked_words_are_found_behind_masks() {
    let blocked = vec![r"\bsecret\b".to_owned(), r"bad\s*thing".to_owned()];
    let access = Access::build(AccessRules { blocked, ..AccessRules::default() }).unwrap();
    for text in
        ["a SECRET place", "s3cr3t", "ｓｅｃｒｅｔ", "se\u{200b}cret", "BAD  thing", "b@dth1ng"]
    {
        assert!(access.blocks(text), "{text}");
    }
    for text in ["secretary", "a fox", "", "7 of 9"] {
        assert!(!access.blocks(text), "{text}");
    }
}

#[test]
fn a_word_list_that_cannot_be_compiled_is_an_error() {
    for pattern in ["(", r"(\w{1000}){1000}"] {
        let rules = AccessRules { blocked: vec![pattern.into()], ..AccessRules::default() };
        assert!(Access::build(rules).is_err(), "{pattern}");
    }
}
