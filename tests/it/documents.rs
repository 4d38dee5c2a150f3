//! The documents say what the code does: references, metrics, lengths and links.
use inkwire::telemetry::metrics::{self, METRICS};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn the_telemetry_page_is_the_table() {
    let page = metrics::reference();
    let committed = read("docs/telemetry.md");
    assert!(committed == page, "docs/telemetry.md is out of date, run `make docs`; it is:\n{page}");
}

/// Name to kind and labels, as in the table: nothing is counted that is not listed, or listed
/// that is not counted.
#[test]
fn every_metric_is_listed_and_counted() {
    let mut counted = BTreeMap::new();
    for file in ["src", "adapters"].iter().flat_map(|dir| files(Path::new(dir), "rs")) {
        let text = read(&file);
        for kind in ["counter", "gauge", "histogram"] {
            for (at, call) in text.match_indices(&format!("metrics::{kind}!(")) {
                let Some((name, labels)) = named(&text[at + call.len()..]) else { continue };
                let was = counted.insert(name.clone(), (kind.to_owned(), labels.clone()));
                let same = was.is_none_or(|was| was == (kind.to_owned(), labels));
                assert!(same, "{}: {name} is of two kinds", file.display());
            }
        }
    }
    let listed: BTreeMap<_, _> = METRICS
        .iter()
        .map(|metric| {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            (metric.name.to_owned(), (kind, metric.labels.to_owned()))
        })
        .collect();
    assert_eq!(counted, listed);
}

/// The name that a call of a macro begins with, and its labels in order.
fn named(call: &str) -> Option<(String, String)> {
    let call: String = call.split_whitespace().collect();
    let name = call.strip_prefix('"')?.split('"').next()?;
    // The last is that of a metric that is kept for later.
    let verbs = [").set(", ").increment(", ").record(", ");"];
    let end = verbs.iter().filter_map(|verb| call.find(verb)).min()?;
    let mut before_values: Vec<_> = call[..end].split("\"=>").collect();
    before_values.pop();
    let labels: Vec<_> = before_values.iter().filter_map(|text| text.rsplit('"').next()).collect();
    Some((name.to_owned(), labels.join(", ")))
}

#[test]
fn pages_for_newcomers_are_short() {
    for (page, most) in [("README.md", 130), ("ARCHITECTURE.md", 250)] {
        let lines = read(page).lines().count();
        assert!(lines <= most, "{page} has {lines} lines");
    }
}

#[test]
fn links_lead_somewhere() {
    let pages = files(Path::new("."), "md");
    assert!(pages.len() > 5, "{pages:?}");
    for page in pages {
        let text = read(&page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let there = page.parent().is_some_and(|folder| folder.join(path).exists());
            assert!(there, "{}: {target} is not there", page.display());
        }
    }
}

/// A test is named in backticks by its whole name, as here: `tests_that_pages_name_are_there`.
#[test]
fn tests_that_pages_name_are_there() {
    let sources: String = ["src", "adapters", "tests"]
        .iter()
        .flat_map(|dir| files(Path::new(dir), "rs"))
        .map(|file| read(&file))
        .collect();
    for page in ["README.md", "ARCHITECTURE.md"] {
        let text = read(page);
        let tests: Vec<_> = text.split('`').skip(1).step_by(2).filter(|it| is_test(it)).collect();
        assert!(tests.len() > 5, "{page} names {tests:?}");
        for test in tests {
            assert!(sources.contains(&format!("fn {test}(")), "{page}: there is no {test}");
        }
    }
}

/// Names of tests are sentences.
fn is_test(word: &str) -> bool {
    let fits = word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    fits && word.matches('_').count() >= 3 && !word.starts_with("inkwire_")
}

fn read(file: impl AsRef<Path>) -> String {
    let file = file.as_ref();
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// All below a folder with this ending; what is built or hidden is left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let skipped = name == "target" || name.to_string_lossy().starts_with('.');
        if path.is_dir() && !skipped {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found
}
