//! The grammar by tables, and by properties: it is total, and what it prints it reads again.
mod rooms;

use super::*;
use crate::intake::commands::TABLE;
use inkwire_core::{Admin, Allowed, FlushScope, Imagine, JobRef, JobSelector, Role};
use proptest::prelude::*;

fn read(text: &str) -> Result<Option<Command>, Rejection> {
    parse(text, Heard::Prefix, Role::Admin.into(), &Ceilings::default())
}

fn wish(text: &str) -> Imagine {
    match read(&format!("imagine {text}")) {
        Ok(Some(Command::Imagine(wish))) => *wish,
        other => panic!("{text}: {other:?}"),
    }
}

fn refused(text: &str) -> Rejection {
    read(&format!("imagine {text}")).expect_err(text)
}

#[test]
fn words_and_their_short_forms_are_commands() {
    let check =
        |text: &str, expected: Command| assert_eq!(read(text), Ok(Some(expected)), "{text}");
    let job = |image| JobRef { job: "k7f".into(), image };
    check("cancel", Command::Cancel(JobSelector::Last));
    check("CANCEL All", Command::Cancel(JobSelector::All));
    check("cancel #K7F", Command::Cancel(JobSelector::Id("k7f".into())));
    check("status", Command::Status(None));
    check("status k7f", Command::Status(Some("k7f".into())));
    check("info k7f.2", Command::Info(job(Some(2))));
    check("info\u{a0}k7f", Command::Info(job(None)));
    check("again", Command::Again(None));
    check("again k7f.１", Command::Again(Some(job(Some(1)))));
    check("delete k7f", Command::Delete(job(None)));
    check("help admin flush", Command::Help(Some("admin flush".into())));
    check("\u{2}que\u{200b}ue\u{f}", Command::Queue);
    check("ｑｕｅｕｅ", Command::Queue);
    check("admin   models", Command::Admin(Admin::Models));
    check("models", Command::Models);
    check("Pause", Command::Admin(Admin::Pause));
    check("unload gpu1", Command::Admin(Admin::Unload(Some("gpu1".into()))));
    let flush = |scope, running| Command::Admin(Admin::Flush { scope, running });
    check("admin flush", flush(FlushScope::All, false));
    check("flush --running user Ann B", flush(FlushScope::User("Ann B".into()), true));
    check("flush room #art —running", flush(FlushScope::Room("#art".into()), true));
    check("flush model sdxl", flush(FlushScope::Model("sdxl".into()), false));
}

#[test]
fn words_that_a_command_does_not_take_show_its_usage() {
    for text in ["queue now", "cancel a b", "info", "info k7f.x", "info ../etc", "flush user"] {
        assert!(matches!(read(text), Err(Rejection::Usage { .. })), "{text}: {:?}", read(text));
    }
    let Err(Rejection::Usage { usage }) = read("imagine a fox --private now") else {
        panic!("usage expected");
    };
    assert!(usage.starts_with("imagine PROMPT"), "{usage}");
}

#[test]
fn what_is_not_for_us_stays_unanswered() {
    let check = |text: &str, heard, expected: Result<Option<Command>, Option<&str>>| {
        let read = parse(text, heard, Role::Everybody.into(), &Ceilings::default());
        let read = read.map_err(|rejection| match rejection {
            Rejection::UnknownCommand { nearest, .. } => nearest,
            Rejection::NotAllowed => Some("not allowed".to_owned()),
            other => panic!("{text}: {other:?}"),
        });
        let ours = is_for_us(text, heard, Role::Everybody.into());
        assert_eq!(ours, heard != Heard::Prefix || read != Ok(None), "{text}");
        assert_eq!(read, expected.map_err(|nearest| nearest.map(str::to_owned)), "{text}");
    };
    check("roll 2d6", Heard::Prefix, Ok(None));
    check("!!", Heard::Prefix, Ok(None));
    check("", Heard::Prefix, Ok(None));
    check("", Heard::Direct, Ok(None));
    check("", Heard::Name, Ok(Some(Command::Help(None))));
    check("imagin a fox", Heard::Name, Err(Some("imagine")));
    check("queu", Heard::Direct, Err(Some("queue")));
    check("a red fox", Heard::Direct, Err(None));
    check("zzzzzz", Heard::Typed, Err(None));
    // Short names of what only admins may do belong to other machines, for all others.
    check("pause", Heard::Prefix, Ok(None));
    check("flsh", Heard::Name, Err(None));
    check("admin dance", Heard::Prefix, Ok(None));
    check("admin dance", Heard::Name, Err(None));
    // Their long names are as unknown after a prefix, well or badly used; who asks us is told.
    for text in ["admin pause", "admin pause now", "ADMIN  flush", "room set steps 9", "room set"] {
        check(text, Heard::Prefix, Ok(None));
        for heard in [Heard::Name, Heard::Direct, Heard::Typed] {
            check(text, heard, Err(Some("not allowed")));
        }
    }
}

#[test]
fn the_prompt_is_everything_before_the_first_flag() {
    let check = |text: &str, prompt: &str, count: Option<u8>| {
        let wish = wish(text);
        assert_eq!((wish.prompt.as_str(), wish.count), (prompt, count), "{text}");
    };
    check("a red fox --count 2", "a red fox", Some(2));
    check("a  red\u{a0}fox\n-c 2", "a red fox", Some(2));
    check("a Picasso-esque -esque boat - big", "a Picasso-esque -esque boat - big", None);
    check("a sign --- and a -x and a --5", "a sign --- and a -x and a --5", None);
    check("a fox -- --count 2", "a fox --count 2", None);
    check("a fox --count 2 -- in the --snow", "a fox in the --snow", Some(2));
    check("--count 2 -- a fox", "a fox", Some(2));
    check("\"a red fox\" --count 2", "a red fox", Some(2));
    check("“a red fox”", "a red fox", None);
    check("\"one\" and \"two\"", "\"one\" and \"two\"", None);
    check("a fox — dark —moody", "a fox — dark —moody", None);
    check("a fox —count 2", "a fox", Some(2));
    check("a fox –c 2", "a fox", Some(2));
    check("a fox ‑‑count 2", "a fox", Some(2));
    check("a fox −c 2", "a fox", Some(2));
    check("a fox ——count 2", "a fox ——count 2", None);
    check("a fox --COUNT=２", "a fox", Some(2));
    check("a fox －－ｃｏｕｎｔ＝３", "a fox", Some(3));
    check("a fox --count \"2\"", "a fox", Some(2));
    check("a fox --count 2 --count ２", "a fox", Some(2));
    check("\u{3}04,01a \u{202e}red\u{1d} fox\u{7}\0", "a red fox", None);
}

#[test]
fn every_flag_sets_what_it_says() {
    let wish = wish(
        "a fox -m Dream Shaper -w 512 -h 768 -n bad hands, (text:1.2) -s 18446744073709551615 \
         --steps 30 --cfg 7.5 --sampler euler --scheduler karras --denoise .5 --style film \
         --workflow sdxl --private",
    );
    assert_eq!(wish.model.as_deref(), Some("Dream Shaper"));
    assert_eq!((wish.width, wish.height), (Some(512), Some(768)));
    assert_eq!(wish.negative.as_deref(), Some("bad hands, (text:1.2)"));
    assert_eq!((wish.seed, wish.steps), (Some(u64::MAX), Some(30)));
    assert_eq!((wish.cfg, wish.denoise), (Some(7.5), Some(0.5)));
    assert_eq!(wish.sampler.as_deref(), Some("euler"));
    assert_eq!(wish.scheduler.as_deref(), Some("karras"));
    assert_eq!(wish.style.as_deref(), Some("film"));
    assert_eq!(wish.workflow.as_deref(), Some("sdxl"));
    assert!(wish.private);
}

#[test]
fn every_flag_in_the_table_has_a_meaning_of_its_own() {
    let mut seen = vec![wish("a fox")];
    for flag in flags::FLAGS {
        let value = match flag.allowed(&Ceilings::default()) {
            Allowed::Size => "64x64",
            Allowed::Aspect => "1:1",
            _ if flag.is_switch() => "",
            _ => "1",
        };
        let wish = wish(&format!("a fox --{} {value}", flag.name));
        assert!(!seen.contains(&wish), "--{}", flag.name);
        assert_eq!(wish.private, flag.name == "private", "--{}", flag.name);
        seen.push(wish);
    }
}

#[test]
fn quoted_values_may_hold_flags() {
    let check = |text: &str, negative: &str, count: Option<u8>| {
        let wish = wish(text);
        assert_eq!((wish.negative.as_deref(), wish.count), (Some(negative), count), "{text}");
    };
    check("a --no \"bad --count 3 hands\" -c 2", "bad --count 3 hands", Some(2));
    check("a --no=“bad --count 3 hands” -c 2", "bad --count 3 hands", Some(2));
    check("a --no 'tis bad -c 2", "'tis bad", Some(2));
    check("a --no 'tis bad -c 2 --style \"film\"", "'tis bad", Some(2));
    check("a --no 'bad \"--count 3\" hands' -c 2", "bad \"--count 3\" hands", Some(2));
    check("a --no \"hands\" and feet", "\"hands\" and feet", None);
    check("a --no \"", "\"", None);
    check("a --negative hands", "hands", None);
}

#[test]
fn sizes_and_shapes() {
    for text in ["1024x768", "1024X768", "1024×768", "1024*768", "１０２４ｘ７６８", "1024 x 768"]
    {
        let wish = wish(&format!("a --size {text}"));
        assert_eq!((wish.width, wish.height), (Some(1024), Some(768)), "{text}");
    }
    for text in ["16:9", "１６：９", "16/9", "16 : 9"] {
        assert_eq!(wish(&format!("a --ar {text}")).aspect, Some((16, 9)), "{text}");
    }
}

#[test]
fn help_and_height_share_a_letter() {
    let help = Ok(Some(Command::Help(Some("imagine".into()))));
    for text in ["imagine -h", "imagine a fox -h", "imagine -h --count 2", "i --help", "i a -h b"] {
        assert_eq!(read(text), help, "{text}");
    }
    assert_eq!(wish("a fox -h 512").height, Some(512));
    assert_eq!(wish("a fox -h ５１２").height, Some(512));
}

#[test]
fn seeds_may_be_left_to_chance() {
    for text in ["a --seed -1", "a --seed random", "a -s -1"] {
        assert_eq!(wish(text).seed, None, "{text}");
    }
}

#[test]
fn numbers_that_are_none_are_refused_with_what_is_allowed() {
    let numbers = ["NaN", "inf", "-0", "-5", "+5", "1e309", "0x10", "1_0", "٣", "2 in snow", "½"];
    for number in numbers {
        for flag in ["width", "height", "steps", "cfg", "denoise", "seed", "count"] {
            let rejection = refused(&format!("a --{flag} {number}"));
            let Rejection::BadValue { flag: named, .. } = &rejection else {
                panic!("--{flag} {number}: {rejection:?}");
            };
            assert_eq!(*named, format!("--{flag}"), "{number}");
        }
    }
    for (flag, number) in [
        ("seed", "18446744073709551616"),
        ("width", "4294967296"),
        ("count", "256"),
        ("cfg", "1.2.3"),
        ("steps", "20.5"),
        ("size", "10"),
        ("size", "axb"),
        ("size", "10x"),
        ("ar", "16"),
        ("ar", "16:9:4"),
    ] {
        let rejection = refused(&format!("a --{flag} {number}"));
        assert!(matches!(rejection, Rejection::BadValue { .. }), "{flag} {number}: {rejection:?}");
    }
    let count = Rejection::BadValue {
        flag: "--count".into(),
        value: "many".into(),
        allowed: Allowed::Integer { min: 1, max: 4 },
        nearest: None,
    };
    assert_eq!(refused("a --count many"), count);
}

#[test]
fn slips_are_named() {
    let unknown = |flag: &str, nearest: Option<&str>| Rejection::UnknownFlag {
        flag: flag.into(),
        nearest: nearest.map(str::to_owned),
    };
    assert_eq!(refused("a --cuont 2"), unknown("--cuont", Some("--count")));
    assert_eq!(refused("a --negativ b"), unknown("--negativ", Some("--no")));
    assert_eq!(refused("a --w 5"), unknown("--w", Some("--width")));
    assert_eq!(refused("a --xyzzy"), unknown("--xyzzy", None));
    let repeated = Rejection::Repeated { flag: "--seed".into() };
    assert_eq!(refused("a --seed 1 -s 2"), repeated);
    let missing = Rejection::MissingValue { flag: "--model".into(), allowed: Allowed::Text };
    assert_eq!(refused("a --model --seed 1"), missing);
    assert_eq!(refused("a -m"), missing);
    let conflict = Rejection::Conflict { flag: "--size".into(), with: "--width".into() };
    assert_eq!(refused("a --size 8x8 -w 8"), conflict);
    for empty in ["", "--count 2", "\"\"", "-- ", "\u{200b}"] {
        assert_eq!(refused(empty), Rejection::EmptyPrompt, "{empty:?}");
    }
}

#[test]
fn long_lines_are_refused_and_not_repeated() {
    let long = format!("a {}", "--seed 1 ".repeat(10_000));
    assert!(matches!(refused(&long), Rejection::PromptTooLong { .. }));
    let many = format!("a {}", "--seed 1 ".repeat(3_000));
    assert_eq!(wish(&many).seed, Some(1));
    let Rejection::BadValue { value, .. } = refused(&format!("a --count {}", "9".repeat(9_000)))
    else {
        panic!("bad value expected");
    };
    assert!(value.len() < 100, "{value}");
    let word = "x".repeat(100_000);
    let unknown = parse(&word, Heard::Name, Role::Everybody.into(), &Ceilings::default());
    assert!(format!("{unknown:?}").len() < 200);
}

#[test]
fn names_in_the_table_are_unique_and_found() {
    let of = |row: &'static Row| [&[row.name], row.aliases].concat().into_iter();
    let mut names: Vec<_> =
        TABLE.iter().flat_map(|row| of(row).map(|name| (name, row.role))).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for row in TABLE {
        for name in [&[row.name], row.aliases].concat() {
            let (word, rest) = first_word(name);
            let (found, rest) = find(word, rest, row.role.into()).expect(name);
            assert_eq!((found.name, rest), (row.name, ""));
        }
    }
}

/// A wish as somebody would type it.
fn spell(wish: &Imagine) -> String {
    use std::fmt::Write;
    let mut line = format!("imagine {}", wish.prompt);
    let mut flag = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            write!(line, " --{name} {value}").unwrap();
        }
    };
    flag("no", wish.negative.clone());
    flag("model", wish.model.clone());
    flag("width", wish.width.map(|n| n.to_string()));
    flag("ar", wish.aspect.map(|(w, h)| format!("{w}:{h}")));
    flag("count", wish.count.map(|n| n.to_string()));
    flag("seed", wish.seed.map(|n| n.to_string()));
    flag("cfg", wish.cfg.map(|n| n.to_string()));
    flag("private", wish.private.then(String::new));
    line
}

prop_compose! {
    fn wishes()(
        prompt in "[a-z][a-z,(): ]{0,30}[a-z]",
        negative in proptest::option::of("[a-z][a-z ]{0,10}[a-z]"),
        model in proptest::option::of("[A-Za-z0-9._]{1,12}"),
        width: Option<u32>,
        aspect: Option<(u32, u32)>,
        count: Option<u8>,
        seed: Option<u64>,
        cfg in proptest::option::of(0.0..100.0),
        private: bool,
    ) -> Imagine {
        let joined = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        Imagine {
            prompt: joined(prompt),
            negative: negative.map(joined),
            model, width, aspect, count, seed, cfg, private,
            ..Imagine::default()
        }
    }
}

proptest! {
    #[test]
    fn a_wish_that_is_spelled_out_is_read_again(wish in wishes()) {
        prop_assert_eq!(read(&spell(&wish)), Ok(Some(Command::Imagine(Box::new(wish)))));
    }

    #[test]
    fn nothing_makes_it_panic(text in any::<String>(), role in prop_oneof![Just(Role::Admin), Just(Role::RoomOperator), Just(Role::Everybody)]) {
        for heard in [Heard::Prefix, Heard::Name, Heard::Direct, Heard::Typed] {
            let read = parse(&text, heard, role.into(), &Ceilings::default());
            let told = matches!(read, Err(Rejection::UnknownCommand { .. }));
            prop_assert!(!told || heard != Heard::Prefix, "{:?}", read);
        }
        let _read = read(&format!("imagine {text}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Pieces that have broken parsers, in every order: an answer, and a bounded one.
    #[test]
    fn hostile_lines_get_a_bounded_answer(
        row in proptest::sample::select(TABLE),
        pieces in proptest::collection::vec(hostile(), 1..40),
    ) {
        let line = format!("{} {}", row.name, pieces.concat());
        match read(&line) {
            Ok(Some(Command::Imagine(wish))) => {
                prop_assert!(!wish.prompt.is_empty());
                prop_assert!(!wish.prompt.chars().any(char::is_control));
            }
            Ok(command) => prop_assert!(command.is_some() || row.name.contains(' ')),
            Err(rejection) => prop_assert!(format!("{rejection:?}").len() < 600, "{:?}", rejection),
        }
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = [
        " ",
        "--",
        " -- ",
        "—",
        "–",
        "-",
        "\"",
        "“",
        "'",
        "«",
        "=",
        "＝",
        " --no ",
        " --count ",
        " -h ",
        " --size=",
        " --seed ",
        "１０２４",
        "1e309",
        "NaN",
        "-0",
        "\u{202e}",
        "\u{2066}",
        "\u{3}12,3",
        "\r\n",
        "\0",
        "(((",
        ")))",
        ":1.3)",
        "<lora:x:9>",
        "embedding:x",
        "𝟙",
        "ﬁ",
        "İ",
        "ß",
        "\u{301}\u{301}",
        "🏴\u{e0067}\u{e007f}",
        "א",
        "fox",
        "\u{fffd}",
        "％ｎ",
        "{prompt}",
    ];
    prop_oneof![
        8 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}
