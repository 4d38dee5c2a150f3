//! Capabilities of the connection: what the server offers, what we ask for and what it granted.
//! Pure, for registration and for changes after it alike; what follows from one, others decide.
use crate::line::IrcLine;
use irc::proto::{CapSubCommand, Command, Message};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(crate) const SASL: &str = "sasl";
/// Asked for as far as they are offered; what others build on comes first.
const WANTED: &[&str] = &[
    "message-tags",
    "batch",
    "server-time",
    "cap-notify",
    "account-tag",
    "account-notify",
    "extended-join",
    "labeled-response",
    "echo-message",
    "chghost",
    "setname",
    "multi-prefix",
    "userhost-in-names",
    "invite-notify",
    "standard-replies",
    "draft/chathistory",
    "draft/multiline",
];
/// Bytes of names in one request.
const MAX_REQUEST: usize = 480;
/// Offers that are kept; no server has as many.
const MAX_OFFERS: usize = 256;

#[derive(Debug, Clone, Default)]
pub(crate) struct Caps {
    /// With their values, such as `PLAIN,EXTERNAL` of `sasl`.
    offered: BTreeMap<String, String>,
    granted: BTreeSet<String>,
    /// Whether an account is to be logged in to.
    login: bool,
    /// The list of offers goes on in the next line.
    listing: bool,
    /// Requests that were not answered yet, the oldest first, each with what is left of it.
    open: VecDeque<Vec<String>>,
}

impl Caps {
    pub(crate) fn new(login: bool) -> Self {
        Self { login, ..Self::default() }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.granted.contains(name)
    }

    /// Granted ones.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.granted.iter().map(String::as_str).collect()
    }

    pub(crate) fn offers(&self, name: &str) -> bool {
        self.offered.contains_key(name)
    }

    /// What the server says about an offered capability; empty for nothing.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.offered.get(name).map_or("", String::as_str)
    }

    /// The list of offers is whole, and every request was answered.
    pub(crate) fn settled(&self) -> bool {
        !self.listing && self.open.is_empty()
    }

    /// Takes a `CAP` line of any kind, before or after the welcome; what to say because of it.
    pub(crate) fn take(&mut self, message: &Message) -> Vec<IrcLine> {
        let Command::CAP(_, verb, first, second) = &message.command else { return vec![] };
        let words = second.as_ref().or(first.as_ref()).map_or("", String::as_str);
        let words = words.split_whitespace();
        match verb {
            // `CAP * LS * :more` goes on in the next line, `CAP * LS :last` does not.
            CapSubCommand::LS | CapSubCommand::NEW => {
                words.for_each(|word| self.offer(word));
                self.listing = second.is_some();
                if self.listing { vec![] } else { self.request() }
            }
            CapSubCommand::ACK => {
                words.for_each(|word| self.answered(word));
                vec![]
            }
            CapSubCommand::NAK => self.refused(),
            CapSubCommand::DEL => {
                words.for_each(|name| self.withdraw(name));
                vec![]
            }
            _ => vec![],
        }
    }

    fn offer(&mut self, word: &str) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        if self.offered.len() < MAX_OFFERS || self.offers(name) {
            self.offered.insert(name.to_owned(), value.to_owned());
        }
    }

    fn grant(&mut self, name: &str) {
        if self.offers(name) {
            self.granted.insert(name.to_owned());
        }
    }

    fn withdraw(&mut self, name: &str) {
        self.offered.remove(name);
        self.granted.remove(name);
    }

    /// Asks for what is wanted, offered and neither granted nor asked for.
    fn request(&mut self) -> Vec<IrcLine> {
        let asked = |name: &str| self.open.iter().flatten().any(|open| open == name);
        let sasl = self.login.then_some(SASL);
        let wanted = WANTED.iter().copied().chain(sasl);
        let names: Vec<_> =
            wanted.filter(|n| self.offers(n) && !self.has(n) && !asked(n)).collect();
        let requests = chunks(&names);
        requests.into_iter().map(|names| self.ask(names)).collect()
    }

    fn ask(&mut self, names: Vec<String>) -> IrcLine {
        let line = IrcLine::command(cap(CapSubCommand::REQ, Some(names.join(" "))));
        self.open.push_back(names);
        line
    }

    /// One word of an `ACK`; older servers put signs before names.
    fn answered(&mut self, word: &str) {
        let name = word.trim_start_matches(['-', '~', '=']);
        if word.starts_with('-') {
            self.granted.remove(name);
        } else {
            self.grant(name);
        }
        for open in &mut self.open {
            open.retain(|asked| asked != name);
        }
        self.open.retain(|open| !open.is_empty());
    }

    /// One that is refused takes the others of its request with it, so each is asked for alone.
    /// Answers come in order; what a `NAK` lists may be cut short, so it is not read.
    fn refused(&mut self) -> Vec<IrcLine> {
        let names = self.open.pop_front().unwrap_or_default();
        if let [name] = names.as_slice() {
            self.offered.remove(name);
            return vec![];
        }
        names.into_iter().map(|name| self.ask(vec![name])).collect()
    }
}

pub(crate) fn cap(verb: CapSubCommand, names: Option<String>) -> Command {
    Command::CAP(None, verb, None, names)
}

/// As few requests as fit.
fn chunks(names: &[&str]) -> Vec<Vec<String>> {
    let mut requests: Vec<Vec<String>> = vec![];
    let mut room = 0;
    for name in names {
        let bytes = name.len() + 1;
        match requests.last_mut() {
            Some(last) if bytes <= room => last.push((*name).to_owned()),
            _ => {
                requests.push(vec![(*name).to_owned()]);
                room = MAX_REQUEST;
            }
        }
        room = room.saturating_sub(bytes);
    }
    requests
}

#[cfg(test)]
impl Caps {
    pub(crate) fn of(names: &[&str]) -> Self {
        let mut caps = Self::default();
        for name in names {
            caps.offer(name);
            caps.grant(name);
        }
        caps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What we say to these lines, and what is granted in the end.
    fn check(lines: &[&str], said: &[&str], granted: &[&str]) -> Caps {
        let mut caps = Caps::new(true);
        let mut found = vec![];
        for line in lines {
            found.extend(caps.take(&line.parse().unwrap()));
        }
        let found: Vec<_> = found.iter().map(IrcLine::text).collect();
        assert_eq!(
            (found, caps.names()),
            (said.iter().map(|s| (*s).into()).collect(), granted.to_vec())
        );
        caps
    }

    #[test]
    fn what_is_offered_over_several_lines_is_asked_for_at_once() {
        let lines = ["CAP * LS * :sasl=PLAIN foo multi-prefix", "CAP * LS :server-time batch"];
        let caps = check(&lines, &["CAP REQ :batch server-time multi-prefix sasl"], &[]);
        assert_eq!((caps.value(SASL), caps.settled()), ("PLAIN", false));
        check(&["CAP * LS :foo"], &[], &[]);
        assert!(check(&["CAP * LS :"], &[], &[]).settled());
        assert!(!check(&["CAP * LS * :batch"], &[], &[]).settled());
    }

    #[test]
    fn grants_come_in_any_number_of_lines() {
        let lines = ["CAP * LS :batch setname", "CAP * ACK :batch", "CAP * ACK :~setname "];
        assert!(check(&lines, &["CAP REQ :batch setname"], &["batch", "setname"]).settled());
        check(
            &["CAP * LS :batch", "CAP * ACK :batch foo", "CAP * ACK -batch"],
            &["CAP REQ batch"],
            &[],
        );
    }

    #[test]
    fn a_refusal_is_followed_by_one_request_each() {
        let asked = ["CAP REQ :batch sasl", "CAP REQ batch", "CAP REQ sasl"];
        let lines = ["CAP * LS :batch sasl", "CAP * NAK :ba", "CAP * NAK :ba", "CAP * ACK :sasl"];
        assert!(check(&lines, &asked, &["sasl"]).settled());
        check(&["CAP * NAK :batch"], &[], &[]);
    }

    #[test]
    fn offers_come_and_go_after_the_welcome() {
        let lines = ["CAP * LS :batch", "CAP * ACK :batch", "CAP me NEW :sasl=PLAIN foo"];
        check(&lines, &["CAP REQ batch", "CAP REQ sasl"], &["batch"]);
        let gone = check(
            &[&lines[..], &["CAP me DEL :batch sasl"]].concat(),
            &["CAP REQ batch", "CAP REQ sasl"],
            &[],
        );
        assert!(!gone.offers(SASL));
    }

    #[test]
    fn requests_fit_into_a_line_and_offers_into_memory() {
        let names = vec!["a-capability-of-some-length"; 40];
        let requests = chunks(&names);
        assert!(requests.iter().all(|names| names.join(" ").len() <= MAX_REQUEST));
        assert_eq!(requests.concat(), names);
        let mut caps = Caps::default();
        (0..1000).for_each(|n| caps.offer(&n.to_string()));
        assert_eq!(caps.offered.len(), MAX_OFFERS);
    }
}
