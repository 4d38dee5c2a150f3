//! From a validated configuration to what the service is made of. Each stage gets its own small
//! piece; none of them sees the configuration.
use super::Failed;
use crate::{
    app::{EngineSetup, Setup},
    config::{self, Config},
    engine::{
        Engine,
        comfyui::{ComfyConfig, ComfyUi, ConfigError},
    },
    intake::{
        Policy,
        access::{Access, AccessRules, RoomOperators, Whom},
        facts::{Caps, Terms},
        limits::{Rate, Rates},
        presets::{Ceilings, Defaults, Model, Presets, Style},
    },
    queue::RunningCaps,
    store::{Retention, Store},
    workflow::Library,
};
use inkwire_core::{Adapter, AdapterId, Native, Rules, Time};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// How long running parts may go on after a stop.
const GRACE: Duration = Duration::from_secs(8);
const SWEEP_EVERY: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const SOURCE: &str = "free software under MIT or Apache-2.0";

/// Everything but the adapters.
pub(super) fn setup(
    config: &Config,
    store: Arc<dyn Store>,
    up_since: Time,
) -> Result<Setup, Failed> {
    Ok(Setup {
        store,
        engines: engines(config)?,
        adapters: vec![],
        library: library(config)?,
        policy: policy(config, up_since)?,
        rates: rates(&config.limits),
        triggers: Rules { prefixes: config.triggers.prefixes.clone(), ..Rules::default() },
        blobs: config.state_dir.join("blobs"),
        public_url: public_url(config),
        keep: config.media.keep,
        retention: Retention {
            recipes: config.retention.recipes,
            most_bytes: config.media.max_bytes,
            seen: 30 * DAY,
            unclaimed: Duration::from_hours(1),
        },
        running: RunningCaps {
            per_person: usize_of(config.limits.per_user.running),
            per_room: usize_of(config.limits.per_room.running),
            all: usize_of(config.limits.everybody.running),
        },
        log_prompts: config.log.prompts,
        webp_quality: config.media.webp_quality,
        grace: GRACE,
        sweep_every: SWEEP_EVERY,
        reload: None,
        until_answered: None,
    })
}

pub(super) fn public_url(config: &Config) -> Option<String> {
    let url = config.media.public_url.as_ref()?;
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// The shipped workflows and the operator's own; a broken one stops the start.
pub(super) fn library(config: &Config) -> Result<Library, Failed> {
    let (library, problems) =
        config.workflows.as_deref().map_or_else(Library::shipped, Library::load);
    if problems.is_empty() {
        Ok(library)
    } else {
        Err(Failed::Config(problems.iter().map(ToString::to_string).collect()))
    }
}

pub(super) fn policy(config: &Config, up_since: Time) -> Result<Policy, Failed> {
    let networks: Vec<_> = config.irc.iter().map(irc_id).collect();
    let all = |list: &[String]| list.iter().flat_map(|entry| whom(&networks, entry)).collect();
    // Whoever sits at the console has started the service.
    let console = Whom { adapter: Some("console".into()), id: "operator".into() };
    let admins: Vec<Whom> = all(&config.access.admins);
    let config::RoomOperators { defaults, flush } = config.access.room_operators;
    let rules = AccessRules {
        admins: admins.into_iter().chain(config.console.then_some(console)).collect(),
        banned: all(&config.access.blocked),
        blocked: config.access.words.patterns().to_vec(),
        room_operators: RoomOperators { defaults, flush },
    };
    Ok(Policy {
        presets: presets(config),
        access: Access::build(rules)?,
        terms: terms(config, up_since),
    })
}

/// `ADAPTER/ACCOUNT`, with `*` for every adapter. An account on IRC is known in lower case,
/// whatever its owner or the operator writes; elsewhere two spellings may be two people.
fn whom(networks: &[AdapterId], entry: &str) -> Vec<Whom> {
    let Some((adapter, id)) = entry.split_once('/') else { return vec![] };
    let everywhere = adapter == "*";
    let lower = Native(id.to_ascii_lowercase());
    let here = networks.iter().filter(|it| everywhere || it.0 == adapter);
    let folded = here.map(|it| Whom { adapter: Some(it.clone()), id: lower.clone() });
    let written = Whom { adapter: (!everywhere).then(|| adapter.into()), id: id.into() };
    std::iter::once(written).chain(folded).collect()
}

fn irc_id(network: &config::Irc) -> AdapterId {
    AdapterId(format!("irc.{}", network.name))
}

fn terms(config: &Config, up_since: Time) -> Terms {
    let limits = &config.limits;
    Terms {
        max_wait: config.queue.max_wait,
        time_limit: config.queue.time_limit,
        links: config.media.keep,
        private: config.media.private_keep,
        caps: Caps {
            waiting_per_person: usize_of(limits.per_user.waiting),
            waiting_per_room: usize_of(limits.per_room.waiting),
            waiting: usize_of(limits.everybody.waiting),
            running_per_person: usize_of(limits.per_user.running),
        },
        messages_per_minute: limits.per_user.messages_per_minute,
        source: SOURCE.to_owned(),
        up_since,
        ..Terms::default()
    }
}

fn rates(limits: &config::Limits) -> Rates {
    let rate = |limit: &config::Limit| Rate {
        per_minute: at_least_one(limit.messages_per_minute),
        burst: at_least_one(limit.burst),
    };
    Rates {
        person: rate(&limits.per_user),
        room: rate(&limits.per_room),
        everybody: rate(&limits.everybody),
    }
}

fn presets(config: &Config) -> Presets {
    let models = config.models.models.iter();
    let defaults = &config.models.defaults;
    Presets {
        models: models.map(|(name, model)| (name.clone(), preset(model))).collect(),
        styles: config.styles.iter().map(|(name, style)| (name.clone(), words(style))).collect(),
        defaults: Defaults {
            model: Some(defaults.model.clone()),
            width: defaults.width,
            height: defaults.height,
            count: Some(defaults.count),
            steps: defaults.steps,
        },
        ceilings: Ceilings::default(),
    }
}

fn preset(model: &config::Model) -> Model {
    let config::Model { summary, checkpoint, workflow, width, height, steps, cfg, .. } =
        model.clone();
    let config::Model { sampler, scheduler, prefix, suffix, negative, .. } = model.clone();
    let summary = (!summary.is_empty()).then_some(summary);
    Model {
        checkpoint,
        workflow,
        width,
        height,
        steps,
        cfg,
        sampler,
        scheduler,
        prefix,
        suffix,
        negative,
        summary,
    }
}

fn words(style: &config::Style) -> Style {
    let config::Style { summary, prefix, suffix, negative } = style.clone();
    let joined = [prefix.as_str(), "{prompt}", suffix.as_str()];
    let parts: Vec<&str> = joined.into_iter().filter(|part| !part.is_empty()).collect();
    Style {
        template: parts.join(", "),
        negative,
        summary: (!summary.is_empty()).then_some(summary),
    }
}

pub(super) fn engines(config: &Config) -> Result<Vec<EngineSetup>, Failed> {
    config.engines.iter().map(engine).collect()
}

fn engine(engine: &config::Engine) -> Result<EngineSetup, Failed> {
    let wrong = |error: ConfigError| Failed::Config(vec![error.to_string()]);
    let comfy: Arc<dyn Engine> = Arc::new(ComfyUi::new(comfy(engine)).map_err(wrong)?);
    Ok(EngineSetup { engine: comfy, seats: 1, idle_unload: engine.idle_unload })
}

pub(super) fn comfy(engine: &config::Engine) -> ComfyConfig {
    let mut comfy = ComfyConfig {
        name: engine.name.clone(),
        url: engine.url.as_str().trim_end_matches('/').to_owned(),
        headers: engine.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        ca_file: engine.ca_file.clone(),
        ..ComfyConfig::default()
    };
    comfy.times.connect = engine.connect_timeout;
    comfy.times.call = engine.request_timeout;
    comfy
}

/// The adapters that are configured and compiled in.
#[cfg_attr(
    not(any(feature = "console", feature = "http", feature = "irc")),
    allow(unused_mut, unused_variables, reason = "there is none to make")
)]
#[cfg_attr(
    not(feature = "irc"),
    allow(clippy::unnecessary_wraps, reason = "those that there are cannot fail")
)]
pub(super) fn adapters(config: &Config) -> Result<Vec<Box<dyn Adapter>>, Failed> {
    let mut adapters: Vec<Box<dyn Adapter>> = vec![];
    #[cfg(feature = "http")]
    adapters.push(Box::new(inkwire_http::Http::new(inkwire_http::HttpConfig {
        listen: config.media.listen,
        public_url: public_url(config),
        proxies: config.media.proxies.clone(),
        ..inkwire_http::HttpConfig::default()
    })));
    #[cfg(feature = "irc")]
    for network in &config.irc {
        adapters.push(Box::new(irc(network)?));
    }
    #[cfg(feature = "console")]
    if config.console {
        adapters.push(Box::new(console()));
    }
    Ok(adapters)
}

#[cfg(feature = "console")]
pub(super) fn console() -> inkwire_console::Console {
    inkwire_console::Console::new(
        inkwire_console::ConsoleConfig::default(),
        inkwire_console::Terminal::standard(),
    )
}

#[cfg(feature = "irc")]
pub(super) fn irc(network: &config::Irc) -> Result<inkwire_irc::Irc, Failed> {
    let wrong = |error| Failed::Config(vec![format!("irc.{}.{error}", network.name)]);
    inkwire_irc::Irc::new(irc_id(network), network.clone()).map_err(wrong)
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_folded_on_irc_alone() {
        let check = |entry: &str, expected: &[(Option<&str>, &str)]| {
            let found = whom(&["irc.libera".into(), "irc.oftc".into()], entry);
            let found: Vec<_> =
                found.iter().map(|it| (it.adapter.as_ref().map(|a| &*a.0), &*it.id.0)).collect();
            assert_eq!(found, expected, "{entry}");
        };
        check("irc.oftc/Ann", &[(Some("irc.oftc"), "Ann"), (Some("irc.oftc"), "ann")]);
        check("matrix.home/@Ann:x", &[(Some("matrix.home"), "@Ann:x")]);
        let both = [(None, "Ann"), (Some("irc.libera"), "ann"), (Some("irc.oftc"), "ann")];
        check("*/Ann", &both);
        check("irc.oftc/Ann[x]", &[(Some("irc.oftc"), "Ann[x]"), (Some("irc.oftc"), "ann[x]")]);
    }
}
