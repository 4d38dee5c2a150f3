//! One line in, one line out: by table, and by a million hostile texts.
use super::*;
use crate::render::lead;
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

fn me() -> Identity {
    let mut me = Identity::new("ink");
    me.learn(&":ink!~ink@host.example JOIN #art".parse().unwrap());
    me
}

fn said(verb: Verb, target: &str, text: &str) -> Option<IrcLine> {
    IrcLine::speech(&me(), verb, target, &lead("ann"), text)
}

fn check(target: &str, text: &str, expected: Option<&str>) {
    let line = said(Verb::Privmsg, target, text);
    assert_eq!(line.map(|line| line.0).as_deref(), expected);
}

#[test]
fn speech_is_one_line() {
    check("#art", "done", Some("PRIVMSG #art :ann: done\r\n"));
    check("#art", "a\r\nQUIT\0b\u{2028}c\u{85}d", Some("PRIVMSG #art :ann: a QUIT b c d\r\n"));
    check("#art", "\u{3}04red\u{1}\u{202e}x", Some("PRIVMSG #art :ann: 04red x\r\n"));
    check("#art x", "done", None);
    check("#a,#b", "done", None);
    check("", "done", None);
    check(":x", "done", None);
    check("#art", "\r\n", None);
    check(&"x".repeat(600), "done", None);
    let notice = said(Verb::Notice, "ann", "done").unwrap();
    assert_eq!(notice.0, "NOTICE ann :ann: done\r\n");
}

#[test]
fn tags_stand_before_the_line_and_a_batch_around_it() {
    let tags = Tags::default().with("label", "s1").with("+reply", "a b");
    let line = said(Verb::Privmsg, "#art", "done").unwrap().tagged(&tags);
    assert_eq!(line.0, "@label=s1;+reply=a\\sb PRIVMSG #art :ann: done\r\n");
    assert_eq!(format!("{line:?}"), "IrcLine(Some(\"PRIVMSG\"))");
    let open = IrcLine::open_batch("b1", "#art").unwrap();
    assert_eq!(open.0, "BATCH +b1 draft/multiline #art\r\n");
    assert_eq!(IrcLine::open_batch("b1", "#a b"), None);
    assert_eq!(IrcLine::close_batch("b1").0, "BATCH -b1\r\n");
}

#[test]
fn a_line_fills_its_budget_to_the_byte() {
    let relayed = |verb: Verb, target: &str, text: &str| {
        let line = said(verb, target, text).unwrap();
        format!(":ink!~ink@host.example {}", line.0)
    };
    for (verb, target) in [(Verb::Privmsg, "#art"), (Verb::Notice, "#art"), (Verb::Notice, "ann")] {
        let max = me().budget(verb.command(), target) - "ann: ".len();
        let whole = relayed(verb, target, &"x".repeat(max));
        assert!(whole.len() == 512 && whole.ends_with("xx\r\n"), "{whole}");
        let cut = relayed(verb, target, &"x".repeat(max + 1));
        assert!((508..=512).contains(&cut.len()) && cut.ends_with("x…\r\n"), "{cut}");
        let linked = relayed(verb, target, &format!("{} https://a.example/i/x", "y".repeat(600)));
        assert!((508..=512).contains(&linked.len()), "{linked}");
        assert!(linked.ends_with("y… https://a.example/i/x\r\n"), "{linked}");
    }
}

#[test]
fn passwords_are_not_shown() {
    let line = IrcLine::command(Command::PASS("hunter2".into()));
    assert_eq!(format!("{line:?}"), "IrcLine(Some(\"PASS\"))");
}

// --- a million cases ---

/// One line and no more: its tags and the rest within their limits, and a verb of ours.
fn is_one_line(line: &IrcLine) -> bool {
    let ends = line.0.chars().filter(|c| is_break(*c)).count();
    let (tags, rest) = match line.0.strip_prefix('@') {
        Some(tagged) => tagged.split_once(' ').unwrap_or_default(),
        None => ("", line.0.as_str()),
    };
    let verb = rest.split([' ', '\r']).next().unwrap_or_default();
    let known = ["PRIVMSG", "NOTICE", "NICK", "BATCH", "WHOIS", "PONG"].contains(&verb);
    line.0.ends_with("\r\n") && ends == 2 && rest.len() <= MAX_SENT && tags.len() <= 4094 && known
}

/// Nobody's line is cut on its way, and it begins with words of ours.
fn arrives(line: &IrcLine, target: &str) -> bool {
    let words = line.0.split_once(&format!(" {target} ")).map(|(_, words)| words);
    words.is_some_and(|words| words.trim_start_matches(':').starts_with("ann: "))
        && ":ink!~ink@host.example ".len() + line.weight() <= 512
}

/// What breaks lines, and letters from all over Unicode.
fn letter(number: u32) -> char {
    const TRAPS: [char; 12] =
        ['\r', '\n', '\0', '\u{1}', '\u{85}', '\u{2028}', '\u{2029}', ' ', ':', ',', ';', '\\'];
    let trap = TRAPS.get(usize::try_from(number % 32).unwrap_or(0));
    trap.copied().or(char::from_u32(number >> 11)).unwrap_or('x')
}

const WAYS: usize = 8;

/// Every way through the gate for one text; `None` where it would be no line.
fn all_ways(me: &Identity, lead: &Lead, text: &str) -> [Option<IrcLine>; WAYS] {
    let tags = Tags::default().with("label", text).with("+reply", text);
    let speech = IrcLine::speech(me, Verb::Privmsg, "#art", lead, text);
    let notice = IrcLine::speech(me, Verb::Notice, "ann", lead, text);
    assert!(speech.iter().all(|line| arrives(line, "#art")), "{text:?}");
    assert!(notice.iter().all(|line| arrives(line, "ann")), "{text:?}");
    [
        speech.map(|line| line.tagged(&tags)),
        notice,
        IrcLine::speech(me, Verb::Notice, text, lead, "x"),
        IrcLine::ctcp_reply("ann", text),
        IrcLine::open_batch("b1", text),
        Some(IrcLine::command(Command::NICK(text.to_owned())).tagged(&tags)),
        Some(IrcLine::command(Command::WHOIS(None, text.to_owned()))),
        Some(IrcLine::command(Command::PONG(text.to_owned(), None))),
    ]
}

/// As many lines on the wire as were meant.
fn gate_holds(me: &Identity, lead: &Lead, text: &str) {
    let ways = all_ways(me, lead, text);
    let lines: Vec<_> = ways.iter().flatten().collect();
    assert!(lines.iter().all(|line| is_one_line(line)), "{text:?}: {lines:?}");
    let wire: Vec<u8> = lines.iter().flat_map(|line| line.as_bytes()).copied().collect();
    let ends = wire.windows(2).filter(|pair| pair == b"\r\n").count();
    assert!(ends == lines.len() && std::str::from_utf8(&wire).is_ok(), "{text:?}");
}

#[test]
fn a_million_texts_make_no_second_line() {
    const CASES: usize = 1_000_000;
    let (me, lead) = (me(), lead("ann"));
    let mut random = StdRng::seed_from_u64(3);
    for _ in 0..CASES / WAYS {
        let length = random.random_range(0..16);
        let text: String = (0..length).map(|_| letter(random.random())).collect();
        let repeat = if random.random_ratio(1, 64) { random.random_range(2..40) } else { 1 };
        gate_holds(&me, &lead, &text.repeat(repeat));
    }
}

proptest! {
    #[test]
    fn no_text_at_all_makes_a_second_line(text in any::<String>()) {
        gate_holds(&me(), &lead("ann"), &text);
    }
}
