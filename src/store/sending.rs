//! What a receipt makes of a delivery: the rules that every store shares.
//! Pure: it is told what the row is like and says what to write.
use inkwire_core::{Failure, Outcome, Posted, Receipt, SendError, Time};
use std::time::Duration;

/// Rows of one answer of `since`; a follower asks again from the last one.
pub(super) const PAGE: u16 = 256;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) begun: bool,
    /// Failures so far.
    pub(super) attempts: u32,
}

#[derive(Debug, PartialEq)]
pub(super) enum Next {
    Shown(Vec<Posted>),
    /// Closed unsent; this is said in its place.
    Closed(Option<Outcome>),
    Again {
        sending: Sending,
        not_before: Time,
    },
}

/// `private` and `outcome` are those of the delivery that the receipt is for.
pub(super) fn settle(
    sending: Sending,
    receipt: Receipt,
    private: bool,
    outcome: &Outcome,
    now: Time,
) -> Next {
    let attempts = sending.attempts.saturating_add(1);
    let again = |begun, wait| Next::Again {
        sending: Sending { begun, attempts },
        not_before: now.after(wait),
    };
    match receipt {
        Receipt::Sent(posted) => Next::Shown(posted),
        // A connection that ended says nothing about what it had not begun.
        Receipt::Dropped if !sending.begun => {
            Next::Again { sending, not_before: now.after(FIRST_WAIT) }
        }
        // Whether it arrived is not known.
        Receipt::Dropped => again(true, back_off(sending.attempts)),
        Receipt::Failed(SendError::Retry) => again(false, back_off(sending.attempts)),
        Receipt::Failed(SendError::After(wait)) => again(false, wait),
        Receipt::Failed(SendError::TooLarge { .. }) => {
            let told = private && matches!(outcome, Outcome::Finished { .. });
            Next::Closed(told.then_some(Outcome::Failed(Failure::TooLarge)))
        }
        Receipt::Failed(SendError::Forbidden | SendError::Gone) => Next::Closed(None),
    }
}

/// True if this word makes older ones needless that nobody has begun to send. That a job started
/// does not: on an idle engine that comes at once, and how it was accepted would never be told.
pub(super) fn replaces(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Started { .. })
}

fn back_off(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.min(6)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<_> = (0..9).map(|n| back_off(n).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn only_an_unreported_end_stays_in_doubt() {
        let begun = Sending { begun: true, attempts: 0 };
        let check = |receipt, doubt| {
            let next = settle(begun, receipt, false, &Outcome::Expired, Time(5));
            let Next::Again { sending, not_before } = next else { panic!("{next:?}") };
            assert_eq!(sending, Sending { begun: doubt, attempts: 1 });
            assert_eq!(not_before, Time(1005));
        };
        check(Receipt::Dropped, true);
        check(Receipt::Failed(SendError::Retry), false);
        let waiting = Sending { begun: false, attempts: 3 };
        let next = settle(waiting, Receipt::Dropped, false, &Outcome::Expired, Time(5));
        assert_eq!(next, Next::Again { sending: waiting, not_before: Time(1005) });
        check(Receipt::Failed(SendError::After(Duration::from_secs(1))), false);
    }
}
