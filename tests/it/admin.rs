//! What operators can do to a running service, and that nobody else can.
use super::{engine, store};
use inkwire::{
    app::{Reloaded, Setup},
    intake::{
        access::{Access, AccessRules, Whom},
        presets::Model,
    },
    store::Store,
    workflow::Library,
};
use inkwire_core::{Admitted, Answer, JobId, Outcome, Rejection};
use inkwire_testkit::{Bridge, FakeEngine, Manner, Mood, Script, Scripted, policy, settle, setup};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

struct Scene {
    bridge: Bridge,
    script: Script,
    lines: usize,
}

impl Scene {
    async fn open(
        store: Arc<dyn Store>,
        engine: Arc<FakeEngine>,
        change: impl FnOnce(&mut Setup),
    ) -> Self {
        let blobs = TempDir::new().unwrap();
        let mut setup = setup(store, vec![engine], &blobs);
        setup.engines.iter_mut().for_each(|engine| engine.seats = 1);
        change(&mut setup);
        let (adapter, script) = Scripted::new("irc", Manner::Polite);
        setup.adapters.push(Box::new(adapter));
        let bridge = Bridge::run(setup, blobs).await;
        settle().await;
        Self { bridge, script, lines: 0 }
    }

    /// With an engine that never gets done.
    async fn stuck() -> Self {
        Self::open(store(), engine(Mood::Hangs), |_| {}).await
    }

    async fn ask(&mut self, nick: &str, text: &str) -> Admitted {
        self.lines += 1;
        // Keys differ over restarts too.
        let key = format!("e{}-{}", self.lines, uuid::Uuid::new_v4());
        let admitted = self.script.say(&key, nick, text).await.unwrap().remove(0);
        settle().await;
        admitted
    }

    async fn answer(&mut self, nick: &str, text: &str) -> Answer {
        match self.ask(nick, text).await.outcome {
            Some(Outcome::Answer(answer)) => answer,
            other => panic!("{text}: {other:?}"),
        }
    }

    async fn job(&mut self, nick: &str, text: &str) -> JobId {
        self.ask(nick, text).await.job.expect("a job")
    }

    /// Who was told that their job was cancelled, in order.
    fn cancelled(&mut self) -> Vec<JobId> {
        let mut told = vec![];
        while let Ok(seen) = self.script.seen.try_recv() {
            let inkwire_testkit::Seen::Parcel(parcel) = seen else { continue };
            if matches!(parcel.delivery.outcome, Outcome::Cancelled { .. }) {
                told.extend(parcel.delivery.job);
            }
        }
        told.sort();
        told
    }
}

/// Ann has one that runs and one that waits, bob one in another room, cid one of another model.
async fn four_jobs() -> (Scene, [JobId; 4]) {
    let mut scene = Scene::stuck().await;
    let running = scene.job("ann", "imagine what runs").await;
    let waiting = scene.job("ann", "imagine what waits").await;
    let mut elsewhere = scene.script.request("elsewhere", "bob", "imagine elsewhere");
    elsewhere.reply_to.room = "#other".into();
    let other = scene.script.hand_in(elsewhere).await.unwrap().remove(0).job.unwrap();
    let model = scene.job("cid", "imagine a model --model sdxl").await;
    (scene, [running, waiting, other, model])
}

#[tokio::test(start_paused = true)]
async fn flush_ends_what_it_names_and_tells_each_owner_once() {
    // Which of the four jobs end: the first one runs.
    for (text, expected) in [
        ("admin flush", vec![1, 2, 3]),
        ("flush all", vec![1, 2, 3]),
        ("flush --running", vec![0, 1, 2, 3]),
        ("flush user ann", vec![1]),
        ("flush user irc/ANN --running", vec![0, 1]),
        ("flush room #OTHER", vec![2]),
        ("flush room #test --running", vec![0, 1, 3]),
        ("flush model sdxl", vec![3]),
        ("flush user nobody", vec![]),
    ] {
        let (mut scene, jobs) = four_jobs().await;
        let answer = scene.answer("op", text).await;
        let running = usize::from(expected.contains(&0));
        let waiting = expected.len() - running;
        assert_eq!(answer, Answer::Flushed { waiting, running }, "{text}");
        let mut ended: Vec<_> = expected.iter().map(|at| jobs[*at].clone()).collect();
        ended.sort();
        assert_eq!(scene.cancelled(), ended, "{text}");
        scene.bridge.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_of_what_does_not_exist_ends_nothing() {
    let (mut scene, _) = four_jobs().await;
    for text in ["flush model nonsense", "flush user", "flush everything", "flush --all"] {
        let refused = scene.ask("op", text).await.outcome;
        assert!(matches!(refused, Some(Outcome::Rejected(_))), "{text}: {refused:?}");
    }
    assert_eq!(scene.cancelled(), []);
    scene.bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_outlasts_a_restart_and_a_resume_begins_what_waits() {
    let (store, engine) = (store(), engine(Mood::Works));
    let mut scene = Scene::open(store.clone(), engine.clone(), |_| {}).await;
    assert_eq!(scene.answer("op", "admin pause").await, Answer::Paused);
    let accepted = scene.ask("ann", "imagine a boat").await.outcome;
    let Some(Outcome::Accepted { notes, eta, .. }) = accepted else { panic!("{accepted:?}") };
    assert!(notes.contains(&inkwire_core::Note::Paused), "the asker is told");
    assert_eq!(eta, None, "nobody knows when");
    scene.bridge.stop().await;

    let mut scene = Scene::open(store, engine.clone(), |_| {}).await;
    let Answer::Queue(report) = scene.answer("ann", "queue").await else { panic!("a queue") };
    assert!(report.paused && report.waiting_total == 1, "{report:?}");
    assert_eq!(engine.calls(), Vec::<String>::new(), "nothing begins");
    assert_eq!(scene.answer("op", "resume").await, Answer::Resumed);
    let end = scene.script.ending().await.unwrap();
    assert!(matches!(end.delivery.outcome, Outcome::Finished { .. }));
    scene.bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn engines_and_their_models_are_told() {
    let engine = engine(Mood::Works);
    engine.catalog(|catalog| {
        catalog.checkpoints = vec!["sd_xl_base_1.0.safetensors".into(), "old.ckpt".into()];
        catalog.loras = vec!["ink.safetensors".into()];
    });
    let mut scene = Scene::open(store(), engine.clone(), |setup| {
        let absent =
            Model { workflow: "sd15".into(), checkpoint: "absent.ckpt".into(), ..Model::default() };
        setup.policy.presets.models.insert("absent".into(), absent);
    })
    .await;
    let Answer::EngineModels(models) = scene.answer("op", "admin models").await else {
        panic!("models")
    };
    let [one] = models.as_slice() else { panic!("{models:?}") };
    assert_eq!((one.engine.as_str(), one.up), ("fake", true));
    assert_eq!(one.installed, ["sd_xl_base_1.0.safetensors", "old.ckpt"]);
    assert_eq!((&*one.configured, &*one.missing), (&["sdxl".into()][..], &["absent".into()][..]));
    assert_eq!(one.loras, ["ink.safetensors"]);

    engine.health(inkwire_core::EngineHealth::Down);
    let Answer::Engines(engines) = scene.answer("op", "engines").await else { panic!("engines") };
    assert_eq!(engines[0].health, inkwire_core::EngineHealth::Down);
    scene.bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn unload_frees_the_engine_that_is_named_or_all() {
    let engine = engine(Mood::Works);
    let mut scene = Scene::open(store(), engine.clone(), |_| {}).await;
    for text in ["admin unload", "unload fake"] {
        assert_eq!(scene.answer("op", text).await, Answer::Unloading(vec!["fake".into()]));
    }
    assert_eq!(engine.calls(), ["unload fake", "unload fake"]);
    let refused = scene.ask("op", "unload nowhere").await.outcome;
    let Some(Outcome::Rejected(Rejection::UnknownName { kind, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(kind, "engine");
    assert_eq!(engine.calls().len(), 2);
    scene.bridge.stop().await;
}

type Read = Arc<Mutex<Result<Vec<&'static str>, Vec<String>>>>;

/// A configuration that names these models besides the usual ones.
fn reloading(setup: &mut Setup, written: Read) {
    setup.reload = Some(Box::new(move || {
        let models = written.lock().expect("no panic").clone()?;
        let mut policy = policy();
        for name in models {
            let model = Model { workflow: "sketch".into(), ..Model::default() };
            policy.presets.models.insert(name.to_owned(), model);
        }
        let needs_restart = vec!["media".to_owned()];
        Ok(Reloaded { policy, library: Library::shipped().0, needs_restart })
    }));
}

#[tokio::test(start_paused = true)]
async fn a_reload_changes_all_or_nothing() {
    let written: Read = Arc::new(Mutex::new(Ok(vec!["paper"])));
    let file = written.clone();
    let mut scene = Scene::open(store(), engine(Mood::Works), |setup| reloading(setup, file)).await;
    let unknown = scene.ask("ann", "imagine a boat --model paper").await.outcome;
    assert!(matches!(unknown, Some(Outcome::Rejected(_))), "{unknown:?}");
    assert_eq!(
        scene.answer("op", "admin reload").await,
        Answer::Reloaded { changed: vec!["models".into()], needs_restart: vec!["media".into()] }
    );
    scene.job("ann", "imagine a boat --model paper").await;

    let problems = vec!["inkwire.yaml:3: no".to_owned(), "models.yaml:9: nor this".to_owned()];
    *written.lock().unwrap() = Err(problems.clone());
    assert_eq!(scene.answer("op", "reload").await, Answer::ReloadFailed(problems));
    scene.job("ann", "imagine a boat --model paper").await;
    scene.bridge.stop().await;
}

/// Words that would change something, were they an admin's.
const ORDERS: [&str; 8] = [
    "admin flush --running",
    "flush",
    "admin pause",
    "admin unload",
    "admin reload",
    "admin engines",
    "admin models",
    "resume",
];

#[tokio::test(start_paused = true)]
async fn nobody_but_admins_is_obeyed() {
    let (store, engine) = (store(), engine(Mood::Hangs));
    let mut scene = Scene::open(store.clone(), engine.clone(), |setup| {
        setup.reload = Some(Box::new(|| panic!("a stranger's reload is read")));
    })
    .await;
    scene.job("ann", "imagine a boat").await;
    let before = engine.calls();
    for order in ORDERS {
        let outcome = scene.ask("ann", order).await.outcome;
        let refused = matches!(outcome, None | Some(Outcome::Rejected(_)));
        assert!(refused, "{order}: {outcome:?}");
    }
    assert_eq!(engine.calls(), before);
    assert!(!store.settings().await.unwrap().paused);
    assert_eq!(scene.cancelled(), []);
    scene.bridge.stop().await;
}

/// Admins of one network only.
pub(super) fn admin_of(adapter: &str, account: &str) -> Access {
    let admins = vec![Whom { adapter: Some(adapter.into()), id: account.into() }];
    Access::build(AccessRules { admins, ..AccessRules::default() }).expect("constant")
}
