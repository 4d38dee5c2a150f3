//! Everything that a broken or hostile server may send: the connection goes on, and what a person
//! says next is heard.
use super::{
    ircd::Script,
    scenes::{Scene, config},
};
use crate::{
    Config,
    connection::message,
    framing::Frames,
    identity::Identity,
    session::{Reaction, Session},
};
use inkwire_core::{Body, Notes, Rules, Surface, Time};

const PIECES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/irc/hostile_lines"));
const NOW: Time = Time(1_795_161_600_000);

fn pieces() -> Vec<(&'static str, Vec<u8>)> {
    let lines = PIECES.lines().filter(|line| !line.starts_with("# "));
    lines.map(|line| (line, bytes(line))).collect()
}

/// What the escapes of the file stand for.
fn bytes(line: &str) -> Vec<u8> {
    let (mut found, mut rest) = (vec![], line);
    while let Some((before, escape)) = rest.split_once('\\') {
        found.extend(before.as_bytes());
        let (kind, after) = escape.split_at(1);
        rest = match kind {
            "r" | "n" | "0" | "\\" => {
                found.push(match kind {
                    "r" => b'\r',
                    "n" => b'\n',
                    "0" => 0,
                    _ => b'\\',
                });
                after
            }
            "x" => {
                let (byte, after) = after.split_at(2);
                found.push(u8::from_str_radix(byte, 16).unwrap());
                after
            }
            "u" => {
                let (code, after) = after.strip_prefix('{').unwrap().split_once('}').unwrap();
                let letter = char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
                found.extend(letter.to_string().as_bytes());
                after
            }
            "<" => {
                let (piece, after) = after.split_once('>').unwrap();
                let (times, text) = piece.split_once('*').unwrap();
                found.extend(bytes(text).repeat(times.parse().unwrap()));
                after
            }
            _ => panic!("{line}"),
        };
    }
    found.extend(rest.as_bytes());
    found
}

fn surface() -> Surface {
    let triggers = Rules { prefixes: vec!["!".into()], ..Rules::default() };
    Surface { triggers, ..Surface::default() }
}

/// The texts that are heard in these bytes.
async fn heard(bytes: &[u8]) -> Vec<String> {
    let mut me = Identity::new("ink");
    me.caps = crate::caps::Caps::of(&["account-tag", "batch", "message-tags", "server-time"]);
    let mut session = Session::new("irc.test".into(), &config().into(), me, Notes::new(), NOW);
    let (mut frames, mut found) = (Frames::new(bytes), vec![]);
    while let Some(line) = frames.next().await.unwrap() {
        let Some(message) = message(Ok(Some(line))).unwrap() else { continue };
        for reaction in session.take(&message, &surface(), NOW).unwrap() {
            if let Reaction::Ask(request) = reaction
                && let Body::Text(text) = request.body
            {
                found.push(text);
            }
        }
    }
    found
}

#[tokio::test]
async fn what_comes_after_each_of_them_is_heard() {
    let pieces = pieces();
    assert!(pieces.len() >= 300, "{}", pieces.len());
    for (line, piece) in pieces {
        let (join, good) =
            (&b":ink!i@h JOIN #art\r\n"[..], b"\r\n:ann!a@h PRIVMSG #art :!imagine a fox\r\n");
        let found = heard(&[join, &piece, good].concat()).await;
        assert_eq!(found, ["imagine a fox"], "{line}");
    }
}

/// A line that ends with the stream is no line, whatever it is.
#[tokio::test]
async fn none_of_them_is_run_half() {
    for (line, piece) in pieces() {
        let last = piece.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let cut = [b":ink!i@h JOIN #art\r\n", last].concat();
        assert!(heard(&cut).await.is_empty(), "{line}");
    }
}

#[tokio::test]
async fn one_connection_survives_all_of_them() {
    let config = Config { nick: "ink".into(), ..config() };
    let mut scene = Scene::joined(Script::default(), config).await;
    for (n, (line, piece)) in pieces().into_iter().enumerate() {
        scene.ircd.send_bytes(&[&piece, &b"\r\n"[..]].concat()).await;
        scene.ircd.send(&format!(":n{n}!u{n}@h PRIVMSG #art :!imagine {n} foxes")).await;
        assert_eq!(scene.answered().await, format!("imagine {n} foxes"), "{line}");
    }
}
