//! Answers to questions, as lines: one heading fact first, then one line for each thing.
//! How many lines fit is the adapter's business.
use super::{Context, about, bytes, date, duration, excerpt, note, one_line, ordinal, recipe};
use crate::{
    About, Answer, Artifact, EngineHealth, EngineLine, EngineModels, FlagHelp, JobId, JobInfo,
    JobReport, JobStateName, ModelLine, Note, Origin, PersonReport, QueueLine, QueueReport,
    RoomDefault, Spec, StyleLine, WorkflowLine,
};

/// Lines for people, the most important first.
pub fn answer(answer: &Answer, context: &Context<'_>) -> Vec<String> {
    let lines = match answer {
        Answer::Help(specs) => specs.iter().map(|spec| command(spec, context)).collect(),
        Answer::Topic(spec) => topic(spec, context),
        Answer::Flags(flags) => flags.iter().map(flag).collect(),
        Answer::Queue(report) => queue(report),
        Answer::Status(report) => status(report),
        Answer::Info(info) => self::info(info),
        Answer::Models(models) => list("models", models, model),
        Answer::Workflows(workflows) => list("workflows", workflows, workflow),
        Answer::Styles(styles) => list("styles", styles, style),
        Answer::Me(report) => me(report),
        Answer::About(about) => about_us(about),
        Answer::Cancelling(jobs) => vec![cancelling(jobs)],
        Answer::Deleted { job, image, grid } => vec![deleted(job, *image, *grid)],
        Answer::Flushed { waiting, running } => {
            vec![format!("Flushed {waiting} waiting and {running} running")]
        }
        Answer::Room(defaults) => list("defaults", defaults, room_default),
        Answer::RoomChanged { now, notes } => room_changed(now, notes),
        Answer::Paused => vec!["Paused: running jobs end, no new ones start".to_owned()],
        Answer::Resumed => vec!["Resumed".to_owned()],
        Answer::Engines(engines) => list("engines", engines, engine),
        Answer::EngineModels(engines) => engines.iter().flat_map(engine_models).collect(),
        Answer::Unloading(engines) => vec![named("Unloading models of", engines)],
        Answer::Reloaded { changed, needs_restart } => reloaded(changed, needs_restart),
        Answer::ReloadFailed(problems) => {
            let first = "Not reloaded; the old configuration stays:".to_owned();
            std::iter::once(first).chain(problems.iter().cloned()).collect()
        }
    };
    lines.iter().map(|line| one_line(line)).collect()
}

fn deleted(job: &JobId, image: Option<u16>, grid: bool) -> String {
    let Some(image) = image else { return format!("{job} is deleted, pictures and links") };
    let also = if grid { "; the grid's link is gone too" } else { "" };
    format!("{job}.{image} is deleted{also}")
}

fn command(spec: &Spec, context: &Context<'_>) -> String {
    format!("{}{} - {}", context.prefix, spec.usage, spec.summary)
}

fn topic(spec: &Spec, context: &Context<'_>) -> Vec<String> {
    let mut lines = vec![command(spec, context)];
    if !spec.aliases.is_empty() {
        lines.push(named("Also:", &spec.aliases));
    }
    let example = |example: &String| format!("Example: {}{example}", context.prefix);
    lines.extend(spec.examples.iter().map(example));
    lines
}

fn flag(help: &FlagHelp) -> String {
    let gap = if help.value.is_empty() { "" } else { " " };
    format!("{}{gap}{} - {}", help.flag, help.value, help.summary)
}

fn queue(report: &QueueReport) -> Vec<String> {
    let paused = if report.paused { ", paused by the operator" } else { "" };
    let (running, waiting) = (report.running.len(), report.waiting_total);
    let engines = format!("{} of {} engines up", report.engines_up, report.engines);
    let mut lines = vec![format!("{running} running, {waiting} waiting, {engines}{paused}")];
    lines.extend(report.running.iter().map(|line| queue_line("running", line)));
    let waiting = report.waiting.iter().zip(1..);
    lines.extend(waiting.map(|(line, place)| queue_line(&ordinal(place), line)));
    let unlisted = report.waiting_total.saturating_sub(report.waiting.len());
    if unlisted > 0 {
        lines.push(format!("and {unlisted} more"));
    }
    lines
}

fn queue_line(place: &str, line: &QueueLine) -> String {
    let owner = match (&line.owner, line.mine) {
        (_, true) => " (yours)".to_owned(),
        (Some(owner), false) => format!(" by {}", excerpt(owner, 40)),
        (None, false) => String::new(),
    };
    let eta = line.eta.map(|eta| format!(", {}", about(eta))).unwrap_or_default();
    format!("{place}: {}{owner}, {}{eta}", line.job, counted(line.images.into(), "image"))
}

fn status(report: &JobReport) -> Vec<String> {
    let mut words = vec![format!("{} is {}", report.job, state(report.state))];
    words.extend(report.position.map(|place| format!("{} in line", ordinal(place))));
    words.extend(report.engine.as_ref().map(|engine| format!("on {engine}")));
    words.extend(report.progress.map(|(done, total)| format!("step {done} of {total}")));
    words.extend(report.eta.map(about));
    std::iter::once(words.join(", ")).chain(report.links.iter().cloned()).collect()
}

fn info(info: &JobInfo) -> Vec<String> {
    let made = &info.recipe;
    let mut lines = vec![format!("{} {}: {}", info.job, state(info.state), recipe(made))];
    let sampling = format!("{} steps, cfg {}, {}", made.steps, made.cfg, made.sampler);
    let mut details = vec![sampling, made.scheduler.clone(), format!("workflow {}", made.workflow)];
    details.extend(made.denoise.map(|denoise| format!("denoise {denoise}")));
    lines.push(details.join(", "));
    if !made.negative.is_empty() {
        lines.push(format!("without: {}", excerpt(&made.negative, 120)));
    }
    lines.extend(made.revised.as_ref().map(|text| format!("as sent: {}", excerpt(text, 200))));
    lines.push(story(info));
    lines.extend(info.artifacts.iter().filter_map(picture));
    lines
}

/// Who asked, when, and what came of it.
fn story(info: &JobInfo) -> String {
    let mut words = vec![format!("asked by {}", excerpt(&info.asked_by, 40)), date(info.asked_at)];
    words.extend(info.took.map(|took| format!("took {}", duration(took))));
    words.extend(info.engine.as_ref().map(|engine| format!("on {engine}")));
    words.extend(info.expires.map(|time| format!("kept until {}", date(time))));
    words.join(", ")
}

fn picture(artifact: &Artifact) -> Option<String> {
    let link = artifact.link.as_ref()?;
    let size = bytes(artifact.bytes);
    Some(format!("{}×{}, {size}: {link}", artifact.width, artifact.height))
}

fn model(line: &ModelLine) -> String {
    let size = format!("{}×{}, {} steps", line.width, line.height, line.steps);
    let first = format!("{}{}", line.name, if line.is_default { " (default)" } else { "" });
    described(&first, line.summary.as_deref(), &format!(", {size}"), line.available)
}

fn workflow(line: &WorkflowLine) -> String {
    let needs = if line.needs_picture { ", needs a picture" } else { "" };
    described(&line.name, Some(&line.title), needs, line.available)
}

fn style(line: &StyleLine) -> String {
    described(&line.name, line.summary.as_deref(), "", true)
}

fn described(name: &str, summary: Option<&str>, more: &str, available: bool) -> String {
    let summary = summary.map(|summary| format!(": {summary}")).unwrap_or_default();
    let missing = if available { "" } else { ", on no engine right now" };
    format!("{name}{summary}{more}{missing}")
}

fn me(report: &PersonReport) -> Vec<String> {
    let admin = if report.admin { ", admin" } else { "" };
    let waiting = format!("{} of {} waiting", report.waiting, report.max_waiting);
    let running = format!("{} of {} running", report.running, report.max_running);
    let pace = format!("{} messages a minute", report.messages_per_minute);
    let name = excerpt(&report.name, 40);
    let mut lines = vec![format!("{name}{admin}: {waiting}, {running}, {pace}")];
    if !report.newest.is_empty() {
        lines.push(named("Newest:", &report.newest));
    }
    lines
}

fn about_us(about: &About) -> Vec<String> {
    let up = duration(about.up_for);
    let first = format!("inkwire {}, up for {up}, {}", about.version, about.source);
    let mut lines = vec![first];
    if !about.engines.is_empty() {
        lines.push(named("Painted by", &about.engines));
    }
    lines
}

fn cancelling(jobs: &[JobId]) -> String {
    if jobs.is_empty() { "Nothing to cancel".to_owned() } else { named("Cancelling", jobs) }
}

fn engine(line: &EngineLine) -> String {
    let mut words = vec![format!("{}: {}", line.name, health(line.health))];
    words.extend(line.reason.as_ref().map(|reason| excerpt(reason, 120)));
    words.extend(line.version.as_ref().map(|version| format!("version {version}")));
    words.extend(line.device.clone());
    words.extend(line.vram.map(|(free, all)| format!("{} of {} free", bytes(free), bytes(all))));
    words.push(format!("{} running", line.running));
    if line.foreign > 0 {
        words.push(format!("{} not ours", line.foreign));
    }
    words.join(", ")
}

fn engine_models(engine: &EngineModels) -> Vec<String> {
    let up = if engine.up { "up" } else { "down" };
    let lists = [
        ("configured", &engine.configured),
        ("missing", &engine.missing),
        ("loaded", &engine.loaded),
        ("installed", &engine.installed),
        ("LoRAs", &engine.loras),
    ];
    let filled = lists.iter().filter(|(_, names)| !names.is_empty());
    let line = |(what, names): &(&str, &Vec<String>)| format!("{what}: {}", names.join(", "));
    let first = format!("{} is {up}", engine.engine);
    std::iter::once(first).chain(filled.map(line)).collect()
}

fn room_default(line: &RoomDefault) -> String {
    let from = match line.from {
        Origin::Room => "this room's",
        Origin::Model => "the model's",
        Origin::Operator => "the operator's",
        Origin::Workflow => "the workflow's",
        Origin::Service => "the usual",
    };
    let gone = if line.available { "" } else { ", not available" };
    format!("{} {} ({from}{gone})", line.flag, excerpt(&line.value, 80))
}

fn room_changed(now: &[RoomDefault], notes: &[Note]) -> Vec<String> {
    let first = match now {
        [] => "Nothing changes in this room".to_owned(),
        now => {
            let now: Vec<_> = now.iter().map(room_default).collect();
            named("From now on in this room:", &now)
        }
    };
    std::iter::once(first).chain(notes.iter().map(note)).collect()
}

fn reloaded(changed: &[String], needs_restart: &[String]) -> Vec<String> {
    let mut lines = vec![match changed {
        [] => "Reloaded; nothing changed".to_owned(),
        names => named("Reloaded:", names),
    }];
    if !needs_restart.is_empty() {
        lines.push(named("After a restart:", needs_restart));
    }
    lines
}

/// One line for each, or a line that says that there are none.
fn list<T>(what: &str, things: &[T], line: impl Fn(&T) -> String) -> Vec<String> {
    if things.is_empty() {
        return vec![format!("There are no {what}")];
    }
    things.iter().map(line).collect()
}

fn named(what: &str, names: &[impl ToString]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    format!("{what} {}", names.join(", "))
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

fn state(state: JobStateName) -> &'static str {
    match state {
        JobStateName::Waiting => "waiting",
        JobStateName::Running => "running",
        JobStateName::Cancelling => "being stopped",
        JobStateName::Finished => "finished",
        JobStateName::Failed => "failed",
        JobStateName::Cancelled => "cancelled",
        JobStateName::Expired => "expired",
    }
}

fn health(health: EngineHealth) -> &'static str {
    match health {
        EngineHealth::Starting => "starting",
        EngineHealth::Up => "up",
        EngineHealth::Degraded => "up, by polling",
        EngineHealth::Stalled => "stalled",
        EngineHealth::Down => "down",
    }
}
