//! Who is an operator of a room, as names and modes come and go.
use super::*;
use crate::words::message;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const SUPPORTED: &str = "PREFIX=(qaohv)~&@%+ CHANMODES=beI,k,flj,imnst";

fn members(lines: &[&str]) -> Members {
    let mut isupport = Isupport::default();
    isupport.read(&["ink".to_owned(), SUPPORTED.to_owned()]);
    let mut members = Members::default();
    members.keep(["#art".to_owned()].iter(), isupport.casemap);
    for line in lines {
        members.take(&message(line).unwrap(), &isupport);
    }
    members
}

/// Those of ann, bob, cid and dan who are operators of `#art`.
fn check(lines: &[&str], expected: &[&str]) {
    let members = members(lines);
    let is_operator = |nick: &&str| members.is_operator("#ART", nick, Casemap::Rfc1459);
    let found: Vec<_> = ["Ann", "Bob", "Cid", "Dan"].into_iter().filter(is_operator).collect();
    assert_eq!(found, expected, "{lines:?}");
}

#[test]
fn names_tell_who_is_operator() {
    const END: &str = ":s 366 ink #art :End";
    check(&[], &[]);
    check(&[":s 353 ink = #art :@ann +bob %cid dan", END], &["Ann"]);
    check(&[":s 353 ink = #Art :~@+ann!a@b &bob!b@c %+cid!c@d", END], &["Ann", "Bob"]);
    check(&[":s 353 ink = #art :@ann", ":s 353 ink = #art :@bob @", END], &["Ann", "Bob"]);
    check(&[":s 353 ink = #art :@ann"], &[]);
    check(&[":s 353 ink = #other :@ann", ":s 366 ink #other :End"], &[]);
    check(&[":s 353 ink = #art :@ann", END, ":s 353 ink = #art :@bob", END], &["Bob"]);
}

#[test]
fn modes_tell_who_becomes_one_and_who_is_none_any_more() {
    check(&[":s MODE #art +o ann"], &["Ann"]);
    check(&[":s MODE #art +fo-k 3:5 ann key"], &["Ann"]);
    check(&[":s MODE #art +bl-l+o *!*@x 7 ann"], &["Ann"]);
    check(&[":s MODE #art +hv ann bob"], &[]);
    check(&[":s MODE #art +o"], &[]);
    check(&[":s MODE #art +zo ann"], &["Ann"]);
    check(&[":s MODE ann +o"], &[]);
    check(&[":s MODE #art +oo ann bob", ":ann!a@b MODE #art -o bob"], &["Ann"]);
    check(&[":s MODE #art +qo ann ann", ":s MODE #art -o ann"], &["Ann"]);
    check(&[":s MODE #art +qo ann ann", ":s MODE #art -qo ann ann"], &[]);
}

#[test]
fn who_leaves_or_changes_nick_takes_it_along() {
    const OPS: &str = ":s MODE #art +oo ann bob";
    check(&[OPS, ":ann!a@b PART #art :bye"], &["Bob"]);
    check(&[OPS, ":ann!a@b PART #other"], &["Ann", "Bob"]);
    check(&[OPS, ":ann!a@b QUIT :a.example b.example"], &["Bob"]);
    check(&[OPS, ":bob!b@c KICK #art ann :out"], &["Bob"]);
    check(&[OPS, ":ann!a@b NICK dan"], &["Bob", "Dan"]);
    check(&[OPS, ":ann!a@b JOIN #art * :Ann"], &["Bob"]);
}

#[test]
fn a_change_while_names_are_told_is_kept() {
    let names = [":s 353 ink = #art :@ann @bob", ":s MODE #art -o bob", ":s MODE #art +o cid"];
    check(&[&names[..], &[":s 366 ink #art :End"]].concat(), &["Ann", "Cid"]);
}

#[test]
fn a_room_that_we_left_is_forgotten() {
    let mut members = members(&[":s MODE #art +o ann"]);
    members.keep(["#ART".to_owned(), "#new".to_owned()].iter(), Casemap::Ascii);
    assert!(members.is_operator("#art", "ann", Casemap::Ascii));
    members.keep(["#new".to_owned()].iter(), Casemap::Ascii);
    members.keep(["#art".to_owned()].iter(), Casemap::Ascii);
    assert!(!members.is_operator("#art", "ann", Casemap::Ascii) && members.0.len() == 1);
}

#[test]
fn a_large_room_costs_little() {
    let names = (0..20_000).map(|n| format!(":s 353 ink = #art :@op{n} +voice{n} nick{n}"));
    let lines: Vec<_> = names.chain([":s 366 ink #art :End".to_owned()]).collect();
    let members = members(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(members.0.iter().map(|room| room.operators.len()).sum::<usize>(), MAX_OPERATORS);
}

/// The same, with all that there is to know.
#[derive(Default)]
struct Model(BTreeMap<String, BTreeSet<char>>);

impl Model {
    /// What happens to `nick`, as a line.
    fn play(&mut self, step: u8, mode: char, nick: &str) -> String {
        let held = self.0.entry(nick.to_owned()).or_default();
        match step {
            0..=3 => {
                held.insert(mode);
                format!(":s MODE #art +{mode} {nick}")
            }
            4 | 5 => {
                held.remove(&mode);
                format!(":s MODE #art -l{mode} {nick}")
            }
            6 => {
                held.clear();
                format!(":{nick}!a@h QUIT :bye")
            }
            7 => {
                let held = std::mem::take(held);
                self.0.insert("new".into(), held);
                format!(":{nick}!a@h NICK new")
            }
            _ => {
                let sign = |mode| SIGNS.iter().find(|(known, _)| *known == mode).unwrap().1;
                let name = |(nick, modes): (&String, &BTreeSet<char>)| {
                    format!("{}{nick}", modes.iter().copied().map(sign).collect::<String>())
                };
                let names: Vec<_> = self.0.iter().map(name).collect();
                format!(":s 353 ink = #art :{}\n:s 366 ink #art :End", names.join(" "))
            }
        }
    }
}

const SIGNS: [(char, char); 5] = [('q', '~'), ('a', '&'), ('o', '@'), ('h', '%'), ('v', '+')];

proptest! {
    #[test]
    fn operators_are_those_who_hold_a_mode_of_operators(
        steps in prop::collection::vec((0..9u8, 0..5usize, 0..3usize), 1..60),
    ) {
        let (mut model, mut lines) = (Model::default(), vec![]);
        for (step, mode, nick) in steps {
            let (mode, nick) = (SIGNS[mode].0, ["ann", "bob", "new"][nick]);
            lines.extend(model.play(step, mode, nick).lines().map(str::to_owned));
        }
        let members = members(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        for (nick, modes) in &model.0 {
            let expected = modes.iter().any(|mode| "qao".contains(*mode));
            prop_assert_eq!(members.is_operator("#art", nick, Casemap::Ascii), expected, "{}", nick);
        }
    }
}
