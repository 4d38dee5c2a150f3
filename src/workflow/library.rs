//! All workflows that there are: those compiled in, and those of a directory, which add to them
//! and replace them by name. It reads files once, at start or reload, and watches nothing.
use super::{Graph, Manifest};
use crate::written::{Problem, nearest};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::Path,
};

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

macro_rules! shipped {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../workflows/", $name, ".json")),
            include_str!(concat!("../../workflows/", $name, ".yaml")),
        )
    };
}

/// Name, graph, manifest.
const SHIPPED: [(&str, &str, &str); 6] = [
    shipped!("flux"),
    shipped!("lumina2"),
    shipped!("sd15"),
    shipped!("sd35"),
    shipped!("sdxl"),
    shipped!("sketch"),
];

#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// What people call it: the name of its two files.
    pub name: String,
    pub manifest: Manifest,
    pub graph: Graph,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    workflows: BTreeMap<String, Workflow>,
}

impl Workflow {
    /// Both files' problems, where one of them cannot be read.
    pub fn parse(name: &str, graph: &str, manifest: &str) -> Result<Self, Vec<Problem>> {
        let graph = Graph::parse(&format!("{name}.json"), graph);
        let manifest = Manifest::parse(&format!("{name}.yaml"), manifest);
        match (graph, manifest) {
            (Ok(graph), Ok(manifest)) => Ok(Self { name: name.to_owned(), manifest, graph }),
            (graph, manifest) => {
                let manifest = manifest.err().unwrap_or_default();
                Err(graph.err().into_iter().chain(manifest).collect())
            }
        }
    }
}

impl Library {
    /// The workflows that are compiled in.
    pub fn shipped() -> (Self, Vec<Problem>) {
        let mut library = Self::default();
        let mut problems = Vec::new();
        for (name, graph, manifest) in SHIPPED {
            library.add(Workflow::parse(name, graph, manifest), &mut problems);
        }
        (library, problems)
    }

    /// The shipped ones and those of a directory. What cannot be read is left out and reported.
    pub fn load(dir: &Path) -> (Self, Vec<Problem>) {
        let (mut library, mut problems) = Self::shipped();
        match names(dir) {
            Ok(names) => {
                for name in names {
                    library.workflows.remove(&name);
                    library.add(read(dir, &name), &mut problems);
                }
            }
            Err(error) => problems.push(unreadable(&dir.display().to_string(), &error)),
        }
        (library, problems)
    }

    pub fn get(&self, name: &str) -> Option<&Workflow> {
        self.workflows.get(name)
    }

    /// By name, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Workflow> {
        self.workflows.values()
    }

    /// The name most like what somebody wrote.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.workflows.keys().map(String::as_str))
    }

    fn add(&mut self, read: Result<Workflow, Vec<Problem>>, problems: &mut Vec<Problem>) {
        match read {
            Ok(workflow) => {
                self.workflows.insert(workflow.name.clone(), workflow);
            }
            Err(found) => problems.extend(found),
        }
    }
}

/// Names of all that have a graph or a manifest in a directory; hidden files are an editor's.
fn names(dir: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let ours = path.extension().is_some_and(|end| end == "json" || end == "yaml");
        let name = path.file_stem().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| ours && !name.starts_with('.')) {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

fn read(dir: &Path, name: &str) -> Result<Workflow, Vec<Problem>> {
    let well_named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if name.is_empty() || !name.chars().all(well_named) {
        let what = "the name may hold a-z, 0-9, `-` and `_`, since people type it";
        return Err(vec![Problem::new(name, what)]);
    }
    match (text(dir, &format!("{name}.json")), text(dir, &format!("{name}.yaml"))) {
        (Ok(graph), Ok(manifest)) => Workflow::parse(name, &graph, &manifest),
        (graph, manifest) => Err(graph.err().into_iter().chain(manifest.err()).collect()),
    }
}

fn text(dir: &Path, file: &str) -> Result<String, Problem> {
    let mut text = String::new();
    let read = fs::File::open(dir.join(file))
        .and_then(|opened| opened.take(MAX_FILE + 1).read_to_string(&mut text))
        .map_err(|error| unreadable(file, &error))?;
    if u64::try_from(read).is_ok_and(|length| length <= MAX_FILE) {
        Ok(text)
    } else {
        Err(Problem::new(file, "is longer than 1 MiB"))
    }
}

fn unreadable(file: &str, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::NotFound => Problem::new(file, MISSING),
        io::ErrorKind::InvalidData => Problem::new(file, "is not UTF-8 text"),
        _ => Problem::new(file, format!("cannot be read: {error}")),
    }
}

const MISSING: &str = "is missing; a workflow is two files, NAME.json and NAME.yaml";

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str =
        "title: Mine\nsummary: Mine.\nparameters:\n  seed: { type: seed, to: [1.inputs.seed] }\n";
    const GRAPH: &str = r#"{"1": {"class_type": "SaveNoise", "inputs": {"seed": 1}}}"#;

    fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("directory");
        for (name, bytes) in files {
            fs::write(dir.path().join(name), bytes).expect("written");
        }
        dir
    }

    #[test]
    fn a_directory_adds_and_replaces() {
        let (graph, manifest) = (GRAPH.as_bytes(), MANIFEST.as_bytes());
        let files = [
            ("mine.json", graph),
            ("mine.yaml", manifest),
            ("sdxl.json", graph),
            ("sdxl.yaml", manifest),
            ("README.md", b"no workflow"),
            (".#mine.yaml", b"an editor's"),
        ];
        let (library, problems) = Library::load(directory(&files).path());
        assert_eq!(problems, []);
        let names: Vec<&str> = library.iter().map(|workflow| &*workflow.name).collect();
        assert_eq!(names, ["flux", "lumina2", "mine", "sd15", "sd35", "sdxl", "sketch"]);
        assert_eq!(library.get("sdxl").map(|it| &*it.manifest.title), Some("Mine"));
        assert_eq!(library.nearest("sdlx"), Some("sdxl"));
        assert_eq!(library.nearest("zzzz"), None);
    }

    fn check(name: &str, bytes: &[u8], expected: &str) {
        let mut files: Vec<(&str, &[u8])> =
            vec![("mine.json", GRAPH.as_bytes()), ("mine.yaml", MANIFEST.as_bytes())];
        files.retain(|(other, _)| *other != name);
        if !bytes.is_empty() {
            files.push((name, bytes));
        }
        let (library, problems) = Library::load(directory(&files).path());
        let said: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert!(said.iter().any(|line| line.contains(expected)), "{expected}: {said:?}");
        assert_eq!(
            library.iter().filter(|workflow| workflow.name == "mine").count(),
            0,
            "{expected}"
        );
    }

    #[test]
    fn files_that_cannot_be_read_are_reported() {
        check("mine.json", b"", "mine.json: is missing; a workflow is two files");
        check("mine.yaml", b"", "mine.yaml: is missing");
        check("mine.json", b"\xff\xfe", "mine.json: is not UTF-8 text");
        check("mine.json", &vec![b' '; 1024 * 1024 + 1], "longer than 1 MiB");
        check("mine.json", br#"{"nodes": []}"#, "Workflow > Export (API)");
        check("mine.yaml", b"title: [", "mine.yaml:");
        check("mine.yaml", b"titel: Mine\n", "mine.yaml:1: ");
        check("mine.yaml", b"titel: Mine\n", "did you mean `title`?");
        let unknown = MANIFEST.replace("seed: {", "sede: {");
        check("mine.yaml", unknown.as_bytes(), "mine.yaml:4: ");
        check("mine.yaml", unknown.as_bytes(), "did you mean `seed`?");
        let target = MANIFEST.replace("1.inputs.seed", "seed");
        check("mine.yaml", target.as_bytes(), "`seed` is not an input: write NODE.inputs.NAME");
        check("mine.yaml", b"", "mine.yaml: is missing");
        let three = unknown.replace("summary: Mine.", "summry: x\nlimits: {max_pixel: 3}");
        check("mine.yaml", three.as_bytes(), "mine.yaml:2: there is no key `summry`");
        check("mine.yaml", three.as_bytes(), "mine.yaml:3: there is no key `max_pixel`");
        check("mine.yaml", three.as_bytes(), "mine.yaml:5: there is no value `sede`");
        let twice = MANIFEST.replace("summary", "title");
        check("mine.yaml", twice.as_bytes(), "the key `title` is written twice");
    }

    #[test]
    fn names_that_nobody_could_type_are_refused() {
        let files = [("My Flow.json", GRAPH.as_bytes()), ("My Flow.yaml", MANIFEST.as_bytes())];
        let (_, problems) = Library::load(directory(&files).path());
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().contains("My Flow: the name may hold a-z"));
    }

    #[test]
    fn a_missing_directory_leaves_the_shipped_ones() {
        let (library, problems) = Library::load(Path::new("/nonexistent/workflows"));
        assert_eq!(library.iter().count(), SHIPPED.len());
        assert_eq!(problems.len(), 1);
    }
}
