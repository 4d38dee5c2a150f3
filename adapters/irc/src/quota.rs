//! Few times in a while: what others could make us do again and again. Pure.
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Quota {
    most: usize,
    within: Duration,
    /// When it was done last; never more than `most`.
    done: VecDeque<Instant>,
}

impl Quota {
    pub(crate) fn new(most: usize, within: Duration) -> Self {
        Self { most, within, done: VecDeque::with_capacity(most) }
    }

    /// Whether it may be done now; if so, it counts as done.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.done.retain(|done| now.duration_since(*done) < self.within);
        let free = self.done.len() < self.most;
        self.done.extend(free.then_some(now));
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_granted_in_a_while() {
        let (start, mut quota) = (Instant::now(), Quota::new(2, Duration::from_secs(10)));
        let mut check = |second, expected| {
            assert_eq!(quota.take(start + Duration::from_secs(second)), expected, "{second}");
        };
        check(0, true);
        check(5, true);
        check(9, false);
        check(10, true);
        check(14, false);
        check(15, true);
    }
}
