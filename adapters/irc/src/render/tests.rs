//! Every kind of line as people see it, and that it fits.
use super::*;
use inkwire_core::{Author, Failure, Native, Note, Powers, Rejection, Role, Trust};

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

fn said(outcome: Outcome) -> String {
    let lines = lines(&delivery(outcome), "!", MAX);
    assert!(lines.iter().all(|line| line.len() <= MAX && !line.is_empty()), "{lines:?}");
    lines.join("\n")
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

#[test]
fn each_outcome_has_its_line() {
    let accepted = Outcome::Accepted {
        position: Some(3),
        eta: Some(Duration::from_secs(40)),
        seed: 42,
        notes: vec![Note::Paused],
    };
    let nearest = Some("imagine".to_owned());
    let unknown = Rejection::UnknownCommand { word: "imagin".into(), nearest };
    let outcomes = [
        accepted,
        finished("a red fox", vec![picture(ArtifactKind::Image, 1)]),
        finished(
            "a red fox",
            vec![picture(ArtifactKind::Grid, 0), picture(ArtifactKind::Image, 1)],
        ),
        finished("two", vec![picture(ArtifactKind::Image, 1), picture(ArtifactKind::Image, 2)]),
        finished("\u{1f98a} in the snow ".repeat(60).trim(), vec![picture(ArtifactKind::Image, 1)]),
        finished("none", vec![]),
        Outcome::Failed(Failure::TimedOut),
        Outcome::Expired,
        Outcome::Rejected(unknown),
        Outcome::Answer(Answer::Help(["imagine", "cancel", "queue"].map(spec).into())),
        Outcome::Retracted,
    ];
    insta::assert_snapshot!(outcomes.map(said).join("\n\n"));
}

#[test]
fn an_answer_has_two_lines_at_most() {
    let problems = (0..100).map(|n| format!("problem number {n}")).collect();
    let said = said(Outcome::Answer(Answer::ReloadFailed(problems)));
    assert_eq!(said.lines().count(), 2);
    assert!(said.ends_with(" …"), "{said}");
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
        assert_eq!(lead(name), expected);
    }
}

#[test]
fn a_prompt_gives_way_to_seed_and_link() {
    let said = said(finished(&"\u{1f98a}".repeat(200), vec![picture(ArtifactKind::Image, 1)]));
    let end = "… · sdxl · 1024×1024 · seed 42 · https://pics.example/i/1aBcDeFgHiJkLmNoPqRsTu";
    assert!(said.ends_with(end), "{said}");
}
