//! Who may still connect, and who has guessed too often. Bounded whatever comes.
//! A caller is an IPv4 address or an IPv6 /64, which is what one customer gets.
use crate::server::Peer;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

const CONNECTIONS_EACH: usize = 32;
const MISSES: u32 = 10;
pub(crate) const WINDOW: Duration = Duration::from_mins(1);
/// Beyond this many guessers the oldest windows are forgotten.
const REMEMBERED: usize = 10_000;

/// Open connections by caller.
#[derive(Clone, Default)]
pub(crate) struct Callers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// Gives its place back when dropped.
pub(crate) struct Place {
    callers: Callers,
    caller: Option<IpAddr>,
}

impl Callers {
    /// `None` if this caller has as many connections as it may; proxies always enter.
    pub(crate) fn enter(&self, peer: Peer) -> Option<Place> {
        let callers = self.clone();
        if peer.is_proxy {
            return Some(Place { callers, caller: None });
        }
        let caller = caller(peer.ip);
        let mut open = lock(&self.0);
        let count = open.entry(caller).or_default();
        if *count >= CONNECTIONS_EACH {
            return None;
        }
        *count += 1;
        Some(Place { callers, caller: Some(caller) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(caller) = self.caller else { return };
        let mut open = lock(&self.callers.0);
        let left = open.get(&caller).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            open.remove(&caller);
        } else {
            open.insert(caller, left);
        }
    }
}

/// Well-formed links that led nowhere, by caller: one minute from the first one on. Whoever has
/// too many is refused right ones as well, or guessing would go on.
#[derive(Default)]
pub(crate) struct Misses(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Misses {
    pub(crate) fn too_many(&self, ip: IpAddr) -> bool {
        let seen = lock(&self.0);
        let counted = seen.get(&caller(ip)).filter(|(since, _)| since.elapsed() < WINDOW);
        counted.is_some_and(|(_, misses)| *misses >= MISSES)
    }

    pub(crate) fn add(&self, ip: IpAddr) {
        let mut seen = lock(&self.0);
        if seen.len() >= REMEMBERED {
            seen.retain(|_, (since, _)| since.elapsed() < WINDOW);
        }
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        let counted = seen.entry(caller(ip)).or_insert_with(|| (Instant::now(), 0));
        if counted.0.elapsed() >= WINDOW {
            *counted = (Instant::now(), 0);
        }
        counted.1 += 1;
    }
}

fn caller(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(ip: &str, is_proxy: bool) -> Peer {
        Peer { ip: ip.parse().unwrap(), is_proxy }
    }

    #[test]
    fn a_caller_has_so_many_places_and_gets_them_back() {
        let callers = Callers::default();
        let enter = |ip: &str| callers.enter(peer(ip, false));
        let mut places: Vec<_> = (0..CONNECTIONS_EACH).filter_map(|_| enter("192.0.2.1")).collect();
        assert_eq!(places.len(), CONNECTIONS_EACH);
        assert!(enter("192.0.2.1").is_none());
        assert!(enter("::ffff:192.0.2.1").is_none(), "the same caller, written otherwise");
        assert!(enter("192.0.2.2").is_some());
        assert!(callers.enter(peer("192.0.2.1", true)).is_some(), "a proxy speaks for many");
        places.pop();
        assert!(enter("192.0.2.1").is_some());
        drop(places);
        assert!(lock(&callers.0).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_are_counted_for_a_minute() {
        let misses = Misses::default();
        let (near, far) = ("2001:db8::1", "2001:db8:0:1::1");
        let too_many = |ip: &str| misses.too_many(ip.parse().unwrap());
        for guess in 1..=MISSES {
            assert!(!too_many(near), "{guess}");
            misses.add("2001:db8::2".parse().unwrap());
        }
        assert!(too_many(near) && !too_many(far));
        tokio::time::advance(WINDOW).await;
        assert!(!too_many(near));
        misses.add(near.parse().unwrap());
        assert!(!too_many(near));
    }

    #[tokio::test(start_paused = true)]
    async fn guessers_fill_no_memory() {
        let misses = Misses::default();
        for n in 0..=u32::try_from(REMEMBERED).unwrap() {
            misses.add(std::net::Ipv4Addr::from_bits(n).into());
        }
        assert!(lock(&misses.0).len() <= REMEMBERED);
    }
}
