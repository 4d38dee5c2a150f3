//! Bringing pictures home: whole, of the kind they claim to be, and not too large.
//! Names from the server are only ever given back to it.
use super::{ComfyUi, backoff, history::File, http::HttpError};
use crate::engine::{EngineError, Output};
use bytes::Bytes;
use inkwire_core::ArtifactKind;
use tokio::time::sleep;

/// GETs of one file.
const TRIES: u32 = 5;
/// Files of one prompt; a batch is painted one by one.
const MOST_FILES: usize = 64;

impl ComfyUi {
    pub(super) async fn fetch(&self, files: &[File]) -> Result<Vec<Output>, EngineError> {
        let mut room = self.limits.download;
        let mut outputs = Vec::new();
        for file in files.iter().take(MOST_FILES) {
            let output = self.fetch_one(file, room).await?;
            room = room.saturating_sub(output.bytes.len());
            outputs.push(output);
        }
        Ok(outputs)
    }

    async fn fetch_one(&self, file: &File, room: usize) -> Result<Output, EngineError> {
        let folder = file.folder.as_str();
        let query =
            [("filename", file.name.as_str()), ("subfolder", &file.subfolder), ("type", folder)];
        let mut tries = 0;
        loop {
            tries += 1;
            let why = match self.api.view(&query, room).await {
                Ok(bytes) => match recognise(file, bytes) {
                    Ok(output) => return Ok(output),
                    Err(why) => why.to_owned(),
                },
                Err(HttpError::Status { status: 404, .. }) => {
                    // As long as the result is cached, the same prompt names the same lost file.
                    drop(self.api.drop_results().await);
                    return Err(EngineError::Lost);
                }
                Err(error @ HttpError::TooLarge) => {
                    return Err(EngineError::BadOutput(error.to_string()));
                }
                Err(error) => error.to_string(),
            };
            if tries >= TRIES {
                return Err(EngineError::BadOutput(why));
            }
            sleep(backoff(self.times.backoff, tries)).await;
        }
    }
}

fn recognise(file: &File, bytes: Bytes) -> Result<Output, &'static str> {
    if bytes.is_empty() {
        return Err("it sent an empty file");
    }
    let mime = match (file.kind, picture_kind(&bytes)) {
        (ArtifactKind::Image | ArtifactKind::Grid, kind) => {
            kind.ok_or("what it sent is no picture")?
        }
        _ => file.mime,
    };
    Ok(Output { kind: file.kind, mime: mime.to_owned(), bytes })
}

/// By the first bytes: what a picture says it is, and not what it is called.
pub(super) fn picture_kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        _ => None,
    }
}
