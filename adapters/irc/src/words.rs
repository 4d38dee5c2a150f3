//! A server's line where the parser says less than the line does: modes and unknown numerics.
//! Reads; knows nothing about us.
use irc::proto::{Command, Message};

/// A line as a message; `None` where it makes no sense, which is counted. Modes stay as they were written: how many
/// parameters they take is the server's to say, and the parser does not ask it.
pub(crate) fn message(line: &str) -> Option<Message> {
    let Ok(mut message) = line.parse::<Message>() else {
        metrics::counter!("inkwire_irc_unparsed_total").increment(1);
        return None;
    };
    if matches!(message.command, Command::ChannelMODE(..) | Command::UserMODE(..)) {
        message.command = Command::Raw("MODE".into(), parameters(line));
    }
    Some(message)
}

/// The number of a reply and its parameters, whether the parser has a name for it or not.
pub(crate) fn numeric(message: &Message) -> Option<(u16, &[String])> {
    match &message.command {
        #[allow(clippy::as_conversions)] // the only way to the number
        Command::Response(response, args) => Some((*response as u16, args)),
        Command::Raw(verb, args) if verb.len() == 3 => Some((verb.parse().ok()?, args)),
        _ => None,
    }
}

fn parameters(line: &str) -> Vec<String> {
    let mut rest = line;
    for start in ['@', ':'] {
        if rest.starts_with(start) {
            rest = rest.split_once(' ').map_or("", |(_, rest)| rest.trim_start());
        }
    }
    let (words, last) = rest.split_once(" :").map_or((rest, None), |(w, last)| (w, Some(last)));
    let words = words.split_ascii_whitespace().skip(1);
    words.chain(last).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_keep_all_their_parameters() {
        let check = |line, expected: &[&str]| match message(line).unwrap().command {
            Command::Raw(verb, args) => {
                assert_eq!(
                    (verb.as_str(), args),
                    ("MODE", expected.iter().map(|w| (*w).into()).collect())
                );
            }
            other => panic!("{other:?}"),
        };
        check("MODE #art", &["#art"]);
        check(":op!o@h MODE #art +fo 3:5 ann", &["#art", "+fo", "3:5", "ann"]);
        check("@a=b;c :s MODE  #art  -o+k ann :a key", &["#art", "-o+k", "ann", "a key"]);
        check("mode ink :+iB", &["ink", "+iB"]);
    }

    #[test]
    fn every_numeric_has_a_number() {
        let check = |line, expected: Option<(u16, usize)>| {
            let message = message(line).unwrap();
            assert_eq!(numeric(&message).map(|(number, args)| (number, args.len())), expected);
        };
        check(":s 474 ink #art :Cannot join", Some((474, 3)));
        check(":s 520 ink #art :Cannot join", Some((520, 3)));
        check(":s 005 ink A=b", Some((5, 2)));
        check("FOO a", None);
        check("PING a", None);
    }

    #[test]
    fn nonsense_is_no_message() {
        assert!(message(":invalid :message").is_none() && message("").is_none());
    }
}
