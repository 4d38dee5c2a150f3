//! What an engine's answer means for a part; pure. The only place where engine errors become
//! words for people.
use crate::{
    engine::{Class, EngineError},
    job::Ending,
};
use inkwire_core::Failure;

/// A part is given up after this many runs.
const MOST_RUNS: u32 = 3;
/// Runs that our own crashes cut short before the engine had them are no fault of the part.
const MOST_RUNS_RESUMED: u32 = 10;

#[derive(Debug, PartialEq)]
pub(super) enum Next {
    End(Ending),
    /// Run it again, on another engine if there is one.
    Again(Failure),
}

/// `resumed`: the run was begun by an earlier process of ours.
pub(super) fn after(error: EngineError, run_no: u32, resumed: bool) -> Next {
    let forgiven = resumed && error == EngineError::Lost;
    let most = if forgiven { MOST_RUNS_RESUMED } else { MOST_RUNS };
    match (error.class(), error) {
        (_, EngineError::Cancelled) => Next::End(Ending::Cancelled),
        // Its memory was freed before the second run; a third would fail the same way.
        (_, EngineError::OutOfMemory) if run_no > 1 => {
            Next::End(Ending::Failed(Failure::OutOfMemory))
        }
        (Class::Transient | Class::Backend, error) if run_no < most => {
            Next::Again(Failure::from(error))
        }
        (_, error) => Next::End(Ending::Failed(Failure::from(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "the table reads better")]
    fn check(error: EngineError, run_no: u32, expected: Next) {
        assert_eq!(after(error.clone(), run_no, false), expected, "{error} in run {run_no}");
    }

    #[test]
    fn what_may_pass_is_tried_again_three_times_at_most() {
        let failed = |failure| Next::End(Ending::Failed(failure));
        check(EngineError::Lost, 1, Next::Again(Failure::Lost));
        check(EngineError::Lost, 2, Next::Again(Failure::Lost));
        check(EngineError::Lost, 3, failed(Failure::Lost));
        check(EngineError::Stalled, 1, Next::Again(Failure::EngineUnavailable));
        check(EngineError::OutOfMemory, 1, Next::Again(Failure::OutOfMemory));
        check(EngineError::OutOfMemory, 2, failed(Failure::OutOfMemory));
        check(EngineError::Interrupted, 1, Next::Again(Failure::Interrupted));
        check(EngineError::Invalid("x".into()), 1, failed(Failure::Invalid("x".into())));
        check(EngineError::TimedOut, 1, failed(Failure::TimedOut));
        check(EngineError::Cancelled, 1, Next::End(Ending::Cancelled));
    }

    #[test]
    fn a_crash_of_ours_uses_up_no_run() {
        assert_eq!(after(EngineError::Lost, 3, true), Next::Again(Failure::Lost));
        let stalled = Next::End(Ending::Failed(Failure::EngineUnavailable));
        assert_eq!(after(EngineError::Stalled, 3, true), stalled);
    }
}
