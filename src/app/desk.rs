//! The operator's desk: what can be replaced while the service runs, and what an admin's words
//! set in motion outside the store. Whole values are swapped; nothing is changed in place.
use super::{Setup, surface};
use crate::{
    engine::Engine,
    intake::{Operator, Policy, facts::Caps},
    workflow::Library,
};
use async_trait::async_trait;
use inkwire_core::{Answer, Rules, Surface};
use std::sync::Arc;
use tokio::sync::watch;

/// Reads the configuration again: all problems, or what it says now.
pub type Reload = Box<dyn Fn() -> Result<Reloaded, Vec<String>> + Send + Sync>;

/// What a reload may replace, and which changed keys it may not.
pub struct Reloaded {
    pub policy: Policy,
    pub library: Library,
    pub needs_restart: Vec<String>,
}

pub struct Desk {
    pub(super) engines: Vec<Arc<dyn Engine>>,
    triggers: Rules,
    policy: watch::Sender<Arc<Policy>>,
    library: watch::Sender<Arc<Library>>,
    surface: watch::Sender<Surface>,
    reload: Option<Reload>,
}

impl Desk {
    pub(super) fn new(setup: &mut Setup, engines: Vec<Arc<dyn Engine>>) -> Self {
        let (policy, library) = (setup.policy.clone(), setup.library.clone());
        let surface = surface(&setup.triggers, &policy, &library);
        Self {
            engines,
            triggers: setup.triggers.clone(),
            policy: watch::Sender::new(Arc::new(policy)),
            library: watch::Sender::new(Arc::new(library)),
            surface: watch::Sender::new(surface),
            reload: setup.reload.take(),
        }
    }

    pub(super) fn policy(&self) -> watch::Receiver<Arc<Policy>> {
        self.policy.subscribe()
    }

    pub(super) fn library(&self) -> watch::Receiver<Arc<Library>> {
        self.library.subscribe()
    }

    pub(super) fn surface(&self) -> watch::Receiver<Surface> {
        self.surface.subscribe()
    }

    /// Replaces what changed; a configuration with problems replaces nothing.
    pub fn reload(&self) -> Answer {
        let Some(reload) = &self.reload else {
            return Answer::Reloaded { changed: vec![], needs_restart: vec![] };
        };
        match reload() {
            Ok(Reloaded { policy, library, needs_restart }) => {
                let changed = self.replace(policy, library);
                tracing::info!(?changed, ?needs_restart, "configuration reloaded");
                metrics::counter!("inkwire_config_reloads_total", "result" => "ok").increment(1);
                Answer::Reloaded { changed, needs_restart }
            }
            Err(problems) => {
                tracing::error!(problems = problems.len(), "configuration not reloaded");
                metrics::counter!("inkwire_config_reloads_total", "result" => "refused")
                    .increment(1);
                Answer::ReloadFailed(problems)
            }
        }
    }

    fn replace(&self, policy: Policy, library: Library) -> Vec<String> {
        let old = (self.policy.borrow().clone(), self.library.borrow().clone());
        let mut changed = changed(&old.0, &policy);
        if library != *old.1 {
            changed.push("workflows".to_owned());
        }
        self.surface.send_replace(surface(&self.triggers, &policy, &library));
        self.library.send_replace(Arc::new(library));
        self.policy.send_replace(Arc::new(policy));
        changed
    }
}

/// What differs, by its key; display texts and what needs a restart are left out.
fn changed(old: &Policy, new: &Policy) -> Vec<String> {
    let times = |policy: &Policy| (policy.terms.max_wait, policy.terms.time_limit);
    let waiting = |policy: &Policy| {
        let Caps { waiting_per_person, waiting_per_room, waiting, .. } = policy.terms.caps;
        (waiting_per_person, waiting_per_room, waiting)
    };
    let differs = [
        ("models", old.presets.models != new.presets.models),
        ("styles", old.presets.styles != new.presets.styles),
        ("defaults", old.presets.defaults != new.presets.defaults),
        ("access", old.access != new.access),
        ("queue", times(old) != times(new)),
        ("limits", waiting(old) != waiting(new)),
        ("media", old.terms.private != new.terms.private),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key.to_owned()).collect()
}

#[async_trait]
impl Operator for Desk {
    async fn reload(&self) -> Answer {
        // Reading a few small files: short enough to be done in place.
        Self::reload(self)
    }

    /// Tells each engine; none is waited for.
    fn unload(&self, names: &[String]) {
        for engine in self.engines.iter().filter(|engine| names.iter().any(|n| n == engine.id())) {
            let engine = engine.clone();
            tokio::spawn(async move {
                if let Err(error) = engine.unload().await {
                    tracing::warn!(%error, engine = engine.id(), "models not unloaded");
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::{
        access::{Access, AccessRules},
        facts::Terms,
        presets::Presets,
    };
    use std::time::Duration;

    #[test]
    fn what_a_reload_changed_is_named() {
        let policy = |change: fn(&mut AccessRules, &mut Terms)| {
            let (mut rules, mut terms) = (AccessRules::default(), Terms::default());
            change(&mut rules, &mut terms);
            Policy { presets: Presets::default(), access: Access::build(rules).unwrap(), terms }
        };
        let check = |change, expected: &[&str]| {
            assert_eq!(changed(&policy(|_, _| ()), &policy(change)), expected);
        };
        check(|_, _| (), &[]);
        check(|rules, _| rules.blocked = vec!["gore".to_owned()], &["access"]);
        check(|_, terms| terms.max_wait = Duration::from_secs(1), &["queue"]);
        check(|_, terms| terms.caps.waiting = 1, &["limits"]);
        check(|_, terms| terms.private = Duration::from_secs(1), &["media"]);
    }
}
