//! What `/livez`, `/readyz` and `/metrics` tell, looked up where it is known.
use crate::{
    app::Watch,
    telemetry::{
        Readiness, Source,
        metrics::{bytes, count},
    },
};
use async_trait::async_trait;
use inkwire_core::{EngineHealth, Health};
use std::{collections::BTreeMap, time::Duration};

/// A store that takes longer to answer a count is taken for dead.
const BEAT: Duration = Duration::from_secs(10);

pub(super) struct Sight {
    watch: Watch,
}

impl Sight {
    pub(super) fn new(watch: Watch) -> Self {
        Self { watch }
    }

    fn adapters(&self) -> BTreeMap<String, String> {
        let say = |health: &Health| match health {
            Health::Up | Health::InputEnded => "up".to_owned(),
            Health::Starting => "starting".to_owned(),
            Health::Down(why) => format!("down: {why}"),
        };
        let adapters = self.watch.adapters.iter();
        adapters.map(|(id, cell)| (format!("adapter {id}"), say(&cell.get()))).collect()
    }

    /// Whether people can talk to us somewhere; a server of links counts only where nothing else is.
    fn is_heard(&self) -> bool {
        let Watch { adapters, links_only, .. } = &self.watch;
        let only_links = adapters.iter().all(|(id, _)| links_only.contains(id));
        let mut meant = adapters.iter().filter(|(id, _)| only_links || !links_only.contains(id));
        let up = |health| matches!(health, Health::Up | Health::InputEnded);
        adapters.is_empty() || meant.any(|(_, cell)| up(cell.get()))
    }

    fn engines(&self) -> BTreeMap<String, String> {
        let fleet = self.watch.fleet.borrow();
        let say = |health, reason: &Option<String>| match (health, reason) {
            (EngineHealth::Up, _) => "up".to_owned(),
            (health, Some(why)) => format!("{health:?}: {why}").to_lowercase(),
            (health, None) => format!("{health:?}").to_lowercase(),
        };
        let engines = fleet.engines.iter();
        engines
            .map(|engine| {
                let status = &engine.status;
                (format!("engine {}", engine.name), say(status.health, &status.reason))
            })
            .collect()
    }

    async fn sample_store(&self) {
        let Ok(stats) = self.watch.store.stats().await else { return };
        metrics::gauge!("inkwire_blob_bytes").set(bytes(stats.blob_bytes));
        for (adapter, _) in &self.watch.adapters {
            let due = stats.outbox.iter().find(|(id, _)| id == adapter).map_or(0, |(_, due)| *due);
            let due = count(usize::try_from(due).unwrap_or(usize::MAX));
            metrics::gauge!("inkwire_outbox_due", "adapter" => adapter.0.clone()).set(due);
        }
    }
}

#[async_trait]
impl Source for Sight {
    async fn is_alive(&self) -> bool {
        let asked = tokio::time::timeout(BEAT, self.watch.store.settings()).await;
        matches!(asked, Ok(Ok(_)))
    }

    /// Ready: the store answers, people can talk to us, and of engines at least one works.
    async fn readiness(&self) -> Readiness {
        let (adapters, engines) = (self.adapters(), self.engines());
        let works = |say: &String| say == "up" || say.starts_with("degraded");
        let alive = self.is_alive().await;
        let painted = engines.is_empty() || engines.values().any(works);
        let ready = alive && self.is_heard() && painted;
        let mut components: BTreeMap<_, _> = adapters.into_iter().chain(engines).collect();
        let store = if alive { "up" } else { "down" };
        components.insert("store".to_owned(), store.to_owned());
        Readiness { ready, components }
    }

    async fn sample(&self) {
        let counts = self.watch.queue.counts();
        metrics::gauge!("inkwire_jobs_waiting").set(count(counts.waiting));
        metrics::gauge!("inkwire_jobs_running").set(count(counts.running));
        metrics::gauge!("inkwire_paused").set(if counts.paused { 1.0 } else { 0.0 });
        for (adapter, cell) in &self.watch.adapters {
            let up = matches!(cell.get(), Health::Up | Health::InputEnded);
            metrics::gauge!("inkwire_adapter_up", "adapter" => adapter.0.clone()).set(if up {
                1.0
            } else {
                0.0
            });
        }
        let view = self.watch.queue.view();
        for engine in &self.watch.fleet.borrow().engines {
            let running = count(view.running_on(&engine.name));
            metrics::gauge!("inkwire_engine_running", "engine" => engine.name.clone()).set(running);
        }
        self.sample_store().await;
    }
}
