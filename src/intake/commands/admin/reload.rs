//! `admin reload`: reads the configuration again; what came of it is answered by who reads it.
use super::super::{Act, Decision, Row};
use inkwire_core::{Admin, Command, Role};

pub(in crate::intake::commands) const ROW: Row = Row {
    name: "admin reload",
    aliases: &["reload"],
    usage: "admin reload",
    summary: "Reads the configuration again, if it has no errors.",
    role: Role::Admin,
    examples: &["admin reload"],
    parse: |words| Ok(words.none().map(|()| Command::Admin(Admin::Reload))),
};

pub(in crate::intake::commands) fn decide() -> Decision {
    Decision { acts: vec![Act::Reload], ..Decision::default() }
}
