//! Who is asking, as limits, fairness and ownership know them. Pure.
//! It grants nothing: what a person may do is `access`.
use super::spelling::fold;
use inkwire_core::{Author, PersonId};

/// One person per author of an adapter. Words that a relay carries are charged to whom it names,
/// within that relay: nobody can spend another's turns, and a bridge is not one person.
pub fn person(author: &Author) -> PersonId {
    let (adapter, id) = (part(&author.adapter.0), part(&author.id.0));
    if author.powers.relay {
        PersonId(format!("{adapter}/{id}/{}", part(&fold(&author.name))))
    } else {
        PersonId(format!("{adapter}/{id}"))
    }
}

/// Two authors never share an id: what separates the parts does not occur in them.
fn part(text: &str) -> String {
    text.replace('%', "%25").replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use super::*;
    use inkwire_core::{Powers, Trust};

    fn author(adapter: &str, id: &str, name: &str, relay: bool) -> Author {
        Author {
            adapter: adapter.into(),
            id: id.into(),
            name: name.into(),
            trust: Trust::Account,
            powers: Powers { relay, room_operator: false },
        }
    }

    #[test]
    fn a_name_is_no_identity_except_behind_a_relay() {
        let check = |author: Author, expected: &str| assert_eq!(person(&author).0, expected);
        check(author("irc", "ann", "Anna", false), "irc/ann");
        check(author("irc", "ann", "Bob", false), "irc/ann");
        check(author("matrix", "@a:b/c", "A", false), "matrix/@a:b%2Fc");
        check(author("irc", "bridge", "Bob", true), "irc/bridge/bob");
        check(author("irc", "bridge", "ＢＯＢ", true), "irc/bridge/bob");
    }

    #[test]
    fn no_two_authors_share_a_person() {
        let relayed = author("irc", "bridge", "bob", true);
        assert_ne!(person(&author("irc", "bridge/bob", "x", false)), person(&relayed));
        let (slash, escape) = ("bridge/bob", "bridge%2Fbob");
        let person_of = |id| person(&author("irc", id, "x", false));
        assert_ne!(person_of(slash), person_of(escape));
        assert_ne!(person(&author("irc", "bridge", "b/ob", true)), person(&relayed));
    }
}
