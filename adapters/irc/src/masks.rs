//! Masks such as `ann!*@*.example`, and those that somebody may be known by.
//! For people that an operator names; who is trusted is not decided here.
use crate::casemap::Casemap;

/// Nicks that networks keep for services.
const SERVICES: &[&str] = &[
    "AuthServ",
    "BotServ",
    "BouncerServ",
    "ChanServ",
    "Global",
    "HelpServ",
    "HistServ",
    "HostServ",
    "InfoServ",
    "MemoServ",
    "NickServ",
    "OperServ",
    "SaslServ",
    "StatServ",
];

/// Who said something, as the server names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Speaker {
    pub(crate) nick: String,
    pub(crate) user: String,
    pub(crate) host: String,
}

impl Speaker {
    /// What outlives a change of nick.
    pub(crate) fn place(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }

    /// Who it is where services know of none; no account begins with `~`. In plain lower case, as
    /// accounts are.
    pub(crate) fn id(&self) -> String {
        format!("~{}", self.place().to_ascii_lowercase())
    }

    /// Services answer everything, so they are answered nothing. No person's nick has a star.
    pub(crate) fn is_service(&self) -> bool {
        let host = self.host.split('.').next().unwrap_or_default();
        self.nick.starts_with('*')
            || SERVICES.iter().any(|name| name.eq_ignore_ascii_case(&self.nick))
            || [self.user.as_str(), host].iter().any(|name| name.eq_ignore_ascii_case("services"))
    }
}

/// `nick!user@host` with `*` for anything and `?` for one letter.
#[derive(Debug, Clone)]
pub(crate) struct Mask(String);

impl Mask {
    /// What is not written is anything: `ann` is `ann!*@*`, and `*@host` is `*!*@host`.
    pub(crate) fn new(text: &str) -> Self {
        let text = text.trim();
        Self(match (text.contains('!'), text.contains('@')) {
            (true, true) => text.to_owned(),
            (true, false) => format!("{text}@*"),
            (false, true) => format!("*!{text}"),
            (false, false) => format!("{text}!*@*"),
        })
    }

    pub(crate) fn fits(&self, casemap: Casemap, speaker: &Speaker) -> bool {
        let Speaker { nick, user, host } = speaker;
        let name = casemap.fold(&format!("{nick}!{user}@{host}"));
        is_like(&casemap.fold(&self.0), &name)
    }
}

/// A mask, or `account:NAME` for whoever is logged in as that.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    Mask(Mask),
    Account(String),
}

impl Who {
    pub(crate) fn new(text: &str) -> Self {
        match text.trim().strip_prefix("account:") {
            Some(account) => Self::Account(account.trim().to_owned()),
            None => Self::Mask(Mask::new(text)),
        }
    }

    pub(crate) fn is(&self, casemap: Casemap, speaker: &Speaker, account: Option<&str>) -> bool {
        match self {
            Self::Mask(mask) => mask.fits(casemap, speaker),
            Self::Account(name) => account.is_some_and(|account| casemap.same(account, name)),
        }
    }

    pub(crate) fn needs_account(&self) -> bool {
        matches!(self, Self::Account(_))
    }
}

/// Goes back to the last `*` alone, so that no mask takes more than the product of both lengths.
fn is_like(mask: &str, name: &str) -> bool {
    let (mut mask, mut name) = (mask.chars(), name.chars());
    let mut star = None;
    loop {
        let (ahead, letter) = (mask.clone().next(), name.clone().next());
        match (ahead, letter) {
            (Some('*'), _) => {
                mask.next();
                star = Some((mask.clone(), name.clone()));
            }
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                mask.next();
                name.next();
            }
            _ => {
                let Some((after, from)) = &mut star else { return false };
                if from.next().is_none() {
                    return false;
                }
                (mask, name) = (after.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn speaker(nick: &str, user: &str, host: &str) -> Speaker {
        Speaker { nick: nick.into(), user: user.into(), host: host.into() }
    }

    #[test]
    fn services_are_known_by_where_they_are() {
        let check = |nick, user, host| speaker(nick, user, host).is_service();
        assert!(check("NickServ", "NickServ", "services."));
        assert!(check("ChanServ", "Services", "net.example"));
        assert!(check("Global", "services", "Services.net.example"));
        assert!(check("nickserv", "eve", "host.example"));
        assert!(check("*status", "znc", "znc.in") && check("HistServ", "HistServ", "localhost"));
        assert!(check("BouncerServ", "BouncerServ", "BouncerServ"));
        assert!(!check("observ", "eve", "host.example") && !check("ann", "a", "my.services"));
    }

    fn check(mask: &str, expected: bool) {
        let ann = speaker("Ann[m]", "~ann", "home.example");
        assert_eq!(Mask::new(mask).fits(Casemap::Rfc1459, &ann), expected, "{mask}");
    }

    #[test]
    fn masks_fit_whole_names_in_any_case() {
        for mask in ["ann{M}", "*!*@*.example", "*@HOME.example", "ann*", "*!~ann", "a??????*"] {
            check(mask, mask != "a??????*");
        }
        check("a?????!*@*", true);
        check("*", true);
        check("*!*@*.exampl", false);
        check("ann!*@*", false);
        check("", false);
        check("**ann**!*a*n*n@h*e*", true);
    }

    #[test]
    fn an_account_is_known_by_its_name_alone() {
        let (who, ann) = (Who::new("account: Boss"), speaker("boss", "boss", "boss"));
        assert!(who.needs_account() && !Who::new("boss").needs_account());
        assert!(who.is(Casemap::Ascii, &ann, Some("bOSS")));
        assert!(!who.is(Casemap::Ascii, &ann, Some("boss2")));
        assert!(!who.is(Casemap::Ascii, &ann, None));
    }

    #[test]
    fn no_mask_takes_long() {
        let (mask, name) = ("*a".repeat(200) + "b", "a".repeat(8000));
        assert!(!is_like(&mask, &name));
    }

    proptest! {
        #[test]
        fn a_mask_means_what_a_pattern_does(mask in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            let pattern = mask.replace('*', ".*").replace('?', ".");
            let pattern = regex::Regex::new(&format!("^{pattern}$")).unwrap();
            prop_assert_eq!(is_like(&mask, &name), pattern.is_match(&name));
        }
    }
}
