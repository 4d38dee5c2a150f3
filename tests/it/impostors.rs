//! The twelve who pass themselves off as an admin: none gets anything, nothing changes.
//! Those that a protocol can tell apart stand before the real IRC adapter, line by line; those
//! that need a protocol which is not there yet stand at the contract.
use super::{
    admin::admin_of,
    engine,
    network::{CAPS, Network, open_with},
    store,
};
use inkwire::{app::Reloaded, intake::commands::TABLE, store::Store, workflow::Library};
use inkwire_core::{
    AdapterId, Address, Author, Body, EventKey, Heard, Outcome, Place, PlaceKind, Powers, Request,
    Role, Trust,
};
use inkwire_testkit::{Bridge, FakeEngine, Manner, Mood, Script, Scripted, policy, settle, setup};
use std::sync::Arc;
use tempfile::TempDir;

async fn open(store: Arc<dyn Store>, engine: Arc<FakeEngine>, caps: &str) -> (Bridge, Network) {
    open_with(caps, store, engine, |setup| {
        setup.policy.access = admin_of("irc.home", "op");
        let reload =
            || Ok(Reloaded { policy: policy(), library: shipped(), needs_restart: vec![] });
        setup.reload = Some(Box::new(reload));
    })
    .await
}

fn shipped() -> Library {
    Library::shipped().0
}

async fn paused(store: &Arc<dyn Store>) -> bool {
    store.settings().await.unwrap().paused
}

/// What is said after this line and because of it, to anybody: somebody else's question comes
/// last, so that all before its answer is done.
async fn said(network: &mut Network, line: &str) -> Vec<String> {
    network.send(line).await;
    network.witness().await;
    let (mut said, mut insisted) = (vec![], false);
    loop {
        let line = network.heard("").await;
        if !line.contains("PRIVMSG ") && !line.contains("NOTICE ") {
            continue;
        }
        if !line.contains("wit: ") && !line.contains(" wit ") {
            said.push(line);
        } else if std::mem::replace(&mut insisted, true) {
            return said;
        } else {
            network.insist().await;
        }
    }
}

/// Each command that not everybody may use, as somebody would type it.
fn orders(role: Role) -> impl Iterator<Item = String> {
    let rows = TABLE.iter().filter(move |row| row.role == role);
    let words = rows.flat_map(|row| row.examples.first().into_iter().chain(row.aliases));
    words.map(|words| format!("!{words}"))
}

/// The impostors that IRC can express, with their lines; each order comes from another host, as
/// nobody is heard who says too much.
fn on_irc(order: &str) -> Vec<(&'static str, String)> {
    let old = "2001-01-01T00:00:00.000Z";
    let h = order.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    vec![
        ("the same nick without an account", format!(":op!op@{h} PRIVMSG #art :{order}")),
        ("another case", format!("@account=somebody :OP!op@{h} PRIVMSG #art :{order}")),
        (
            "a confusable account",
            format!("@account=\u{43e}\u{440} :op!op@{h} PRIVMSG #art :{order}"),
        ),
        ("an account with a tail", format!("@account=op_ :op!op@{h} PRIVMSG #art :{order}")),
        ("a borrowed ident", format!(":eve!op@op PRIVMSG #art :{order}")),
        ("a borrowed host", format!(":eve!~e@admin.op PRIVMSG #art :{order}")),
        ("a relay", format!("@account=op :bridge!b@{h} PRIVMSG #art :<op> {order}")),
        ("a quoted line", format!("@account=eve :eve!e@{h} PRIVMSG #art :<op> {order}")),
        ("a client's own tag", format!("@+account=op :eve!e@{h} PRIVMSG #art :{order}")),
        ("an empty account", format!("@account= :op!op@{h} PRIVMSG #art :{order}")),
        ("a line of long ago", format!("@account=op;time={old} :op!op@{h} PRIVMSG #art :{order}")),
        ("a replayed line", format!("@batch=h;account=op :op!op@{h} PRIVMSG #art :{order}")),
        ("a logged-out nick", format!("@account=* :op!op@{h} PRIVMSG #art :{order}")),
    ]
}

#[tokio::test]
async fn impostors_on_irc_are_neither_obeyed_nor_answered() {
    let (store, engine) = (store(), engine(Mood::Hangs));
    let (bridge, mut network) = open(store.clone(), engine.clone(), CAPS).await;
    network.send(":s BATCH +h chathistory #art").await;
    for nick in ["ann", "bob", "cid"] {
        assert_eq!(
            said(&mut network, &format!(":{nick}!a@h PRIVMSG #art :!imagine")).await.len(),
            1
        );
        network.send(&format!(":{nick}!a@h PRIVMSG #art :!imagine a boat")).await;
        network.heard(" queued, ").await;
    }
    let before = (store.open_index().await.unwrap(), engine.calls());
    for order in orders(Role::Admin).chain(orders(Role::RoomOperator)) {
        for (who, line) in on_irc(&order) {
            assert_eq!(said(&mut network, &line).await, Vec::<String>::new(), "{who}: {order}");
            assert!(!paused(&store).await, "{who}: {order}");
        }
    }
    assert_eq!((store.open_index().await.unwrap(), engine.calls()), before);
    bridge.stop().await;
}

/// Otherwise all that impostors are refused would prove nothing.
#[tokio::test]
async fn an_admin_on_irc_is_obeyed_in_every_command() {
    let store = store();
    let (bridge, mut network) = open(store.clone(), engine(Mood::Works), CAPS).await;
    for order in orders(Role::Admin) {
        let line = format!("@account=op :whoever!w@h PRIVMSG #art :{order}");
        let said = said(&mut network, &line).await.join("\n");
        assert!(said.contains("whoever"), "{order} is answered: {said}");
        for refusal in ["You may not", "I do not know", "Use it like this"] {
            assert!(!said.contains(refusal), "{order}: {said}");
        }
        assert_eq!(paused(&store).await, order.ends_with("pause"), "{order}");
    }
    bridge.stop().await;
}

/// Whoever speaks to us by name, or alone with us, is told that it is not for them.
#[tokio::test]
async fn who_asks_by_name_or_in_private_is_refused_aloud() {
    let store = store();
    let (bridge, mut network) = open(store.clone(), engine(Mood::Hangs), CAPS).await;
    for order in orders(Role::Admin).filter(|order| order.starts_with("!admin ")) {
        let bare = order.trim_start_matches('!');
        for line in [
            format!(":eve!e@h PRIVMSG #art :ink: {bare}"),
            format!(":eve!e@h PRIVMSG ink :{bare}"),
            format!(":eve!e@h PRIVMSG ink :{order}"),
        ] {
            let said = said(&mut network, &line).await.join("\n");
            assert!(said.contains("You may not do that here"), "{line}: {said}");
        }
    }
    let words =
        [("#art", "ink: frobnicate", 1), ("#art", "!frobnicate", 0), ("ink", "!nonsense", 1)];
    for (nick, (to, text, answers)) in ["fay", "gus", "hal"].into_iter().zip(words) {
        let line = format!(":{nick}!{nick}@h PRIVMSG {to} :{text}");
        assert_eq!(said(&mut network, &line).await.len(), answers, "{line}");
    }
    assert!(!paused(&store).await);
    bridge.stop().await;
}

#[tokio::test]
async fn a_tag_that_was_not_negotiated_is_forged() {
    for caps in ["", "message-tags"] {
        let store = store();
        let (bridge, mut network) = open(store.clone(), engine(Mood::Hangs), caps).await;
        for order in orders(Role::Admin) {
            let line = format!("@account=op :op!op@h PRIVMSG #art :{order}");
            assert_eq!(said(&mut network, &line).await, Vec::<String>::new(), "{order}");
            assert!(!paused(&store).await, "{caps:?}");
        }
        bridge.stop().await;
    }
}

/// What the server says about whoever it is asked about next.
async fn answer(network: &mut Network, nick: &str, place: &str, account: &str) {
    let question = network.heard(&format!("WHO {nick} ")).await;
    let token = question.rsplit(',').next().unwrap_or_default();
    network.send(&format!(":s 354 ink {token} {place} {nick} H {account}")).await;
}

#[tokio::test]
async fn where_nothing_is_tagged_the_server_is_asked() {
    let store = store();
    let (bridge, mut network) = open(store.clone(), engine(Mood::Hangs), "").await;
    let order = ":op!op@h PRIVMSG #art :!admin pause";
    network.send(":s 005 ink WHOX :are supported").await;
    network.send(order).await;
    answer(&mut network, "op", "op elsewhere", "op").await;
    network.send(":wit!w@h PRIVMSG #art :!styles").await;
    answer(&mut network, "wit", "w h", "0").await;
    network.heard("wit: ").await;
    assert!(!paused(&store).await, "somebody else with that nick is obeyed");

    network.send(order).await;
    answer(&mut network, "op", "op h", "op").await;
    network.heard("op: ").await;
    assert!(paused(&store).await, "the admin is");
    bridge.stop().await;
}

/// A line as it comes where nothing is tagged: nick, user and host, account, and what is left of
/// it. `None` for those that differ from an admin's by their tags alone.
fn untagged(line: &str) -> Option<(String, String, String, String)> {
    let (tags, line) = match line.strip_prefix('@') {
        Some(line) => line.split_once(' ')?,
        None => ("", line),
    };
    if tags.contains("time=") || tags.contains("batch=") {
        return None;
    }
    let account = tags.split(';').find_map(|tag| tag.strip_prefix("account="));
    let account = account.filter(|name| !matches!(*name, "" | "*")).unwrap_or("0");
    let (nick, place) = line.strip_prefix(':')?.split_once(' ')?.0.split_once('!')?;
    Some((nick.into(), place.into(), account.into(), line.into()))
}

/// Strangers' jobs are theirs too.
async fn impostors_are_asked_about(supported: &str) {
    let (store, engine) = (store(), engine(Mood::Hangs));
    let (bridge, mut network) = open(store.clone(), engine.clone(), "").await;
    network.send(&format!(":s 005 ink {supported} SAFERATE :are supported")).await;
    let mut job = String::new();
    for nick in ["ann", "bob", "cid"] {
        network.logs_in(nick, &format!("{nick}@h"), "0");
        network.send(&format!(":{nick}!{nick}@h PRIVMSG #art :!imagine a boat")).await;
        let queued = network.heard(" queued, ").await;
        queued.split(" queued, ").next().unwrap().rsplit(' ').next().unwrap().clone_into(&mut job);
    }
    let mut orders: Vec<_> = orders(Role::RoomOperator).chain(["!admin pause".into()]).collect();
    let silent = orders.len();
    orders.extend([format!("!delete {job}"), format!("!cancel {job}")]);
    let before = (store.open_index().await.unwrap(), engine.calls());
    for (n, order) in orders.iter().enumerate() {
        let logged_out = format!("op@out{n}");
        network.logs_in("op", &logged_out, "op");
        network.send(&format!(":op!{logged_out} PRIVMSG #art :!queue")).await;
        network.heard(" :op: ").await;
        let logged_out =
            ("logged out", format!("@account=* :op!{logged_out} PRIVMSG #art :{order}"));
        for (who, line) in on_irc(order).into_iter().chain([logged_out]) {
            let Some((nick, place, account, line)) = untagged(&line) else { continue };
            network.logs_in(&nick, &place, &account);
            let said = said(&mut network, &line).await;
            assert!(said.is_empty() || n >= silent, "{who}: {order}: {said:?}");
            assert!(!paused(&store).await, "{who}: {order}");
            let after = (store.open_index().await.unwrap(), engine.calls());
            assert_eq!(after, before, "{who}: {order}");
        }
    }
    network.logs_in("op", "op@h", "OP");
    for order in ["!admin pause".to_owned(), format!("!cancel {job}")] {
        said(&mut network, &format!(":op!op@h PRIVMSG #art :{order}")).await;
    }
    assert!(paused(&store).await, "the admin is obeyed");
    assert_ne!(store.open_index().await.unwrap(), before.0, "in what is somebody else's too");
    bridge.stop().await;
}

#[tokio::test]
async fn impostors_get_nothing_where_the_server_is_asked_by_who() {
    impostors_are_asked_about("WHOX").await;
}

#[tokio::test]
async fn impostors_get_nothing_where_the_server_is_asked_by_whois() {
    impostors_are_asked_about("NETWORK=Old").await;
}

async fn contract(store: Arc<dyn Store>) -> (Bridge, [Script; 2]) {
    let blobs = TempDir::new().unwrap();
    let mut setup = setup(store, vec![engine(Mood::Hangs)], &blobs);
    setup.policy.access = admin_of("matrix", "@op:home");
    let scripts = ["matrix", "http"].map(|id| {
        let (adapter, script) = Scripted::new(id, Manner::Polite);
        setup.adapters.push(Box::new(adapter));
        script
    });
    (Bridge::run(setup, blobs).await, scripts)
}

fn admin_says(key: &str) -> Request {
    let adapter = AdapterId::from("matrix");
    Request {
        id: EventKey(key.into()),
        from: Author {
            adapter: adapter.clone(),
            id: "@op:home".into(),
            name: "op".into(),
            trust: Trust::Account,
            powers: Powers::default(),
        },
        reply_to: Address { adapter, room: "!art".into(), message: None, thread: None },
        place: Place { kind: PlaceKind::Group, encrypted: false },
        heard: Heard::Prefix,
        about: None,
        body: Body::Text("admin pause".into()),
        attachments: vec![],
        patience: None,
        sent_at: inkwire_core::Time::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn impostors_of_other_protocols_are_not_obeyed_either() {
    type Change = fn(&mut Request);
    let impostors: [(&str, Change); 9] = [
        ("the same localpart on another server", |r| r.from.id = "@op:evil".into()),
        ("another case", |r| r.from.id = "@OP:home".into()),
        ("a confusable", |r| r.from.id = "@\u{43e}p:home".into()),
        ("a display name", |r| {
            r.from.id = "@eve:home".into();
            r.from.name = "@op:home".into();
        }),
        ("an unverified account", |r| r.from.trust = Trust::Unverified),
        ("an operator's hat", |r| {
            r.from.id = "@eve:home".into();
            r.from.powers.room_operator = true;
        }),
        ("a relay's text", |r| r.from.powers.relay = true),
        ("an edit", |r| {
            let Body::Text(text) = r.body.clone() else { panic!("text") };
            r.body = Body::Edited { of: "earlier".into(), text };
        }),
        ("a quoted prefix", |r| {
            let Body::Text(text) = r.body.clone() else { panic!("text") };
            r.body = Body::Text(format!("<op> {text}"));
        }),
    ];
    let store = store();
    let (bridge, [matrix, http]) = contract(store.clone()).await;
    for row in TABLE.iter().filter(|row| row.role == Role::Admin) {
        for (who, change) in impostors {
            let mut request = admin_says(&format!("{}-{who}", row.name));
            request.body = Body::Text(row.name.into());
            change(&mut request);
            let outcome = matrix.hand_in(request).await.unwrap().remove(0).outcome;
            assert_eq!(outcome, None, "{who}: {}", row.name);
            assert!(!paused(&store).await, "{who} is obeyed: {}", row.name);
        }
    }
    // A name in the body of an HTTP request, by way of its own adapter and of a forged one.
    let mut body_nick = http.request("h1", "@op:home", "admin pause");
    body_nick.place.kind = PlaceKind::Api;
    let forged = Request { id: "h2".into(), ..admin_says("h2") };
    for request in [body_nick, forged] {
        let outcome = http.hand_in(request).await.unwrap().remove(0).outcome;
        assert!(matches!(outcome, Some(Outcome::Rejected(_))), "{outcome:?}");
        assert!(!paused(&store).await, "http is obeyed");
    }
    matrix.hand_in(admin_says("real")).await.unwrap();
    settle().await;
    assert!(paused(&store).await, "the admin is");
    bridge.stop().await;
}

/// The same event again, after the admin took its effect back.
#[tokio::test(start_paused = true)]
async fn an_order_that_is_replayed_has_no_effect_twice() {
    let store = store();
    let (bridge, [matrix, _http]) = contract(store.clone()).await;
    matrix.hand_in(admin_says("one")).await.unwrap();
    let resume = Request { body: Body::Text("admin resume".into()), ..admin_says("two") };
    matrix.hand_in(resume).await.unwrap();
    assert!(!paused(&store).await);
    let again = matrix.hand_in(admin_says("one")).await.unwrap().remove(0);
    assert!(again.duplicate);
    assert!(!paused(&store).await, "a replay changes nothing");
    bridge.stop().await;
}
