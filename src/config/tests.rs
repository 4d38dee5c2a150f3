//! The whole way from text, environment and secret files to a configuration or its problems.
#[cfg(feature = "irc")]
mod irc;

use super::*;
use secrecy::ExposeSecret;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};
use tempfile::TempDir;

/// Enough to be valid with any section beside it.
const LINKS: &str = "media: { public_url: 'https://pics.example.org' }\n";

fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("directory");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
    }
    dir
}

fn load_dir(dir: &Path, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load(Some(&dir.join("inkwire.yaml")), &pairs.collect())
}

fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load_dir(directory(&[("inkwire.yaml", text)]).path(), variables)
}

fn loaded(text: &str) -> Config {
    load_text(text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The problems without the directory, which differs from run to run.
fn problems(result: Result<Config, ConfigError>) -> Vec<String> {
    let error = result.expect_err("has problems");
    error
        .problems
        .iter()
        .map(|problem| {
            let file = Path::new(&problem.file).file_name().expect("name").to_string_lossy();
            Problem { file: file.into_owned(), ..problem.clone() }.to_string()
        })
        .collect()
}

#[test]
fn nothing_at_all_is_a_configuration() {
    for config in [load(None, &Environment::default()).expect("defaults"), loaded(""), loaded("{}")]
    {
        assert_eq!(config.engines.len(), 1);
        assert_eq!(config.engines[0].url.as_str(), "http://127.0.0.1:8188/");
        assert_eq!(config.engines[0].idle_unload, Some(Duration::from_mins(10)));
        assert_eq!(config.queue.max_wait, Duration::from_hours(1));
        assert_eq!(config.log, Log { level: Level::Info, format: Format::Auto, prompts: false });
        assert_eq!(config.triggers.prefixes, ["!"]);
        assert_eq!(config.models.defaults.model, "sdxl");
        assert!(config.models.models.contains_key("sketch"));
        assert!(config.styles.contains_key("ink"));
        assert!(config.access.admins.is_empty() && config.irc.is_empty() && !config.console);
        assert_eq!(config.retention.recipes, Duration::from_hours(180 * 24));
    }
}

#[test]
fn the_template_holds_and_says_the_defaults() {
    let told = loaded(template());
    let plain = loaded("");
    assert_eq!((told.log, told.queue, told.limits), (plain.log, plain.queue, plain.limits));
    assert_eq!((told.telemetry, told.retention), (plain.telemetry, plain.retention));
    assert_eq!(told.triggers, plain.triggers);
    assert_eq!(told.console, plain.console);
    assert_eq!(Media { public_url: None, ..told.media }, plain.media);
    assert_eq!(told.engines[0].url, plain.engines[0].url);
    assert_eq!(told.engines[0].connect_timeout, plain.engines[0].connect_timeout);
    assert_eq!(told.engines[0].request_timeout, plain.engines[0].request_timeout);
    assert_eq!(told.engines[0].idle_unload, plain.engines[0].idle_unload);
    assert!(told.irc.is_empty() && told.media.public_url.is_none(), "nobody is joined by accident");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "\
log:
  levle: info
  format: prety
engines:
  - nmae: a
    url: ftp://x
    idle_unload_secs: soon
queue: { max_wait_secs: 0 }
limits:
  per_usr:
    burst: 3
  per_room: { burst: 0 }
media:
  listen: nowhere
console: yes
";
    let expected = "\
2: there is no key `levle` here, only level, format, prompts; did you mean `level`?
3: there is no value `prety` here, only auto, pretty, json; did you mean `pretty`?
5: there is no key `nmae` here, only name, kind, url, headers, header_files, token_file, ca_file, \
connect_timeout_secs, request_timeout_secs, idle_unload_secs; did you mean `name`?
6: engines[0].name is missing; it must be letters, digits, `-` and `_`
6: engines[0].url must be a whole address, such as http://HOST:8188
7: this must be a whole number, 0 or more
8: queue.max_wait_secs must be from 1 to 315360000
10: there is no key `per_usr` here, only per_user, per_room, everybody; did you mean `per_user`?
12: limits.per_room.burst must be from 1 to 60000
14: media.listen must be ADDRESS:PORT, such as 127.0.0.1:8780
15: this must be true or false";
    let found: Vec<String> = problems(load_text(text, &[]))
        .iter()
        .map(|line| line.replacen("inkwire.yaml:", "", 1))
        .collect();
    assert_eq!(found.join("\n"), expected);
}

#[test]
fn a_half_written_file_is_read_or_refused_but_never_worse() {
    let lines = template().lines().count();
    for end in (0..template().len()).step_by(37).filter(|end| template().is_char_boundary(*end)) {
        let half = &template()[..end];
        if let Err(error) = load_text(half, &[]) {
            assert!(!error.problems.is_empty(), "{half}");
            for problem in error.problems {
                let line = problem.line.and_then(|line| usize::try_from(line).ok());
                assert!(line.is_none_or(|line| line <= lines + 1), "{problem}");
            }
        }
    }
}

/// One mistake, one sentence about it.
fn refused(text: &str, expected: &str) {
    let found = problems(load_text(text, &[]));
    assert!(found.iter().any(|line| line.contains(expected)), "{text}: {expected}\n{found:#?}");
}

#[test]
fn broken_yaml_is_refused_with_its_line() {
    refused("log:\n\tlevel: info\n", "inkwire.yaml:2: tabs disallowed");
    refused("log:\n  level: \"info\n", "inkwire.yaml:3: invalid indentation");
    refused("log:\n  level: info\n bad\n", "inkwire.yaml:3: while parsing a block mapping");
    refused("log: {level: info\n", "inkwire.yaml:1: unclosed bracket");
    refused("engines:\n  - name: a\n    url: 'http://h\n", "inkwire.yaml:4: ");
    refused("log: *nope\n", "inkwire.yaml:1: alias references unknown anchor");
    refused("console: true\u{0}\n", "inkwire.yaml:1: unexpected character");
    refused("console: @x\n", "inkwire.yaml:1: unexpected character");
    refused("%YAML 9.9\n---\nconsole: true\n", "unsupported YAML major version");
    refused("---\nconsole: true\n---\nlog: {}\n", "only one document can be read");
    refused("console:true\n", "a section with keys of its own");
    refused(&format!("irc: {}", "[".repeat(2000)), "inkwire.yaml:1: ");
    refused(&format!("a: {{{}}}", "a: {".repeat(500)), "inkwire.yaml:1: ");
}

#[test]
fn wrong_shapes_and_types_are_told_in_plain_words() {
    for text in ["[]", "3", "- a", "text", "log: info"] {
        refused(text, "inkwire.yaml:1: this must be a section with keys of its own");
    }
    for text in ["engines: 3", "engines: {name: x}", "triggers: {prefixes: \"!\"}"] {
        refused(text, "inkwire.yaml:1: this must be a list");
    }
    for word in ["yes", "no", "NO", "on", "y", "1", "maybe", "!!int 3"] {
        refused(&format!("console: {word}"), "this must be true or false");
    }
    for word in ["-1", "1e9", "3.5", "010", "soon", ".inf", ".nan", "99999999999999999999", "10s"] {
        refused(&format!("queue: {{max_wait_secs: {word}}}"), "this must be a whole number");
    }
    refused("state_dir: [a]", "this must be a single text");
    refused("media: {webp_quality: 300}", "a whole number from 0 to 255");
    refused("log:\n  level: info\n  level: warn\n", ":3: the key `level` is written twice");
    refused("log:\n level: info\nlog:\n level: warn\n", ":3: the key `log` is written twice");
    refused("engine: []", "did you mean `engines`?");
    refused("1: 2", "there is no key `1` here");
    refused("~: 1", "a text is missing here");
    refused("? [a, b]\n: 3\n", "this must be a single text");
    refused("log: {level: x, foo: 3}\nqueue: {nope: 1}", ":1: there is no key `foo` here");
    refused("log: {level: x, foo: 3}\nqueue: {nope: 1}", ":2: there is no key `nope` here");
}

#[test]
fn values_out_of_bounds_are_told_with_their_bounds() {
    refused("queue: {max_wait_secs: 0}", "queue.max_wait_secs must be from 1 to 315360000");
    refused("queue: {time_limit_secs: 9999999999}", "must be from 1 to 315360000");
    refused("media: {webp_quality: 0}", "media.webp_quality must be from 1 to 100");
    refused("media: {max_bytes: 5}", "media.max_bytes must be from 1048576");
    refused(
        "limits: {everybody: {running: 5000}}",
        "limits.everybody.running must be from 1 to 1000",
    );
    refused("media: {listen: 8780}", "media.listen must be ADDRESS:PORT");
    refused("media: {listen: '::1:80'}", "media.listen must be ADDRESS:PORT");
    refused("telemetry: {listen: 0.0.0.0:9600}", "telemetry.listen must be a loopback address");
    for url in ["javascript:alert(1)", "https://", "h:8188", "//h", "file:///etc/passwd", ""] {
        refused(&format!("media: {{public_url: '{url}'}}"), "must be a whole address");
    }
    refused("media: {public_url: 'https://h/?a=1'}", "must end with the path");
    refused("media: {public_url: 'https://u:p@h/'}", "must not hold a password");
    refused("triggers: {prefixes: ['']}", "must be a short word or sign");
    refused("triggers: {prefixes: [' !']}", "must be a short word or sign");
}

#[test]
fn engines_are_checked() {
    let engine = |rest: &str, expected: &str| refused(&format!("engines: [{{{rest}}}]"), expected);
    engine("url: http://h", "engines[0].name is missing");
    engine("name: a", "engines.a.url is missing, such as http://127.0.0.1:8188/");
    engine("name: a b, url: http://h", "engines[0].name must be letters, digits");
    engine("name: a, url: http://h, kind: a1111", "there is no value `a1111` here, only comfyui");
    engine("name: a, url: http://h}, {name: A, url: http://h", "name `A` is taken already");
    engine("name: a, url: http://h, headers: {Authorization: x}", "is a secret: use token_file");
    engine(
        "name: a, url: http://h, headers: {X: \"a\\r\\nb: c\"}",
        "is not a header and its value",
    );
    engine("name: a, url: http://h, headers: {\"a b\": c}", "is not a header and its value");
    engine("name: a, url: http://h, ca_file: nope.pem", "nope.pem: does not exist");
    engine("name: a, url: http://h, token_file: nope", "engines.a.token");
}

#[test]
fn proxies_are_addresses() {
    let proxies = |text: &str| loaded(text).media.proxies;
    assert!(proxies("media: {proxies: []}").is_empty());
    let one = std::net::IpAddr::from([10, 0, 0, 2]);
    assert_eq!(proxies("media: {proxies: [10.0.0.2]}"), [one]);
    refused("media: {proxies: [10.0.0.0/8]}", "media.proxies must hold addresses");
}

#[test]
fn bombs_and_giants_are_refused() {
    let layer =
        |name: &str, of: &str| format!("{name}: &{name} [{}]\n", format!("*{of},").repeat(9));
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let bomb = names
        .windows(2)
        .fold("a: &a [x,x]\n".to_owned(), |text, pair| text + &layer(pair[1], pair[0]));
    refused(&bomb, "there is no key `a` here");
    let prefixes = format!("triggers:\n  prefixes: [&a \"!\", {}]\n", "*a, ".repeat(300_000));
    refused(&prefixes, "is longer than 1024 KiB");
    let aliases = format!("triggers:\n  prefixes: [&a \"!\", {}]\n", "*a, ".repeat(60_000));
    refused(&aliases, "inkwire.yaml");
    refused(&"#".repeat(10 << 20), "is longer than 1024 KiB");
    let dir = directory(&[]);
    fs::write(dir.path().join("inkwire.yaml"), b"console: \xff\xfe").expect("written");
    assert_eq!(problems(load_dir(dir.path(), &[])), ["inkwire.yaml: is not UTF-8 text"]);
    assert_eq!(problems(load_dir(directory(&[]).path(), &[])), ["inkwire.yaml: does not exist"]);
}

#[test]
fn odd_but_right_yaml_is_read() {
    assert!(loaded("\u{feff}console: true\r\n").console);
    assert!(loaded("{\"console\": true}").console);
    assert!(loaded("<<: {console: true}\n").console);
    assert!(!loaded("log: ~\nengines:\nirc: ~\nconsole: ~\n").console);
    assert_eq!(loaded("triggers: {prefixes: [no, 1]}").triggers.prefixes, ["no", "1"]);
    assert_eq!(loaded("engines: [{name: no, url: http://h/base}]").engines[0].name, "no");
    assert_eq!(loaded("engines: [{name: a, url: http://h/base}]").engines[0].url.path(), "/base/");
    assert_eq!(
        loaded("engines: [{name: a, url: http://h, idle_unload_secs: 0}]").engines[0].idle_unload,
        None
    );
}

#[test]
fn the_environment_wins() {
    let two = "engines: [{name: a, url: https://a/x}, {name: b, url: http://b}]";
    let check = |variables: &[(&str, &str)], expected: &str| {
        let config = load_text(two, variables).expect("loaded");
        assert_eq!(config.engines[0].url.as_str(), expected, "{variables:?}");
        assert_eq!(config.engines[1].url.as_str(), "http://b/");
    };
    check(&[], "https://a/x/");
    check(&[("COMFYUI_ADDRESS", "")], "https://a/x/");
    check(&[("COMFYUI_ADDRESS", "gpu")], "http://gpu:8188/");
    check(&[("COMFYUI_ADDRESS", "gpu:9000")], "http://gpu:9000/");
    check(&[("COMFYUI_ADDRESS", "https://gpu/base/")], "https://gpu/base/");
    check(&[("COMFYUI_ADDRESS", "gpu"), ("COMFYUI_PORT", "9001")], "http://gpu:9001/");
    check(&[("COMFYUI_PORT", "9001")], "https://a:9001/x/");
    for variable in [
        ("COMFYUI_PORT", "many"),
        ("COMFYUI_ADDRESS", "ftp://x"),
        ("COMFYUI_ADDRESS", "http://u:p@h"),
        ("LOG_LEVEL", "loud"),
    ] {
        let found = problems(load_text(two, &[variable]));
        assert!(found[0].starts_with("environment: "), "{found:?}");
    }
    for (word, level) in [("INFO", Level::Info), ("WARNING", Level::Warn), ("debug", Level::Debug)]
    {
        assert_eq!(load_text("", &[("LOG_LEVEL", word)]).expect("loaded").log.level, level);
    }
}

#[test]
fn a_dotenv_file_stands_between_file_and_environment() {
    let dotenv = "# local\nexport COMFYUI_ADDRESS=\"gpu\"\nLOG_LEVEL = debug # loud\n\nHOME=x\n";
    let dir = directory(&[("inkwire.yaml", "log: {level: warn}"), (".env", dotenv)]);
    let config = load_dir(dir.path(), &[("COMFYUI_PORT", "9000")]).expect("loaded");
    assert_eq!(config.engines[0].url.as_str(), "http://gpu:9000/");
    assert_eq!(config.log.level, Level::Debug);
    let config = load_dir(dir.path(), &[("LOG_LEVEL", "error")]).expect("loaded");
    assert_eq!(config.log.level, Level::Error);
    let path = dir.path().join(".env");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mode");
    assert!(load_dir(dir.path(), &[]).is_ok());
    fs::write(&path, "INKWIRE_ENGINE_A_TOKEN=hush").expect("written");
    let secret = ".env: holds a secret, and others may read it (mode 644): chmod 600 it";
    assert_eq!(problems(load_dir(dir.path(), &[])), [secret]);
    let dir = directory(&[("inkwire.yaml", ""), (".env", "A=1\nnonsense\n")]);
    assert_eq!(problems(load_dir(dir.path(), &[])), [".env:2: this line is not NAME=VALUE"]);
}

#[test]
fn secrets_come_from_private_files_or_the_environment_and_are_not_shown() {
    let text = "\nengines: [{name: a, url: http://h, token_file: t, header_files: {X-API-Key: s}}]";
    let dir = directory(&[("inkwire.yaml", text), ("s", "hush-key\n"), ("t", "hush-token\n")]);
    let config = load_dir(dir.path(), &[]).expect("loaded");
    let header =
        |config: &Config, name: &str| config.engines[0].headers[name].expose_secret().to_owned();
    assert_eq!(header(&config, "Authorization"), "Bearer hush-token");
    assert_eq!(header(&config, "X-API-Key"), "hush-key");
    assert!(!format!("{config:?}").contains("hush"));

    let variables = [("INKWIRE_ENGINE_A_TOKEN", "x")];
    let config = load_dir(dir.path(), &variables).expect("loaded");
    assert_eq!(header(&config, "Authorization"), "Bearer x");

    let text = "engines: [{name: a, url: http://h, header_files: {X-API-Key: }}]";
    let variable = [("INKWIRE_ENGINE_A_X_API_KEY", "hush-alone")];
    let alone = load_text(text, &variable).expect("loaded");
    assert_eq!(header(&alone, "X-API-Key"), "hush-alone");
    refused(text, "engines.a.X-API-Key has no value: name its file, or set its variable");

    let two_lines = [("INKWIRE_ENGINE_A_TOKEN", "hush\nhush")];
    let found = problems(load_dir(dir.path(), &two_lines));
    assert_eq!(found, ["inkwire.yaml:2: INKWIRE_ENGINE_A_TOKEN must hold one line"]);

    let check = |name: &str, text: &[u8], mode: u32, expected: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
        let error = load_dir(dir.path(), &[]).expect_err(expected).to_string();
        assert!(error.contains(expected) && !error.contains("hush"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        fs::write(&path, "hush").expect("written");
    };
    check("t", b"hush", 0o640, "others may read it (mode 640): chmod 600 it");
    check("t", b"hush", 0o604, "others may read it (mode 604): chmod 600 it");
    check("t", b" \n", 0o600, "must hold one line");
    check("s", b"hush\nhush", 0o600, "must hold one line");
    check("s", &vec![b'x'; 70_000], 0o600, "is longer than 64 KiB");
}
