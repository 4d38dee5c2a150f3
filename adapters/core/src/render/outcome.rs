//! What became of a request, in lines, the most important first; adapters may cut from the end.
//! Links are not among them: each protocol places those itself.
use super::{Context, about, answer, duration, excerpt, failure, one_line, ordinal, rejection};
use crate::{Artifact, ArtifactKind, Failure, Note, Outcome, Recipe};

/// Longest prompt inside a line, in characters.
const PROMPT: usize = 120;

/// Lines for people; none for a preview, which is a picture.
pub fn outcome(outcome: &Outcome, context: &Context<'_>) -> Vec<String> {
    let job = context.job.map_or("The job", |job| job.0.as_str());
    let line = match outcome {
        Outcome::Accepted { position, eta, seed, notes } => {
            let mut words = vec![format!("{job} queued")];
            words.extend(position.map(place_in_line));
            words.extend(eta.map(about));
            words.push(format!("seed {seed}"));
            let first = words.join(", ");
            return std::iter::once(first).chain(notes.iter().map(note)).collect();
        }
        Outcome::Started { engine } => format!("{job} started on {engine}"),
        Outcome::Progress { done, total, label } => progress(job, *done, *total, label.as_deref()),
        Outcome::Preview(_) => return vec![],
        Outcome::Retrying { reason, attempt } => {
            format!("{job}: {}; I begin again (attempt {attempt})", setback(reason))
        }
        Outcome::Cancelling => format!("{job} is being stopped"),
        Outcome::Finished { recipe: made, took, .. } => {
            format!("{job} done in {}: {}", duration(*took), recipe(made))
        }
        Outcome::Failed(why) => format!("{job} failed: {}", failure(why)),
        Outcome::Cancelled { .. } => format!("{job} was cancelled"),
        Outcome::Expired => {
            format!("{job} expired: no engine could paint it in time; ask again later")
        }
        Outcome::Rejected(why) => rejection(why),
        Outcome::Answer(facts) => return answer(facts, context),
        Outcome::Retracted => format!("{job} was taken back"),
    };
    vec![one_line(&line)]
}

/// A picture's recipe in one line, such as `a red fox · sdxl · 1024×1024 · seed 42`.
pub fn recipe(recipe: &Recipe) -> String {
    let mut words = vec![excerpt(&recipe.prompt, PROMPT), recipe.model.clone()];
    words.extend(recipe.style.clone());
    words.push(format!("{}×{}", recipe.width, recipe.height));
    if recipe.count > 1 {
        words.push(format!("{} images", recipe.count));
    }
    words.push(format!("seed {}", recipe.seed));
    words.retain(|word| !word.is_empty());
    one_line(&words.join(" · "))
}

/// Something that its author did not ask for, as a sentence.
pub fn note(note: &Note) -> String {
    one_line(&match note {
        Note::Clamped { flag, asked, given } => {
            format!("{flag} {} is out of range; I use {given}.", excerpt(asked, 40))
        }
        Note::NoEngine { at_most } => {
            format!("No engine is up; it waits for one, at most {}.", duration(*at_most))
        }
        Note::Unavailable { flag, value } => {
            let value = excerpt(value, 40);
            format!("This room's default {flag} {value} is not available; I do without it.")
        }
        Note::Paused => "The operator has paused the queue; it waits until that ends.".to_owned(),
    })
}

/// Where people look first: the grid, else the first picture.
pub fn main_link(artifacts: &[Artifact]) -> Option<&str> {
    let grid = artifacts.iter().find(|artifact| artifact.kind == ArtifactKind::Grid);
    grid.or_else(|| artifacts.first())?.link.as_deref()
}

/// The picture itself behind a link, for chats that preview files, such as `…/i/ID.webp`.
pub fn file_link(artifact: &Artifact) -> Option<String> {
    let ending = match artifact.mime.as_str() {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "video/mp4" => "mp4",
        _ => "webp",
    };
    artifact.link.as_ref().map(|link| format!("{link}.{ending}"))
}

/// Every link, the main one first.
pub fn links(artifacts: &[Artifact]) -> Vec<&str> {
    let main = main_link(artifacts);
    let others = artifacts.iter().filter_map(|artifact| artifact.link.as_deref());
    main.into_iter().chain(others.filter(|link| Some(*link) != main)).collect()
}

fn place_in_line(position: usize) -> String {
    if position <= 1 { "next in line".to_owned() } else { format!("{} in line", ordinal(position)) }
}

fn progress(job: &str, done: u32, total: u32, label: Option<&str>) -> String {
    let label = label.map(|label| format!(" ({})", excerpt(label, 40))).unwrap_or_default();
    match (u64::from(done) * 100).checked_div(u64::from(total)) {
        Some(percent) => format!("{job} {}%, step {done} of {total}{label}", percent.min(100)),
        None => format!("{job} is being painted{label}"),
    }
}

/// Why it begins again: the cause alone, as there is nothing to do.
fn setback(reason: &Failure) -> String {
    let sentence = failure(reason);
    sentence.split_once(';').map_or(sentence.clone(), |(cause, _)| cause.to_owned())
}
