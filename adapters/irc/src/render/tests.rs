//! Every kind of line as people see it, and that it fits.
use super::*;
use inkwire_core::{Author, Failure, Native, Note, Powers, QueueReport, Rejection, Role, Trust};

const MAX: usize = 430;

fn delivery(outcome: Outcome) -> Delivery {
    let adapter = inkwire_core::AdapterId("irc.test".into());
    Delivery {
        id: "d1".into(),
        to: inkwire_core::Address {
            adapter: adapter.clone(),
            room: "#art".into(),
            message: None,
            thread: None,
        },
        asker: Author {
            adapter,
            id: Native("~ann".into()),
            name: "ann".into(),
            trust: Trust::Unverified,
            powers: Powers::default(),
        },
        answers: None,
        slot: "s1".into(),
        seq: 1,
        job: Some("k7f".into()),
        private: false,
        expires: None,
        outcome,
    }
}

/// As it is said in a room, or in private.
fn said_in(outcome: Outcome, in_room: bool) -> String {
    let form = Form { prefix: "!", nick: "ink", in_room, max: MAX, max_lines: 2 };
    let shown = format!("{:?}", verb(&outcome, in_room.then_some(Verb::Notice)));
    let Worded { text, max_lines, whole } = worded(&delivery(outcome), &form);
    assert!(max_lines > 1 || text.len() <= MAX, "{text}");
    let link = (!whole.is_empty()).then_some("https://pics.example/i/text");
    let lines = fit::split(&text, MAX, max_lines, link);
    assert!(lines.iter().all(|line| line.len() <= MAX && !line.is_empty()), "{lines:?}");
    lines.iter().map(|line| format!("{shown}: {line}")).collect::<Vec<_>>().join("\n")
}

fn said(outcome: Outcome) -> String {
    said_in(outcome, true)
}

fn picture(kind: ArtifactKind, index: u16) -> Artifact {
    Artifact {
        media: "m".into(),
        kind,
        index,
        mime: "image/webp".into(),
        width: 1024,
        height: 1024,
        bytes: 1000,
        thumbnail: None,
        blurhash: None,
        link: Some(format!("https://pics.example/i/{index}aBcDeFgHiJkLmNoPqRsTu")),
    }
}

fn finished(prompt: &str, artifacts: Vec<Artifact>) -> Outcome {
    let recipe = Recipe {
        prompt: prompt.into(),
        model: "sdxl".into(),
        width: 1024,
        height: 1024,
        seed: 42,
        count: 1,
        ..Recipe::default()
    };
    Outcome::Finished { artifacts, recipe: Box::new(recipe), took: Duration::from_secs(12) }
}

fn spec(name: &str) -> Spec {
    Spec {
        name: name.into(),
        aliases: vec![],
        usage: format!("{name} [ID]"),
        summary: "does something".into(),
        role: Role::Everybody,
        examples: vec![],
    }
}

fn passing() -> Vec<Outcome> {
    let reason = Failure::EngineUnavailable;
    vec![
        Outcome::Accepted {
            position: Some(3),
            eta: Some(Duration::from_secs(40)),
            seed: 42,
            notes: vec![Note::Paused],
        },
        Outcome::Started { engine: "gpu1".into() },
        Outcome::Progress { done: 5, total: 20, label: None },
        Outcome::Preview("m".into()),
        Outcome::Retrying { reason, attempt: 2 },
        Outcome::Cancelling,
    ]
}

fn endings() -> Vec<Outcome> {
    let image = |index| picture(ArtifactKind::Image, index);
    let long = "\u{1f98a} in the snow ".repeat(60);
    vec![
        finished("a red fox", vec![image(1)]),
        finished("a red fox", vec![picture(ArtifactKind::Grid, 0), image(1)]),
        finished("two", vec![image(1), image(2)]),
        finished(long.trim(), vec![image(1)]),
        finished("none", vec![]),
        Outcome::Failed(Failure::TimedOut),
        Outcome::Cancelled { by: inkwire_core::PersonId("p1".into()) },
        Outcome::Expired,
        Outcome::Retracted,
    ]
}

fn answers() -> Vec<Outcome> {
    let nearest = Some("imagine".to_owned());
    let specs: Vec<_> = ["imagine", "cancel", "queue"].map(spec).into();
    let problems = (0..40).map(|n| format!("key number {n} is wrong")).collect();
    vec![
        Outcome::Rejected(Rejection::UnknownCommand { word: "imagin".into(), nearest }),
        Outcome::Answer(Answer::Help(specs)),
        Outcome::Answer(Answer::Topic(Box::new(spec("cancel")))),
        Outcome::Answer(Answer::Queue(QueueReport { engines: 1, ..QueueReport::default() })),
        Outcome::Answer(Answer::Cancelling(vec!["k7f".into()])),
        Outcome::Answer(Answer::ReloadFailed(problems)),
    ]
}

#[test]
fn each_outcome_has_its_line() {
    let outcomes = || passing().into_iter().chain(endings()).chain(answers());
    let in_room: Vec<_> = outcomes().map(|outcome| said_in(outcome, true)).collect();
    insta::assert_snapshot!("in_a_room", in_room.join("\n\n"));
    let private: Vec<_> = outcomes().map(|outcome| said_in(outcome, false)).collect();
    insta::assert_snapshot!("in_private", private.join("\n\n"));
}

#[test]
fn an_answer_has_two_lines_at_most() {
    let problems = (0..100).map(|n| format!("problem number {n}")).collect();
    let said = said(Outcome::Answer(Answer::ReloadFailed(problems)));
    assert_eq!(said.lines().count(), 2);
    assert!(said.ends_with(" … https://pics.example/i/text"), "{said}");
}

#[test]
fn help_is_one_line_in_a_room_and_five_in_private() {
    let specs = || (0..60).map(|n| spec(&format!("command{n}"))).collect::<Vec<_>>();
    let room = said_in(Outcome::Answer(Answer::Help(specs())), true);
    assert!(room.lines().count() == 1 && room.ends_with("; more: /msg ink help"), "{room}");
    let private = said_in(Outcome::Answer(Answer::Help(specs())), false);
    assert!(private.lines().count() == 5 && private.contains("!command7 [ID] - does"), "{private}");
}

#[test]
fn a_lead_begins_with_nothing_that_a_robot_obeys() {
    for (name, expected) in [
        ("ann", "ann: "),
        ("[m]ann", "[m]ann: "),
        ("!op me", "to !op me: "),
        ("a\r\nQUIT", "a QUIT: "),
        ("", "to : "),
    ] {
        assert_eq!(lead(name).as_str(), expected);
    }
}

#[test]
fn a_name_behind_a_relay_rings_for_nobody() {
    for (name, expected) in [
        ("ann", "‹a·nn› "),
        ("xbobby", "‹x·bo·bb·y› "),
        ("bob: !imagine", "‹b·ob·:› "),
        ("a\r\nQUIT", "‹a› "),
        ("", "‹› "),
    ] {
        assert_eq!(relayed_lead(name).as_str(), expected);
    }
    assert!(relayed_lead(&"\u{1f98a}".repeat(100)).as_str().len() < 3 * MAX_NAME);
}

#[test]
fn a_prompt_gives_way_to_seed_and_link() {
    let said = said(finished(&"\u{1f98a}".repeat(200), vec![picture(ArtifactKind::Image, 1)]));
    let end = "… · sdxl · 1024×1024 · seed 42 · https://pics.example/i/1aBcDeFgHiJkLmNoPqRsTu";
    assert!(said.ends_with(end), "{said}");
}
