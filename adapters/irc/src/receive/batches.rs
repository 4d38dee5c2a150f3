//! Lines that a server sends as one: replays, which are never run, and what a person wrote over
//! several lines. Bounded in number, size and age; a batch that nobody knows is a replay.
use super::spoken::Spoken;
use crate::{identity::Identity, stamp};
use inkwire_core::Time;
use irc::proto::{Command, Message};
use std::{collections::BTreeMap, time::Duration};

/// A server has no reason for more.
const MOST_OPEN: usize = 64;
const OLDEST: Duration = Duration::from_mins(1);
/// What servers that know messages of several lines let people write.
const MOST_LINES: usize = 100;
const MOST_BYTES: usize = 8192;
/// Kinds whose lines are said now; whatever else a server thinks of may be a replay.
const LIVE: &[&str] = &["labeled-response", "netjoin", "netsplit"];

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Said now.
    Live(Spoken),
    Replayed(Spoken),
    /// Heard when its batch ends.
    Kept,
}

enum Kind {
    Live,
    Replay,
    /// What was said so far, and in how many lines.
    Lines(Box<Spoken>, usize),
}

struct Batch {
    kind: Kind,
    since: Time,
}

#[derive(Default)]
pub(super) struct Batches(BTreeMap<String, Batch>);

impl Batches {
    /// A `BATCH` that begins; `is_old` says whether a message of several lines is a replay.
    pub(super) fn open(
        &mut self,
        me: &Identity,
        message: &Message,
        now: Time,
        is_old: impl Fn(&Spoken) -> bool,
    ) {
        let Command::BATCH(reference, kind, words) = &message.command else { return };
        if !me.caps.has("batch") {
            return;
        }
        self.0.retain(|_, batch| batch.since.until(now) < OLDEST);
        if self.0.len() >= MOST_OPEN {
            self.forget_oldest();
        }
        let name = kind.as_ref().map(|kind| kind.to_str().to_ascii_lowercase());
        let name = name.as_deref().unwrap_or_default();
        let said = || {
            let target = words.as_ref()?.first()?;
            Spoken::new(me, message, (target, ""), now).filter(|spoken| !is_old(spoken))
        };
        let kind = match name {
            _ if self.is_replayed(me, message) => Kind::Replay,
            _ if LIVE.contains(&name) => Kind::Live,
            "draft/multiline" | "multiline" => {
                said().map_or(Kind::Replay, |spoken| Kind::Lines(Box::new(spoken), 0))
            }
            _ => Kind::Replay,
        };
        let reference = reference.trim_start_matches('+').to_owned();
        self.0.insert(reference, Batch { kind, since: now });
    }

    /// What was said in a batch that ends.
    pub(super) fn close(&mut self, reference: &str) -> Option<Spoken> {
        match self.0.remove(reference)?.kind {
            Kind::Lines(spoken, _) => Some(*spoken),
            Kind::Live | Kind::Replay => None,
        }
    }

    pub(super) fn take(&mut self, me: &Identity, message: &Message, spoken: Spoken) -> Part {
        let Some(reference) = reference(me, message) else { return Part::Live(spoken) };
        match self.0.get_mut(reference).map(|batch| &mut batch.kind) {
            Some(Kind::Live) => Part::Live(spoken),
            Some(Kind::Lines(whole, lines)) => {
                let ours = whole.who == spoken.who && whole.target == spoken.target;
                if ours && *lines < MOST_LINES {
                    let joins = stamp::has_tag(message, "draft/multiline-concat");
                    append(&mut whole.text, &spoken.text, joins || *lines == 0);
                    *lines += 1;
                }
                Part::Kept
            }
            Some(Kind::Replay) | None => Part::Replayed(spoken),
        }
    }

    /// Whether this is not of now. A batch in a batch is what the outer one is.
    pub(super) fn is_replayed(&self, me: &Identity, message: &Message) -> bool {
        reference(me, message).is_some_and(|reference| {
            !matches!(self.0.get(reference), Some(Batch { kind: Kind::Live, .. }))
        })
    }

    fn forget_oldest(&mut self) {
        let oldest = self.0.iter().min_by_key(|(_, batch)| batch.since);
        if let Some(reference) = oldest.map(|(reference, _)| reference.clone()) {
            self.0.remove(&reference);
        }
    }
}

/// The batch that a message is in.
fn reference<'a>(me: &Identity, message: &'a Message) -> Option<&'a str> {
    let tagged = me.caps.has("batch") && stamp::has_tag(message, "batch");
    tagged.then(|| stamp::tag(message, "batch").unwrap_or_default())
}

/// A new line is a space, as in a prompt; what is too long ends where it would be.
fn append(whole: &mut String, line: &str, joins: bool) {
    let space = if joins { "" } else { " " };
    let Some(room) = MOST_BYTES.checked_sub(whole.len() + space.len()) else { return };
    whole.push_str(space);
    whole.push_str(line.get(..line.floor_char_boundary(room)).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_795_161_600_000);

    fn message(line: &str) -> Message {
        line.parse().unwrap()
    }

    fn me() -> Identity {
        let mut me = Identity::new("ink");
        me.caps = crate::caps::Caps::of(&["batch"]);
        me
    }

    fn open(batches: &mut Batches, line: &str, now: Time) {
        batches.open(&me(), &message(line), now, |_| false);
    }

    fn take(batches: &mut Batches, line: &str) -> Part {
        let message = message(line);
        let spoken = Spoken::of(&me(), &message, NOW).unwrap();
        batches.take(&me(), &message, spoken)
    }

    /// Whether a line in the last of these batches is run.
    fn check(opened: &[&str], expected: bool) {
        let mut batches = Batches::default();
        for line in opened {
            open(&mut batches, line, NOW);
        }
        let part = take(&mut batches, "@batch=x :ann!a@h PRIVMSG #art :!queue");
        assert_eq!(matches!(part, Part::Live(_)), expected, "{opened:?}");
    }

    #[test]
    fn only_what_is_said_now_is_run() {
        check(&["BATCH +x labeled-response"], true);
        check(&["BATCH +y labeled-response", "@batch=y BATCH +x netjoin a b"], true);
        check(&["BATCH +x chathistory #art"], false);
        check(&["BATCH +x znc.in/playback #art"], false);
        check(&["BATCH +x example.org/new #art"], false);
        check(&["BATCH +y chathistory #art", "@batch=y BATCH +x labeled-response"], false);
        check(&["@batch=gone BATCH +x labeled-response"], false);
        check(&["@batch= BATCH +x labeled-response"], false);
        check(&["BATCH +x"], false);
        check(&["BATCH x netsplit a b"], true);
        check(&[], false);
        let (mut batches, me) = (Batches::default(), Identity::new("ink"));
        let line = message("@batch=x :ann!a@h PRIVMSG #art :!queue");
        let spoken = Spoken::of(&me, &line, NOW).unwrap();
        let part = batches.take(&me, &line, spoken);
        assert!(matches!(part, Part::Live(_)), "a tag that was not agreed on");
    }

    fn lines(opening: &str, lines: &[&str]) -> Option<String> {
        let mut batches = Batches::default();
        open(&mut batches, opening, NOW);
        for line in lines {
            assert_eq!(take(&mut batches, line), Part::Kept);
        }
        batches.close("x").map(|spoken| spoken.text)
    }

    #[test]
    fn a_message_of_several_lines_is_one() {
        let opening = ":ann!a@h BATCH +x draft/multiline #art";
        let said = [
            "@batch=x :ann!a@h PRIVMSG #art :!imagine a fox",
            "@batch=x :ann!a@h PRIVMSG #art :in sn",
            "@batch=x;draft/multiline-concat :ann!a@h PRIVMSG #art :ow",
        ];
        assert_eq!(lines(opening, &said).as_deref(), Some("!imagine a fox in snow"));
        let strange =
            ["@batch=x :eve!e@h PRIVMSG #art :!queue", "@batch=x :ann!a@h PRIVMSG #b :!q"];
        assert_eq!(lines(opening, &strange).as_deref(), Some(""));
    }

    #[test]
    fn a_message_of_several_lines_ends_somewhere() {
        let line = format!("@batch=x :ann!a@h PRIVMSG #art :{}", "\u{e9}".repeat(100));
        let opening = ":ann!a@h BATCH +x draft/multiline #art";
        let whole = lines(opening, &vec![line.as_str(); 99]).unwrap();
        assert!(whole.len() <= MOST_BYTES && whole.len() > MOST_BYTES - 4, "{}", whole.len());
        let short = vec!["@batch=x :ann!a@h PRIVMSG #art :a"; 300];
        assert_eq!(lines(opening, &short).unwrap().len(), 2 * MOST_LINES - 1);
    }

    #[test]
    fn batches_are_forgotten_before_they_are_many_or_old() {
        let mut batches = Batches::default();
        for n in 0..1000 {
            open(&mut batches, &format!("BATCH +{n} labeled-response"), NOW);
        }
        assert_eq!(batches.0.len(), MOST_OPEN);
        open(&mut batches, ":ann!a@h BATCH +x draft/multiline #art", NOW);
        open(&mut batches, "BATCH +late netjoin", NOW.after(OLDEST));
        assert_eq!(batches.0.len(), 1);
        assert_eq!(batches.close("x"), None);
    }
}
