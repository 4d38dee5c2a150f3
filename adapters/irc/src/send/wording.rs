//! From a delivery to what is said of it: where, how loud, in how many lines.
//! Sentences are made in `render`; what a room lets us do is known in `habits`.
use super::speech::{NOT_IN_ROOM, Speech, room_of};
use crate::{
    config::{Config, Verb},
    fit,
    identity::Identity,
    line::is_target,
    render::{self, Form, Lead, Worded},
};
use inkwire_core::{Delivery, Link, Media, Outcome, SendError, Surface};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tokio::sync::watch;

/// Where a delivery is said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) target: String,
    /// Folded room or nick, for the limits.
    pub(super) key: String,
    in_room: bool,
    verb: Verb,
    /// Who is told in private if the room takes nothing from us.
    aside: Option<String>,
}

/// Everything about a delivery that is known without waiting.
pub(super) struct Draft {
    place: Place,
    lead: Lead,
    /// In private, and it begins with the name of the job: one line of it needs no lead.
    is_plain: bool,
    worded: Worded,
    /// Bytes of text in a line, without the lead.
    max: usize,
    /// Lines and bytes of text that may go as one message.
    batch: Option<(usize, usize)>,
    reply: Option<String>,
    publishes: bool,
}

pub(super) struct Wording {
    surface: watch::Receiver<Surface>,
    media: Arc<dyn Media>,
    /// This network's own.
    prefix: Option<String>,
    /// Prefixes of single rooms, as they are configured.
    prefixes: BTreeMap<String, String>,
    answers: Verb,
    max_lines: usize,
}

impl Wording {
    pub(super) fn new(config: &Config, link: &Link) -> Self {
        let prefixes = config.channels.iter();
        Self {
            surface: link.surface.clone(),
            media: link.media.clone(),
            prefix: config.prefix.clone(),
            prefixes: prefixes
                .filter_map(|room| Some((room.name.clone(), room.prefix.clone()?)))
                .collect(),
            answers: config.answers,
            max_lines: config.max_lines,
        }
    }

    /// `stays_closed` says of a folded room whether it has been closed to us for long.
    pub(super) fn place(
        &self,
        me: &Identity,
        delivery: &Delivery,
        stays_closed: impl FnOnce(&str) -> bool,
    ) -> Result<Place, SendError> {
        let (asker, room) = (&delivery.asker, delivery.to.room.0.as_str());
        // Signs before a room's name address some of its people alone.
        let signs = delivery.to.thread.as_ref().map_or("", |signs| signs.0.as_str());
        // Behind a relay is somebody of another network: whoever has that nick here is a stranger.
        let is_known = !asker.powers.relay && asker.adapter == delivery.to.adapter;
        let nick =
            Some(me.now_called(&asker.name).to_owned()).filter(|nick| is_known && is_target(nick));
        let private = |verb, target: String| Place {
            key: me.casemap.fold(&target),
            target,
            in_room: false,
            verb,
            aside: None,
        };
        if delivery.private {
            let target = nick.ok_or(SendError::Forbidden)?;
            return Ok(private(render::verb(&delivery.outcome, None), target));
        }
        let all_of_it = room_of(me, room);
        if !is_target(room) {
            return Err(SendError::Gone);
        }
        if !me.isupport.is_room(all_of_it) {
            let target = me.now_called(room).to_owned();
            return Ok(private(render::verb(&delivery.outcome, None), target));
        }
        let key = me.casemap.fold(all_of_it);
        if me.room(all_of_it).is_some() {
            let verb = render::verb(&delivery.outcome, Some(self.answers));
            let target = format!("{signs}{room}");
            return Ok(Place { target, in_room: true, key, verb, aside: nick });
        }
        match nick {
            Some(nick) if stays_closed(&key) && delivery.outcome.is_terminal() => {
                Ok(private(Verb::Notice, nick))
            }
            _ => Err(SendError::After(NOT_IN_ROOM)),
        }
    }

    pub(super) fn draft(&self, me: &Identity, delivery: &Delivery, place: Place) -> Draft {
        let asker = &delivery.asker;
        let lead =
            if asker.powers.relay { render::relayed_lead } else { render::lead }(&asker.name);
        let room = me.budget(Verb::Privmsg.command(), &place.target);
        // It must fit as well if it has to go another way.
        let aside = place.aside.as_ref().map(|nick| me.budget(Verb::Notice.command(), nick));
        let max = aside.map_or(room, |aside| aside.min(room)).saturating_sub(lead.as_str().len());
        let (prefix, in_room) = (self.prefix(room_of(me, &place.target)), place.in_room);
        let (nick, max_lines) = (me.nick.as_str(), self.max_lines);
        let form = Form { prefix: &prefix, nick, in_room, max, max_lines };
        let reply = delivery.to.message.as_ref().map(|message| message.0.clone());
        let worded = render::worded(delivery, &form);
        let job = delivery.job.as_ref();
        let names_job = job.is_some_and(|job| worded.text.starts_with(&format!("{} ", job.0)));
        Draft {
            is_plain: names_job && !in_room,
            worded,
            reply: reply.filter(|_| place.target == delivery.to.room.0),
            publishes: matches!(delivery.outcome, Outcome::Answer(_)) && !delivery.private,
            batch: batch(me),
            place,
            lead,
            max,
        }
    }

    /// Waits only where a text is too long and goes behind a link.
    pub(super) async fn speeches(&self, draft: Draft) -> VecDeque<Speech> {
        let Worded { text, max_lines, whole } = &draft.worded;
        let cut = !fit::fits(text, draft.max, *max_lines);
        let link = if cut && draft.publishes { self.media.publish(whole).await } else { None };
        let lines = fit::split(text, draft.max, *max_lines, link.as_deref());
        let bytes = lines.iter().map(|line| draft.lead.as_str().len() + line.len() + 1).sum();
        let together = draft.batch.is_some_and(|(max_lines, max_bytes): (usize, usize)| {
            lines.len() <= max_lines && max_bytes >= bytes
        });
        let is_single = lines.len() == 1;
        let messages: Vec<_> =
            if together { vec![lines] } else { lines.into_iter().map(|line| vec![line]).collect() };
        let Draft { place, lead, mut reply, .. } = draft;
        let lead = if is_single && draft.is_plain { Lead::none() } else { lead };
        let speech = |texts| Speech {
            verb: place.verb,
            target: place.target.clone(),
            in_room: place.in_room,
            lead: lead.clone(),
            texts,
            reply: reply.take(),
            aside: place.aside.clone(),
            shortened: false,
        };
        messages.into_iter().filter(|texts| !texts.is_empty()).map(speech).collect()
    }

    /// What people type before a command here.
    fn prefix(&self, target: &str) -> String {
        let rules = &self.surface.borrow().triggers;
        let common = rules.rooms.get(target).unwrap_or(&rules.prefixes).first();
        let own = self.prefixes.get(target).or(self.prefix.as_ref());
        own.or(common).cloned().unwrap_or_default()
    }
}

/// How much the server takes as one message of several lines.
fn batch(me: &Identity) -> Option<(usize, usize)> {
    let granted = ["draft/multiline", "batch", "message-tags"].iter().all(|cap| me.caps.has(cap));
    let limits = me.caps.value("draft/multiline");
    let limit = |name: &str| {
        let value = limits.split(',').find_map(|limit| limit.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.parse().ok())
    };
    granted.then(|| (limit("max-lines").unwrap_or(usize::MAX), limit("max-bytes").unwrap_or(0)))
}
