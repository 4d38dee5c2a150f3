//! A line that somebody said, with what the server tells about it; kept until it is for nobody.
//! Nothing here says whether it is for us.
use crate::{identity::Identity, masks::Speaker, stamp};
use inkwire_core::Time;
use irc::proto::{Command, Message, Prefix};

/// Bytes of a nick, user or host; no network has longer ones.
const MAX_NAME: usize = 128;
const MAX_MSGID: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) who: Speaker,
    pub(crate) target: String,
    /// As it came; what it means is `strip`'s business.
    pub(crate) text: String,
    /// As the tag says, where tags about accounts count.
    pub(crate) account: Option<String>,
    pub(crate) msgid: Option<String>,
    /// The server's time, where it tells it.
    pub(crate) sent: Option<Time>,
    pub(crate) is_robot: bool,
    /// Not said, but an invitation into the room that `text` names.
    pub(crate) is_invitation: bool,
    /// Ours.
    pub(crate) at: Time,
}

impl Spoken {
    /// `None` from a server or one of its services, which have no user and host, and from nonsense.
    pub(super) fn new(
        me: &Identity,
        message: &Message,
        said: (&str, &str),
        at: Time,
    ) -> Option<Self> {
        let Some(Prefix::Nickname(nick, user, host)) = &message.prefix else { return None };
        let account = me.caps.has("account-tag").then(|| stamp::tag(message, "account")).flatten();
        let tagged = me.caps.has("message-tags");
        let msgid = tagged.then(|| stamp::tag(message, "msgid")).flatten();
        let is_sound = |name: &String| (1..=MAX_NAME).contains(&name.len());
        [nick, user, host].into_iter().all(is_sound).then(|| Self {
            who: Speaker { nick: nick.clone(), user: user.clone(), host: host.clone() },
            target: said.0.to_owned(),
            text: said.1.to_owned(),
            account: account.map(str::to_owned),
            msgid: msgid.filter(|id| id.len() <= MAX_MSGID).map(str::to_owned),
            sent: me.caps.has("server-time").then(|| stamp::time(message)).flatten(),
            is_robot: tagged && stamp::is_robot(message),
            is_invitation: false,
            at,
        })
    }

    /// Of a PRIVMSG; nothing else is ever answered. Of a NOTICE only if it is our own.
    pub(super) fn of(me: &Identity, message: &Message, at: Time) -> Option<Self> {
        let (Command::PRIVMSG(target, text) | Command::NOTICE(target, text)) = &message.command
        else {
            return None;
        };
        let is_notice = matches!(message.command, Command::NOTICE(..));
        let spoken = Self::new(me, message, (target, text), at);
        spoken.filter(|spoken| !is_notice || me.is_me(&spoken.who.nick))
    }

    /// Of an INVITE that is for us.
    pub(super) fn invitation(me: &Identity, message: &Message, at: Time) -> Option<Self> {
        let Command::INVITE(nick, room) = &message.command else { return None };
        let spoken = Self::new(me, message, (nick, room), at).filter(|_| me.is_me(nick))?;
        Some(Self { is_invitation: true, ..spoken })
    }
}
