//! The words of every answer.
use super::{NOW, all, artifact, fox, told, words};
use crate::{
    About, Answer, ArtifactKind, EngineHealth, EngineLine, EngineModels, FlagHelp, JobInfo,
    JobReport, JobStateName, ModelLine, Note, Origin, Outcome, PersonReport, QueueLine,
    QueueReport, Recipe, Role, RoomDefault, Spec, StyleLine, Time, WorkflowLine,
};
use std::time::Duration;

fn after(previous: Option<&Answer>) -> Option<Answer> {
    use Answer as A;
    let Some(previous) = previous else { return Some(A::Help(vec![cancel()])) };
    Some(match previous {
        A::Help(_) => A::Topic(Box::new(cancel())),
        A::Topic(_) => A::Flags(flags()),
        A::Flags(_) => A::Queue(queue()),
        A::Queue(_) => A::Status(status()),
        A::Status(_) => A::Info(Box::new(info())),
        A::Info(_) => A::Models(models()),
        A::Models(_) => A::Workflows(workflows()),
        A::Workflows(_) => A::Styles(styles()),
        A::Styles(_) => A::Me(me()),
        A::Me(_) => A::About(about()),
        A::About(_) => A::Cancelling(vec!["k7f".into(), "m2x".into()]),
        A::Cancelling(_) => A::Deleted { job: "k7f".into(), image: None, grid: false },
        A::Deleted { .. } => A::Flushed { waiting: 3, running: 1 },
        A::Flushed { .. } => A::Room(room()),
        A::Room(_) => room_changed(),
        A::RoomChanged { .. } => A::Paused,
        A::Paused => A::Resumed,
        A::Resumed => A::Engines(engines()),
        A::Engines(_) => A::EngineModels(vec![engine_models()]),
        A::EngineModels(_) => A::Unloading(words(&["attic", "cellar"])),
        A::Unloading(_) => reloaded(),
        A::Reloaded { .. } => A::ReloadFailed(words(&["models.yaml:3: no such key `modell`"])),
        A::ReloadFailed(_) => return None,
    })
}

fn cancel() -> Spec {
    Spec {
        name: "cancel".to_owned(),
        aliases: words(&["stop"]),
        usage: "cancel [ID|all]".to_owned(),
        summary: "stop a job of yours".to_owned(),
        role: Role::Everybody,
        examples: words(&["cancel", "cancel k7f"]),
    }
}

fn room() -> Vec<RoomDefault> {
    let line = |flag: &str, value: &str, from, available| RoomDefault {
        flag: flag.to_owned(),
        value: value.to_owned(),
        from,
        available,
    };
    vec![
        line("model", "fox", Origin::Room, false),
        line("model", "sdxl", Origin::Operator, true),
        line("size", "1024x768", Origin::Model, true),
        line("steps", "30", Origin::Workflow, true),
        line("sampler", "euler", Origin::Service, true),
    ]
}

fn room_changed() -> Answer {
    let clamped = Note::Clamped {
        flag: "--steps".to_owned(),
        asked: "90".to_owned(),
        given: "60".to_owned(),
    };
    let now = room().into_iter().take(2).collect();
    Answer::RoomChanged { now, notes: vec![clamped] }
}

fn flags() -> Vec<FlagHelp> {
    let flag = |flag: &str, value: &str, summary: &str| FlagHelp {
        flag: flag.to_owned(),
        value: value.to_owned(),
        summary: summary.to_owned(),
    };
    vec![flag("--width/-w", "PIXELS", "how wide"), flag("--private", "", "for your eyes only")]
}

fn queue() -> QueueReport {
    let line = |job: &str, owner: Option<&str>, mine| QueueLine {
        job: job.into(),
        owner: owner.map(str::to_owned),
        mine,
        images: if mine { 1 } else { 4 },
        eta: mine.then(|| Duration::from_secs(38)),
    };
    QueueReport {
        running: vec![line("k7f", Some("ann"), false)],
        waiting: vec![line("m2x", None, true), line("p9q", None, false)],
        waiting_total: 12,
        paused: true,
        engines_up: 1,
        engines: 2,
    }
}

fn status() -> JobReport {
    JobReport {
        job: "k7f".into(),
        state: JobStateName::Running,
        position: None,
        eta: Some(Duration::from_secs(8)),
        engine: Some("attic".to_owned()),
        progress: Some((11, 20)),
        links: words(&["https://pics.example/i/1"]),
    }
}

fn info() -> JobInfo {
    JobInfo {
        job: "k7f".into(),
        state: JobStateName::Finished,
        recipe: Recipe {
            revised: Some("a red fox, masterpiece".to_owned()),
            negative: "blurry".to_owned(),
            denoise: Some(0.6),
            ..fox()
        },
        artifacts: vec![artifact(1, ArtifactKind::Image)],
        asked_by: "ann".to_owned(),
        asked_at: NOW,
        took: Some(Duration::from_secs(12)),
        expires: Some(Time(NOW.0 + 2_592_000_000)),
        engine: Some("attic".to_owned()),
    }
}

fn models() -> Vec<ModelLine> {
    let model = |name: &str, summary: Option<&str>, available| ModelLine {
        name: name.to_owned(),
        summary: summary.map(str::to_owned),
        workflow: name.to_owned(),
        width: 1024,
        height: 1024,
        steps: 25,
        is_default: summary.is_some(),
        available,
    };
    vec![model("sdxl", Some("all-rounder"), true), model("flux", None, false)]
}

fn workflows() -> Vec<WorkflowLine> {
    let (name, title) = ("sketch".to_owned(), "Sketch".to_owned());
    vec![WorkflowLine { name, title, needs_picture: true, available: true }]
}

fn styles() -> Vec<StyleLine> {
    vec![StyleLine { name: "ink".to_owned(), summary: Some("black on white".to_owned()) }]
}

fn me() -> PersonReport {
    PersonReport {
        name: "ann".to_owned(),
        waiting: 2,
        max_waiting: 5,
        running: 1,
        max_running: 2,
        messages_per_minute: 12,
        admin: true,
        newest: vec!["k7f".into(), "m2x".into()],
    }
}

fn about() -> About {
    About {
        version: "0.1.0".to_owned(),
        engines: words(&["attic"]),
        up_for: Duration::from_hours(30),
        source: "https://example.org/inkwire".to_owned(),
    }
}

fn engines() -> Vec<EngineLine> {
    let engine = |name: &str, health| EngineLine {
        name: name.to_owned(),
        health,
        reason: None,
        version: None,
        device: None,
        vram: None,
        running: 0,
        foreign: 0,
    };
    vec![
        EngineLine {
            version: Some("0.3.64".to_owned()),
            device: Some("RTX 4090".to_owned()),
            vram: Some((20_100_000_000, 24_000_000_000)),
            running: 1,
            foreign: 2,
            ..engine("attic", EngineHealth::Up)
        },
        EngineLine {
            reason: Some("connection refused".to_owned()),
            ..engine("cellar", EngineHealth::Down)
        },
        engine("barn", EngineHealth::Starting),
        engine("shed", EngineHealth::Degraded),
        engine("loft", EngineHealth::Stalled),
    ]
}

fn engine_models() -> EngineModels {
    EngineModels {
        engine: "attic".to_owned(),
        up: true,
        installed: words(&["sd_xl_base_1.0.safetensors"]),
        configured: words(&["sdxl"]),
        missing: words(&["flux"]),
        loaded: words(&["sdxl"]),
        loras: vec![],
    }
}

fn reloaded() -> Answer {
    Answer::Reloaded { changed: words(&["models"]), needs_restart: words(&["http.listen"]) }
}

#[test]
fn answers() {
    let lines: Vec<_> = all(after).map(|answer| told(&Outcome::Answer(answer))).collect();
    insta::assert_snapshot!(lines.join("\n\n"));
}

#[test]
fn nothing_and_parts_are_said_too() {
    let check = |answer, expected: &str| assert_eq!(told(&Outcome::Answer(answer)), expected);
    check(Answer::Models(vec![]), "There are no models");
    check(Answer::Cancelling(vec![]), "Nothing to cancel");
    let one = |grid| Answer::Deleted { job: "k7f".into(), image: Some(2), grid };
    check(one(false), "k7f.2 is deleted");
    check(one(true), "k7f.2 is deleted; the grid's link is gone too");
    check(
        Answer::Queue(QueueReport { engines_up: 1, engines: 1, ..QueueReport::default() }),
        "0 running, 0 waiting, 1 of 1 engines up",
    );
    let nothing = Answer::RoomChanged { now: vec![], notes: vec![] };
    check(nothing, "Nothing changes in this room");
    check(Answer::Reloaded { changed: vec![], needs_restart: vec![] }, "Reloaded; nothing changed");
}
