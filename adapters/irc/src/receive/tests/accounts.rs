//! Whose words they are: tags, answers of the server, hosts that an operator trusts.
use super::*;
use proptest::prelude::*;

const FORGOTTEN: Duration = Duration::from_mins(1);

const QUEUE: &str = ":Ann^!a@h PRIVMSG #art :!queue";
const PAUSE: &str = ":Ann^!a@h PRIVMSG #art :!admin pause";
const STRANGER: (&str, Trust) = ("~a@h", Trust::Unverified);
const BOSS: (&str, Trust) = ("boss", Trust::Account);
/// The account is known, but not whether it still is the speaker's.
const ONCE_BOSS: (&str, Trust) = ("boss", Trust::Unverified);

fn whose(request: &Request) -> (&str, Trust) {
    (&request.from.id.0, request.from.trust)
}

#[test]
fn only_the_server_vouches_for_an_account() {
    let check = |caps: &[&str], tags: &str, expected| {
        let said = format!("{tags}:Ann^!a@h PRIVMSG #art :!a fox");
        let request = Scene::new(caps).hear(&said).unwrap();
        assert_eq!(whose(&request), expected, "{caps:?} {tags}");
        assert_eq!(request.from.name, "Ann^");
    };
    check(&["account-tag"], "@account=Boss ", BOSS);
    check(&["account-tag"], "", STRANGER);
    check(&["account-tag"], "@account=* ", STRANGER);
    check(&["account-tag"], "@account= ", STRANGER);
    check(&["account-tag"], "@account=~ann~ ", STRANGER);
    check(&["account-tag"], "@+account=boss ", STRANGER);
    check(&[], "@account=Boss ", STRANGER);
    check(&["message-tags"], "@account=Boss ", STRANGER);
}

#[test]
fn a_host_counts_where_services_know_of_nobody() {
    let check = |tags: &str, host: &str, expected| {
        let mut scene = Scene::new(&["account-tag"]);
        let request = scene.hear(&format!("{tags}:Ann^!a@{host} PRIVMSG #art :!queue")).unwrap();
        assert_eq!(whose(&request), expected, "{host}");
    };
    check("", "staff.example", BOSS);
    check("", "STAFF.example", BOSS);
    check("", "staff.example.evil", ("~a@staff.example.evil", Trust::Unverified));
    check("@account=eve ", "staff.example", ("eve", Trust::Account));
}

fn asked(whox: bool) -> Scene {
    let mut scene = Scene::new(&[]);
    scene.me.isupport.whox = whox;
    scene
}

#[test]
fn with_whox_everybody_is_asked_about_and_remembered_for_harmless_words() {
    let mut scene = asked(true);
    assert!(scene.hear(QUEUE).is_none());
    assert_eq!(scene.questions, ["WHO ann~ %tnuhaf,1"]);
    let request = scene.hear(":s 354 ink[m] 1 a h Ann^ H Boss").unwrap();
    assert_eq!((whose(&request), text(&request)), (BOSS, "queue"));
    assert_eq!(scene.hear(":s 315 ink[m] ann~ :End").map(|r| r.id), None);
    assert_eq!(whose(&scene.hear(QUEUE).unwrap()), ONCE_BOSS);
    assert!(scene.hear(PAUSE).is_none(), "an admin's words are asked about afresh");
    assert!(scene.hear(QUEUE).is_none(), "and what follows waits behind them");
    assert_eq!(scene.questions.len(), 2);
    let released = scene.take(":s 354 ink[m] 2 a h Ann^ H 0");
    let texts: Vec<_> = released.iter().map(|r| (whose(r), text(r))).collect();
    assert_eq!(texts, [(STRANGER, "admin pause"), (STRANGER, "queue")]);
    assert_eq!(whose(&scene.hear(PAUSE).unwrap()), STRANGER, "that it is nobody is known");
    scene.later(Duration::from_secs(30));
    assert!(scene.hear(PAUSE).is_none());
    assert_eq!(scene.questions.len(), 3);
}

/// How well whoever says this is to be known.
#[test]
fn much_depends_on_words_with_which_some_may_do_more() {
    let check = |words: &str, expected: Need| {
        let said = Words { text: words, by: inkwire_core::Heard::Prefix };
        assert_eq!(place::need(&Scene::new(&[]).surface, &said), expected, "{words}");
    };
    for words in ["admin pause", "PAUSE", "pause now", "room", "room set model x"] {
        check(words, Need::Certain);
    }
    for words in ["cancel k7f", "Stop all"] {
        check(words, Need::Certain);
    }
    for words in ["cancel", "queue", "QUEUE k7f"] {
        check(words, Need::Recent);
    }
    for words in ["", "a fox", "\u{ff50}ause", "\u{e9}t\u{e9}", "cancelled", "set"] {
        check(words, Need::Nothing);
    }
}

#[test]
fn without_whox_only_commands_are_worth_a_question() {
    let mut scene = asked(false);
    let fox = ":Ann^!a@h PRIVMSG #art :inkwire: a fox";
    assert_eq!(whose(&scene.hear(fox).unwrap()), STRANGER);
    for words in ["!admin pause", "!PAUSE", "inkwire: Pause", "!queue", "!cancel k7f"] {
        let mut scene = asked(false);
        assert!(scene.hear(&format!(":Ann^!a@h PRIVMSG #art :{words}")).is_none(), "{words}");
        assert_eq!(scene.questions, ["WHOIS ann~"]);
    }
    assert!(scene.hear(PAUSE).is_none());
    for line in [
        ":s 311 ink[m] Ann^ a h * :Ann",
        ":s 319 ink[m] Ann^ :#art",
        ":s 330 ink[m] bob boss :is logged in as",
        ":s 330 ink[m] Ann^ Boss :is logged in as",
    ] {
        assert!(scene.hear(line).is_none(), "{line}");
    }
    assert_eq!(whose(&scene.hear(":s 318 ink[m] ann~ :End of WHOIS").unwrap()), BOSS);
}

/// Whose an admin's words are, after these lines.
fn after(lines: &[&str]) -> Option<(String, Trust)> {
    let mut scene = asked(true);
    assert!(scene.hear(PAUSE).is_none());
    let request = lines.iter().filter_map(|line| scene.hear(line)).last()?;
    Some((request.from.id.0, request.from.trust))
}

#[test]
fn an_answer_is_about_whoever_spoke() {
    let check = |lines: &[&str], expected: (&str, Trust)| {
        assert_eq!(after(lines), Some((expected.0.to_owned(), expected.1)), "{lines:?}");
    };
    let boss = ":s 354 ink[m] 1 a h Ann^ H Boss";
    check(&[boss], BOSS);
    check(&[":s 354 ink[m] 7 a h Ann^ H Eve", boss], BOSS);
    check(&[":s 354 ink[m] 1 a h Eve H Eve", boss], BOSS);
    check(&[":s 354 ink[m] 1 a h", boss], BOSS);
    check(&[":s 354 ink[m] 1 other h Ann^ H Boss"], STRANGER);
    check(&[":s 354 ink[m] 1 a other Ann^ H Boss"], STRANGER);
    check(&[":s 354 ink[m] 1 a h Ann^ H *"], STRANGER);
    check(&[":s 315 ink[m] ann~ :End"], STRANGER);
    check(&[":Ann^!a@h NICK eve", boss], STRANGER);
    check(&[":eve!a@h NICK ann^", boss], STRANGER);
    check(&[":Ann^!a@h QUIT :bye", boss], STRANGER);
}

#[test]
fn whoever_is_not_answered_for_in_time_is_a_stranger() {
    for (said, patience) in [(QUEUE, 5), (PAUSE, 15)] {
        let mut scene = asked(true);
        assert!(scene.hear(said).is_none());
        let ends = scene.now.instant + Duration::from_secs(patience);
        assert_eq!(scene.receiver.due(), Some(ends));
        assert!(scene.pass(Duration::from_millis(patience * 1000 - 1)).is_empty());
        let late = scene.pass(Duration::from_millis(1));
        assert_eq!(late.iter().map(whose).collect::<Vec<_>>(), [STRANGER]);
        assert!(scene.hear(":s 354 ink[m] 1 a h Ann^ H Boss").is_none());
        assert_eq!(scene.receiver.due(), None);
    }
}

/// Without a token an answer that comes late could be about whoever had the nick before.
#[test]
fn a_late_answer_is_nobodys() {
    let mut scene = asked(false);
    assert!(scene.hear(PAUSE).is_none());
    assert_eq!(whose(&scene.pass(Duration::from_secs(15)).remove(0)), STRANGER);
    assert_eq!(whose(&scene.hear(PAUSE).unwrap()), STRANGER);
    let answer =
        [":s 311 ink[m] Ann^ a h * :x", ":s 330 ink[m] Ann^ Boss :is", ":s 318 ink[m] ann~ :End"];
    assert!(answer.iter().all(|line| scene.take(line).is_empty()));
    assert!(scene.hear(PAUSE).is_none(), "now it can be asked again");
    assert_eq!(scene.questions.len(), 2);
    let answered: Vec<_> = answer.iter().flat_map(|line| scene.take(line)).collect();
    assert_eq!(answered.iter().map(whose).collect::<Vec<_>>(), [BOSS]);

    assert!(scene.hear(PAUSE).is_none());
    scene.pass(Duration::from_secs(15));
    scene.later(FORGOTTEN);
    assert!(scene.hear(PAUSE).is_none(), "a server that never answers is asked again too");
}

/// With one it can be asked again at once; the end of the first answer is not that of the second.
#[test]
fn tokens_tell_answers_apart() {
    let mut scene = asked(true);
    assert!(scene.hear(PAUSE).is_none());
    assert_eq!(scene.pass(Duration::from_secs(15)).len(), 1);
    assert!(scene.hear(PAUSE).is_none());
    assert_eq!(scene.questions.last().unwrap(), "WHO ann~ %tnuhaf,2");
    assert!(scene.hear(":s 354 ink[m] 1 a h Ann^ H Eve").is_none());
    assert!(scene.hear(":s 315 ink[m] ann~ :End").is_none());
    assert_eq!(whose(&scene.hear(":s 354 ink[m] 2 a h Ann^ H Boss").unwrap()), BOSS);
}

#[test]
fn a_server_that_is_too_busy_is_asked_again_later() {
    for (whox, verb) in [(true, "WHO"), (false, "WHOIS")] {
        let mut scene = asked(whox);
        assert!(scene.hear(PAUSE).is_none());
        assert!(scene.hear(":bob!b@h PRIVMSG #art :!queue").is_none());
        assert!(scene.hear(":s 263 ink[m] LIST :Please wait a while").is_none());
        let busy = format!(":s 263 ink[m] {verb} :Please wait a while");
        assert_eq!(whose(&scene.hear(&busy).unwrap()), STRANGER, "in the order of the questions");
        assert!(scene.hear(PAUSE).is_none());
        assert_eq!(scene.questions.len(), 3);
    }
}

#[test]
fn what_waits_when_the_connection_ends_is_heard() {
    let mut scene = asked(true);
    assert!(scene.hear(PAUSE).is_none());
    let heard = scene.receiver.end(&scene.me, &scene.surface, scene.now);
    let requests = scene.requests(heard);
    assert_eq!(requests.iter().map(whose).collect::<Vec<_>>(), [STRANGER]);
}

#[test]
fn an_inviter_is_asked_about() {
    const INVITE: &str = ":Ann^!a@h INVITE ink[m] #new";
    let config = Config { inviters: vec!["BOSS".into()], ..config() };
    let invited = |from: &str, answer: &str| {
        let mut scene = Scene::with(&config, &[]);
        scene.me.isupport.whox = true;
        assert!(scene.take(&INVITE.replace("a@h", from)).is_empty());
        assert_eq!(scene.questions.len(), 1);
        let message = crate::words::message(answer).unwrap();
        let heard = scene.receiver.take(&scene.me, &scene.surface, &message, scene.now);
        heard.iter().any(|heard| matches!(heard, Heard::Invited(room) if room == "#new"))
    };
    assert!(invited("a@h", ":s 354 ink[m] 1 a h Ann^ H Boss"));
    assert!(!invited("a@h", ":s 354 ink[m] 1 b h Ann^ H Boss"));
    assert!(!invited("a@h", ":s 354 ink[m] 1 a h Ann^ H eve"));
    assert!(!invited("a@h", ":s 354 ink[m] 1 a h Ann^ H 0"));
    assert!(invited("a@staff.example", ":s 354 ink[m] 1 a staff.example Ann^ H 0"));
    let mut alone = asked(true);
    assert!(alone.take(INVITE).is_empty());
    assert_eq!(alone.questions, [""; 0], "where nobody may invite us nobody is asked about");
}

#[test]
fn robots_are_found_out() {
    let mut scene = asked(true);
    assert!(scene.hear(QUEUE).is_none());
    assert!(scene.hear(":s 354 ink[m] 1 a h Ann^ HB 0").is_none());
    assert!(scene.hear(QUEUE).is_none(), "and remembered");
    assert_eq!(scene.questions.len(), 1);
    assert!(scene.hear(":Ann^!a@h PRIVMSG #art :<bob> hello").is_none());
    let mut scene = asked(false);
    assert!(scene.hear(PAUSE).is_none());
    for line in
        [":s 311 ink[m] Ann^ a h * :x", ":s 335 ink[m] Ann^ :is a bot", ":s 318 ink[m] Ann^ :End"]
    {
        assert!(scene.hear(line).is_none(), "{line}");
    }
}

#[test]
fn a_server_that_tells_of_logins_is_not_asked() {
    let mut scene = Scene::new(&["account-notify", "extended-join"]);
    scene.me.isupport.whox = true;
    scene.take(":Ann^!a@h JOIN #art Boss :Ann");
    assert_eq!(whose(&scene.hear(PAUSE).unwrap()), BOSS);
    scene.take(":Ann^!a@h ACCOUNT *");
    assert_eq!(whose(&scene.hear(PAUSE).unwrap()), STRANGER);
    assert_eq!(scene.questions, [""; 0]);
    scene.take(":Ann^!a@h PART #art");
    assert!(scene.hear(PAUSE).is_none());
    assert_eq!(scene.questions.len(), 1);
}

#[test]
fn a_relay_may_be_known_by_an_account_that_is_asked_for() {
    let mut scene = asked(false);
    assert!(scene.hear(":telly!t@h PRIVMSG #art :<ann> hello").is_none());
    assert!(scene.questions.is_empty());
    assert!(scene.hear(":telly!t@h PRIVMSG #art :<ann> !queue").is_none());
    scene.take(":s 311 ink[m] telly t h * :x");
    scene.take(":s 330 ink[m] telly telegram :is logged in as");
    let request = scene.hear(":s 318 ink[m] telly :End").unwrap();
    assert_eq!(whose(&request), ("~t@h/ann", Trust::Unverified));
    assert!(scene.hear(":eve!e@h PRIVMSG #art :<ann> !queue").is_none());
    assert!(scene.hear(":s 318 ink[m] eve :End").is_none(), "no relay, no words for us");
}

#[test]
fn a_relay_may_be_a_robot_that_is_found_out() {
    let mut scene = asked(true);
    assert!(scene.hear(":telly!t@h PRIVMSG #art :<ann> !queue").is_none());
    let request = scene.hear(":s 354 ink[m] 1 t h telly HB telegram").unwrap();
    assert_eq!(whose(&request), ("~t@h/ann", Trust::Unverified));
}

#[test]
fn whom_we_ignore_may_be_known_by_an_account_that_is_asked_for() {
    let mut scene = asked(true);
    assert!(scene.hear(QUEUE).is_none());
    assert!(scene.hear(":s 354 ink[m] 1 a h Ann^ H Parrot").is_none());
    assert!(scene.hear(QUEUE).is_none());
}

#[test]
fn questions_are_few_at_a_time_and_an_admins_come_first() {
    let mut scene = asked(true);
    for n in 0..10 {
        assert!(scene.hear(&format!(":n{n}!u{n}@h PRIVMSG #art :!queue")).is_none());
    }
    assert!(scene.hear(PAUSE).is_none());
    assert_eq!(scene.questions.len(), 3);
    assert_eq!(scene.receiver.due(), Some(scene.now.instant + Duration::from_secs(2)));
    assert!(scene.pass(Duration::from_secs(2)).is_empty());
    assert_eq!(scene.questions.last().unwrap(), "WHO ann~ %tnuhaf,4");
    assert_eq!(scene.pass(Duration::from_secs(3)).len(), 10);
    assert_eq!(scene.pass(Duration::from_secs(10)).len(), 1, "an admin's words wait longer");
}

#[test]
fn few_lines_wait_whoever_asks() {
    let mut scene = asked(true);
    let told =
        (0..100).filter(|n| scene.hear(&format!(":n{n}!u{n}@h PRIVMSG #art :!queue")).is_some());
    assert_eq!(told.count(), 36);
    assert_eq!(scene.pass(Duration::from_secs(5)).len(), 64);
}

#[test]
fn nothing_strange_is_asked_about() {
    let mut scene = asked(true);
    for nick in ["a*", "a,b"] {
        let request = scene.hear(&format!(":{nick}!a@h PRIVMSG #art :!queue")).unwrap();
        assert_eq!(whose(&request), STRANGER);
    }
    assert_eq!(scene.questions, [""; 0]);
}

/// A line that only a relay would make somebody else's is counted as its speaker's.
#[test]
fn nobody_is_another_person_with_each_line() {
    let mut scene = asked(false);
    let said = |n: usize| format!(":eve!e@h PRIVMSG #art :<n{n}> !info {n}");
    (0..100).for_each(|n| assert!(scene.hear(&said(n)).is_none()));
    assert_eq!(scene.pass(Duration::from_secs(5)).len(), 0);
    assert!(scene.hear(":eve!e@h PRIVMSG #art :inkwire: hello").is_none(), "far too much");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is said on a network that vouches for nobody, and whatever it claims.
    #[test]
    fn nobody_is_somebody_without_a_server_that_says_so(
        lines in prop::collection::vec(
            "(@(account=boss|\\+account=boss|batch=[xy]|msgid=m|bot)(;account=boss)? )?\
             (:(ann|boss|bridge|telly)!(a|boss)@(h|staff|boss) )\
             (PRIVMSG (#art|ink\\[m\\]) :(<boss> |\\[boss\\] )?(!|inkwire: )?(admin pause|queue)\
             |BATCH (\\+|-)[xy]( draft/multiline #art| chathistory #art| labeled-response)?\
             |JOIN #art( boss :boss)?|NICK (ann|boss)|ACCOUNT boss|QUIT :x|NOTICE #art :!admin pause)",
            1..30,
        ),
        whox in any::<bool>(),
    ) {
        let mut scene = asked(whox);
        for line in &lines {
            let mut requests = scene.take(line);
            requests.extend(scene.pass(Duration::from_secs(1)));
            for request in requests {
                prop_assert_eq!(request.from.trust, Trust::Unverified, "{}", line);
                prop_assert!(request.from.id.0.starts_with('~'));
            }
        }
    }
}
