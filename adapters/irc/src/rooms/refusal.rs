//! How servers say that we cannot come into a room: many numbers, and the newer `FAIL`. Pure.
use crate::words::numeric;
use irc::proto::{Command, Message};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal<'a> {
    pub(super) room: &'a str,
    /// Not this room's fault: we are in as many as the server allows.
    pub(super) too_many: bool,
    /// Where the server puts us in its place.
    pub(super) instead: Option<&'a str>,
}

/// Some of these also answer other commands: whoever reads this knows what was asked.
pub(super) fn refusal(message: &Message) -> Option<Refusal<'_>> {
    if let Command::Raw(verb, args) = &message.command
        && let ("FAIL", [command, _, room, ..]) = (verb.as_str(), args.as_slice())
    {
        return (command == "JOIN").then_some(Refusal { room, too_many: false, instead: None });
    }
    let (number, args) = numeric(message)?;
    let room = args.get(1)?;
    // Banned, invited only, full, wrong key, bad name, forbidden, throttled, held for a while;
    // for accounts, for TLS, for the network's staff alone; sent to another room instead (470).
    let refused = matches!(number, 403 | 405 | 407 | 437 | 448 | 470 | 471 | 473..=477 | 479 | 480)
        || matches!(number, 485 | 489 | 495 | 500 | 519 | 520 | 926);
    let instead = args.get(2).filter(|_| number == 470).map(String::as_str);
    refused.then_some(Refusal { room, too_many: number == 405, instead })
}
