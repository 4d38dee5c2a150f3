//! `admin pause` and `admin resume`: whether waiting jobs are begun. Running ones go on.
use super::super::{Decision, Row};
use crate::store::Change;
use inkwire_core::{Admin, Answer, Command, Role};

pub(in crate::intake::commands) const PAUSE: Row = Row {
    name: "admin pause",
    aliases: &["pause"],
    usage: "admin pause",
    summary: "Begins no more jobs until `admin resume`; running ones go on.",
    role: Role::Admin,
    examples: &["admin pause"],
    parse: |words| Ok(words.none().map(|()| Command::Admin(Admin::Pause))),
};

pub(in crate::intake::commands) const RESUME: Row = Row {
    name: "admin resume",
    aliases: &["resume"],
    usage: "admin resume",
    summary: "Begins jobs again.",
    role: Role::Admin,
    examples: &["admin resume"],
    parse: |words| Ok(words.none().map(|()| Command::Admin(Admin::Resume))),
};

pub(in crate::intake::commands) fn decide(paused: bool) -> Decision {
    let answer = if paused { Answer::Paused } else { Answer::Resumed };
    Decision::change(answer, vec![Change::Pause(paused)])
}
