//! `help`: the table, as far as it is for the asker.
use super::{Decision, Row, TABLE, specs};
use crate::intake::{
    facts::Facts,
    parse::{flags, unknown},
    spelling::fold,
};
use inkwire_core::{Answer, Command, Rejection, Role};

/// Longer topics are none of ours.
const MOST_TOPIC: usize = 40;

pub(super) const ROW: Row = Row {
    name: "help",
    aliases: &[],
    usage: "help [COMMAND|flags]",
    summary: "Lists the commands, explains one, or lists the flags of `imagine`.",
    role: Role::Everybody,
    examples: &["help", "help imagine", "help flags"],
    parse: |words| {
        let topic = (!words.text.is_empty()).then(|| words.text.to_owned());
        Ok(Some(Command::Help(topic)))
    },
};

pub(super) fn decide(facts: &Facts, topic: Option<&str>) -> Result<Decision, Rejection> {
    let Some(topic) = topic else { return Ok(Decision::answer(Answer::Help(specs(facts.rights)))) };
    let short: String = topic.chars().take(MOST_TOPIC).collect();
    let words: Vec<_> = short.split_whitespace().map(fold).collect();
    let name = words.join(" ");
    if name == "flags" {
        return Ok(Decision::answer(Answer::Flags(flags::help())));
    }
    let rows = TABLE.iter().filter(|row| row.is_for(facts.rights));
    let named = rows.filter(|row| row.name == name || row.is_also(&name));
    let row = named.max_by_key(|row| row.role);
    let row = row.ok_or_else(|| unknown(topic, facts.rights))?;
    Ok(Decision::answer(Answer::Topic(Box::new(row.spec()))))
}
