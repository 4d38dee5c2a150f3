//! What operators of a room can do there, that it lasts, and that it reaches no other room.
use super::{engine, store};
use inkwire::{
    app::{Reloaded, Setup},
    intake::access::{Access, AccessRules, RoomOperators, Whom},
    store::Store,
    workflow::Library,
};
use inkwire_core::{
    Address, Admitted, Answer, Body, JobId, Note, Origin, Outcome, PlaceKind, Rejection, Request,
    RoomDefault, Trust,
};
use inkwire_testkit::{Bridge, FakeEngine, Manner, Mood, Script, Scripted, policy, settle, setup};
use std::sync::Arc;
use tempfile::TempDir;

struct Scene {
    bridge: Bridge,
    script: Script,
    lines: usize,
}

impl Scene {
    async fn open(store: Arc<dyn Store>, change: impl FnOnce(&mut Setup)) -> Self {
        let blobs = TempDir::new().unwrap();
        let engine: Arc<FakeEngine> = engine(Mood::Hangs);
        let mut setup = setup(store, vec![engine], &blobs);
        setup.engines.iter_mut().for_each(|engine| engine.seats = 1);
        change(&mut setup);
        let (adapter, script) = Scripted::new("irc", Manner::Polite);
        setup.adapters.push(Box::new(adapter));
        let bridge = Bridge::run(setup, blobs).await;
        settle().await;
        Self { bridge, script, lines: 0 }
    }

    fn request(&mut self, nick: &str, text: &str) -> Request {
        self.lines += 1;
        let key = format!("e{}-{}", self.lines, uuid::Uuid::new_v4());
        self.script.request(&key, nick, text)
    }

    /// By an operator of the room, who has no account.
    fn orders(&mut self, text: &str) -> Request {
        let mut request = self.request("olga", text);
        request.from.trust = Trust::Unverified;
        request.from.powers.room_operator = true;
        request
    }

    async fn hand_in(&mut self, request: Request) -> Admitted {
        let admitted = self.script.hand_in(request).await.unwrap().remove(0);
        settle().await;
        admitted
    }

    async fn order(&mut self, text: &str) -> Option<Outcome> {
        let request = self.orders(text);
        self.hand_in(request).await.outcome
    }

    async fn ask(&mut self, nick: &str, text: &str) -> Admitted {
        let request = self.request(nick, text);
        self.hand_in(request).await
    }

    async fn job(&mut self, nick: &str, text: &str) -> JobId {
        self.ask(nick, text).await.job.expect("a job")
    }

    /// What this room's defaults make of a line, as `room` tells it.
    async fn own(&mut self) -> Vec<(String, String)> {
        let Some(Outcome::Answer(Answer::Room(lines))) = self.ask("ann", "room").await.outcome
        else {
            panic!("the room's defaults")
        };
        let own = lines.into_iter().filter(|line| line.from == Origin::Room);
        own.map(|line| (line.flag, line.value)).collect()
    }
}

fn pair(flag: &str, value: &str) -> (String, String) {
    (flag.to_owned(), value.to_owned())
}

async fn size(store: &Arc<dyn Store>, job: &JobId) -> (u32, u32) {
    let render = store.job(job).await.unwrap().unwrap().job.render;
    (render.width, render.height)
}

#[tokio::test(start_paused = true)]
async fn a_default_holds_for_its_room_until_it_is_unset_and_over_restarts() {
    let store = store();
    let mut scene = Scene::open(store.clone(), |_| {}).await;
    let Some(Outcome::Answer(Answer::RoomChanged { now, .. })) =
        scene.order("room set size 192x128").await
    else {
        panic!("changed")
    };
    let expected = RoomDefault {
        flag: "size".into(),
        value: "192x128".into(),
        from: Origin::Room,
        available: true,
    };
    assert_eq!(now, [expected]);
    let job = scene.job("ann", "imagine a boat").await;
    assert_eq!(size(&store, &job).await, (192, 128));
    let flagged = scene.job("ann", "imagine a boat --size 64x64").await;
    assert_eq!(size(&store, &flagged).await, (64, 64), "a flag comes first");
    let mut elsewhere = scene.request("ann", "imagine a boat");
    elsewhere.reply_to.room = "#other".into();
    let elsewhere = scene.hand_in(elsewhere).await.job.unwrap();
    assert_ne!(size(&store, &elsewhere).await, (192, 128), "another room");
    let mut alone = scene.request("ann", "imagine a boat");
    alone.place.kind = PlaceKind::Direct;
    let alone = scene.hand_in(alone).await.job.unwrap();
    assert_ne!(size(&store, &alone).await, (192, 128), "no room at all");
    scene.bridge.stop().await;

    let mut scene = Scene::open(store.clone(), |_| {}).await;
    assert_eq!(scene.own().await, [pair("size", "192x128")]);
    let again = scene.ask("ann", &format!("again {flagged}")).await.job.unwrap();
    assert_eq!(size(&store, &again).await, (64, 64), "a recipe is complete");
    scene.order("room unset size").await;
    assert_eq!(scene.own().await, []);
    scene.bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_follows_in_the_same_batch_sees_the_new_default() {
    let store = store();
    let mut scene = Scene::open(store.clone(), |_| {}).await;
    let lines = [
        scene.orders("room set size 192x128"),
        scene.request("ann", "imagine a boat"),
        scene.orders("room set count 3"),
        scene.orders("room unset size"),
        scene.request("ann", "imagine a boat"),
    ];
    // All are handed in before the service looks, so that they are one batch.
    let later = lines.map(|request| scene.script.hand_in(request));
    let admitted = futures_util::future::try_join_all(later).await.unwrap();
    let job = |at: usize| admitted[at][0].job.clone().unwrap();
    assert_eq!(size(&store, &job(1)).await, (192, 128));
    assert_ne!(size(&store, &job(4)).await, (192, 128));
    assert_eq!(scene.own().await, [pair("count", "3")]);
    scene.bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_default_that_is_gone_is_told_and_fails_nothing() {
    let mut scene = Scene::open(store(), |setup| {
        setup.reload = Some(Box::new(|| {
            let mut policy = policy();
            policy.presets.models.remove("sdxl");
            Ok(Reloaded { policy, library: Library::shipped().0, needs_restart: vec![] })
        }));
    })
    .await;
    scene.order("room set model sdxl").await;
    assert_eq!(scene.own().await, [pair("model", "sdxl")]);
    scene.ask("op", "admin reload").await;
    let Some(Outcome::Accepted { notes, .. }) = scene.ask("ann", "imagine a boat").await.outcome
    else {
        panic!("accepted")
    };
    let gone = Note::Unavailable { flag: "--model".into(), value: "sdxl".into() };
    assert_eq!(notes, [gone]);
    let shown = scene.ask("ann", "room").await.outcome;
    let Some(Outcome::Answer(Answer::Room(lines))) = shown else { panic!("{shown:?}") };
    assert!(!lines[0].available && lines[1].available, "{lines:?}");
    scene.bridge.stop().await;
}

/// Two jobs here of which one runs, and one elsewhere.
async fn three_jobs(scene: &mut Scene) -> [JobId; 3] {
    let running = scene.job("ann", "imagine what runs").await;
    let waiting = scene.job("bob", "imagine what waits").await;
    let mut elsewhere = scene.request("bob", "imagine elsewhere");
    elsewhere.reply_to.room = "#other".into();
    let elsewhere = scene.hand_in(elsewhere).await.job.unwrap();
    [running, waiting, elsewhere]
}

async fn open_jobs(store: &Arc<dyn Store>) -> Vec<JobId> {
    store.open_index().await.unwrap().into_iter().map(|row| row.job).collect()
}

#[tokio::test(start_paused = true)]
async fn an_operator_flushes_the_own_room_and_no_other() {
    for (text, left) in [
        ("flush", vec![0, 2]),
        ("room flush", vec![0, 2]),
        ("flush --running", vec![2]),
        ("flush all", vec![0, 1, 2]),
        ("flush room #other", vec![0, 1, 2]),
        ("flush user bob", vec![0, 1, 2]),
        ("room flush #other", vec![0, 1, 2]),
        ("admin flush", vec![0, 1, 2]),
    ] {
        let store = store();
        let mut scene = Scene::open(store.clone(), |_| {}).await;
        let jobs = three_jobs(&mut scene).await;
        scene.order(text).await;
        let left: Vec<_> = left.into_iter().map(|at: usize| jobs[at].clone()).collect();
        assert_eq!(open_jobs(&store).await, left, "{text}");
        scene.bridge.stop().await;
    }
}

/// Everything that is for operators of rooms, or for admins of which they are none.
const ORDERS: [&str; 5] =
    ["room set size 64x64", "room unset all", "room flush --running", "flush", "admin pause"];

#[tokio::test(start_paused = true)]
async fn nobody_else_is_taken_for_an_operator() {
    type Change = fn(&mut Request);
    let impostors: [(&str, Change); 7] = [
        ("an operator of another room", |r| r.from.powers.room_operator = false),
        ("somebody who was one", |r| {
            r.from.powers.room_operator = false;
            r.from.trust = Trust::Account;
        }),
        ("a relayed line", |r| r.from.powers.relay = true),
        ("an operator in private", |r| r.place.kind = PlaceKind::Direct),
        ("a caller that waits", |r| r.place.kind = PlaceKind::Api),
        ("an edit", |r| {
            let Body::Text(text) = r.body.clone() else { panic!("text") };
            r.body = Body::Edited { of: "earlier".into(), text };
        }),
        ("an author of another network", |r| r.from.adapter = "matrix".into()),
    ];
    let store = store();
    let mut scene = Scene::open(store.clone(), |_| {}).await;
    scene.order("room set count 3").await;
    let jobs = three_jobs(&mut scene).await;
    for (who, change) in impostors {
        for order in ORDERS {
            let mut request = scene.orders(order);
            change(&mut request);
            let outcome = scene.hand_in(request).await.outcome;
            let refused = match &outcome {
                None => true,
                Some(Outcome::Rejected(why)) => {
                    matches!(why, Rejection::NotAllowed | Rejection::UnknownCommand { .. })
                }
                _ => false,
            };
            assert!(refused, "{who}: {order}: {outcome:?}");
            assert_eq!(open_jobs(&store).await, jobs, "{who}: {order}");
        }
    }
    let Address { adapter, room, .. } = scene.orders("").reply_to;
    assert_eq!(store.room(&adapter, &room).await.unwrap().count, Some(3));
    assert!(!store.settings().await.unwrap().paused);
    scene.bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_left_to_operators_is_unknown_to_them() {
    let access = |defaults, flush| {
        let room_operators = RoomOperators { defaults, flush };
        let admins = vec![Whom { adapter: None, id: "op".into() }];
        Access::build(AccessRules { admins, room_operators, ..AccessRules::default() }).unwrap()
    };
    let mut scene = Scene::open(store(), |setup| {
        setup.policy.access = access(false, true);
        setup.reload = Some(Box::new(move || {
            let policy = inkwire::intake::Policy { access: access(true, false), ..policy() };
            Ok(Reloaded { policy, library: Library::shipped().0, needs_restart: vec![] })
        }));
    })
    .await;
    assert_eq!(scene.order("room set count 3").await, None);
    let flushed = Some(Outcome::Answer(Answer::Flushed { waiting: 0, running: 0 }));
    assert_eq!(scene.order("flush").await, flushed);
    scene.ask("op", "admin reload").await;
    assert_eq!(scene.order("flush").await, None);
    assert!(scene.order("room set count 3").await.is_some());
    scene.bridge.stop().await;
}
