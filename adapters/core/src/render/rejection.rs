//! Refusals and failures in one line each: what is wrong, what is allowed, what to do next.
//! Text from engines and people is shortened and cleaned here, never shown as it came.
use super::{about, duration, excerpt, one_line};
use crate::{Allowed, Failure, JobStateName, LimitScope, Rejection};

/// Longest piece of foreign text inside a sentence, in characters.
const QUOTED: usize = 60;
/// Longest message of an engine, in characters.
const MESSAGE: usize = 200;

/// One line that says what is wrong, what is allowed, and the nearest valid word.
pub fn rejection(rejection: &Rejection) -> String {
    use Rejection as R;
    one_line(&match rejection {
        R::NotAllowed => "You may not do that here.".to_owned(),
        R::NoSuchJob => "There is no such job here; \"me\" lists yours.".to_owned(),
        R::NotNow { job, state } => format!("{job} {}.", state_now(*state)),
        R::UnknownCommand { word, nearest } => {
            let hint = suggestion(nearest.as_slice(), "\"help\" lists what I can do.");
            format!("I do not know {}; {hint}", quoted(word))
        }
        R::Usage { usage } => format!("Use it like this: {usage}"),
        R::NoPrivacy => "A bridge carries nothing in private; leave --private out.".to_owned(),
        R::EmptyPrompt => "Say what to paint, such as: imagine a red fox in the snow".to_owned(),
        R::PromptTooLong { max } => format!("That prompt is too long; {max} characters fit."),
        R::UnknownFlag { flag, nearest } => {
            let hint = suggestion(nearest.as_slice(), "\"help flags\" lists them.");
            format!("There is no flag {}; {hint}", excerpt(flag, QUOTED))
        }
        R::MissingValue { flag, allowed } => format!("{flag} needs {}.", these(allowed)),
        R::BadValue { flag, value, allowed, nearest } => {
            let hint = nearest.as_ref().map(|word| format!(" Did you mean {word}?"));
            let (value, hint) = (quoted(value), hint.unwrap_or_default());
            format!("{flag} cannot be {value}: it takes {}.{hint}", these(allowed))
        }
        R::Repeated { flag } => format!("{flag} is given twice and differs; give it once."),
        R::Conflict { flag, with } => format!("{flag} does not go with {with}; leave one out."),
        R::UnknownName { kind, value, nearest } => {
            let hint = suggestion(nearest, &format!("\"{}\" lists them.", list_of(kind)));
            format!("There is no {kind} {}; {hint}", quoted(value))
        }
        R::Tag { tag } => {
            format!("LoRA and embedding tags are not available here; leave {} out.", quoted(tag))
        }
        R::Blocked => "That prompt has words that are not welcome here.".to_owned(),
        R::RateLimited { scope, retry_in } => {
            format!("{}; try again in {}.", too_fast(*scope), duration(*retry_in))
        }
        R::TooManyJobs { scope, max } => {
            format!("{} {} going; wait for one or cancel one.", has(*scope), jobs(*max))
        }
        R::QueueFull { retry_in } => {
            format!("The queue is full; there should be room in {}.", about(*retry_in))
        }
        R::Gone => "Those pictures are gone, and so is their recipe; imagine them anew.".to_owned(),
        R::Internal { error_id } => our_fault(error_id, "Something"),
    })
}

/// The command that lists things of this kind.
fn list_of(kind: &str) -> String {
    if kind == "engine" { "admin engines".to_owned() } else { format!("{kind}s") }
}

fn too_fast(scope: LimitScope) -> &'static str {
    match scope {
        LimitScope::Person => "You are a little fast",
        LimitScope::Room => "This room is a little fast",
        LimitScope::Everybody => "A lot is being asked right now",
    }
}

fn has(scope: LimitScope) -> &'static str {
    match scope {
        LimitScope::Person => "You already have",
        LimitScope::Room => "This room already has",
        LimitScope::Everybody => "There already are",
    }
}

/// Half a sentence that says why and what to do next; it fits behind `k7f failed: `.
pub fn failure(failure: &Failure) -> String {
    one_line(&match failure {
        Failure::EngineUnavailable => {
            "no engine can paint this right now; try again in a few minutes".to_owned()
        }
        Failure::TimedOut => {
            "it took too long and was stopped; try fewer steps, a smaller size or fewer images"
                .to_owned()
        }
        Failure::Invalid(why) => {
            format!("the engine refused it ({}); change that and ask again", message(why))
        }
        Failure::OutOfMemory => {
            "the engine ran out of memory; try a smaller size or another model".to_owned()
        }
        Failure::Node { node, message: why } => {
            let node = quoted(node);
            format!("{node} failed in the engine ({}); try other settings", message(why))
        }
        Failure::Lost => "the engine lost it more than once; ask again in a few minutes".to_owned(),
        Failure::Interrupted => "somebody stopped it at the engine; just ask again".to_owned(),
        Failure::Empty => "the engine made no picture; try another model or workflow".to_owned(),
        Failure::BadPicture => {
            "what came back is no picture that I dare to open; try another workflow".to_owned()
        }
        Failure::Storage => "I could not keep the picture; please tell the operator".to_owned(),
        Failure::TooLarge => "the picture is too large to send here; try a smaller size".to_owned(),
        Failure::Internal { error_id } => our_fault(error_id, "something"),
    })
}

fn our_fault(error_id: &str, something: &str) -> String {
    format!("{something} broke on my side; try again, or tell the operator \"error {error_id}\"")
}

fn suggestion(nearest: &[String], otherwise: &str) -> String {
    match nearest {
        [] => otherwise.to_owned(),
        words => format!("did you mean {}?", either(words)),
    }
}

/// What a flag takes, such as `a whole number from 1 to 4`.
fn these(allowed: &Allowed) -> String {
    match allowed {
        Allowed::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Allowed::Decimal { min, max } => format!("a number from {min} to {max}"),
        Allowed::Size => "a size such as 1024x768".to_owned(),
        Allowed::Aspect => "a ratio such as 16:9".to_owned(),
        Allowed::OneOf(words) => either(words),
        Allowed::Text => "some text".to_owned(),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn either(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

fn jobs(count: usize) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", excerpt(text, QUOTED).replace('"', "'"))
}

fn message(text: &str) -> String {
    excerpt(text, MESSAGE).trim_end_matches(['.', ';', ' ']).to_owned()
}

fn state_now(state: JobStateName) -> &'static str {
    match state {
        JobStateName::Waiting => "is still waiting",
        JobStateName::Running => "is being painted",
        JobStateName::Cancelling => "is being stopped",
        JobStateName::Finished => "is finished already",
        JobStateName::Failed => "has failed",
        JobStateName::Cancelled => "was cancelled",
        JobStateName::Expired => "waited too long and was dropped",
    }
}
