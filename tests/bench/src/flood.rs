//! Ten thousand lines to a server that sends away who says too much: our adapter with that much to
//! say, under its own flood control and then, to see that the limit bites, without.
//!
//! Server and adapter keep their usual rates, both so many times faster: the server forgives a
//! line a second and the adapter says one in two. No store stands before the adapter, which would
//! hold it back by itself.
use crate::{
    network,
    report::{Goal, Line, Report},
};
use inkwire_conformance::{Service, Shelf};
use inkwire_core::{
    Adapter, Address, Author, Delivery, DeliveryId, Failure, Outcome, Parcel, Powers, Trust,
};
use inkwire_testkit::irc::{Client, Flood, Inspircd, Options};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;

const LINES: u32 = 10_000;
const TIMES: u32 = 400;
/// The server forgives once a second as ever, so what it takes at once is more by what it forgives.
const STRICT: Flood = Flood {
    threshold: Flood::STRICT.threshold + TIMES,
    command_rate: Flood::STRICT.command_rate * TIMES,
    ..Flood::STRICT
};
const ROOM: &str = "#bench";
/// More than twice what it should take.
const STUCK: Duration = Duration::from_mins(2);

/// What somebody in the room saw of it.
#[derive(Default)]
struct Seen {
    marks: BTreeSet<String>,
    lines: u32,
    kills: u32,
    took: Duration,
}

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let options = Options { flood: STRICT, ..Options::default() };
    let Some(server) = Inspircd::start(options).await? else { return Ok(()) };
    let hurried = network::hurried(server.port, ROOM, TIMES.into());
    let polite = say_all(&server, hurried).await?;
    let rude = say_all(&server, network::without_flood_control(server.port, ROOM)).await?;
    let (due, arrived) = (("lines due", f64::from(LINES)), u32::try_from(polite.marks.len())?);
    let all = Line::new("flood_lines", (f64::from(arrived), "lines"), due, Goal::AtLeast(1.0));
    report.add(all.beside([
        ("with_repeats", f64::from(polite.lines)),
        ("seconds", polite.took.as_secs_f64()),
    ]));
    let without = ("kills without flood control", f64::from(rude.kills));
    let kills = (f64::from(polite.kills), "kills");
    report.add(
        Line::new("flood_kills", kills, without, Goal::AtMost(0.0))
            .beside([("lines_before_the_kill", f64::from(rude.lines))]),
    );
    Ok(())
}

/// Until all is said, or we are sent away.
async fn say_all(server: &Inspircd, network: Value) -> anyhow::Result<Seen> {
    let mut listener = Client::join(server.port, "ear", ROOM).await?;
    let adapter = network::adapter(network)?;
    let (service, mut link) = Service::new(&adapter, Arc::new(Shelf));
    (0..LINES).map(parcel).for_each(|parcel| service.lane.push(parcel));
    let speaks = tokio::spawn(async move { adapter.run(&mut link).await });
    let ours = format!(":{}!", network::NICK);
    let (began, mut seen) = (Instant::now(), Seen::default());
    while seen.kills == 0 && seen.marks.len() < usize::try_from(LINES)? {
        // What never comes is missed by the count.
        let left = STUCK.saturating_sub(began.elapsed());
        let Ok(Ok(heard)) = timeout(left, listener.sees(&ours)).await else { break };
        seen.note(&heard);
    }
    seen.took = began.elapsed();
    speaks.abort();
    listener.send("QUIT").await?;
    Ok(seen)
}

impl Seen {
    fn note(&mut self, line: &str) {
        if line.contains(" QUIT ") && line.contains("Excess Flood") {
            self.kills += 1;
        }
        if let Some((_, mark)) = line.split_once("mark-") {
            self.lines += 1;
            self.marks.insert(mark.chars().take_while(char::is_ascii_digit).collect());
        }
    }
}

/// One line that no other one is like.
fn parcel(number: u32) -> Parcel {
    let asker = Author {
        adapter: network::ID.into(),
        id: "ann".into(),
        name: "ann".into(),
        trust: Trust::Account,
        powers: Powers::default(),
    };
    let to =
        Address { adapter: network::ID.into(), room: ROOM.into(), message: None, thread: None };
    let delivery = Delivery {
        id: DeliveryId(format!("d{number}")),
        to,
        asker,
        answers: None,
        slot: format!("s{number}").as_str().into(),
        seq: number.into(),
        job: None,
        private: false,
        expires: None,
        outcome: Outcome::Failed(Failure::Internal { error_id: format!("mark-{number:05}") }),
    };
    Parcel {
        delivery,
        at: inkwire_core::Time(1_795_161_900_000),
        shown: vec![],
        state: None,
        in_doubt: false,
    }
}
