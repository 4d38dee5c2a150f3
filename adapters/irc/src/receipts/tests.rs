//! Signs of servers with labels and without, as they were seen on the wire.
use super::*;
use crate::caps::Caps;

const LABELS: &[&str] = &["labeled-response"];

fn signs(caps: &[&str], lines: &[&str]) -> Vec<Option<Sign>> {
    let (mut reader, mut me) = (Reader::default(), Identity::new("ink"));
    me.caps = Caps::of(caps);
    lines.iter().map(|line| reader.take(&me, &line.parse().unwrap())).collect()
}

fn check(caps: &[&str], lines: &[&str], expected: impl Into<Option<Sign>>) {
    assert_eq!(signs(caps, lines).pop(), Some(expected.into()), "{lines:?}");
}

fn refused(label: Option<u64>, target: &str, why: Refusal) -> Sign {
    Sign::Refused { label, target: Some(target.to_owned()), why }
}

#[test]
fn a_labelled_answer_is_a_receipt() {
    for line in [
        "@label=s7 :ink!i@h PRIVMSG #art :done",
        "@label=s7 :s ACK",
        "@label=s7 :s 301 ink ann :gone fishing",
    ] {
        check(LABELS, &[line], Sign::Taken(7));
    }
    check(&[], &["@label=s7 :s ACK"], None);
    for foreign in ["@label=x7 :s ACK", "@label=s :s ACK", ":s ACK", ":s BATCH -b", "PING s7"] {
        check(LABELS, &[foreign], None);
    }
}

#[test]
fn a_labelled_batch_is_a_receipt_at_its_end() {
    let lines =
        ["@label=s7 :s BATCH +b labeled-response", "@batch=b :s NOTICE a :b", ":s BATCH -b"];
    assert_eq!(signs(LABELS, &lines), [None, None, Some(Sign::Taken(7))]);
    let lines = ["@label=s7 BATCH +b draft/multiline #art", "@batch=b :ink!i@h PRIVMSG #art :x"];
    assert_eq!(signs(LABELS, &lines), [None, None]);
}

#[test]
fn a_refusal_carries_its_label_where_there_are_labels() {
    let closed = || refused(Some(7), "#art", Refusal::Closed);
    check(LABELS, &["@label=s7 :s 404 ink #art :Cannot send to channel"], closed());
    let batch = "@label=s7 :s BATCH +b labeled-response";
    check(LABELS, &[batch, "@batch=b :s 404 ink #art :Cannot"], closed());
    let unheard_of = refused(Some(7), "ann", Refusal::Unwanted);
    check(LABELS, &["@label=s7 :s 599 ink ann :no"], unheard_of);
    let failed = Sign::Refused { label: Some(7), target: None, why: Refusal::Unwanted };
    check(LABELS, &["@label=s7 :s FAIL * NEED_REGISTRATION :no"], failed);
}

#[test]
fn refusals_say_what_to_do() {
    let seconds = |seconds| Refusal::Later(Duration::from_secs(seconds));
    for (line, target, why) in [
        (":s 401 ink ann :No such nick", "ann", Refusal::Gone),
        (":s 403 ink #art :No such channel", "#art", Refusal::Outside),
        (":s 404 ink #art :Cannot send to channel (+m)", "#art", Refusal::Closed),
        (":s 477 ink #art :Register first", "#art", Refusal::Closed),
        (":s 417 ink #art :Too long", "#art", Refusal::TooLong),
        (":s 439 ink ann :Please wait 104 seconds", "ann", seconds(104)),
        (":s 439 ink ann :Please wait 1000000 seconds", "ann", Refusal::Later(LONGEST_WAIT)),
        (":s 439 ink ann :Too fast", "ann", Refusal::Later(SLOW_DOWN)),
        (":s 716 ink ann :is in +g mode", "ann", Refusal::Unwanted),
        (":s 531 ink ann :You may not", "ann", Refusal::Unwanted),
        ("FAIL NOTICE CANNOT_SEND #art :no", "#art", Refusal::Closed),
    ] {
        check(&[], &[line], refused(None, target, why));
    }
    let nobody = |why| Sign::Refused { label: None, target: None, why };
    check(&[], &[":s 263 ink PRIVMSG :Please wait"], nobody(Refusal::Later(SLOW_DOWN)));
    check(&[], &["FAIL PRIVMSG CANNOT_SEND :no"], nobody(Refusal::Closed));
    check(&[], &[":s 417 ink :Input line was too long"], nobody(Refusal::TooLong));
    check(&[], &["FAIL BATCH MULTILINE_MAX_LINES 2 :no"], nobody(Refusal::NoBatch));
}

#[test]
fn most_lines_are_no_sign() {
    for line in [
        ":s 263 ink LIST :Please wait",
        ":s 433 ink ann :in use",
        ":s 599 ink ann :no",
        ":s 332 ink #art :a topic",
        ":s 717 ink ann :has been told",
        "FAIL JOIN X #art :no",
        "FAIL",
        "PONG inkwire",
        "PONG :said-",
        ":ann!a@h PRIVMSG #art :s7",
    ] {
        check(&[], &[line], None);
    }
}

#[test]
fn an_answered_ping_says_that_all_before_it_is_done() {
    check(&[], &[":s PONG s said-3"], Sign::Answered(3));
    check(&[], &["PONG :said-3"], Sign::Answered(3));
}

#[test]
fn batches_that_never_end_are_not_all_remembered() {
    let (mut reader, mut me) = (Reader::default(), Identity::new("ink"));
    me.caps = Caps::of(LABELS);
    for number in 0..1000 {
        let line = format!("@label=s{number} :s BATCH +b{number} labeled-response");
        reader.take(&me, &line.parse().unwrap());
    }
    assert_eq!(reader.batches.len(), MAX_BATCHES);
}
