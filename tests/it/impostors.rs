//! The twelve who pass themselves off as an admin: none gets anything, nothing changes.
//! Those that a protocol can tell apart stand before the real IRC adapter, line by line; those
//! that need a protocol which is not there yet stand at the contract.
use super::{
    admin::admin_of,
    engine,
    network::{CAPS, Network, open_with},
    store,
};
use inkwire::store::Store;
use inkwire_core::{
    AdapterId, Address, Author, Body, EventKey, Heard, Outcome, Place, PlaceKind, Powers, Request,
    Trust,
};
use inkwire_testkit::{Bridge, Manner, Mood, Script, Scripted, settle, setup};
use std::sync::Arc;
use tempfile::TempDir;
/// What each of them tries; its effect lasts and is easy to see.
const ORDER: &str = "!admin pause";

async fn open(store: Arc<dyn Store>, caps: &str) -> (Bridge, Network) {
    open_with(caps, store, engine(Mood::Hangs), |setup| {
        setup.policy.access = admin_of("irc.home", "op");
        setup.triggers.relays = vec!["bridge".to_owned()];
    })
    .await
}

async fn paused(store: &Arc<dyn Store>) -> bool {
    store.settings().await.unwrap().paused
}

#[tokio::test]
async fn impostors_on_irc_are_not_obeyed() {
    let store = store();
    let (bridge, mut network) = open(store.clone(), CAPS).await;
    let old = "2001-01-01T00:00:00.000Z";
    for (who, line) in [
        ("the same nick without an account", format!(":op!op@h PRIVMSG #art :{ORDER}")),
        ("another case", format!("@account=somebody :OP!op@h PRIVMSG #art :{ORDER}")),
        ("a confusable account", format!("@account=\u{43e}\u{440} :op!op@h PRIVMSG #art :{ORDER}")),
        ("an account with a tail", format!("@account=op_ :op!op@h PRIVMSG #art :{ORDER}")),
        ("a borrowed ident", format!(":eve!op@op PRIVMSG #art :{ORDER}")),
        ("a borrowed host", format!(":eve!~e@admin.op PRIVMSG #art :{ORDER}")),
        ("a relay", format!("@account=op :bridge!b@h PRIVMSG #art :<op> {ORDER}")),
        ("a quoted line", format!("@account=eve :eve!e@h PRIVMSG #art :<op> {ORDER}")),
        ("a client's own tag", format!("@+account=op :eve!e@h PRIVMSG #art :{ORDER}")),
        ("an empty account", format!("@account= :op!op@h PRIVMSG #art :{ORDER}")),
        ("a line of long ago", format!("@account=op;time={old} :op!op@h PRIVMSG #art :{ORDER}")),
        ("a logged-out nick", format!("@account=* :op!op@h PRIVMSG #art :{ORDER}")),
    ] {
        network.answers(&line).await;
        assert!(!paused(&store).await, "{who} is obeyed");
    }
    network.send(":s BATCH +h chathistory #art").await;
    network.answers(&format!("@batch=h;account=op :op!op@h PRIVMSG #art :{ORDER}")).await;
    assert!(!paused(&store).await, "a replayed history is obeyed");
    network.send(":s BATCH -h").await;

    // The admin is: otherwise all of the above would prove nothing.
    network.answers(&format!("@account=op :whoever!w@h PRIVMSG #art :{ORDER}")).await;
    assert!(paused(&store).await);
    bridge.stop().await;
}

#[tokio::test]
async fn a_tag_that_was_not_negotiated_is_forged() {
    for caps in ["", "message-tags"] {
        let store = store();
        let (bridge, mut network) = open(store.clone(), caps).await;
        network.answers(&format!("@account=op :op!op@h PRIVMSG #art :{ORDER}")).await;
        assert!(!paused(&store).await, "{caps:?}");
        bridge.stop().await;
    }
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
            r.body = Body::Edited { of: "earlier".into(), text: "admin pause".into() };
        }),
        ("a quoted prefix", |r| r.body = Body::Text("<op> admin pause".into())),
    ];
    let store = store();
    let (bridge, [matrix, http]) = contract(store.clone()).await;
    for (n, (who, change)) in impostors.into_iter().enumerate() {
        let mut request = admin_says(&format!("e{n}"));
        change(&mut request);
        let outcome = matrix.hand_in(request).await.unwrap().remove(0).outcome;
        assert!(matches!(outcome, None | Some(Outcome::Rejected(_))), "{who}: {outcome:?}");
        assert!(!paused(&store).await, "{who} is obeyed");
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
