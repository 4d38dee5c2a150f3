//! The dependency diagram, executable.
use std::{fs, path::Path, path::PathBuf};

/// A module, and the only siblings it may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("written", &[]),
    ("job", &[]),
    ("workflow", &["job", "written"]),
    ("picture", &["job"]),
    ("board", &["job"]),
    ("engine", &["job", "workflow"]),
    ("store", &["job"]),
    ("media", &["job", "picture", "store"]),
    ("queue", &["job", "store"]),
    ("intake", &["board", "engine", "job", "queue", "store", "workflow"]),
    ("worker", &["board", "engine", "job", "media", "picture", "queue", "store", "workflow"]),
    ("outbox", &["board", "job", "media", "store"]),
    ("simulator", &["picture"]),
    ("telemetry", &[]),
    ("config", &["written"]),
    (
        "app",
        &[
            "board",
            "config",
            "engine",
            "intake",
            "job",
            "media",
            "outbox",
            "picture",
            "queue",
            "simulator",
            "store",
            "telemetry",
            "worker",
            "workflow",
            "written",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "config",
            "engine",
            "intake",
            "job",
            "media",
            "queue",
            "simulator",
            "store",
            "telemetry",
            "workflow",
            "written",
        ],
    ),
];

#[test]
fn modules_depend_only_along_the_flow() {
    for (module, allowed) in MAY_USE {
        for file in sources(&Path::new("src").join(module)) {
            let text = fs::read_to_string(&file).expect("readable source");
            for (other, _) in MAY_USE.iter().filter(|(other, _)| other != module) {
                let named = names(&text).iter().any(|name| name == other);
                let file = file.display();
                assert!(!named || allowed.contains(other), "{file} must not use {other}");
            }
        }
    }
}

#[test]
fn every_module_is_in_the_table() {
    let lib = fs::read_to_string("src/lib.rs").expect("readable source");
    for module in lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(MAY_USE.iter().any(|(name, _)| *name == module), "{module} has no edges");
    }
}

#[test]
fn adapters_depend_on_the_contract_alone() {
    for dir in fs::read_dir("adapters").expect("adapters/").flatten() {
        let Ok(manifest) = fs::read_to_string(dir.path().join("Cargo.toml")) else { continue };
        let mut allowed: &[&str] = &[];
        for line in manifest.lines() {
            match line {
                "[dependencies]" => allowed = &["inkwire-core"],
                "[dev-dependencies]" => allowed = &["inkwire-core", "inkwire-conformance"],
                _ => {}
            }
            // A name alone, as in `inkwire-core.workspace = true`, so that no path can hide one.
            let package = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let ours = package.starts_with("inkwire");
            assert!(!ours || allowed.contains(&package), "{}: {line}", dir.path().display());
            let hidden = line.contains("path =") || line.contains("package = \"inkwire");
            assert!(
                !hidden || line.starts_with("path = \"src"),
                "{}: {line}",
                dir.path().display()
            );
        }
    }
}

/// Protocols are for adapters; only what composes and configures the service knows of them, and
/// the table of metrics, which lists everybody's.
#[test]
fn no_stage_names_a_protocol() {
    let outside = ["app", "cli", "config", "main", "telemetry"];
    let protocols = ["console", "discord", "irc", "ircd", "matrix", "telegram"];
    for file in sources(Path::new("src")) {
        let parts: Vec<_> = file.iter().skip(1).filter_map(|part| part.to_str()).collect();
        let module = parts.first().map_or("", |part| part.trim_end_matches(".rs"));
        let is_test = parts.iter().any(|part| part.starts_with("test") || *part == "suite");
        if outside.contains(&module) || is_test {
            continue;
        }
        let text = fs::read_to_string(&file).expect("readable source");
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = product.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let mut words = line.split(|c: char| !c.is_alphanumeric());
            let named = words.find(|word| protocols.contains(&word.to_lowercase().as_str()));
            assert!(named.is_none(), "{}: {line}", file.display());
        }
    }
}

/// Sentences for people are made at the edge, from outcomes; the command line words for operators.
#[test]
fn no_stage_words_an_answer() {
    for file in sources(Path::new("src")).iter().filter(|file| !file.starts_with("src/cli")) {
        let text = fs::read_to_string(file).expect("readable source");
        let group = text.split("use inkwire_core::").skip(1).filter_map(|it| it.split(';').next());
        let named = group.flat_map(|it| it.split(|c: char| !c.is_alphanumeric() && c != '_'));
        let words: Vec<_> = named.filter(|word| *word == "render").collect();
        assert!(words.is_empty(), "{}", file.display());
        assert!(!text.contains("inkwire_core::render"), "{}", file.display());
    }
}

#[test]
fn the_scheduler_is_a_pure_data_structure() {
    let text = fs::read_to_string("src/queue/scheduler.rs").expect("readable source");
    for impure in ["std::time", "std::fs", "std::io", "sync::", "tokio", "rand", "async "] {
        assert!(!text.contains(impure), "the scheduler uses {impure}");
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    for file in ["src", "adapters", "tests"].iter().flat_map(|dir| sources(Path::new(dir))) {
        let text = fs::read_to_string(&file).expect("readable source");
        assert!(text.starts_with("//! "), "{} has no opening line", file.display());
        assert!(text.lines().count() <= 500, "{} is too long", file.display());
    }
}

/// Siblings named by `crate::x` or inside `use crate::{ .. }`, one level deep.
fn names(text: &str) -> Vec<String> {
    let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut found: Vec<String> = vec![];
    for (at, path) in text.match_indices("crate::") {
        let rest = &text[at + path.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(word(rest));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && c.is_alphabetic() => {
                    found.push(word(&group[i..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.with_extension("rs").is_file() {
        return vec![path.with_extension("rs")];
    }
    let mut found = vec![];
    for entry in fs::read_dir(path).expect("a folder").flatten().map(|entry| entry.path()) {
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if entry.extension().is_some_and(|e| e == "rs") {
            found.push(entry);
        }
    }
    found
}
