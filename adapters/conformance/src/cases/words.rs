//! What stands on the wire: every ending, whole links, nothing injected, nothing too long.
//! Sentences themselves are tried by each adapter's snapshots.
use super::{Verdict, ensure};
use crate::{PICTURE, Shown, facts, world::World};
use inkwire_core::{Answer, Failure, Outcome};

pub(crate) async fn endings(world: &mut World) -> Verdict {
    for ending in facts::endings() {
        let shown = world.shown_of(ending.clone()).await;
        ensure(!shown.is_empty(), "an ending shown", &ending)?;
    }
    Ok(())
}

pub(crate) async fn long(world: &mut World) -> Verdict {
    let max = world.peer.adapter().capabilities().max_text;
    for text in ["x".repeat(10_000), "ä🦊 ".repeat(3_000)] {
        let shown = world.shown_of(Outcome::Answer(Answer::ReloadFailed(vec![text]))).await;
        ensure(!shown.is_empty(), "something shown", &shown)?;
        let fits = shown.iter().all(|one| max == 0 || one.text.len() <= max);
        ensure(fits, &format!("at most {max} bytes each"), &shown)?;
        let whole = shown.iter().all(|one| !one.text.contains('\u{fffd}'));
        ensure(whole, "no character cut in two", &shown)?;
    }
    Ok(())
}

pub(crate) async fn controls(world: &mut World) -> Verdict {
    const HOSTILE: &str = "fox\r\nQUIT :gone\0\u{1b}[2J\u{85}\u{2028}\rQUIT";
    let node = |message: &str| {
        let node = "KSampler".to_owned();
        Outcome::Failed(Failure::Node { node, message: message.to_owned() })
    };
    for (benign, hostile) in [
        (facts::finished("fox QUIT :gone [2J QUIT"), facts::finished(HOSTILE)),
        (node("fox QUIT :gone [2J QUIT"), node(HOSTILE)),
    ] {
        let expected = world.shown_of(benign).await.len();
        let shown = world.shown_of(hostile).await;
        ensure(shown.len() == expected, &format!("{expected} lines"), &shown)?;
        let clean = shown.iter().all(|one| !one.text.contains(['\r', '\n', '\0', '\u{1b}']));
        ensure(clean, "no control characters", &shown)?;
        let injected = shown.iter().any(|one| one.text.starts_with("QUIT"));
        ensure(!injected, "no line of its own", &shown)?;
    }
    Ok(())
}

pub(crate) async fn linked(world: &mut World) -> Verdict {
    let link = facts::link();
    for prompt in ["a red fox".to_owned(), "a red fox in the snow ".repeat(200)] {
        let shown = world.shown_of(facts::finished(&prompt)).await;
        let last_word = |one: &Shown| one.text.split_whitespace().last().map(str::to_owned);
        let whole = |word: &String| {
            let end = word.strip_prefix(&link);
            end.is_some_and(|end| end.is_empty() || end == ".webp")
        };
        let found = shown.iter().filter_map(last_word).any(|word| whole(&word));
        ensure(found, &format!("{link} at the end of a line"), &shown)?;
    }
    Ok(())
}

pub(crate) async fn uploaded(world: &mut World) -> Verdict {
    let shown = world.shown_of(facts::finished("a red fox")).await;
    let uploaded = shown.iter().any(|one| one.upload.as_deref() == Some(PICTURE));
    ensure(uploaded, "the picture", &shown)
}
