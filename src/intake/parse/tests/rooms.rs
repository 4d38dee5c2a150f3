//! What operators of rooms may type, and what the same words are to others.
use super::*;
use crate::intake::access::RoomOperators;
use inkwire_core::Room;

#[test]
fn a_short_name_means_what_its_speaker_may_do() {
    let check = |role: Role, text: &str, expected: Option<Command>| {
        let read = parse(text, Heard::Prefix, role.into(), &Ceilings::default());
        assert_eq!(read, Ok(expected), "{role:?}: {text}");
    };
    let all = Admin::Flush { scope: FlushScope::All, running: true };
    check(Role::Admin, "flush --running", Some(Command::Admin(all)));
    let here = |running| Some(Command::Room(Room::Flush { running }));
    check(Role::Admin, "room flush", here(false));
    check(Role::RoomOperator, "flush", here(false));
    check(Role::RoomOperator, "FLUSH —running", here(true));
    check(Role::RoomOperator, "admin flush", None);
    check(Role::Everybody, "flush", None);
    for text in ["flush all", "flush room #other", "flush user ann", "flush model sdxl"] {
        let read = parse(text, Heard::Prefix, Role::RoomOperator.into(), &Ceilings::default());
        assert!(matches!(read, Err(Rejection::Usage { .. })), "{text}: {read:?}");
    }
    let (role, flush) = (Role::RoomOperator, false);
    let room_operators = RoomOperators { flush, ..RoomOperators::default() };
    let rights = Rights { role, room_operators };
    let read = parse("room flush", Heard::Prefix, rights, &Ceilings::default());
    assert_eq!(read, Ok(None), "what is not left to them is nothing to them");
}

#[test]
fn defaults_of_a_room_are_flags() {
    let check = |text: &str, flags: &str| {
        let expected = Imagine { prompt: String::new(), ..wish(&format!("a fox {flags}")) };
        let set = Room::Set(Box::new(expected));
        assert_eq!(read(&format!("room set {text}")), Ok(Some(Command::Room(set))), "{text}");
    };
    for flag in flags::OF_ROOMS {
        let value = match flags::Flag::long(flag).expect(flag).allowed(&Ceilings::default()) {
            Allowed::Size => "64x64",
            Allowed::Aspect => "1:1",
            _ => "1",
        };
        check(&format!("{flag} {value}"), &format!("--{flag} {value}"));
        let unset = Command::Room(Room::Unset(Some(flag.to_owned())));
        assert_eq!(read(&format!("room unset {flag}")), Ok(Some(unset)));
    }
    check("negative bad hands, text", "--no bad hands, text");
    check("STEPS=9", "--steps 9");
    check("--steps 9 --count 2", "--steps 9 --count 2");
    let refused = |text: &str| read(&format!("room {text}")).expect_err(text);
    for text in
        ["set", "set 9", "set seed 9", "set private", "set steps 9 --seed 3", "unset", "unset seed"]
    {
        let refused = refused(text);
        let usage = matches!(&refused, Rejection::Usage { usage } if usage.starts_with("room "));
        assert!(usage, "{text}: {refused:?}");
    }
    assert_eq!(refused("set steps many"), super::refused("a --steps many"));
    assert_eq!(refused("set stepz 9"), super::refused("a --stepz 9"));
    assert_eq!(refused("set steps"), super::refused("a --steps"));
    assert_eq!(refused("set size 1x1 --ar 1:1"), super::refused("a --size 1x1 --ar 1:1"));
}
