//! How soon an answer is there: `!queue` in a room of a quiet server, against a bot that does
//! nothing but answer. Both are asked in turns, by the same person, on the same server.
use crate::{
    disk::Disk,
    engine::Engine,
    network,
    report::{Goal, Line, Report, Samples, millis},
    service::Service,
    steps::{self, Steps},
};
use anyhow::Context;
use inkwire_testkit::irc::{Client, Ngircd};
use std::{path::Path, time::Instant};
use tokio::task::JoinHandle;

const PEOPLE: u32 = 170;
/// Questions to each bot by one person: whoever asks the same five times is not heard. The first is
/// not counted: the server holds it back until the bot has acknowledged that somebody came.
const EACH: u32 = 4;
/// Delayed acknowledgements cost 40 ms: half of it would show one.
const SPIKE: f64 = 20.0;
const ROOM: &str = "#bench";
const BARE_ROOM: &str = "#bare";
const BARE: &str = "bare";
/// As long as the real one.
const ANSWER: &str = "0 running, 0 waiting, 1 of 1 engines up";

struct Round {
    ours: f64,
    bare: f64,
    fdatasync: f64,
}

pub(crate) async fn measure(
    report: &mut Report,
    engine: &Engine,
    dir: &Path,
) -> anyhow::Result<()> {
    let Some(server) = Ngircd::start().await? else { return Ok(()) };
    let mut door = Client::join(server.port, "door", ROOM).await?;
    let network = network::without_flood_control(server.port, ROOM);
    let service = Service::start(engine, dir, network::adapter(network)?).await?;
    let steps = steps::alone(service.store.as_ref()).await?;
    door.sees(&format!(":{}!", network::NICK)).await.context("our bot does not join")?;
    drop(door);
    let bare = bare(Client::join(server.port, BARE, BARE_ROOM).await?);
    let mut disk = Disk::open(dir)?;
    let mut rounds = vec![];
    let before = service.store_counts().await?;
    for number in 0..PEOPLE {
        rounds.extend(person(server.port, number, &mut disk).await?);
    }
    let after = service.store_counts().await?;
    bare.abort();
    let each = f64::from(PEOPLE * EACH);
    let per_round = [after.0 - before.0, after.1 - before.1];
    write(report, &rounds, &steps, per_round.map(|count| count / each));
    service.end().await
}

/// Somebody who asks both, and leaves before they are taken for a flooder.
async fn person(port: u16, number: u32, disk: &mut Disk) -> anyhow::Result<Vec<Round>> {
    let mut person = Client::join(port, &format!("p{number}"), ROOM).await?;
    person.enter(BARE_ROOM).await?;
    let mut rounds = vec![];
    for round in 0..EACH {
        let fdatasync = disk.fdatasync()?;
        let bare = ask(&mut person, BARE_ROOM, BARE).await?;
        let ours = ask(&mut person, ROOM, network::NICK).await?;
        if round > 0 {
            rounds.push(Round { ours, bare, fdatasync });
        }
    }
    person.send("QUIT").await?;
    Ok(rounds)
}

async fn ask(person: &mut Client, room: &str, nick: &str) -> anyhow::Result<f64> {
    let began = Instant::now();
    person.say(room, "!queue").await?;
    person.hears(nick, room).await?;
    Ok(millis(began.elapsed()))
}

/// Answers whatever it hears, at once.
fn bare(mut bot: Client) -> JoinHandle<anyhow::Result<()>> {
    tokio::spawn(async move {
        loop {
            let line = bot.sees(" PRIVMSG ").await?;
            let nick = line.split(['!', ':']).nth(1).unwrap_or_default();
            bot.say(BARE_ROOM, &format!("{nick}: {ANSWER}")).await?;
        }
    })
}

fn write(report: &mut Report, rounds: &[Round], steps: &Steps, [commits, fsyncs]: [f64; 2]) {
    let all = |of: fn(&Round) -> f64| Samples::new(rounds.iter().map(of));
    let (ours, bare) = (all(|round| round.ours), all(|round| round.bare));
    let line = (ours.median(), "ms");
    let reference = ("a bot that only answers", bare.median());
    report.add(Line::new("queue_round_trip", line, reference, Goal::AtMost(2.0)).beside([
        ("p90", ours.p90()),
        ("bare_p90", bare.p90()),
        ("fdatasync", all(|round| round.fdatasync).median()),
        ("commits", commits),
        ("fsyncs", fsyncs),
        ("admit", steps.admit),
        ("page", steps.page),
        ("begin", steps.begin),
        ("record", steps.record),
    ]));
    let spike = ("half of a delayed acknowledgement", SPIKE);
    let line = (ours.p99(), "ms");
    report.add(Line::new("queue_round_trip_p99", line, spike, Goal::AtMost(1.0)).beside([
        ("max", ours.most()),
        ("bare_p99", bare.p99()),
        ("bare_max", bare.most()),
        ("fdatasync_p99", all(|round| round.fdatasync).p99()),
    ]));
}
