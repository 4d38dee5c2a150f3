//! What a server's 005 lines are taken for, well formed or not.
use super::*;
use proptest::prelude::*;

fn read(tokens: &str) -> Isupport {
    let mut found = Isupport::default();
    let args = ["ink"].into_iter().chain(tokens.split(' ')).chain(["are supported"]);
    found.read(&args.map(str::to_owned).collect::<Vec<_>>());
    found
}

#[allow(clippy::needless_pass_by_value)] // a table reads better without references
fn check<T: PartialEq + std::fmt::Debug>(tokens: &str, fact: fn(&Isupport) -> T, expected: T) {
    assert_eq!(fact(&read(tokens)), expected, "{tokens}");
}

#[test]
fn lengths_are_believed_where_they_make_sense() {
    check("LINELEN=2048", |i| i.line_len, 2048);
    check("LINELEN=12", |i| i.line_len, 512);
    check("LINELEN=2048 -LINELEN", |i| i.line_len, 512);
    check("NICKLEN=30", |i| i.nick_len, Some(30));
    check("NICKLEN=0", |i| i.nick_len, None);
    check("NICKLEN", |i| i.nick_len, None);
}

#[test]
fn modes_know_their_parameters() {
    const USUAL: &str = "PREFIX=(qaohv)~&@%+ CHANMODES=beI,k,flj,imnst";
    check(USUAL, |i| i.prefixes.first().copied(), Some(('q', '~')));
    let takes = |i: &Isupport| {
        let ask = |letters: &str, set| letters.chars().map(|m| i.takes_parameter(m, set)).collect();
        let all: (Vec<bool>, Vec<bool>) = (ask("qvbkfi?", true), ask("qvbkfi?", false));
        all
    };
    let (t, f) = (true, false);
    check(USUAL, takes, (vec![t, t, t, t, t, f, f], vec![t, t, t, t, f, f, f]));
    check("PREFIX=", |i| i.prefixes.len(), 0);
    check("PREFIX=@+ CHANMODES", |i| (i.prefixes.len(), i.takes_parameter('b', true)), (0, false));
    check("PREFIX=(Y)! -PREFIX", |i| i.prefixes.len(), 2);
}

#[test]
fn rooms_have_limits() {
    let limits =
        |i: &Isupport| ["#a", "&a", "+a", ""].map(|room| i.chan_limit(room).map(|(_, most)| most));
    check("CHANLIMIT=#&:20,+:", limits, [Some(20), Some(20), None, None]);
    check("CHANLIMIT=#:20 MAXCHANNELS=9", limits, [Some(20), None, None, None]);
    check("MAXCHANNELS=9", limits, [Some(9), Some(9), None, None]);
    check("MAXCHANNELS=x", limits, [None; 4]);
    check("TARGMAX=KICK:1,JOIN:4", |i| i.join_targets, Some(4));
    check("TARGMAX=JOIN:", |i| i.join_targets, None);
    check("CHANTYPES=#", |i| (i.is_room("#a"), i.is_room("&a")), (true, false));
}

#[test]
fn features_come_and_go() {
    let flags = |i: &Isupport| [i.monitor, i.whox, i.safe_rate];
    check("MONITOR=100 WHOX SAFERATE", flags, [true; 3]);
    check("MONITOR WHOX SAFERATE -MONITOR -WHOX -SAFERATE", flags, [false; 3]);
    check("BOT=B", |i| i.bot, Some('B'));
    check("BOT=+", |i| i.bot, None);
    check("BOT=B -BOT", |i| i.bot, None);
    check("STATUSMSG=@+", |i| i.status_msg.clone(), "@+".to_owned());
    check("CASEMAPPING=ascii", |i| i.casemap, Casemap::Ascii);
}

#[test]
fn values_may_be_escaped() {
    let signs = |i: &Isupport| i.status_msg.clone();
    check(r"STATUSMSG=\x40a\x20b\x5cx", signs, r"@a b\x".to_owned());
    check(r"STATUSMSG=a\xzz\x2", signs, r"a\xzz\x2".to_owned());
    check("STATUSMSG=a -STATUSMSG", signs, String::new());
}

#[test]
fn words_that_the_parser_merged_count_too() {
    let line = ":s 005 ink A B C D E F G H I J K L M N BOT=B WHOX :are supported";
    let message = crate::words::message(line).unwrap();
    let (_, args) = crate::words::numeric(&message).unwrap();
    let mut found = Isupport::default();
    found.read(args);
    assert_eq!((found.bot, found.whox), (Some('B'), true));
}

proptest! {
    #[test]
    fn no_announcement_grows_without_bound(
        name in "-?(PREFIX|CHANMODES|STATUSMSG|CHANTYPES|CHANLIMIT|TARGMAX|NETWORK|BOT|LINELEN)",
        value in r"[()a-z@+#:,0-9]{0,300}|(\\x\PC{0,3}){0,9}",
    ) {
        let found = read(&format!("{name}={value}"));
        prop_assert!(found.prefixes.len() <= MAX_LETTERS && found.chan_limits.len() <= MAX_LETTERS);
        prop_assert!(found.chan_types.len() + found.status_msg.len() <= 8 * MAX_LETTERS);
        prop_assert!(LINES.contains(&found.line_len));
    }
}
