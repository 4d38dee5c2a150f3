//! Fairness, order and positions of the scheduler.
use super::*;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000;

fn ticket(job: &str, part: u8, cost: u64) -> Ticket {
    Ticket { job: job.into(), part, run_no: 1, cost, avoid: None }
}

fn push(fair: &mut Scheduler, owner: &str, job: &str, cost: u64) {
    fair.push(&owner.into(), ticket(job, 0, cost));
}

fn drain(fair: &mut Scheduler) -> Vec<String> {
    std::iter::from_fn(|| fair.pick(|_| true)).map(|(_, ticket)| ticket.job.0).collect()
}

#[test]
fn people_alternate_and_a_cancelled_job_leaves_no_gap() {
    let mut fair = Scheduler::default();
    for job in ["a1", "a2", "a3"] {
        push(&mut fair, "ann", job, SECOND);
    }
    push(&mut fair, "bob", "b1", SECOND);
    assert_eq!(fair.first(9), ["a1", "b1", "a2", "a3"].map(JobId::from));
    fair.cancel(&"ann".into(), &"a2".into());
    assert_eq!(drain(&mut fair), ["a1", "b1", "a3"]);
}

#[test]
fn gpu_time_is_shared_and_not_turns() {
    let mut fair = Scheduler::default();
    for n in 0..4 {
        push(&mut fair, "ann", &format!("a{n}"), 4 * SECOND);
    }
    for n in 0..8 {
        push(&mut fair, "bob", &format!("b{n}"), SECOND);
    }
    assert_eq!(drain(&mut fair)[..6], ["a0", "b0", "b1", "b2", "b3", "a1"]);
}

#[test]
fn a_newcomer_waits_for_one_turn_and_not_for_a_flood() {
    let mut fair = Scheduler::default();
    for n in 0..600 {
        push(&mut fair, "ann", &format!("a{n}"), SECOND);
    }
    for _ in 0..100 {
        fair.pick(|_| true);
    }
    let ahead = fair.ahead_of_new(&"bob".into());
    assert!(ahead.jobs <= 1, "{ahead:?}");
    push(&mut fair, "bob", "b0", SECOND);
    assert!(fair.first(2).contains(&"b0".into()));
}

#[test]
fn what_cannot_be_done_here_lets_others_pass() {
    let mut fair = Scheduler::default();
    push(&mut fair, "ann", "big", SECOND);
    push(&mut fair, "ann", "small", SECOND);
    push(&mut fair, "bob", "big2", SECOND);
    let small = |ticket: &Ticket| !ticket.job.0.starts_with("big");
    assert_eq!(fair.pick(small).map(|(_, t)| t.job.0).as_deref(), Some("small"));
    assert_eq!(fair.pick(small), None);
    assert_eq!(drain(&mut fair).len(), 2, "nothing is lost");
}

#[test]
fn a_run_again_goes_before_what_its_owner_asked_later() {
    let mut fair = Scheduler::default();
    push(&mut fair, "ann", "first", SECOND);
    push(&mut fair, "ann", "second", SECOND);
    let (owner, taken) = fair.pick(|_| true).unwrap();
    fair.push(&owner, Ticket { run_no: 2, ..taken });
    assert_eq!(drain(&mut fair), ["first", "second"]);
}

#[test]
fn settling_gives_back_what_was_not_used() {
    let mut fair = Scheduler::default();
    for who in ["ann", "bob"] {
        for n in 0..3 {
            push(&mut fair, who, &format!("{who}{n}"), 10 * SECOND);
        }
    }
    let (ann, _) = fair.pick(|_| true).unwrap();
    assert_eq!(ann, PersonId::from("ann"));
    fair.settle(&ann, 10 * SECOND, 0);
    assert_eq!(drain(&mut fair)[0], "ann1", "a refund keeps the turn");
}

/// Two people with work all along are never further apart than the largest job of each.
fn check_gap(costs: &[(bool, u64)]) {
    let mut fair = Scheduler::default();
    for (n, (_, cost)) in costs.iter().enumerate() {
        push(&mut fair, "ann", &format!("a{n}"), *cost);
        push(&mut fair, "bob", &format!("b{n}"), *cost / 2 + 1);
    }
    let largest = costs.iter().map(|(_, cost)| *cost).max().unwrap_or(0);
    let (mut ann, mut bob, mut left) = (0u64, 0u64, [costs.len(); 2]);
    while left[0] > 0 && left[1] > 0 {
        let (owner, ticket) = fair.pick(|_| true).unwrap();
        let (sum, at) = if owner.0 == "ann" { (&mut ann, 0) } else { (&mut bob, 1) };
        *sum += ticket.cost;
        left[at] -= 1;
        assert!(ann.abs_diff(bob) <= 2 * largest + 1, "{ann} {bob} {largest}");
    }
}

proptest! {
    #[test]
    fn service_stays_within_the_bound(costs in prop::collection::vec((any::<bool>(), 1..100 * SECOND), 1..60)) {
        check_gap(&costs);
    }

    /// Whatever is pushed is picked or cancelled once, and positions agree with the order.
    #[test]
    fn nothing_is_lost_and_positions_are_true(ops in prop::collection::vec((0..4u8, 0..5u8, 1..20u64), 1..80)) {
        let mut fair = Scheduler::default();
        let mut waiting: Vec<(PersonId, JobId)> = vec![];
        for (n, (op, who, cost)) in ops.into_iter().enumerate() {
            let owner = PersonId(format!("p{who}"));
            match op {
                0 | 1 => {
                    let job = JobId(format!("j{n}"));
                    fair.push(&owner, ticket(&job.0, 0, cost));
                    waiting.push((owner, job));
                }
                2 => {
                    let picked = fair.pick(|_| true).map(|(_, ticket)| ticket.job);
                    prop_assert_eq!(picked.is_none(), waiting.is_empty());
                    waiting.retain(|(_, job)| Some(job) != picked.as_ref());
                }
                _ => {
                    if let Some(at) = waiting.iter().position(|(o, _)| *o == owner) {
                        let (owner, job) = waiting.remove(at);
                        fair.cancel(&owner, &job);
                    }
                }
            }
        }
        let order = fair.first(usize::MAX);
        prop_assert_eq!(order.len(), waiting.len());
        for (owner, job) in &waiting {
            let place = order.iter().position(|other| other == job).unwrap();
            let ahead = fair.ahead_of(owner, job).unwrap();
            prop_assert_eq!(ahead.jobs, u64::try_from(place).unwrap());
        }
    }
}
