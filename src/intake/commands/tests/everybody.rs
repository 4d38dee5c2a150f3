//! What everybody may ask for.
use super::*;
use crate::store::IndexRow;
use inkwire_core::Time;

#[test]
fn imagine_makes_a_job_with_everything_resolved() {
    let decision = imagine(&world(), Imagine { count: Some(2), ..fox() });
    let [job] = decision.jobs.as_slice() else { panic!("{decision:?}") };
    assert_eq!((job.id.0.as_str(), job.parts, job.render.seed), ("new", 2, 4242));
    assert_eq!((job.private, job.keep), (false, None));
    assert_eq!(job.links, LinkPolicy::For(Duration::from_hours(30 * 24)));
    assert_eq!(job.time_limit, Duration::from_secs(99));
    assert_eq!(job.begin_by, job.created.after(Duration::from_hours(1)));
    let eta = Some(Duration::from_micros(job.cost));
    let accepted = Outcome::Accepted { position: Some(1), eta, seed: 4242, notes: vec![] };
    assert_eq!(decision.outcome, Some(accepted));
}

#[test]
fn imagine_in_private_leaves_little_behind() {
    let check = |private, direct, encrypted, uploads, links| {
        let mut world = world();
        world.uploads = uploads;
        world.request.place.encrypted = encrypted;
        if direct {
            world.request.place.kind = PlaceKind::Direct;
        }
        let decision = imagine(&world, Imagine { private, ..fox() });
        let job = decision.jobs.first().expect("a job");
        assert_eq!((job.private, job.keep), (true, Some(Duration::from_hours(24))));
        assert_eq!(job.links, links);
    };
    let day = LinkPolicy::For(Duration::from_hours(24));
    check(true, false, false, false, day);
    check(false, true, false, false, day);
    check(false, false, true, true, LinkPolicy::None);
    check(false, true, false, true, LinkPolicy::None);
}

#[test]
fn imagine_tells_what_holds_it_up() {
    let mut world = world();
    world.line.paused = true;
    world.fleet.retain(|engine| engine.status.health == EngineHealth::Down);
    let Some(Outcome::Accepted { notes, .. }) = imagine(&world, fox()).outcome else {
        panic!("accepted expected");
    };
    let at_most = Duration::from_hours(1);
    assert_eq!(notes, [Note::NoEngine { at_most }, Note::Paused]);
}

#[test]
fn imagine_is_refused_when_too_much_waits() {
    let rows = |owner: &str, count| vec![(row("x", owner), Phase::Waiting); count];
    let full = |world: World| refusal(imagine(&world, fox()));
    let too_many = |scope, max| Rejection::TooManyJobs { scope, max };
    assert_eq!(full(world().with(&rows("ann", 5))), too_many(LimitScope::Person, 5));
    assert_eq!(full(world().with(&rows("bob", 20))), too_many(LimitScope::Room, 20));
    let mut caller = world().with(&rows("bob", 20));
    caller.request.place.kind = PlaceKind::Api;
    assert_eq!(imagine(&caller, fox()).jobs.len(), 1);
    let mut crowded = world();
    crowded.terms.caps.waiting = 1;
    crowded.line.rows = rows("bob", 1);
    let retry_in = Duration::from_secs(90);
    assert_eq!(full(crowded), Rejection::QueueFull { retry_in });
    let running = vec![(row("x", "ann"), Phase::Running); 5];
    assert_eq!(imagine(&world().with(&running), fox()).jobs.len(), 1);
}

#[test]
fn imagine_refuses_blocked_words_and_missing_pictures() {
    let gore = Imagine { prompt: "much G0RE".into(), ..fox() };
    assert_eq!(refusal(imagine(&world(), gore)), Rejection::Blocked);
    let mut world = world();
    world.known.workflows.get_mut("sdxl").expect("known").needs_picture = true;
    let refused = refusal(imagine(&world, fox()));
    assert!(matches!(refused, Rejection::MissingValue { .. }), "{refused:?}");
}

#[test]
fn cancel_ends_the_newest_all_or_one_of_ones_own() {
    let rows = [("a1", "ann"), ("b1", "bob"), ("a2", "ann")];
    let rows = rows.map(|(job, owner)| (row(job, owner), Phase::Waiting));
    let world = world().with(&rows);
    assert_eq!(cancels(&world.decide(Command::Cancel(JobSelector::Last))), ["a2"]);
    let all = world.decide(Command::Cancel(JobSelector::All));
    assert_eq!(cancels(&all), ["a2", "a1"]);
    assert_eq!(said(all), Answer::Cancelling(vec!["a2".into(), "a1".into()]));
    let one = || Command::Cancel(JobSelector::Id("k7f".into()));
    let world = world.about(record("ann", JobState::Running));
    assert_eq!(cancels(&world.decide(one())), ["k7f"]);
}

#[test]
fn cancel_of_what_is_not_ones_own_or_is_over_is_refused() {
    let by_id = || Command::Cancel(JobSelector::Id("k7f".into()));
    let none = || Rejection::NoSuchJob;
    assert_eq!(refusal(world().decide(Command::Cancel(JobSelector::Last))), none());
    assert_eq!(refusal(world().decide(Command::Cancel(JobSelector::All))), none());
    assert_eq!(refusal(world().decide(by_id())), none());
    let bobs = || world().about(record("bob", JobState::Waiting));
    assert_eq!(refusal(bobs().decide(by_id())), none());
    assert_eq!(cancels(&bobs().admin().decide(by_id())), ["k7f"]);
    let over = world().about(record("ann", JobState::Finished));
    let state = JobStateName::Finished;
    assert_eq!(refusal(over.decide(by_id())), Rejection::NotNow { job: "k7f".into(), state });
}

/// Whoever reads the words on a job where they ask needs no answer beside them.
#[test]
fn cancel_and_delete_are_answered_by_the_job_where_it_is_heard() {
    let cancel = |world: &World| world.decide(Command::Cancel(JobSelector::All));
    let check = |rows: &[IndexRow], quiet: bool| {
        let rows: Vec<_> = rows.iter().map(|row| (row.clone(), Phase::Waiting)).collect();
        let decision = cancel(&world().with(&rows));
        assert_eq!((decision.quiet, cancels(&decision).len()), (quiet, rows.len()));
    };
    let elsewhere = || IndexRow { room: "#den".into(), ..row("a2", "ann") };
    check(&[row("a1", "ann")], true);
    check(&[row("a1", "ann"), row("a2", "ann")], true);
    check(&[IndexRow { private: true, ..row("a1", "ann") }], true);
    check(&[row("a1", "ann"), elsewhere()], false);
    check(&[IndexRow { adapter: "matrix".into(), ..row("a1", "ann") }], false);

    let delete = |image, change: fn(&mut JobRecord, &mut Time)| {
        let mut record = record("bob", JobState::Finished);
        let mut world = world().admin();
        change(&mut record, &mut world.now);
        world.about(record).decide(Command::Delete(of(image))).quiet
    };
    assert!(delete(None, |_, _| {}));
    assert!(!delete(Some(1), |_, _| {}), "the other one is left");
    assert!(delete(Some(2), |record, _| record.artifacts.retain(|made| made.index != 1)));
    assert!(!delete(None, |record, _| record.job.reply_to.room = "#den".into()));
    assert!(!delete(None, |record, _| record.job.private = true), "bob is told in private");
    assert!(!delete(None, |_, now| *now = Time(u64::MAX)), "too late for more words");
}

#[test]
fn queue_hides_owners_that_are_not_for_the_asker() {
    let mut elsewhere = row("c1", "cat");
    elsewhere.room = "#den".into();
    let mut hidden = row("d1", "dan");
    hidden.private = true;
    let rows = [row("a1", "ann"), row("b1", "bob"), elsewhere, hidden];
    let rows = rows.map(|row| (row, Phase::Waiting));
    let owners = |world: World| {
        let Answer::Queue(report) = said(world.decide(Command::Queue)) else { panic!("queue") };
        assert_eq!((report.waiting_total, report.engines_up, report.engines), (4, 1, 2));
        let owner = |line: &inkwire_core::QueueLine| line.owner.clone().unwrap_or_default();
        assert!(report.waiting.iter().all(|line| line.mine == (owner(line) == "ann")));
        report.waiting.iter().map(owner).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(owners(world().with(&rows)), "ann bob  ");
    assert_eq!(owners(world().with(&rows).admin()), "ann bob cat ");
}

#[test]
fn status_shows_state_and_links() {
    let world = world().about(record("ann", JobState::Finished));
    let Answer::Status(report) = said(world.decide(Command::Status(None))) else {
        panic!("status")
    };
    assert_eq!((report.job.0.as_str(), report.state), ("k7f", JobStateName::Finished));
    assert_eq!((report.position, report.links.len()), (None, 2));
}

/// Who may see a job: everybody in its room unless it is private, its owner, and admins.
fn hidden(record: &JobRecord) -> bool {
    let answers = [Command::Status(Some("k7f".into())), Command::Info(of(None))];
    let refused = answers.map(|command| {
        let outcome = world().about(record.clone()).decide(command).outcome;
        outcome == Some(Outcome::Rejected(Rejection::NoSuchJob))
    });
    assert_eq!(refused[0], refused[1]);
    refused[0]
}

#[test]
fn status_of_a_strangers_private_job_is_no_such_job() {
    let finished = |owner| record(owner, JobState::Finished);
    assert!(!hidden(&finished("bob")));
    let mut private = finished("bob");
    private.job.private = true;
    assert!(hidden(&private));
    let mut elsewhere = finished("bob");
    elsewhere.job.reply_to.room = "#den".into();
    assert!(hidden(&elsewhere));
    let mut caller = world().about(finished("bob"));
    caller.request.place.kind = PlaceKind::Api;
    assert_eq!(refusal(caller.decide(Command::Info(of(None)))), Rejection::NoSuchJob);
    let mut mine = finished("ann");
    mine.job.reply_to.room = "#den".into();
    mine.job.private = true;
    assert!(!hidden(&mine));
    let seen = |record| said(world().admin().about(record).decide(Command::Info(of(None))));
    assert!(matches!(seen(elsewhere), Answer::Info(_)));
    let decision = world().admin().about(private).decide(Command::Info(of(None)));
    assert_eq!(refusal(decision), Rejection::NoSuchJob);
}

#[test]
fn info_of_one_image_has_its_seed() {
    let world = world().about(record("ann", JobState::Finished));
    let info = |image| match said(world.decide(Command::Info(of(image)))) {
        Answer::Info(info) => (info.recipe.seed, info.recipe.count, info.artifacts.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(info(None), (10, 2, 2));
    assert_eq!(info(Some(2)), (11, 1, 1));
    for image in [0, 3, u16::MAX] {
        let refused = refusal(world.decide(Command::Info(of(Some(image)))));
        assert_eq!(refused, Rejection::NoSuchJob, "{image}");
    }
}

#[test]
fn again_keeps_the_recipe_and_takes_a_fresh_seed() {
    let mut expired = record("bob", JobState::Finished);
    expired.artifacts.clear();
    let world = world().about(expired.clone());
    let decision = world.decide(Command::Again(None));
    let job = decision.jobs.first().expect("a job");
    assert_eq!((job.render.seed, job.parts, job.owner.clone()), (4242, 2, ann()));
    assert_eq!(job.render.prompt, "a fox");
    let one = world.decide(Command::Again(Some(of(Some(2)))));
    assert_eq!(one.jobs.first().expect("a job").parts, 1);
    expired.job.render.prompt.clear();
    let gone = World { subject: Some(expired), ..world };
    assert_eq!(refusal(gone.decide(Command::Again(None))), Rejection::Gone);
}

#[test]
fn delete_takes_back_ones_own_ended_pictures() {
    let mine = || world().about(record("ann", JobState::Finished));
    let decision = mine().decide(Command::Delete(of(Some(2))));
    let change = Change::Delete { job: "k7f".into(), image: Some(2) };
    assert_eq!(decision.changes, [change]);
    let answer = Answer::Deleted { job: "k7f".into(), image: Some(2), grid: false };
    assert_eq!(said(decision), answer);
    let bobs = || world().about(record("bob", JobState::Finished));
    let delete = || Command::Delete(of(None));
    assert_eq!(refusal(bobs().decide(delete())), Rejection::NoSuchJob);
    assert_eq!(bobs().admin().decide(delete()).changes.len(), 1);
    let open = world().about(record("ann", JobState::Running));
    assert!(matches!(refusal(open.decide(delete())), Rejection::NotNow { .. }));
    let mut empty = mine();
    empty.subject.as_mut().expect("set").artifacts.clear();
    assert_eq!(refusal(empty.decide(delete())), Rejection::Gone);
}

#[test]
fn models_say_which_is_the_default_and_which_are_there() {
    let Answer::Models(lines) = said(world().decide(Command::Models)) else { panic!("models") };
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(line.is_default && line.available);
    assert_eq!((line.width, line.height, line.steps), (512, 512, 20));
}

#[test]
fn workflows_say_which_can_run() {
    let Answer::Workflows(lines) = said(world().decide(Command::Workflows)) else { panic!() };
    assert!(lines.iter().all(|line| line.available && line.title == "SDXL"));
    assert_eq!(lines.len(), 1);
}

#[test]
fn styles_are_listed_by_name() {
    let Answer::Styles(lines) = said(world().decide(Command::Styles)) else { panic!("styles") };
    assert_eq!(lines.first().map(|line| line.name.as_str()), Some("film"));
}

#[test]
fn me_shows_jobs_and_limits() {
    let world = world().with(&[(row("a1", "ann"), Phase::Waiting)]);
    let Answer::Me(report) = said(world.decide(Command::Me)) else { panic!("me") };
    assert_eq!((report.waiting, report.max_waiting, report.running), (1, 5, 0));
    assert_eq!((report.admin, report.newest), (false, vec!["k7f".into()]));
}

#[test]
fn help_shows_what_the_asker_may_do() {
    let help =
        |world: World, topic: Option<&str>| world.decide(Command::Help(topic.map(str::to_owned)));
    let listed = |world| match said(help(world, None)) {
        Answer::Help(specs) => specs.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(listed(world().admin()), TABLE.len());
    assert_eq!(listed(world().operator()), TABLE.len() - 7);
    assert_eq!(listed(world()), TABLE.len() - 10);
    let mut tamed = world().operator();
    tamed.rights.room_operators.flush = false;
    assert_eq!(listed(tamed), TABLE.len() - 8);
    let topic = |world, topic| match said(help(world, Some(topic))) {
        Answer::Topic(spec) => spec.name,
        other => panic!("{other:?}"),
    };
    assert_eq!(topic(world(), "Draw"), "imagine");
    assert_eq!(topic(world().admin(), "admin  flush"), "admin flush");
    assert_eq!(topic(world().admin(), "flush"), "admin flush");
    assert_eq!(topic(world().operator(), "flush"), "room flush");
    assert!(matches!(said(help(world(), Some("flags"))), Answer::Flags(_)));
    let unknown = |nearest: Option<&str>, word: &str| Rejection::UnknownCommand {
        word: word.into(),
        nearest: nearest.map(str::to_owned),
    };
    let refused = |topic| refusal(help(world(), Some(topic)));
    assert_eq!(refused("imagin"), unknown(Some("imagine"), "imagin"));
    assert_eq!(refused("flush"), unknown(None, "flush"));
}

#[test]
fn about_says_what_this_is() {
    let Answer::About(about) = said(world().decide(Command::About)) else { panic!("about") };
    assert_eq!(about.up_for, Duration::from_secs(5));
    assert_eq!(about.engines, ["gpu1", "gpu2"]);
}
