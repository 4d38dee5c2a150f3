//! Who goes when; and that nobody is killed for it, by the rules of the servers in use.
use super::*;
use std::collections::VecDeque;

/// Whole seconds at which each of these lines may go.
async fn check(mut limits: Limits, lines: &[(&str, usize)], expected: &[u64]) {
    let start = Instant::now();
    let mut times = vec![];
    for (target, bytes) in lines {
        let cost = cost(*bytes);
        tokio::time::sleep_until(limits.ready_at(target, cost)).await;
        limits.take(target, cost);
        times.push(start.elapsed().as_secs());
    }
    assert_eq!(times, expected, "{lines:?}");
}

fn short<const N: usize>(targets: [&str; N]) -> [(&str, usize); N] {
    targets.map(|target| (target, 50))
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_at_once_and_then_one_an_interval() {
    let limits = || Limits::new(&Flood::default());
    check(limits(), &short(["a", "b", "c", "d", "e", "f"]), &[0, 0, 0, 0, 2, 4]).await;
    check(limits(), &short(["a", "a", "a", "b", "a"]), &[0, 0, 3, 3, 6]).await;
    check(Limits::new(&Flood::off()), &short(["a"; 8]), &[0; 8]).await;
}

#[tokio::test(start_paused = true)]
async fn long_lines_cost_more() {
    let limits = || Limits::new(&Flood::default());
    check(limits(), &[("a", 255), ("b", 256), ("c", 50), ("d", 50)], &[0, 0, 0, 2]).await;
    check(limits(), &[("a", 500), ("b", 500), ("c", 500)], &[0, 0, 4]).await;
    check(limits(), &[("a", 2000), ("b", 50)], &[0, 10]).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_paces_us_is_trusted_but_rooms_are_not() {
    let mut limits = Limits::new(&Flood::default());
    limits.relax(true);
    check(limits, &short(["a", "b", "c", "d", "e", "f", "g"]), &[0, 0, 0, 0, 0, 1, 1]).await;
    let mut limits = Limits::new(&Flood::default());
    limits.relax(true);
    check(limits, &short(["a"; 7]), &[0, 0, 0, 1, 2, 3, 3]).await;
}

#[tokio::test(start_paused = true)]
async fn joins_and_answers_share_the_connection() {
    let mut limits = Limits::new(&Flood::default());
    let start = Instant::now();
    for _ in 0..20 {
        tokio::time::sleep_until(limits.control_at()).await;
        limits.take_control(1);
    }
    assert_eq!(start.elapsed().as_secs(), 32);
    check(limits, &short(["a", "b"]), &[2, 4]).await;
}

// --- the rules of servers ---

/// How a server counts; `false` from `hears` is a kill.
trait Server {
    fn hears(&mut self, now: Instant, bytes: usize) -> bool;
}

/// So many lines within a window: inspircd without fake lag.
struct Window {
    lines: VecDeque<Instant>,
    within: Duration,
    most: usize,
}

impl Server for Window {
    fn hears(&mut self, now: Instant, _: usize) -> bool {
        self.lines.retain(|at| now - *at < self.within);
        self.lines.push_back(now);
        self.lines.len() <= self.most
    }
}

/// A queue that is read at a pace, and must not grow: solanum, or fake lag with its receive queue.
struct Queue {
    /// Bytes of lines that are not read yet.
    unread: VecDeque<usize>,
    read_at: Instant,
    pace: Duration,
    burst: usize,
    most_lines: usize,
    most_bytes: usize,
}

impl Server for Queue {
    fn hears(&mut self, now: Instant, bytes: usize) -> bool {
        while self.read_at + self.pace <= now {
            self.read_at += self.pace;
            if self.unread.pop_front().is_none() {
                self.read_at = now;
            }
        }
        self.unread.push_back(bytes);
        let late = self.unread.len().saturating_sub(self.burst);
        late <= self.most_lines && self.unread.iter().sum::<usize>() <= self.most_bytes
    }
}

/// Penalty time for each line and its bytes, as the protocol's first specification has it.
struct Penalty {
    until: Instant,
    most: Duration,
}

impl Server for Penalty {
    fn hears(&mut self, now: Instant, bytes: usize) -> bool {
        let more = u64::try_from(bytes / 100).unwrap_or(0);
        self.until = self.until.max(now) + Duration::from_secs(1 + more);
        self.until - now <= self.most
    }
}

fn servers() -> Vec<(&'static str, Box<dyn Server>)> {
    let now = Instant::now();
    let queue = |pace, burst, most_lines, most_bytes| Queue {
        unread: VecDeque::new(),
        read_at: now,
        pace: Duration::from_millis(pace),
        burst,
        most_lines,
        most_bytes,
    };
    let window = Window { lines: VecDeque::new(), within: Duration::from_secs(10), most: 10 };
    vec![
        ("a window of ten lines in ten seconds", Box::new(window)),
        ("solanum", Box::new(queue(500, 5, 20, 10_240))),
        ("fake lag", Box::new(queue(1_000, 10, 10, 10_240))),
        ("penalty", Box::new(Penalty { until: now, most: Duration::from_secs(20) })),
    ]
}

/// Ten thousand lines of all lengths to a few rooms, with lookups between them.
#[tokio::test(start_paused = true)]
async fn nobody_is_killed_for_ten_thousand_lines() {
    let rooms = ["#a", "#b", "#c", "#d", "#e"];
    let (mut limits, mut servers) = (Limits::new(&Flood::default()), servers());
    for number in 0..10_000_usize {
        let bytes = 40 + number * 7919 % 470;
        let target = rooms.get(number * 31 % 7 % rooms.len()).copied().unwrap_or("#a");
        if number % 5 == 0 {
            tokio::time::sleep_until(limits.control_at()).await;
            limits.take_control(1);
            heard(&mut servers, 30);
        }
        tokio::time::sleep_until(limits.ready_at(target, cost(bytes))).await;
        limits.take(target, cost(bytes));
        heard(&mut servers, bytes);
    }
}

fn heard(servers: &mut [(&'static str, Box<dyn Server>)], bytes: usize) {
    for (name, server) in servers {
        assert!(server.hears(Instant::now(), bytes), "killed by {name}");
    }
}
