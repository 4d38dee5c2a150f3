//! Outcomes that the cases send, and the surface that adapters see.
//! Plain values; nothing here waits.
use crate::shelf::{LINK_ID, MEDIA_ID, PICTURE};
use inkwire_core::{Artifact, ArtifactKind, Failure, Outcome, PersonId, Recipe, Rules, Surface};
use std::time::Duration;

pub(crate) fn surface() -> Surface {
    let triggers = Rules {
        prefixes: vec!["!".to_owned()],
        names: vec!["inkwire".to_owned()],
        ..Rules::default()
    };
    Surface { triggers, ..Surface::default() }
}

/// The address of the picture, as the service would have made it.
pub(crate) fn link() -> String {
    format!("https://pics.example/i/{LINK_ID}")
}

pub(crate) fn finished(prompt: &str) -> Outcome {
    let artifact = Artifact {
        media: MEDIA_ID.into(),
        kind: ArtifactKind::Image,
        index: 1,
        mime: "image/webp".to_owned(),
        width: 1024,
        height: 1024,
        bytes: u64::try_from(PICTURE.len()).unwrap_or(0),
        thumbnail: None,
        blurhash: None,
        link: Some(link()),
    };
    let recipe = Recipe {
        prompt: prompt.to_owned(),
        model: "sdxl".to_owned(),
        workflow: "sdxl".to_owned(),
        width: 1024,
        height: 1024,
        seed: 42,
        count: 1,
        ..Recipe::default()
    };
    let (recipe, took) = (Box::new(recipe), Duration::from_secs(12));
    Outcome::Finished { artifacts: vec![artifact], recipe, took }
}

/// An ending that is found again in whatever an adapter makes of it.
pub(crate) fn marked(mark: &str) -> Outcome {
    Outcome::Failed(Failure::Internal { error_id: mark.to_owned() })
}

/// Every way in which a job can end.
pub(crate) fn endings() -> Vec<Outcome> {
    vec![
        finished("a red fox"),
        Outcome::Failed(Failure::TimedOut),
        Outcome::Cancelled { by: PersonId("1".to_owned()) },
        Outcome::Expired,
    ]
}
