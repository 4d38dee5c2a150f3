//! What an engine made, ready to be posted and on disk: decoded within limits, re-encoded without
//! metadata, kept with a thumbnail. It commits nothing about the job.
use super::{Tools, steps::Run};
use crate::{engine::Output, picture::Processed};
use inkwire_core::{Artifact, ArtifactKind, Failure};
use std::{future::Future, io, time::Duration};

const DISK_AGAIN: Duration = Duration::from_secs(1);

/// Why there is no artifact.
#[derive(Debug)]
pub(super) enum Unkept {
    Failed(Failure),
    /// The service stops and the disk is full: the engine still has the picture for the next start.
    Left,
}

impl<E: Into<Failure>> From<E> for Unkept {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Tools {
    /// Makes the first picture of a part ready and keeps it; a part is one image.
    pub(super) async fn keep(
        &self,
        run: &Run,
        outputs: Vec<Output>,
    ) -> Result<Vec<Artifact>, Unkept> {
        let mut pictures = outputs.into_iter().filter(|output| output.kind == ArtifactKind::Image);
        let output = pictures.next().ok_or(Failure::Empty)?;
        let processed = self.studio.process(output.bytes).await.inspect_err(|error| {
            tracing::warn!(%error, job = %run.job.id, "unusable picture");
        })?;
        if processed.blank {
            tracing::warn!(job = %run.job.id, "picture is of one colour");
        }
        let index = u16::from(run.attempt.part) + 1;
        Ok(vec![self.store_picture(run, ArtifactKind::Image, index, processed).await?])
    }

    /// All images as one; the first image stands in where that cannot be done.
    pub(super) async fn grid(&self, run: &Run, made: &[Artifact]) -> Result<Artifact, Unkept> {
        match self.compose(run, made).await {
            Err(Unkept::Failed(failure)) => {
                tracing::warn!(?failure, job = %run.job.id, "no grid");
                let first = made.first().ok_or(failure)?.clone();
                let link = self.fresh_link(run);
                Ok(Artifact { kind: ArtifactKind::Grid, index: 0, link, ..first })
            }
            composed => composed,
        }
    }

    async fn compose(&self, run: &Run, made: &[Artifact]) -> Result<Artifact, Unkept> {
        let mut parts = vec![];
        for artifact in made {
            parts.push(self.media.read(&artifact.media).await.ok_or(Failure::Storage)?);
        }
        let processed = self.studio.grid(parts).await?;
        self.store_picture(run, ArtifactKind::Grid, 0, processed).await
    }

    async fn store_picture(
        &self,
        run: &Run,
        kind: ArtifactKind,
        index: u16,
        made: Processed,
    ) -> Result<Artifact, Unkept> {
        let blurhash = made.blurhash.clone();
        let kept = self.patiently(|| self.media.put_picture(made.clone())).await?;
        Ok(Artifact {
            media: kept.picture.id,
            kind,
            index,
            mime: kept.picture.mime,
            width: kept.picture.width,
            height: kept.picture.height,
            bytes: kept.picture.bytes,
            thumbnail: Some(kept.thumbnail.id),
            blurhash: Some(blurhash),
            link: self.fresh_link(run),
        })
    }

    /// A full disk is waited for: the picture is in memory and will fit one day.
    async fn patiently<T, F>(&self, put: impl Fn() -> F) -> Result<T, Unkept>
    where
        F: Future<Output = io::Result<T>>,
    {
        loop {
            match put().await {
                Ok(done) => return Ok(done),
                Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                    tracing::error!(%error, "picture not kept, trying again");
                }
                Err(error) => {
                    tracing::error!(%error, "picture not kept");
                    return Err(Unkept::Failed(Failure::Storage));
                }
            }
            tokio::select! {
                () = self.stopping.cancelled() => return Err(Unkept::Left),
                () = tokio::time::sleep(DISK_AGAIN) => {}
            }
        }
    }
}
