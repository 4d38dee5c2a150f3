//! `docs/commands.md`, written from the tables; a test keeps the file and the tables alike.
use super::{Row, TABLE};
use crate::intake::parse::flags;
use inkwire_core::{FlagHelp, Role};
use std::fmt::Write;

const INTRODUCTION: &str = "\
# Commands

Everything after the trigger: `!` and the command in a room, or the name of the service and a
colon. Upper and lower case are alike. This page is made from the tables in
`src/intake/commands` and `src/intake/parse/flags.rs`.
";

const FLAGS: &str = "
## Flags of imagine

The prompt is everything before the first flag; ` -- ` ends the flags, and what follows is prompt
again. A flag takes the text up to the next flag: `--no` needs no quotes. `--name=value` works too.
`-h` without a number is help. A number that is too large is brought into range, and you are told.

| Flag | Value | Meaning |
|---|---|---|
";

const ROOMS: &str = "
`room set` takes what the flags of `imagine` take, and judges it alike. A request's own flag comes
first, then the room's default, then the model's, the operator's and the workflow's. A default that
is no longer available is left out, and whoever asks is told. What operators of rooms may do at all
is set in `access.yaml`; admins may do it in every room.
";

/// The page in Markdown.
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    table(&mut page, "## For everybody", Role::Everybody);
    page.push_str(FLAGS);
    for FlagHelp { flag, value, summary } in flags::help() {
        line(&mut page, &[&code(&flag.replace('/', "`, `")), &value, &summary]);
    }
    table(&mut page, "## For operators of a room, in that room", Role::RoomOperator);
    page.push_str(ROOMS);
    table(&mut page, "## For admins", Role::Admin);
    page
}

fn table(page: &mut String, title: &str, role: Role) {
    let head = "| Command | Also | What it does | Example |\n|---|---|---|---|\n";
    write!(page, "\n{title}\n\n{head}").unwrap_or_default();
    for row in TABLE.iter().filter(|row| row.role == role) {
        let Row { usage, aliases, summary, examples, .. } = row;
        let example = examples.last().map(|example| code(example)).unwrap_or_default();
        let also: Vec<_> = aliases.iter().map(|alias| code(alias)).collect();
        line(page, &[&code(&usage.replace('|', "\\|")), &also.join(", "), summary, &example]);
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn line(page: &mut String, cells: &[&str]) {
    writeln!(page, "| {} |", cells.join(" | ")).unwrap_or_default();
}
