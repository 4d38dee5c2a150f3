//! The question about somebody's account, and its answer: WHOX, or WHOIS where that is not known.
//! An answer counts only as a whole, and only with the nick that was asked about.
use crate::{identity::Identity, line::IrcLine, masks::Speaker, words::numeric};
use irc::proto::{Command, Message};

/// What `%tnuhaf` stands for, in the order of the answer: token, user, host, nick, flags, account.
const FIELDS: &str = "%tnuhaf";

/// The flag of robots, where the server announces no other.
const BOT: char = 'B';

/// What was said so far about one nick.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// `None`: there is nobody of that name.
    pub(super) who: Option<Speaker>,
    pub(super) account: Option<String>,
    pub(super) is_robot: bool,
}

/// Whether this is a nick: a question must not be about several people.
pub(super) fn may_be_asked(nick: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "*?,!@:".contains(c);
    !nick.is_empty() && !nick.contains(odd)
}

pub(super) fn question(me: &Identity, nick: &str, token: u64) -> IrcLine {
    IrcLine::command(if me.isupport.whox {
        Command::Raw("WHO".into(), vec![nick.to_owned(), format!("{FIELDS},{token}")])
    } else {
        Command::WHOIS(None, nick.to_owned())
    })
}

/// The server is too busy to answer what it was asked first.
pub(super) fn is_refusal(message: &Message) -> bool {
    let Some((263, [_, verb, ..])) = numeric(message) else { return false };
    ["WHO", "WHOIS"].iter().any(|asked| asked.eq_ignore_ascii_case(verb))
}

pub(super) fn is_end_of_who(me: &Identity, nick: &str, message: &Message) -> bool {
    let Some((315, [_, mask, ..])) = numeric(message) else { return false };
    me.casemap.same(mask, nick)
}

impl Answer {
    /// True if this message ends the answer.
    pub(super) fn take(
        &mut self,
        me: &Identity,
        token: u64,
        nick: &str,
        message: &Message,
    ) -> bool {
        let Some((number, args)) = numeric(message) else { return false };
        let about = |place: usize| args.get(place).is_some_and(|arg| me.casemap.same(arg, nick));
        match (number, args) {
            (354, [_, given, user, host, _, flags, account, ..])
                if about(4) && *given == token.to_string() =>
            {
                self.speaker(nick, user, host);
                self.account = Some(account.clone());
                self.is_robot = flags.contains(me.isupport.bot.unwrap_or(BOT));
                true
            }
            (311, [_, _, user, host, ..]) if about(1) => {
                self.speaker(nick, user, host);
                false
            }
            (330, [_, _, account, ..]) if about(1) => {
                self.account = Some(account.clone());
                false
            }
            (335, _) if about(1) => {
                self.is_robot = true;
                false
            }
            (315 | 318, _) => about(1),
            _ => false,
        }
    }

    fn speaker(&mut self, nick: &str, user: &str, host: &str) {
        let (nick, user, host) = (nick.to_owned(), user.to_owned(), host.to_owned());
        self.who = Some(Speaker { nick, user, host });
    }
}
