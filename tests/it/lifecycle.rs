//! A job from its first engine to the day its pictures are thrown away.
use crate::{
    engine,
    engine_suite::STUCK,
    house::{House, asked, comfy, is_finished, simulator},
    store,
};
use inkwire::{
    app::Setup,
    simulator::{Fault, Options, Simulator, shipped},
    workflow::Library,
};
use inkwire_core::{Answer, Failure, Outcome, Rejection, Time};
use inkwire_testkit::{Bridge, FakeEngine, Manner, Mood, Scripted, settle, setup};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::time::timeout;

const HOUR: Duration = Duration::from_hours(1);

fn runs(simulator: &Simulator) -> usize {
    simulator.log().runs().len()
}

#[tokio::test]
async fn a_job_that_one_engine_lost_runs_on_the_other() {
    let (one, two) = (simulator().await, simulator().await);
    for simulator in [&one, &two] {
        simulator.faults().next(1, Fault::Restart);
    }
    let mut house =
        House::open(vec![comfy("one", &one.url()), comfy("two", &two.url())], |_| {}).await;
    assert!(is_finished(&house.paint("imagine a fox").await));
    let mut both = [runs(&one), runs(&two)];
    both.sort_unstable();
    assert_eq!(both, [1, 2], "lost by one, then by the other, then painted");
    house.bridge.stop().await;
}

#[tokio::test]
async fn a_job_is_tried_three_times_and_no_more() {
    let (one, two) = (simulator().await, simulator().await);
    for simulator in [&one, &two] {
        simulator.faults().set(Fault::Restart, true);
    }
    let mut house =
        House::open(vec![comfy("one", &one.url()), comfy("two", &two.url())], |_| {}).await;
    assert_eq!(house.paint("imagine a fox").await, Outcome::Failed(Failure::Lost));
    assert_eq!(runs(&one) + runs(&two), 3);
    for simulator in [&one, &two] {
        simulator.faults().clear();
    }
    assert!(is_finished(&house.paint("imagine a hare").await), "the next one is not touched");
    house.bridge.stop().await;
}

#[tokio::test]
async fn a_model_is_painted_where_it_is_installed() {
    let mut few = shipped();
    few.insert("checkpoints".into(), vec!["dreamshaper_8.safetensors".into()]);
    let poor = Simulator::start(Options { models: few, ..Options::default() }).await.unwrap();
    let rich = simulator().await;
    let mut house =
        House::open(vec![comfy("poor", &poor.url()), comfy("rich", &rich.url())], |_| {}).await;
    for _ in 0..3 {
        assert!(is_finished(&house.paint("imagine a fox --model sdxl -w 64 -h 64").await));
    }
    assert_eq!((runs(&poor), runs(&rich)), (0, 3));
    rich.faults().hold();
    let busy = house.ask("ann", "imagine a fox --model sdxl -w 64 -h 64").await;
    asked(&rich, "POST /prompt", 4).await;
    house.ask("bob", "imagine what needs no model").await;
    assert_ne!(house.ending().await.delivery.job, busy.job, "the poor one paints meanwhile");
    assert_eq!(runs(&poor), 1);
    rich.faults().release();
    assert_eq!(house.ending().await.delivery.job, busy.job);
    house.bridge.stop().await;
}

#[tokio::test]
async fn an_idle_engine_is_asked_to_free_its_memory() {
    let simulator = simulator().await;
    let mut engine = comfy("one", &simulator.url());
    engine.idle_unload = Some(Duration::from_millis(300));
    let mut house = House::open(vec![engine], |_| {}).await;
    simulator.faults().hold();
    house.ask("ann", "imagine a fox").await;
    timeout(STUCK, simulator.faults().held()).await.unwrap();
    let before = simulator.log().count("POST /free");
    simulator.faults().release();
    assert!(is_finished(&house.ending().await.delivery.outcome));
    asked(&simulator, "POST /free", before + 1).await;
    house.bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn models_are_unloaded_once_after_the_idle_time_and_not_before() {
    let engine = engine(Mood::Works);
    let blobs = TempDir::new().unwrap();
    let mut setup = setup(store(), vec![engine.clone()], &blobs);
    setup.engines.iter_mut().for_each(|engine| engine.seats = 1);
    setup.engines.iter_mut().for_each(|it| it.idle_unload = Some(Duration::from_mins(10)));
    let (adapter, mut script) = Scripted::new("irc", Manner::Polite);
    setup.adapters.push(Box::new(adapter));
    let bridge = Bridge::run(setup, blobs).await;
    script.say("e1", "ann", "imagine a boat").await.unwrap();
    script.ending().await.unwrap();
    let unloads = || engine.calls().iter().filter(|call| *call == "unload fake").count();
    tokio::time::sleep(Duration::from_mins(9)).await;
    assert_eq!(unloads(), 0);
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(unloads(), 1);
    tokio::time::sleep(24 * HOUR).await;
    assert_eq!(unloads(), 1, "once is enough");
    script.say("e2", "ann", "imagine a boat").await.unwrap();
    script.ending().await.unwrap();
    tokio::time::sleep(Duration::from_mins(11)).await;
    assert_eq!(unloads(), 2, "again after more work");
    bridge.stop().await;
}

/// The shipped workflows, with a `sketch` that may run for one second.
fn impatient(folder: &Path) -> Library {
    let manifest = include_str!("../../workflows/sketch.yaml");
    let limit = "time_limit_secs: 60";
    assert!(manifest.contains(limit));
    fs::write(folder.join("sketch.yaml"), manifest.replace(limit, "time_limit_secs: 1")).unwrap();
    fs::write(folder.join("sketch.json"), include_str!("../../workflows/sketch.json")).unwrap();
    let (library, problems) = Library::load(folder);
    assert_eq!(problems, []);
    library
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_stopped_and_the_next_one_runs() {
    let (simulator, folder) = (simulator().await, TempDir::new().unwrap());
    let library = impatient(folder.path());
    let engines = vec![comfy("one", &simulator.url())];
    let mut house = House::open(engines, |setup| setup.library = library).await;
    simulator.faults().hold();
    let slow = house.ask("ann", "imagine what takes for ever").await;
    timeout(STUCK, simulator.faults().held()).await.unwrap();
    let next = house.ask("bob", "imagine a fox").await;
    asked(&simulator, "POST /interrupt", 1).await;
    let end = house.ending().await.delivery;
    assert_eq!((end.job, end.outcome), (slow.job, Outcome::Failed(Failure::TimedOut)));
    simulator.faults().release();
    let end = house.ending().await.delivery;
    assert_eq!(end.job, next.job);
    assert!(is_finished(&end.outcome), "{:?}", end.outcome);
    house.bridge.stop().await;
}

#[tokio::test]
async fn a_cancel_ends_the_job_it_names_and_no_other() {
    let simulator = simulator().await;
    let mut house = House::open(vec![comfy("one", &simulator.url())], |_| {}).await;
    simulator.faults().hold();
    let doomed = house.ask("ann", "imagine what is cancelled").await.job.unwrap();
    timeout(STUCK, simulator.faults().held()).await.unwrap();
    let others =
        [house.ask("ann", "imagine a fox").await, house.ask("bob", "imagine a hare").await];
    let answer = house.ask("ann", &format!("cancel {doomed}")).await.outcome;
    assert_eq!(answer, Some(Outcome::Answer(Answer::Cancelling(vec![doomed.clone()]))));
    let end = house.ending().await.delivery;
    assert_eq!(end.job.as_ref(), Some(&doomed));
    assert!(matches!(end.outcome, Outcome::Cancelled { .. }), "{:?}", end.outcome);
    simulator.faults().release();
    let mut painted = vec![];
    for _ in &others {
        let end = house.ending().await.delivery;
        assert!(is_finished(&end.outcome), "{:?}", end.outcome);
        painted.push(end.job);
    }
    assert!(others.iter().all(|other| painted.contains(&other.job)));
    assert_eq!(runs(&simulator), 3, "nothing is painted twice");
    house.bridge.stop().await;
}

#[tokio::test]
async fn a_job_that_runs_is_taken_up_again_after_a_restart_of_ours() {
    let (simulator, store) = (simulator().await, store());
    let engines = || vec![comfy("one", &simulator.url())];
    let hasty = |setup: &mut Setup| setup.grace = Duration::from_millis(100);
    let mut house = House::at_once(store.clone(), engines(), hasty).await;
    simulator.faults().hold();
    let job = house.ask("ann", "imagine a fox").await.job;
    timeout(STUCK, simulator.faults().held()).await.unwrap();
    house.bridge.stop().await;
    assert_eq!(simulator.log().count("POST /interrupt"), 0, "it is left in the engine");

    let mut house = House::at_once(store, engines(), hasty).await;
    simulator.faults().release();
    let end = house.ending().await.delivery;
    assert_eq!(end.job, job);
    assert!(is_finished(&end.outcome), "{:?}", end.outcome);
    assert_eq!(simulator.log().submitted().len(), 1, "handed in once");
    house.bridge.stop().await;
}

fn link_ids(outcome: &Outcome) -> Vec<String> {
    let Outcome::Finished { artifacts, .. } = outcome else { panic!("{outcome:?}") };
    let links = artifacts.iter().filter_map(|artifact| artifact.link.clone());
    links.map(|link| link.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_picture_that_is_deleted_can_no_longer_be_opened() {
    let simulator = simulator().await;
    let mut house = House::open(vec![comfy("one", &simulator.url())], |_| {}).await;
    let end = house.paint("imagine a fox --count 2").await;
    let links = link_ids(&end);
    assert_eq!(links.len(), 3, "a grid and two pictures");
    let job = house.ask("ann", "status").await.outcome;
    let Some(Outcome::Answer(Answer::Status(report))) = job else { panic!("{job:?}") };
    for link in &links {
        assert!(house.store.link(link, Time(0)).await.unwrap().is_some());
    }
    let one = house.ask("ann", &format!("delete {}.1", report.job)).await.outcome;
    let answer = Answer::Deleted { job: report.job.clone(), image: Some(1), grid: true };
    assert_eq!(one, Some(Outcome::Answer(answer)));
    let mut alive = vec![];
    for link in &links {
        alive.push(house.store.link(link, Time(0)).await.unwrap().is_some());
    }
    assert_eq!(alive[1..], [false, true], "the first picture alone");
    house.ask("ann", &format!("delete {}", report.job)).await;
    for link in &links {
        assert_eq!(house.store.link(link, Time(0)).await.unwrap(), None, "{link}");
    }
    let stranger = house.ask("bob", &format!("delete {}", report.job)).await.outcome;
    assert_eq!(stranger, Some(Outcome::Rejected(Rejection::NoSuchJob)));
    house.bridge.stop().await;
}

fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |path: &Path| if path.is_dir() { files(path) } else { 1 };
    entries.map(|entry| count(&entry.path())).sum()
}

#[tokio::test(start_paused = true)]
async fn expired_pictures_go_and_their_recipe_stays() {
    let (engine, blobs) = (Arc::new(FakeEngine::new(1, Mood::Works)), TempDir::new().unwrap());
    let folder = blobs.path().to_owned();
    let store = store();
    let mut setup = setup(store.clone(), vec![engine.clone()], &blobs);
    setup.keep = 2 * HOUR;
    let (adapter, mut script) = Scripted::new("irc", Manner::Polite);
    setup.adapters.push(Box::new(adapter));
    let bridge = Bridge::run(setup, blobs).await;
    let job =
        script.say("e1", "ann", "imagine a boat --seed 7").await.unwrap().remove(0).job.unwrap();
    let end = script.ending().await.unwrap().delivery.outcome;
    assert!(is_finished(&end));
    tokio::time::sleep(HOUR).await;
    assert!(files(&folder) > 0, "kept for as long as is said");

    tokio::time::sleep(3 * HOUR).await;
    settle().await;
    assert_eq!(files(&folder), 0, "thrown away");
    let info = script.say("e2", "ann", &format!("info {job}")).await.unwrap().remove(0).outcome;
    let Some(Outcome::Answer(Answer::Info(info))) = info else { panic!("{info:?}") };
    assert_eq!((info.recipe.prompt.as_str(), info.recipe.seed), ("a boat", 7));
    assert_eq!(info.artifacts, [], "nothing to show");
    let again = script.say("e3", "ann", &format!("again {job}")).await.unwrap().remove(0);
    assert!(matches!(again.outcome, Some(Outcome::Accepted { .. })), "{again:?}");
    let anew = script.ending().await.unwrap().delivery;
    assert_eq!(anew.job, again.job);
    assert!(is_finished(&anew.outcome) && files(&folder) > 0);
    assert_eq!(engine.calls(), ["render a boat", "render a boat"]);
    bridge.stop().await;
}
