//! Who we are on this network, as the server says; what fits into a line follows from it.
//! Learned while receiving, read while sending.
use crate::{
    caps::Caps, casemap::Casemap, isupport::Isupport, line::MAX_SENT, members::Members,
    renames::Renames,
};
use irc::proto::{Command, Message, Prefix, Response};
use std::collections::BTreeMap;

/// The longest user (with `~`) and host in use, until our own is known.
const LONGEST_USER: usize = 11;
const LONGEST_HOST: usize = 63;

#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) nick: String,
    /// Lengths of user and host as others see them, in bytes.
    user: usize,
    host: usize,
    /// As in `isupport`, where it is learned.
    pub(crate) casemap: Casemap,
    pub(crate) isupport: Isupport,
    pub(crate) caps: Caps,
    /// Whom services know us as.
    pub(crate) account: Option<String>,
    /// Who is operator of the rooms we are in.
    pub(crate) members: Members,
    /// Who goes by another nick since.
    renames: Renames,
    /// The rooms we are in: by folded name, as the configuration spells them.
    pub(crate) rooms: BTreeMap<String, String>,
    /// Every room that we asked for has answered once.
    pub(crate) settled: bool,
    /// Whether nobody on the way can read along.
    pub(crate) secure: bool,
}

impl Identity {
    pub(crate) fn new(nick: &str) -> Self {
        Self {
            nick: nick.to_owned(),
            user: LONGEST_USER,
            host: LONGEST_HOST,
            casemap: Casemap::default(),
            isupport: Isupport::default(),
            caps: Caps::default(),
            account: None,
            members: Members::default(),
            renames: Renames::default(),
            rooms: BTreeMap::new(),
            settled: false,
            secure: false,
        }
    }

    pub(crate) fn is_me(&self, nick: &str) -> bool {
        self.casemap.same(&self.nick, nick)
    }

    /// What somebody of this nick is called now, as far as we saw it change.
    pub(crate) fn now_called<'a>(&'a self, nick: &'a str) -> &'a str {
        self.renames.now(nick, self.casemap)
    }

    /// Whether this message comes from a new owner of a nick that we know the old one of.
    pub(crate) fn is_taken_over(&self, message: &Message) -> bool {
        matches!(&message.prefix, Some(Prefix::Nickname(nick, ..))
            if self.renames.knows(nick, self.casemap))
    }

    /// Our name for a room that we are in; people spell it as they like.
    pub(crate) fn room(&self, name: &str) -> Option<&str> {
        self.rooms.get(&self.casemap.fold(name)).map(String::as_str)
    }

    /// Bytes of text that leave us and reach a receiver uncut: we send `COMMAND target :text`, the
    /// server puts `:nick!user@host` before it.
    pub(crate) fn budget(&self, command: &str, target: &str) -> usize {
        let prefix = 1 + self.nick.len() + 1 + self.user + 1 + self.host + 1;
        let frame = command.len() + 1 + target.len() + 2 + 2;
        let received = self.isupport.line_len.saturating_sub(prefix);
        received.min(MAX_SENT).saturating_sub(frame)
    }

    /// Takes from a message who is called what.
    pub(crate) fn learn_names(&mut self, message: &Message) {
        let Some(Prefix::Nickname(nick, ..)) = &message.prefix else { return };
        self.renames.seen(nick, self.casemap);
        match &message.command {
            Command::NICK(new) => self.renames.renamed(nick, new, self.casemap),
            Command::QUIT(_) => self.renames.left(nick, self.casemap),
            _ => {}
        }
    }

    /// Takes from a message what it tells about us.
    pub(crate) fn learn(&mut self, message: &Message) {
        self.learn_names(message);
        match &message.command {
            Command::Response(Response::RPL_WELCOME, args) => {
                self.nick = args.first().unwrap_or(&self.nick).clone();
            }
            Command::Response(Response::RPL_ISUPPORT, args) => {
                self.isupport.read(args);
                self.casemap = self.isupport.casemap;
            }
            Command::Response(Response::RPL_LOGGEDIN, args) => self.account = args.get(2).cloned(),
            Command::Response(Response::RPL_LOGGEDOUT, _) => self.account = None,
            Command::Response(Response::RPL_HOSTHIDDEN, args) => {
                if let Some(shown) = args.get(1) {
                    self.shown_as(shown);
                }
            }
            _ => self.learn_from_own(message),
        }
    }

    fn learn_from_own(&mut self, message: &Message) {
        let Some(Prefix::Nickname(nick, user, host)) = &message.prefix else { return };
        if !self.is_me(nick) {
            return;
        }
        match &message.command {
            Command::NICK(new) => self.nick.clone_from(new),
            Command::ACCOUNT(name) => self.account = Some(name.clone()).filter(|name| name != "*"),
            Command::CHGHOST(user, host) => (self.user, self.host) = (user.len(), host.len()),
            _ if !user.is_empty() && !host.is_empty() => {
                (self.user, self.host) = (user.len(), host.len());
            }
            _ => {}
        }
    }

    fn shown_as(&mut self, shown: &str) {
        let (user, host) = shown.rsplit_once('@').map_or((None, shown), |(u, h)| (Some(u), h));
        self.host = host.len();
        self.user = user.map_or(self.user, str::len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], expected: (&str, usize)) {
        let mut me = Identity::new("ink");
        for line in lines {
            me.learn(&line.parse().unwrap());
        }
        assert_eq!((me.nick.as_str(), me.budget("PRIVMSG", "#art")), expected, "{lines:?}");
    }

    #[test]
    fn the_server_says_who_we_are() {
        let whole = 512 - "PRIVMSG #art :\r\n".len();
        check(&[], ("ink", whole - ":ink!".len() - 11 - 1 - 63 - 1));
        check(&[":s 001 ink_ :Welcome"], ("ink_", whole - ":ink_!".len() - 11 - 1 - 63 - 1));
        let join = ":INK!~i@host.example JOIN #art";
        check(&[join], ("ink", whole - ":ink!~i@host.example ".len()));
        check(&[join, ":ink!~i@h CHGHOST me there"], ("ink", whole - ":ink!me@there ".len()));
        check(&[join, ":s 396 ink cloak :is now"], ("ink", whole - ":ink!~i@cloak ".len()));
        check(&[join, ":s 396 ink u@cloak :is now"], ("ink", whole - ":ink!u@cloak ".len()));
        check(&[join, ":ink!~i@h NICK quill"], ("quill", whole - ":quill!~i@host.example ".len()));
        check(&[join, ":ann!a@b NICK ink2"], ("ink", whole - ":ink!~i@host.example ".len()));
        check(
            &[join, ":s 005 ink LINELEN=520 :are"],
            ("ink", whole + 8 - ":ink!~i@host.example ".len()),
        );
        check(&[join, ":s 005 ink LINELEN=4096 :are"], ("ink", whole));
    }

    #[test]
    fn services_say_whom_they_know_us_as() {
        let account = |lines: &[&str]| {
            let mut me = Identity::new("ink");
            for line in lines {
                me.learn(&line.parse().unwrap());
            }
            me.account
        };
        let login = ":s 900 ink ink!i@h painter :You are now logged in as painter";
        assert_eq!(account(&[login]).as_deref(), Some("painter"));
        assert_eq!(account(&[login, ":s 901 ink ink!i@h :You are now logged out"]), None);
        assert_eq!(account(&[":Ink!i@h ACCOUNT painter"]).as_deref(), Some("painter"));
        assert_eq!(account(&[login, ":ink!i@h ACCOUNT *"]), None);
        assert_eq!(account(&[":ann!a@h ACCOUNT ann"]), None);
    }

    #[test]
    fn supported_features_are_read_from_merged_words_too() {
        let mut me = Identity::new("ink[");
        me.learn(
            &":s 005 ink[ A B C D E F G H I J K L M N CASEMAPPING=ascii :are".parse().unwrap(),
        );
        assert!(me.is_me("INK[") && !me.is_me("ink{"));
    }
}
