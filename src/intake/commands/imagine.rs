//! `imagine`: one job, every parameter resolved and clamped.
use super::{Decision, Row};
use crate::{
    intake::{
        facts::{Caps, EngineFacts, Facts, Fresh, Phase, Standing, Whose},
        parse::imagine,
        resolve::{Resolved, estimate, resolve},
    },
    job::{Job, LinkPolicy},
};
use inkwire_core::{
    Allowed, Imagine, JobId, LimitScope, Note, Outcome, PlaceKind, Rejection, Request, Role,
};

pub(super) const ROW: Row = Row {
    name: "imagine",
    aliases: &["img", "i", "draw", "dream"],
    usage: "imagine PROMPT [--model NAME] [--size WxH] [--no TEXT] [--count N] [--seed N] …",
    summary: "Paints a picture of the prompt. `help flags` lists every flag.",
    role: Role::Everybody,
    examples: &[
        "imagine a red fox in the snow",
        "imagine a lighthouse at night --count 2 --no people, text",
        "imagine a harbour --ar 16:9 --style film --seed 42",
    ],
    parse: imagine,
};

pub(super) fn decide(
    facts: &Facts,
    fresh: &mut Fresh,
    wish: &Imagine,
) -> Result<Decision, Rejection> {
    let resolved = resolve(wish, facts.room, facts.presets, facts.known, (fresh.seed)())?;
    let needs = facts.known.workflows.get(&resolved.render.workflow);
    if needs.is_some_and(|workflow| workflow.needs_picture) {
        let allowed = Allowed::OneOf(vec!["a picture".to_owned()]);
        return Err(Rejection::MissingValue { flag: resolved.render.workflow, allowed });
    }
    accept(facts, fresh, resolved, wish.private)
}

/// A job for what was resolved, if the queue has room for it.
pub(super) fn accept(
    facts: &Facts,
    fresh: &mut Fresh,
    resolved: Resolved,
    private: bool,
) -> Result<Decision, Rejection> {
    if facts.access.blocks(&resolved.render.prompt) {
        return Err(Rejection::Blocked);
    }
    has_room(facts, &facts.terms.caps)?;
    let mut notes = resolved.notes.clone();
    let seed = resolved.render.seed;
    let private = private || facts.is_private_place();
    if private && facts.request.from.powers.relay {
        return Err(Rejection::NoPrivacy);
    }
    let job = job(facts, (fresh.id)(), resolved, private);
    let Standing { position, eta, .. } = facts.queue.forecast(&job);
    if !facts.fleet.iter().any(EngineFacts::works) {
        notes.push(Note::NoEngine { at_most: facts.terms.max_wait });
    }
    if facts.queue.paused() {
        notes.push(Note::Paused);
    }
    let outcome = Outcome::Accepted { position, eta, seed, notes };
    Ok(Decision { jobs: vec![job], ..Decision::say(outcome) })
}

fn has_room(facts: &Facts, caps: &Caps) -> Result<(), Rejection> {
    let waiting = |whose| facts.queue.count(Phase::Waiting, whose);
    let full = |scope, max| Err(Rejection::TooManyJobs { scope, max });
    let Request { reply_to: here, place, .. } = facts.request;
    if waiting(Whose::Person(facts.person)) >= caps.waiting_per_person {
        return full(LimitScope::Person, caps.waiting_per_person);
    }
    // Callers that wait share no room with each other.
    let crowded = || waiting(Whose::Room(&here.adapter, &here.room)) >= caps.waiting_per_room;
    if place.kind != PlaceKind::Api && crowded() {
        return full(LimitScope::Room, caps.waiting_per_room);
    }
    if waiting(Whose::Everybody) >= caps.waiting {
        return Err(Rejection::QueueFull { retry_in: facts.queue.room_in() });
    }
    Ok(())
}

fn job(facts: &Facts, id: JobId, resolved: Resolved, private: bool) -> Job {
    let (request, terms) = (facts.request, facts.terms);
    let links = match (private, facts.uploads) {
        (true, true) => LinkPolicy::None,
        (true, false) => LinkPolicy::For(terms.private),
        (false, _) => LinkPolicy::For(terms.links),
    };
    let workflow = facts.known.workflows.get(&resolved.render.workflow);
    let time_limit = workflow.and_then(|workflow| workflow.time_limit);
    Job {
        id,
        owner: facts.person.clone(),
        asker: request.from.clone(),
        answers: request.id.clone(),
        place: request.place,
        reply_to: request.reply_to.clone(),
        cost: estimate(&resolved.render, workflow),
        render: resolved.render,
        parts: resolved.parts,
        private,
        links,
        keep: private.then_some(terms.private),
        created: facts.now,
        begin_by: facts.now.after(terms.max_wait),
        time_limit: time_limit.unwrap_or(terms.time_limit),
    }
}
