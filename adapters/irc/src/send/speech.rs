//! What is said in one go, and which way it goes when one is closed to it.
//! Pure: it makes lines and writes none.
use super::habits::Habits;
use crate::{
    config::Verb,
    fit,
    flood::cost,
    identity::Identity,
    line::IrcLine,
    receipts::{self, Refusal},
    render::Lead,
    tags::Tags,
};
use inkwire_core::{SendError, render::one_line};
use std::time::Duration;

/// A room that we are not in is tried again after this.
pub(super) const NOT_IN_ROOM: Duration = Duration::from_secs(10);

/// One line, or several that the server takes as one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Speech {
    pub(super) verb: Verb,
    pub(super) target: String,
    pub(super) in_room: bool,
    pub(super) lead: Lead,
    /// Each fits into a line; never empty.
    pub(super) texts: Vec<String>,
    /// The message that this answers.
    pub(super) reply: Option<String>,
    /// Who is told in private if the room takes nothing from us; at most once.
    pub(super) aside: Option<String>,
    pub(super) shortened: bool,
}

impl Speech {
    /// A room that takes no notices is not tried with one.
    pub(super) fn adapt(&mut self, habits: &Habits, key: &str) {
        if self.is_room_notice() && habits.refuses_notices(key) {
            self.verb = Verb::Privmsg;
        }
    }

    pub(super) fn is_room_notice(&self) -> bool {
        self.in_room && self.verb == Verb::Notice
    }

    /// Ready for the wire; none where the target is none. `number` tells it from all others of
    /// this connection.
    pub(super) fn lines(&self, me: &Identity, number: u64) -> Vec<IrcLine> {
        let tags = self.tags(me, number);
        let speech = |text: &String| IrcLine::speech(me, self.verb, &self.target, &self.lead, text);
        let lines: Vec<_> = self.texts.iter().filter_map(speech).collect();
        if lines.len() < 2 {
            return lines.into_iter().map(|line| line.tagged(&tags)).collect();
        }
        let reference = format!("m{number}");
        let inside = Tags::default().with("batch", &reference);
        let open = IrcLine::open_batch(&reference, &self.target).map(|line| line.tagged(&tags));
        let close = IrcLine::close_batch(&reference);
        let lines = lines.into_iter().map(|line| line.tagged(&inside));
        open.into_iter().chain(lines).chain([close]).collect()
    }

    /// What its lines will cost.
    pub(super) fn cost(&self, me: &Identity) -> u32 {
        self.lines(me, 0).iter().map(|line| cost(line.weight())).sum()
    }

    fn tags(&self, me: &Identity, number: u64) -> Tags {
        let mut tags = Tags::default();
        if me.caps.has("labeled-response") {
            tags = tags.with("label", &receipts::label(number));
        }
        match &self.reply {
            Some(id) if me.caps.has("message-tags") => {
                tags.with("+draft/reply", id).with("+reply", id)
            }
            _ => tags,
        }
    }

    /// The texts as others see them.
    pub(super) fn seen(&self) -> impl Iterator<Item = String> {
        self.texts.iter().map(|text| format!("{}{}", self.lead.as_str(), one_line(text)))
    }

    /// What to say in its place after a refusal.
    pub(super) fn after(self, why: Refusal) -> Result<Vec<Self>, SendError> {
        match why {
            Refusal::Closed if self.is_room_notice() => {
                Ok(vec![Self { verb: Verb::Privmsg, ..self }])
            }
            Refusal::Closed => self.turned_aside(),
            Refusal::Unwanted if self.in_room => self.turned_aside(),
            Refusal::TooLong if !self.shortened => Ok(self.shorter()),
            Refusal::NoBatch if self.texts.len() > 1 => Ok(self.apart()),
            Refusal::Outside => Err(SendError::After(NOT_IN_ROOM)),
            Refusal::Later(wait) => Err(SendError::After(wait)),
            Refusal::Gone => Err(SendError::Gone),
            Refusal::TooLong | Refusal::NoBatch | Refusal::Unwanted => Err(SendError::Forbidden),
        }
    }

    fn turned_aside(self) -> Result<Vec<Self>, SendError> {
        let Some(target) = self.aside.clone() else { return Err(SendError::Forbidden) };
        let (verb, in_room) = (Verb::Notice, false);
        Ok(vec![Self { verb, target, in_room, reply: None, aside: None, ..self }])
    }

    fn shorter(self) -> Vec<Self> {
        let shorten = |text: &String| fit::tighten(text, text.len() * 2 / 3);
        let texts = self.texts.iter().map(shorten).collect();
        Self { texts, shortened: true, ..self }.apart()
    }

    fn apart(self) -> Vec<Self> {
        let alone = |text: &String| Self { texts: vec![text.clone()], ..self.clone() };
        self.texts.iter().map(alone).collect()
    }
}

/// The room behind a target that only some of its people read, such as `@#art`.
pub(super) fn room_of<'a>(me: &Identity, target: &'a str) -> &'a str {
    let signs = |sign: char| me.isupport.status_msg.contains(sign);
    let room = target.trim_start_matches(signs);
    if me.isupport.is_room(room) { room } else { target }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{caps::Caps, render::lead};

    fn speech(texts: &[&str]) -> Speech {
        Speech {
            verb: Verb::Notice,
            target: "#art".into(),
            in_room: true,
            lead: lead("ann"),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
            reply: Some("m 1".into()),
            aside: Some("ann".into()),
            shortened: false,
        }
    }

    fn lines(speech: &Speech, caps: &[&str]) -> Vec<String> {
        let mut me = Identity::new("ink");
        me.caps = Caps::of(caps);
        let text = |line: &IrcLine| String::from_utf8_lossy(line.as_bytes()).trim_end().to_owned();
        speech.lines(&me, 7).iter().map(text).collect()
    }

    #[test]
    fn lines_carry_what_the_server_understands() {
        assert_eq!(lines(&speech(&["hi there"]), &[]), ["NOTICE #art :ann: hi there"]);
        assert_eq!(
            lines(&speech(&["hi"]), &["labeled-response", "message-tags"]),
            ["@label=s7;+draft/reply=m\\s1;+reply=m\\s1 NOTICE #art :ann: hi"]
        );
        assert_eq!(
            lines(&speech(&["one", "two"]), &["labeled-response"]),
            [
                "@label=s7 BATCH +m7 draft/multiline #art",
                "@batch=m7 NOTICE #art :ann: one",
                "@batch=m7 NOTICE #art :ann: two",
                "BATCH -m7"
            ]
        );
        assert_eq!(lines(&Speech { target: "a b".into(), ..speech(&["hi"]) }, &[]), [""; 0]);
    }

    /// Verbs and targets that are tried while everything is refused for the same reason.
    fn check(speech: Speech, why: Refusal, tried: &[(Verb, &str)], end: &SendError) {
        let (mut speech, mut found) = (speech, vec![]);
        let error = loop {
            match speech.after(why) {
                Ok(next) => speech = next.into_iter().next().unwrap(),
                Err(error) => break error,
            }
            found.push((speech.verb, speech.target.clone()));
        };
        let found: Vec<_> = found.iter().map(|(verb, target)| (*verb, target.as_str())).collect();
        assert_eq!((found.as_slice(), &error), (tried, end), "{why:?}");
    }

    #[test]
    fn each_way_is_tried_once() {
        let (room, ann) = ((Verb::Privmsg, "#art"), (Verb::Notice, "ann"));
        let forbidden = &SendError::Forbidden;
        check(speech(&["hi"]), Refusal::Closed, &[room, ann], forbidden);
        let relayed = Speech { aside: None, ..speech(&["hi"]) };
        check(relayed, Refusal::Closed, &[room], forbidden);
        let private =
            Speech { target: "ann".into(), in_room: false, aside: None, ..speech(&["hi"]) };
        check(private.clone(), Refusal::Closed, &[], forbidden);
        check(private, Refusal::Unwanted, &[], forbidden);
        check(speech(&["hi"]), Refusal::Unwanted, &[ann], forbidden);
        check(speech(&["hi"]), Refusal::Gone, &[], &SendError::Gone);
        check(speech(&["hi"]), Refusal::Outside, &[], &SendError::After(NOT_IN_ROOM));
        let wait = Duration::from_secs(7);
        check(speech(&["hi"]), Refusal::Later(wait), &[], &SendError::After(wait));
        check(speech(&["hi"]), Refusal::TooLong, &[(Verb::Notice, "#art")], forbidden);
        check(speech(&["hi"]), Refusal::NoBatch, &[], forbidden);
        check(speech(&["a", "b"]), Refusal::NoBatch, &[(Verb::Notice, "#art")], forbidden);
    }

    #[test]
    fn what_is_too_long_is_cut_once_and_keeps_its_link() {
        let long = speech(&["a red fox in the deep snow https://a.example/x", "b"]);
        let next = long.after(Refusal::TooLong).unwrap();
        let texts: Vec<_> = next.iter().flat_map(|speech| speech.texts.clone()).collect();
        assert_eq!(texts, ["a red … https://a.example/x", ""]);
    }

    #[test]
    fn some_of_a_room_is_the_room() {
        let mut me = Identity::new("ink");
        me.learn(&":s 005 ink STATUSMSG=@+ CHANTYPES=#& :are".parse().unwrap());
        for (target, room) in [
            ("#art", "#art"),
            ("@#art", "#art"),
            ("@+&art", "&art"),
            ("+art", "+art"),
            ("ann", "ann"),
        ] {
            assert_eq!(room_of(&me, target), room);
        }
    }
}
