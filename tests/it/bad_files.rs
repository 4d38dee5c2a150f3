//! Files and ports that are not as they should be: the program says which and what to do, with
//! the exit code for it, and spoils nothing.
use crate::{engine_suite::STUCK, house::simulator};
use inkwire_testkit::free_port;
use rusqlite::Connection;
use std::{fs, io::Write as _, path::Path, process::Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    time::timeout,
};

const EX_CONFIG: i32 = 78;

/// A folder with a configuration of its own, on ports of its own.
struct Home {
    folder: TempDir,
    telemetry: u16,
}

impl Home {
    async fn new() -> Self {
        let (links, telemetry) = (free_port().await.unwrap(), free_port().await.unwrap());
        let home = Self { folder: TempDir::new().unwrap(), telemetry };
        home.write(
            "inkwire.yaml",
            format!(
                "state_dir: state\nengines: [{{ name: e, url: 'http://127.0.0.1:1/' }}]\n\
                 media: {{ listen: '127.0.0.1:{links}' }}\n\
                 telemetry: {{ listen: '127.0.0.1:{telemetry}' }}\nlog: {{ format: json }}\n"
            ),
        );
        home
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inkwire"));
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null());
        for name in ["COMFYUI_ADDRESS", "COMFYUI_PORT", "LOG_LEVEL"] {
            command.env_remove(name);
        }
        command.kill_on_drop(true);
        command
    }

    /// Runs it to its end: the exit code and all that it said.
    async fn tell(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = timeout(STUCK, self.command(words).output()).await.expect("it ends").unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Starts the service and waits until it runs.
    async fn run(&self) -> Child {
        let mut child = self.command(&["run"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let runs = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains("inkwire runs") {
                    // Somebody must read on, or it would wait for room in the pipe.
                    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                    return;
                }
            }
            panic!("it ended");
        };
        timeout(STUCK, runs).await.expect("it runs");
        child
    }

    /// Leaves a database as a stop does, or rather a kill.
    async fn used(&self) {
        self.run().await.kill().await.unwrap();
    }
}

async fn check(yaml: impl AsRef<[u8]>, expected: &[&str]) {
    let home = Home::new().await;
    home.write("inkwire.yaml", yaml.as_ref());
    for command in ["check", "run"] {
        let (code, said) = home.tell(&[command]).await;
        assert_eq!(code, Some(EX_CONFIG), "{command} {expected:?}: {said}");
        for words in expected {
            assert!(said.contains(words), "{command}: {words:?} is not in {said}");
        }
    }
    assert!(!home.folder.path().join("state").exists(), "nothing is made of it");
}

#[tokio::test]
async fn wrong_yaml_is_refused_with_its_lines() {
    check("state_dir: state\nlog: { level: loud }\n", &["inkwire.yaml:2: ", "`loud`"]).await;
    check("state_dir: state\nengines:\n  - name: a\n", &["inkwire.yaml:3: engines.a.url"]).await;
    check("medai: {}\n", &["inkwire.yaml:1: ", "did you mean `media`?"]).await;
    check("state_dir: a\nstate_dir: b\n", &["inkwire.yaml:2: ", "written twice"]).await;
    check(b"log: \xff\xfe\x00", &["inkwire.yaml: is not UTF-8 text"]).await;
    let several =
        "log: { level: loud }\ntelemetry: { listen: nowhere }\nqueue: { max_wait_sec: 1 }\n";
    check(several, &["inkwire.yaml:1: ", "inkwire.yaml:3: "]).await;
}

#[tokio::test]
async fn half_written_yaml_is_refused_with_its_line() {
    check("state_dir: state\nmedia: { listen: '127.0.0.1:8780'\n", &["inkwire.yaml:2: "]).await;
    check("state_dir: state\nmedia:\n  listen: '127.0.0\n", &["inkwire.yaml:"]).await;
    check("files: { models: models.yaml }\n", &["inkwire.yaml:1: ", "models.yaml"]).await;
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let home = Home::new().await;
    let (code, said) = home.tell(&["run", "--config", "nowhere.yaml"]).await;
    assert_eq!((code, said.trim()), (Some(EX_CONFIG), "nowhere.yaml: does not exist"));
}

const WORKFLOWS: &str = "state_dir: state\nfiles: { workflows: flows }\n";
const MANIFEST: &str =
    "title: Mine\nsummary: Mine.\nparameters:\n  seed: { type: seed, to: [1.inputs.seed] }\n";

#[tokio::test]
async fn workflows_that_cannot_run_are_refused() {
    let home = Home::new().await;
    home.write("inkwire.yaml", WORKFLOWS);
    let (code, said) = home.tell(&["check"]).await;
    assert_eq!(code, Some(EX_CONFIG), "{said}");
    assert!(said.contains("inkwire.yaml:2: ") && said.contains("no such directory"), "{said}");

    home.write("flows/mine.yaml", MANIFEST);
    for (graph, expected) in [
        (None, "mine.json: is missing"),
        (Some(r#"{"nodes": [], "links": []}"#), "mine.json: is in the editor's own format"),
        (Some("{\"1\": "), "mine.json:"),
        (Some("[1, 2]"), "mine.json"),
    ] {
        if let Some(graph) = graph {
            home.write("flows/mine.json", graph);
        }
        for command in ["check", "run"] {
            let (code, said) = home.tell(&[command]).await;
            assert_eq!(code, Some(EX_CONFIG), "{command} {expected}: {said}");
            assert!(said.contains(expected), "{command}: {said}");
        }
    }
}

#[tokio::test]
async fn an_unknown_node_is_named_once_an_engine_is_asked() {
    let (home, simulator) = (Home::new().await, simulator().await);
    home.write("inkwire.yaml", WORKFLOWS);
    home.write("flows/mine.yaml", MANIFEST);
    let graph = r#"{"1": {"class_type": "NoSuchNode", "inputs": {"seed": 1}},
                    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}"#;
    home.write("flows/mine.json", graph);
    let url = simulator.url();
    let words = ["workflows", "check", "--config", "inkwire.yaml", "--engine", &url];
    let (code, said) = home.tell(&words).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("mine: not good") && said.contains("`NoSuchNode`"), "{said}");
    assert!(said.contains("sdxl: good"), "the others are not touched: {said}");
}

#[tokio::test]
async fn a_second_instance_on_the_same_state_is_refused_and_the_first_goes_on() {
    let home = Home::new().await;
    let mut first = home.run().await;
    let other = fs::read_to_string(home.folder.path().join("inkwire.yaml")).unwrap();
    let port = free_port().await.unwrap();
    home.write("other.yaml", other.replace(&home.telemetry.to_string(), &port.to_string()));
    let (code, said) = home.tell(&["run", "--config", "other.yaml"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("in use by another inkwire"), "{said}");
    assert_eq!(first.try_wait().unwrap(), None, "the first goes on");
    first.kill().await.unwrap();
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let home = Home::new().await;
    let taken = TcpListener::bind(("127.0.0.1", home.telemetry)).await.unwrap();
    let (code, said) = home.tell(&["run"]).await;
    assert_eq!(code, Some(1), "{said}");
    let address = taken.local_addr().unwrap().to_string();
    assert!(said.contains(&address) && said.contains("`telemetry.listen`"), "{said}");
    drop(taken);
    home.run().await.kill().await.unwrap();
}

async fn refused(home: &Home, expected: &[&str]) {
    let database = home.folder.path().join("state/inkwire.db");
    let before = fs::read(&database).unwrap();
    let (code, said) = home.tell(&["run"]).await;
    assert_eq!(code, Some(1), "{said}");
    for words in expected {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert_eq!(fs::read(&database).unwrap(), before, "it is left as it was");
}

fn pragma(database: &Path, pragma: &str) {
    let connection = Connection::open(database).unwrap();
    connection.execute_batch(pragma).unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_ours_to_use_is_refused_and_left_alone() {
    let home = Home::new().await;
    home.used().await;
    let database = home.folder.path().join("state/inkwire.db");
    pragma(&database, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA user_version = 999;");
    refused(&home, &["version 999", "install the newer inkwire"]).await;

    pragma(&database, "PRAGMA user_version = 1; PRAGMA application_id = 7;");
    refused(&home, &["no database of inkwire"]).await;
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_alone() {
    let home = Home::new().await;
    home.used().await;
    let database = home.folder.path().join("state/inkwire.db");
    pragma(&database, "PRAGMA wal_checkpoint(TRUNCATE);");
    let whole = fs::read(&database).unwrap();
    let mut inside = whole.clone();
    inside.iter_mut().skip(4096).take(6 * 4096).for_each(|byte| *byte ^= 0x5A);
    let mut head = whole.clone();
    head.iter_mut().take(64).for_each(|byte| *byte ^= 0x5A);
    for damaged in [inside, head] {
        fs::File::create(&database).unwrap().write_all(&damaged).unwrap();
        refused(&home, &["the database is damaged", "inkwire restore"]).await;
    }
    fs::write(&database, whole).unwrap();
    home.run().await.kill().await.unwrap();
}
