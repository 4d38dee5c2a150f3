//! `inkwire doctor`: looks at the whole set-up as it would run, and says what to mend and how.
use super::{Failed, assemble, look::look, print::print, run};
use crate::{
    config::{self, Config},
    engine::Status,
    store::private_dir,
    workflow::{
        Library,
        check::{Finding, against, offline},
    },
};
use serde::Serialize;
use std::{fs, net::TcpListener, path::PathBuf, process::ExitCode};

/// Less room than this is worth a word, in bytes.
const LITTLE_ROOM: u64 = 1 << 30;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[arg(short, long, default_value = "inkwire.yaml")]
    config: PathBuf,
    /// For programs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    Good,
    Warning,
    Broken,
}

#[derive(Debug, Serialize)]
struct Diagnosis {
    what: String,
    grade: Grade,
    finding: String,
    /// Empty where there is nothing to do.
    remedy: String,
}

fn good(what: &str, finding: impl Into<String>) -> Diagnosis {
    let (finding, remedy) = (finding.into(), String::new());
    Diagnosis { what: what.to_owned(), grade: Grade::Good, finding, remedy }
}

fn bad(grade: Grade, what: &str, finding: impl Into<String>, remedy: &str) -> Diagnosis {
    let (what, remedy) = (what.to_owned(), remedy.to_owned());
    Diagnosis { what, grade, finding: finding.into(), remedy }
}

pub(super) async fn doctor(options: &Options) -> Result<ExitCode, Failed> {
    let config = run::read(&options.config)?;
    let library = assemble::library(&config)?;
    let mut found = vec![state_dir(&config), room(&config), sqlite()];
    found.extend(ports(&config));
    found.push(links(&config));
    for workflow in library.iter() {
        let wrong = offline(workflow).into_iter().filter(|finding| finding.fails(false));
        found.extend(wrong.map(|finding| {
            let what = format!("workflow {}", workflow.name);
            bad(
                Grade::Broken,
                &what,
                finding.to_string(),
                "mend its two files, then run `inkwire workflows check`",
            )
        }));
    }
    for engine in &config.engines {
        match look(assemble::comfy(engine)).await {
            Ok(status) => found.extend(engine_findings(&engine.name, &status, &config, &library)),
            Err(why) => found.push(bad(
                Grade::Broken,
                &format!("engine {}", engine.name),
                format!("{} does not work: {why}", engine.url),
                "start ComfyUI there (python main.py --listen 127.0.0.1), or mend `engines.url`",
            )),
        }
    }
    #[cfg(feature = "irc")]
    for network in &config.irc {
        found.push(network_finding(network).await?);
    }
    show(&found, options.json)?;
    let broken = found.iter().any(|diagnosis| diagnosis.grade == Grade::Broken);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(found: &[Diagnosis], json: bool) -> Result<(), Failed> {
    if json {
        print(&serde_json::to_string_pretty(found)?);
        return Ok(());
    }
    for Diagnosis { what, grade, finding, remedy } in found {
        let mark = match grade {
            Grade::Good => "ok  ",
            Grade::Warning => "warn",
            Grade::Broken => "FAIL",
        };
        print(&format!("{mark}  {what}: {finding}"));
        if !remedy.is_empty() {
            print(&format!("      -> {remedy}"));
        }
    }
    Ok(())
}

fn state_dir(config: &Config) -> Diagnosis {
    let dir = &config.state_dir;
    let (what, shown) = ("state", dir.display().to_string());
    let probe = dir.join(".doctor");
    let written = private_dir(dir)
        .and_then(|()| fs::write(&probe, b""))
        .and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => good(what, format!("{shown} can be written")),
        Err(error) => bad(
            Grade::Broken,
            what,
            format!("{shown}: {error}"),
            "make the folder, owned by the user that runs inkwire, or set `state_dir`",
        ),
    }
}

fn room(config: &Config) -> Diagnosis {
    match rustix::fs::statvfs(&config.state_dir) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let shown = format!("{} MiB free", free >> 20);
            if free < LITTLE_ROOM || free < config.media.max_bytes / 4 {
                let remedy = "make room, or lower `media.max_bytes`";
                bad(Grade::Warning, "disk", shown, remedy)
            } else {
                good("disk", shown)
            }
        }
        Err(error) => bad(Grade::Warning, "disk", error.to_string(), "check `state_dir`"),
    }
}

/// The release that matrix-sdk links decides ours; before 3.51.3 a checkpoint from a second
/// process can corrupt a database.
fn sqlite() -> Diagnosis {
    let version = rusqlite::version();
    if rusqlite::version_number() >= 3_051_003 {
        return good("sqlite", version);
    }
    bad(
        Grade::Warning,
        "sqlite",
        format!("{version} is older than 3.51.3, which mends a rare corruption"),
        "never open the live database with another program; use `inkwire backup`",
    )
}

fn ports(config: &Config) -> Vec<Diagnosis> {
    let listeners = [("link server", config.media.listen), ("telemetry", config.telemetry.listen)];
    let try_one = |(what, address)| match TcpListener::bind(address) {
        Ok(_) => good(what, format!("{address} is free")),
        Err(error) => bad(
            Grade::Warning,
            what,
            format!("{address}: {error}"),
            "fine if inkwire runs already; else stop what uses the port, or set another one",
        ),
    };
    listeners.into_iter().map(try_one).collect()
}

fn links(config: &Config) -> Diagnosis {
    match &config.media.public_url {
        Some(url) => good("links", format!("people reach pictures at {url}")),
        None => bad(
            Grade::Warning,
            "links",
            "no `media.public_url`: no links are posted",
            "set it to the address under which people reach the link server",
        ),
    }
}

fn engine_findings(
    name: &str,
    status: &Status,
    config: &Config,
    library: &Library,
) -> Vec<Diagnosis> {
    let what = format!("engine {name}");
    let version = status.version.as_deref().unwrap_or("of unknown version");
    let device = status.device.as_deref().unwrap_or("an unknown device");
    let mut found = vec![good(&what, format!("ComfyUI {version} on {device}"))];
    for (model_name, model) in &config.models.models {
        let Some(workflow) = library.get(&model.workflow) else { continue };
        let files = [model.checkpoint.clone()];
        for finding in against(workflow, &status.catalog.nodes, &files) {
            let line = format!("model {model_name}: {finding}");
            found.push(match finding {
                Finding::Missing(_) => {
                    let remedy = "install the file, or take the model out of the models file";
                    bad(Grade::Warning, &what, line, remedy)
                }
                Finding::Wrong(_) => {
                    let remedy =
                        "update ComfyUI or install the custom nodes that the workflow needs";
                    bad(Grade::Broken, &what, line, remedy)
                }
            });
        }
    }
    found
}

/// Connects, logs in and leaves again.
#[cfg(feature = "irc")]
async fn network_finding(network: &config::Irc) -> Result<Diagnosis, Failed> {
    let what = format!("irc {}", network.name);
    let visit = match assemble::irc(network)?.visit().await {
        Ok(visit) => visit,
        Err(error) => {
            let remedy = "see the table at the end of docs/irc.md";
            return Ok(bad(Grade::Broken, &what, error.to_string(), remedy));
        }
    };
    let way = if visit.tls { "by TLS" } else { "without TLS" };
    let account = visit.account.as_deref().unwrap_or("none");
    let finding = format!("{} {way}, nick {}, account {account}", visit.server, visit.nick);
    Ok(if network.sasl.is_some() && visit.account.is_none() {
        bad(Grade::Warning, &what, finding, "it is not logged in: mend `sasl`")
    } else if visit.nick != network.nick {
        let remedy = "fine if inkwire runs already; else free the nick or set another one";
        bad(Grade::Warning, &what, finding, remedy)
    } else {
        good(&what, finding)
    })
}
