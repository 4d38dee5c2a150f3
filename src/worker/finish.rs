//! The end of a part, committed: the last one brings the grid and the links. It runs beside the
//! engine, which paints the next part meanwhile.
use super::{Tools, steps::Run};
use crate::{
    job::{Ending, Job, LinkPolicy},
    media::link_id,
    store::{Effect, Finish, Finished, LinkRow},
};
use inkwire_core::{Artifact, Time};

impl Tools {
    /// Commits the end of a part; the last one brings the grid and the links.
    pub(super) async fn end(&self, run: Run, ending: Ending) {
        let spent = u64::try_from(run.spent.as_micros()).unwrap_or(u64::MAX);
        let at = self.clock.now();
        let keep = run.job.keep.unwrap_or(self.keep);
        let mut finish = Finish {
            attempt: run.attempt.clone(),
            links: Self::links_of(&run, &ending, at),
            ending,
            grid: None,
            at,
            keep_until: at.after(keep),
            spent,
        };
        let effects = loop {
            let step = || self.store.finish(finish.clone());
            match self.insist("finish", step).await {
                Some(Finished::Done(effects)) => break effects,
                Some(Finished::WantsGrid(made)) => {
                    let Ok(grid) = self.grid(&run, &made).await else { return };
                    finish.links.extend(link_row(&grid, &run, at));
                    finish.grid = Some(grid);
                }
                None => return,
            }
        };
        self.log_end(&run.job, &effects);
        self.queue.settle(&run.job.id, run.charged, spent);
        self.queue.done(&run.attempt, run.job.may_wait_until(at));
        self.publish(effects, None);
    }

    fn log_end(&self, job: &Job, effects: &[Effect]) {
        let ended = effects.iter().find_map(|effect| match effect {
            Effect::Ended(_, state) => Some(state.as_str()),
            _ => None,
        });
        let Some(state) = ended else { return };
        let took = job.created.until(self.clock.now());
        metrics::histogram!("inkwire_job_seconds").record(took.as_secs_f64());
        tracing::info!(job = %job.id, state, took_ms = took.as_millis(), "job ended");
    }

    pub(super) fn fresh_link(&self, run: &Run) -> Option<String> {
        let base = self.public_url.as_ref()?;
        matches!(run.job.links, LinkPolicy::For(_)).then(|| format!("{base}/i/{}", link_id()))
    }

    fn links_of(run: &Run, ending: &Ending, at: Time) -> Vec<LinkRow> {
        let Ending::Done(made) = ending else { return vec![] };
        made.iter().filter_map(|artifact| link_row(artifact, run, at)).collect()
    }
}

/// The row behind the link that an artifact carries.
fn link_row(artifact: &Artifact, run: &Run, at: Time) -> Option<LinkRow> {
    let LinkPolicy::For(life) = run.job.links else { return None };
    let (_, id) = artifact.link.as_ref()?.rsplit_once('/')?;
    let (id, media) = (id.to_owned(), artifact.media.clone());
    Some(LinkRow { id, media, image: artifact.index, expires: at.after(life) })
}
