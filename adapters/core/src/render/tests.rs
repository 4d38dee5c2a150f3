//! One snapshot holds the words of every variant. Each `after` walks over all variants of its
//! type, so a new one does not compile until it has its words here.
use super::{Context, failure, file_link, links, main_link, note, outcome, recipe, rejection};
use crate::{
    Allowed, Artifact, ArtifactKind, Failure, JobId, JobStateName, LimitScope, Note, Outcome,
    PersonId, Recipe, Rejection, Time,
};
use proptest::prelude::*;
use std::{iter::successors, time::Duration};

mod answers;

pub(super) const NOW: Time = Time(1_795_161_900_000);

pub(super) fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The lines of an outcome, as one text.
pub(super) fn told(told: &Outcome) -> String {
    let job = JobId::from("k7f");
    outcome(told, &Context { prefix: "!", job: Some(&job) }).join("\n")
}

pub(super) fn fox() -> Recipe {
    Recipe {
        prompt: "a red fox".to_owned(),
        model: "sdxl".to_owned(),
        workflow: "sdxl".to_owned(),
        width: 1024,
        height: 768,
        steps: 25,
        cfg: 6.5,
        sampler: "euler".to_owned(),
        scheduler: "normal".to_owned(),
        seed: 42,
        count: 1,
        ..Recipe::default()
    }
}

pub(super) fn artifact(index: u16, kind: ArtifactKind) -> Artifact {
    Artifact {
        media: "9f2c".into(),
        kind,
        index,
        mime: "image/webp".to_owned(),
        width: 1024,
        height: 768,
        bytes: 312_000,
        thumbnail: None,
        blurhash: None,
        link: Some(format!("https://pics.example/i/{index}")),
    }
}

/// All variants in the order of their `after`.
pub(super) fn all<T>(after: fn(Option<&T>) -> Option<T>) -> impl Iterator<Item = T> {
    successors(after(None), move |previous| after(Some(previous)))
}

fn failure_after(previous: Option<&Failure>) -> Option<Failure> {
    use Failure as F;
    let Some(previous) = previous else { return Some(F::EngineUnavailable) };
    Some(match previous {
        F::EngineUnavailable => F::TimedOut,
        F::TimedOut => F::Invalid("value 0 is smaller than min 1.".to_owned()),
        F::Invalid(_) => F::OutOfMemory,
        F::OutOfMemory => F::Node {
            node: "KSampler".to_owned(),
            message: "Expected 4 channels,\n got 3".to_owned(),
        },
        F::Node { .. } => F::Lost,
        F::Lost => F::Interrupted,
        F::Interrupted => F::Empty,
        F::Empty => F::BadPicture,
        F::BadPicture => F::Storage,
        F::Storage => F::TooLarge,
        F::TooLarge => F::Internal { error_id: "e4f2a".to_owned() },
        F::Internal { .. } => return None,
    })
}

fn rejection_after(previous: Option<&Rejection>) -> Option<Rejection> {
    use Rejection as R;
    let Some(previous) = previous else { return Some(R::NotAllowed) };
    let integer = Allowed::Integer { min: 64, max: 2048 };
    Some(match previous {
        R::NotAllowed => R::NoSuchJob,
        R::NoSuchJob => R::NotNow { job: "k7f".into(), state: JobStateName::Finished },
        R::NotNow { .. } => {
            R::UnknownCommand { word: "imagin".to_owned(), nearest: Some("imagine".to_owned()) }
        }
        R::UnknownCommand { .. } => R::Usage { usage: "cancel [ID|all]".to_owned() },
        R::Usage { .. } => R::EmptyPrompt,
        R::EmptyPrompt => R::PromptTooLong { max: 2000 },
        R::PromptTooLong { .. } => {
            R::UnknownFlag { flag: "--widht".to_owned(), nearest: Some("--width".to_owned()) }
        }
        R::UnknownFlag { .. } => R::MissingValue { flag: "--width".to_owned(), allowed: integer },
        R::MissingValue { .. } => R::BadValue {
            flag: "--width".to_owned(),
            value: "wide\"\r\nQUIT".to_owned(),
            allowed: integer,
            nearest: None,
        },
        R::BadValue { .. } => R::Repeated { flag: "--seed".to_owned() },
        R::Repeated { .. } => R::Conflict { flag: "--size".to_owned(), with: "--ar".to_owned() },
        R::Conflict { .. } => R::UnknownName {
            kind: "model".to_owned(),
            value: "sdx".to_owned(),
            nearest: words(&["sdxl", "sd15", "sd35"]),
        },
        R::UnknownName { .. } => R::Tag { tag: "lora:detail".to_owned() },
        R::Tag { .. } => R::Blocked,
        R::Blocked => {
            let retry_in = Duration::from_secs(20);
            R::RateLimited { scope: LimitScope::Person, retry_in }
        }
        R::RateLimited { .. } => R::TooManyJobs { scope: LimitScope::Person, max: 3 },
        R::TooManyJobs { .. } => R::QueueFull { retry_in: Duration::from_mins(4) },
        R::QueueFull { .. } => R::NoPrivacy,
        R::NoPrivacy => R::Gone,
        R::Gone => R::Internal { error_id: "e4f2a".to_owned() },
        R::Internal { .. } => return None,
    })
}

fn outcome_after(previous: Option<&Outcome>) -> Option<Outcome> {
    use Outcome as O;
    let notes = all(note_after).collect();
    let eta = Some(Duration::from_secs(38));
    let Some(previous) = previous else {
        return Some(O::Accepted { position: Some(3), eta, seed: 42, notes });
    };
    Some(match previous {
        O::Accepted { .. } => O::Started { engine: "attic".to_owned() },
        O::Started { .. } => {
            O::Progress { done: 11, total: 20, label: Some("KSampler".to_owned()) }
        }
        O::Progress { .. } => O::Preview("9f2c".into()),
        O::Preview(_) => O::Retrying { reason: Failure::OutOfMemory, attempt: 2 },
        O::Retrying { .. } => O::Cancelling,
        O::Cancelling => O::Finished {
            artifacts: vec![],
            recipe: Box::new(Recipe { count: 4, style: Some("ink".to_owned()), ..fox() }),
            took: Duration::from_millis(12_300),
        },
        O::Finished { .. } => O::Failed(Failure::TimedOut),
        O::Failed(_) => O::Cancelled { by: PersonId("1".to_owned()) },
        O::Cancelled { .. } => O::Expired,
        O::Expired => O::Rejected(Rejection::EmptyPrompt),
        O::Rejected(_) => O::Answer(crate::Answer::Paused),
        O::Answer(_) => O::Retracted,
        O::Retracted => return None,
    })
}

fn note_after(previous: Option<&Note>) -> Option<Note> {
    let text = str::to_owned;
    let Some(previous) = previous else {
        let (asked, given) = (text("9000"), text("2048"));
        return Some(Note::Clamped { flag: text("--width"), asked, given });
    };
    Some(match previous {
        Note::Clamped { .. } => Note::NoEngine { at_most: Duration::from_hours(1) },
        Note::NoEngine { .. } => Note::Paused,
        Note::Paused => Note::Unavailable { flag: text("--model"), value: text("fox") },
        Note::Unavailable { .. } => return None,
    })
}

#[test]
fn failures() {
    let lines: Vec<_> = all(failure_after).map(|why| failure(&why)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn rejections() {
    let lines: Vec<_> = all(rejection_after).map(|why| rejection(&why)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn outcomes() {
    let lines: Vec<_> = all(outcome_after).map(|one| told(&one)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

proptest! {
    #[test]
    fn foreign_text_stays_on_its_line(text in any::<String>(), count in any::<u8>()) {
        let made = Recipe { prompt: text.clone(), style: Some(text.clone()), count, ..fox() };
        let (recipe, took) = (Box::new(made), Duration::from_secs(count.into()));
        let value = text.clone();
        for one in [
            Outcome::Finished { artifacts: vec![], recipe, took },
            Outcome::Failed(Failure::Node { node: text.clone(), message: text.clone() }),
            Outcome::Progress { done: u32::MAX, total: count.into(), label: Some(text.clone()) },
            Outcome::Rejected(Rejection::UnknownName { kind: text, value, nearest: vec![] }),
        ] {
            let line = told(&one);
            prop_assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
            prop_assert!(!line.is_empty());
        }
    }
}

#[test]
fn what_a_flag_takes_is_said() {
    let check = |allowed, nearest: Option<&str>, expected: &str| {
        let (flag, value) = ("--x".to_owned(), "y".to_owned());
        let nearest = nearest.map(str::to_owned);
        let said = rejection(&Rejection::BadValue { flag, value, allowed, nearest });
        assert_eq!(said, format!("--x cannot be \"y\": it takes {expected}"));
    };
    check(Allowed::Decimal { min: 0.0, max: 1.5 }, None, "a number from 0 to 1.5.");
    check(Allowed::Size, None, "a size such as 1024x768.");
    check(Allowed::Aspect, None, "a ratio such as 16:9.");
    check(Allowed::Text, None, "some text.");
    let names = Allowed::OneOf(words(&["euler", "ddim"]));
    check(names, Some("euler"), "euler or ddim. Did you mean euler?");
}

#[test]
fn without_a_near_word_the_list_is_named() {
    let check = |why, expected: &str| assert_eq!(rejection(&why), expected);
    let (word, flag) = ("x".to_owned(), "--x".to_owned());
    check(
        Rejection::UnknownCommand { word: word.clone(), nearest: None },
        "I do not know \"x\"; \"help\" lists what I can do.",
    );
    check(
        Rejection::UnknownFlag { flag, nearest: None },
        "There is no flag --x; \"help flags\" lists them.",
    );
    check(
        Rejection::UnknownName { kind: "style".to_owned(), value: word.clone(), nearest: vec![] },
        "There is no style \"x\"; \"styles\" lists them.",
    );
    check(
        Rejection::UnknownName { kind: "engine".to_owned(), value: word, nearest: vec![] },
        "There is no engine \"x\"; \"admin engines\" lists them.",
    );
}

#[test]
fn every_state_and_scope_has_its_words() {
    let check = |why, expected: &str| assert_eq!(rejection(&why), expected);
    let not_now = |state| Rejection::NotNow { job: "k7f".into(), state };
    check(not_now(JobStateName::Waiting), "k7f is still waiting.");
    check(not_now(JobStateName::Running), "k7f is being painted.");
    check(not_now(JobStateName::Cancelling), "k7f is being stopped.");
    check(not_now(JobStateName::Failed), "k7f has failed.");
    check(not_now(JobStateName::Cancelled), "k7f was cancelled.");
    check(not_now(JobStateName::Expired), "k7f waited too long and was dropped.");
    let many = |scope| Rejection::TooManyJobs { scope, max: 40 };
    let rest = "going; wait for one or cancel one.";
    check(many(LimitScope::Room), &format!("This room already has 40 jobs {rest}"));
    check(many(LimitScope::Everybody), &format!("There already are 40 jobs {rest}"));
    let fast = |scope| Rejection::RateLimited { scope, retry_in: Duration::from_secs(20) };
    check(fast(LimitScope::Room), "This room is a little fast; try again in 20 s.");
    check(fast(LimitScope::Everybody), "A lot is being asked right now; try again in 20 s.");
}

#[test]
fn a_long_prompt_leaves_room_for_the_rest() {
    let line = recipe(&Recipe { prompt: "fox ".repeat(1_000), ..fox() });
    assert!(line.contains("fox… · sdxl · 1024×768 · seed 42"), "{line}");
    assert!(line.chars().count() < 200, "{line}");
}

#[test]
fn the_grid_is_looked_at_first() {
    let image = |index| artifact(index, ArtifactKind::Image);
    let check = |artifacts: &[Artifact], main: Option<&str>, all: &[&str]| {
        assert_eq!(main_link(artifacts), main);
        assert_eq!(links(artifacts), all);
    };
    check(&[], None, &[]);
    let (first, second) = ("https://pics.example/i/1", "https://pics.example/i/2");
    check(&[image(1), image(2)], Some(first), &[first, second]);
    let grid = "https://pics.example/i/0";
    let several = [image(1), artifact(0, ArtifactKind::Grid)];
    check(&several, Some(grid), &[grid, first]);
    check(&[Artifact { link: None, ..image(1) }], None, &[]);
}

#[test]
fn a_file_is_named_by_its_type() {
    let check = |mime: &str, expected: &str| {
        let artifact = Artifact { mime: mime.to_owned(), ..artifact(1, ArtifactKind::Image) };
        assert_eq!(file_link(&artifact).as_deref(), Some(expected));
    };
    check("image/webp", "https://pics.example/i/1.webp");
    check("image/jpeg", "https://pics.example/i/1.jpg");
}

#[test]
fn notes_are_sentences() {
    for one in all(note_after) {
        assert!(note(&one).ends_with('.'), "{one:?}");
    }
}
