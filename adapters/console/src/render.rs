//! Outcomes as lines of text, links on lines of their own, progress as a bar.
//! Shared sentences come from `inkwire_core::render`; what only a console says stands here.
use inkwire_core::{
    Admitted, Delivery, Latest, Outcome, Refused, SlotId,
    render::{self, Context, duration},
};
use std::collections::BTreeMap;

/// Bytes of a line; a link is never cut.
pub(crate) const MAX_TEXT: usize = 4096;
/// The one room that there is.
pub(crate) const ROOM: &str = "console";
const BAR: u64 = 24;

/// What became of a line, once it is committed; nothing if silence is the answer.
pub(crate) fn admitted(admitted: &Admitted, prefix: &str) -> Vec<String> {
    let context = Context { prefix, job: admitted.job.as_ref() };
    admitted.outcome.as_ref().map(|outcome| lines(outcome, &context)).unwrap_or_default()
}

pub(crate) fn delivery(delivery: &Delivery) -> Vec<String> {
    lines(&delivery.outcome, &Context { prefix: "", job: delivery.job.as_ref() })
}

fn lines(outcome: &Outcome, context: &Context<'_>) -> Vec<String> {
    let mut lines = render::outcome(outcome, context);
    for line in &mut lines {
        line.truncate(line.floor_char_boundary(MAX_TEXT));
    }
    if let Outcome::Finished { artifacts, .. } = outcome {
        lines.extend(render::links(artifacts).into_iter().map(render::one_line));
    }
    lines
}

pub(crate) fn refused(refused: &Refused) -> String {
    match refused {
        Refused::Stopping => "Not taken: inkwire is stopping".to_owned(),
        Refused::Saturated { retry_in } => {
            format!("Not taken: too much is going on; try again in {}", duration(*retry_in))
        }
        Refused::Storage => "Not taken: it could not be stored; see the log".to_owned(),
    }
}

pub(crate) fn too_long(max: usize) -> String {
    format!("That line is too long; at most {} fit", render::bytes(max.try_into().unwrap_or(0)))
}

/// Of the first running job, such as `k7f ██████░░░░ 60% step 12 of 20, and 1 more`.
pub(crate) fn bar(running: &BTreeMap<SlotId, Latest>) -> Option<String> {
    let known = running.values().find_map(|latest| match &latest.outcome {
        Outcome::Progress { done, total, .. } => Some((latest, *done, *total)),
        _ => None,
    });
    let (latest, done, total) = known?;
    let filled = (u64::from(done) * BAR).checked_div(u64::from(total)).unwrap_or(0).min(BAR);
    let cells: String = (0..BAR).map(|cell| if cell < filled { '█' } else { '░' }).collect();
    let job = render::one_line(&latest.job.0);
    let more = match running.len() {
        0..=1 => String::new(),
        many => format!(", and {} more", many - 1),
    };
    Some(format!("{job} {cells} {done} of {total} steps{more}"))
}
