//! Messages a minute: per person, per room and in all. Checked before anything is parsed.
//! Whoever goes on is told once, then ignored until quiet; memory is bounded by the limits.
use governor::{
    Quota, RateLimiter,
    clock::{Clock as Ticking, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, keyed::DefaultKeyedStateStore},
};
use inkwire_core::{Clock, LimitScope, PersonId, PlaceKind, Rejection, Request};
use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Nobody is told twice that they write too much until they kept within limits for this long.
const QUIET: Duration = Duration::from_mins(1);
/// One hint about an unknown command in this time: two machines must not talk for ever.
const HINT_EVERY: Duration = Duration::from_secs(30);
/// Messages between two clean-ups, hence about how many keys are remembered.
const MOST_KEYS: usize = 10_000;

/// Messages a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    pub person: Rate,
    pub room: Rate,
    pub everybody: Rate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub per_minute: NonZeroU32,
    /// Messages that may come at once.
    pub burst: NonZeroU32,
}

impl Rate {
    fn quota(self) -> Quota {
        Quota::per_minute(self.per_minute).allow_burst(self.burst)
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Toll {
    Pass,
    Refuse(Rejection),
    /// Refused, and already told.
    Silence,
}

type Keyed = RateLimiter<String, DefaultKeyedStateStore<String>, Ticks, NoOpMiddleware<Nanos>>;
type Single = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Nanos>>;

pub struct Limits {
    people: Keyed,
    rooms: Keyed,
    everybody: Single,
    hints: Keyed,
    /// When each key was refused last.
    told: Mutex<HashMap<String, Nanos>>,
    checks: AtomicUsize,
    clock: Ticks,
}

impl Limits {
    pub fn new(rates: &Rates, clock: Arc<dyn Clock>) -> Self {
        let clock = Ticks(clock);
        let hints = Quota::with_period(HINT_EVERY).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        let keyed =
            |quota| RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock.clone());
        Self {
            people: keyed(rates.person.quota()),
            rooms: keyed(rates.room.quota()),
            everybody: RateLimiter::direct_with_clock(rates.everybody.quota(), clock.clone()),
            hints: keyed(hints),
            told: Mutex::default(),
            checks: AtomicUsize::default(),
            clock,
        }
    }

    /// Charges one message. A person's own limit comes first, so that a flood uses up nothing
    /// that is shared.
    pub fn check(&self, person: &PersonId, request: &Request) -> Toll {
        if self.checks.fetch_add(1, Ordering::Relaxed) % MOST_KEYS == MOST_KEYS - 1 {
            self.sweep();
        }
        let now = self.clock.now();
        // Callers that wait share no room with each other, and are always answered.
        let waits = request.place.kind == PlaceKind::Api;
        let room = format!("room {}/{}", request.reply_to.adapter, request.reply_to.room);
        let over = |until: governor::NotUntil<Nanos>| until.wait_time_from(now);
        let charge = || {
            self.people.check_key(&person.0).map_err(|e| (LimitScope::Person, over(e)))?;
            if !waits {
                self.rooms.check_key(&room).map_err(|e| (LimitScope::Room, over(e)))?;
            }
            self.everybody.check().map_err(|e| (LimitScope::Everybody, over(e)))
        };
        let Err((scope, retry_in)) = charge() else { return Toll::Pass };
        metrics::counter!("inkwire_messages_limited_total", "scope" => name(scope)).increment(1);
        let key = if scope == LimitScope::Person { &person.0 } else { &room };
        if waits || self.is_first(key, now) {
            Toll::Refuse(Rejection::RateLimited { scope, retry_in })
        } else {
            Toll::Silence
        }
    }

    /// Whether this person may be told again that a command is unknown.
    pub fn may_hint(&self, person: &PersonId) -> bool {
        self.hints.check_key(&person.0).is_ok()
    }

    /// Forgets whoever is within limits again.
    fn sweep(&self) {
        let now = self.clock.now();
        for keyed in [&self.people, &self.rooms, &self.hints] {
            keyed.retain_recent();
            keyed.shrink_to_fit();
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, last| !is_quiet(*last, now));
    }

    /// Remembers the refusal; true if there was none for a while.
    fn is_first(&self, key: &str, now: Nanos) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MOST_KEYS && !told.contains_key(key) {
            return false;
        }
        told.insert(key.to_owned(), now).is_none_or(|last| is_quiet(last, now))
    }
}

fn is_quiet(last: Nanos, now: Nanos) -> bool {
    Duration::from(now.duration_since(last)) >= QUIET
}

fn name(scope: LimitScope) -> &'static str {
    match scope {
        LimitScope::Person => "person",
        LimitScope::Room => "room",
        LimitScope::Everybody => "everybody",
    }
}

/// The service's clock, as governor reads it.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl Ticking for Ticks {
    type Instant = Nanos;
    fn now(&self) -> Nanos {
        Nanos::new(self.0.now().0.saturating_mul(1_000_000))
    }
}

#[cfg(test)]
mod tests;
