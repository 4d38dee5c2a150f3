//! All engines at a glance, kept up to date: what intake decides by and `/metrics` shows.
//! It watches; it starts, stops and asks nothing.
use super::{desk::Desk, known::known};
use crate::{
    engine::{Catalog, Engine, Status},
    intake::{Fleet, Policy, facts::EngineFacts, presets::Known},
    telemetry::metrics::bytes,
    workflow::Library,
};
use futures_util::future::select_all;
use inkwire_core::EngineHealth;
use std::sync::Arc;
use tokio::sync::watch;

/// Keeps `fleet` true until nobody listens or no engine speaks any more.
pub(super) async fn follow(desk: Arc<Desk>, fleet: watch::Sender<Arc<Fleet>>) {
    let mut statuses: Vec<_> = desk.engines.iter().map(|engine| engine.status()).collect();
    let (mut policies, mut libraries) = (desk.policy(), desk.library());
    let mut last: Option<Basis> = None;
    let mut offered = Known::default();
    loop {
        let engines: Vec<_> =
            desk.engines.iter().zip(&mut statuses).map(|(e, s)| facts(e.as_ref(), s)).collect();
        engines.iter().for_each(measure);
        let basis = Basis {
            policy: policies.borrow_and_update().clone(),
            library: libraries.borrow_and_update().clone(),
            catalogs: engines.iter().map(|engine| engine.status.catalog.clone()).collect(),
        };
        if last.as_ref().is_none_or(|last| !last.is(&basis)) {
            let presets = &basis.policy.presets;
            offered = known(&basis.library, presets, &basis.catalogs);
            last = Some(basis);
        }
        fleet.send_replace(Arc::new(Fleet { engines, known: offered.clone() }));
        let any = async {
            if statuses.is_empty() {
                return std::future::pending().await;
            }
            let changes = statuses.iter_mut().map(|status| Box::pin(status.changed()));
            drop(select_all(changes).await);
        };
        tokio::select! {
            () = any => {}
            changed = policies.changed() => if changed.is_err() { return },
            changed = libraries.changed() => if changed.is_err() { return },
        }
    }
}

/// What `Known` is made from; it changes far less often than an engine's free memory.
struct Basis {
    policy: Arc<Policy>,
    library: Arc<Library>,
    catalogs: Vec<Arc<Catalog>>,
}

impl Basis {
    fn is(&self, other: &Self) -> bool {
        let mut catalogs = self.catalogs.iter().zip(&other.catalogs);
        Arc::ptr_eq(&self.policy, &other.policy)
            && Arc::ptr_eq(&self.library, &other.library)
            && catalogs.all(|(one, two)| Arc::ptr_eq(one, two))
    }
}

fn facts(engine: &dyn Engine, status: &mut watch::Receiver<Status>) -> EngineFacts {
    let status = status.borrow_and_update().clone();
    EngineFacts { name: engine.id().to_owned(), status, running: 0 }
}

fn measure(engine: &EngineFacts) {
    let name = engine.name.clone();
    let up = if engine.works() { 1.0 } else { 0.0 };
    metrics::gauge!("inkwire_engine_up", "engine" => name.clone()).set(up);
    for health in HEALTHS {
        let is = if engine.status.health == health { 1.0 } else { 0.0 };
        let label = format!("{health:?}").to_lowercase();
        metrics::gauge!("inkwire_engine_health", "engine" => name.clone(), "health" => label)
            .set(is);
    }
    let memory = [("vram", engine.status.vram), ("ram", engine.status.ram)];
    for (kind, known) in memory {
        let Some((free, total)) = known else { continue };
        metrics::gauge!("inkwire_engine_memory_free_bytes", "engine" => name.clone(), "kind" => kind)
            .set(bytes(free));
        metrics::gauge!("inkwire_engine_memory_bytes", "engine" => name.clone(), "kind" => kind)
            .set(bytes(total));
    }
}

const HEALTHS: [EngineHealth; 5] = [
    EngineHealth::Starting,
    EngineHealth::Up,
    EngineHealth::Degraded,
    EngineHealth::Stalled,
    EngineHealth::Down,
];
