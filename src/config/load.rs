//! Reads everything from outside: the configuration and the files it names, the environment, a
//! `.env` file and secrets. Order of weight: environment, `.env`, file, default.
use super::{
    Access, Config, ConfigError, Level, Models, Problem, Style, catalogue,
    check::Check,
    raw::{self, At},
    validate,
};
use crate::written::read;
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};
use url::Url;

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;
const MAX_SECRET: u64 = 64 * 1024;
/// Variables that are read; all others are none of our business.
const OURS: [&str; 3] = ["COMFYUI_", "INKWIRE_", "LOG_LEVEL"];

/// The variables that matter here.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// What the files beside the configuration say.
pub(super) struct Beside {
    pub(super) models: Models,
    pub(super) styles: BTreeMap<String, Style>,
    pub(super) access: Access,
    pub(super) workflows: Option<PathBuf>,
}

/// Where paths begin and secrets come from.
pub(super) struct Place<'a> {
    base: &'a Path,
    environment: &'a Environment,
}

impl Environment {
    /// Of this process.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        env::vars_os().filter_map(text).collect()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let ours = |name: &str| OURS.iter().any(|start| name.starts_with(start));
        Self(pairs.into_iter().filter(|(name, _)| ours(name)).collect())
    }
}

/// The whole configuration, or everything that is wrong with it. Without a file: the defaults.
pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let base = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let mut problems = Vec::new();
    let mut variables = dotenv(&base.join(".env"), &mut problems);
    variables.0.extend(environment.0.clone());
    let name = file.map_or_else(|| "defaults".to_owned(), |file| file.display().to_string());
    let text = match file.map(|file| text(file, MAX_FILE)) {
        None => String::new(),
        Some(Ok(text)) => text,
        Some(Err(why)) => return Err(ConfigError { problems: vec![Problem::new(&name, why)] }),
    };
    let (mut raw, found) = read::<raw::Config>(&name, &text);
    let mut check = Check::new(&name, found);
    let place = Place { base, environment: &variables };
    let files = raw.files.take().unwrap_or_default();
    let beside = place.beside(&files, &mut check);
    let mut config = validate::whole(raw, beside, &place, &mut check);
    override_with(&mut config, &variables, &mut problems);
    problems.extend(check.problems);
    problems.sort_by_key(|problem| (problem.file.clone(), problem.line.unwrap_or(u64::MAX)));
    if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
}

impl Place<'_> {
    /// A written path, from the directory of the configuration.
    pub(super) fn path(&self, path: &At<PathBuf>) -> Option<PathBuf> {
        path.value().map(|path| self.base.join(path))
    }

    pub(super) fn below(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    pub(super) fn existing(
        &self,
        check: &mut Check,
        key: &str,
        path: &At<PathBuf>,
    ) -> Option<PathBuf> {
        let written = path.get()?;
        let path = self.path_of(&written.value);
        Self::open(&path).unwrap_or_else(|why| check.wrong_at(written, format!("{key}: {why}")));
        Some(path)
    }

    pub(super) fn path_of(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// Whether a file can be read.
    pub(super) fn open(path: &Path) -> Result<(), String> {
        let opened = fs::File::open(path).map(drop);
        opened.map_err(|error| format!("{}: {}", path.display(), plain(&error)))
    }

    /// A secret from `INKWIRE_…` or else from its file, which nobody else may read.
    pub(super) fn secret(
        &self,
        check: &mut Check,
        key: &str,
        file: &At<PathBuf>,
        variable: &str,
    ) -> Option<SecretString> {
        match (self.read_secret(file.value().map(PathBuf::as_path), Some(variable)), file.get()) {
            (Ok(secret), _) => return secret,
            (Err(why), Some(written)) if !why.starts_with("INKWIRE_") => {
                check.wrong_at(written, format!("{key}: {why}"));
            }
            (Err(why), _) => check.wrong(why),
        }
        None
    }

    /// The same for a file that was read without its place.
    pub(super) fn read_secret(
        &self,
        file: Option<&Path>,
        variable: Option<&str>,
    ) -> Result<Option<SecretString>, String> {
        let named = variable.map(Self::variable);
        let set = named.and_then(|name| Some((self.environment.get(&name)?, name)));
        if let Some((value, name)) = set {
            return one_line(value).map(Some).map_err(|why| format!("{name} {why}"));
        }
        let Some(file) = file else { return Ok(None) };
        let path = self.path_of(file);
        secret(&path).map(Some).map_err(|why| format!("{}: {why}", path.display()))
    }

    /// The whole name of a variable of the environment.
    pub(super) fn variable(name: &str) -> String {
        format!("INKWIRE_{name}").to_uppercase().replace('-', "_")
    }

    fn beside(&self, files: &raw::Files, check: &mut Check) -> Beside {
        let mut read = |(key, path): (&str, &At<PathBuf>)| {
            let written = path.get()?;
            let path = self.base.join(&written.value);
            match text(&path, MAX_FILE) {
                Ok(text) => Some((path.display().to_string(), text)),
                Err(why) => {
                    check.wrong_at(written, format!("files.{key}: {}: {why}", path.display()));
                    None
                }
            }
        };
        let [models, styles, access] =
            [("models", &files.models), ("styles", &files.styles), ("access", &files.access)]
                .map(&mut read);
        let (models, of_models) = match &models {
            Some((file, text)) => catalogue::models(file, Some(text)),
            None => catalogue::models("models.yaml", None),
        };
        let (styles, of_styles) = match &styles {
            Some((file, text)) => catalogue::styles(file, Some(text)),
            None => catalogue::styles("styles.yaml", None),
        };
        let (access, of_access) = match &access {
            Some((file, text)) => catalogue::access(file, text),
            None => catalogue::access("access.yaml", ""),
        };
        for found in [of_models, of_styles, of_access] {
            check.problems.extend(found.problems);
        }
        let workflows = self.path(&files.workflows);
        if let (Some(dir), Some(written)) = (&workflows, files.workflows.get())
            && !dir.is_dir()
        {
            check.wrong_at(
                written,
                format!("files.workflows: {}: no such directory", dir.display()),
            );
        }
        Beside { models, styles, access, workflows }
    }
}

/// `COMFYUI_ADDRESS`, `COMFYUI_PORT` and `LOG_LEVEL` over what the file says: the first engine's
/// address, and `log.level`.
fn override_with(config: &mut Config, environment: &Environment, problems: &mut Vec<Problem>) {
    let mut wrong = |what: String| problems.push(Problem::new("environment", what));
    let (address, port) = (environment.get("COMFYUI_ADDRESS"), environment.get("COMFYUI_PORT"));
    if let Some(engine) = config.engines.first_mut()
        && (address.is_some() || port.is_some())
    {
        match engine_url(&engine.url, address, port) {
            Some(url) => engine.url = url,
            None => wrong(
                "COMFYUI_ADDRESS must be HOST, HOST:PORT or http://…, COMFYUI_PORT a number"
                    .to_owned(),
            ),
        }
    }
    if let Some(word) = environment.get("LOG_LEVEL") {
        match level(word) {
            Some(level) => config.log.level = level,
            None => wrong(format!("LOG_LEVEL `{word}` is not error, warn, info, debug or trace")),
        }
    }
}

fn engine_url(url: &Url, address: Option<&str>, port: Option<&str>) -> Option<Url> {
    let mut url = match address.map(str::trim) {
        None => url.clone(),
        Some(whole) if whole.contains("://") => Url::parse(whole).ok()?,
        Some(host) => Url::parse(&format!("http://{host}/")).ok()?,
    };
    let named = address.is_some_and(|address| !address.contains("://")) && url.port().is_none();
    match port {
        Some(port) => url.set_port(Some(port.trim().parse().ok()?)).ok()?,
        None if named => url.set_port(Some(8188)).ok()?,
        None => {}
    }
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (plain && matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn level(word: &str) -> Option<Level> {
    match word.trim().to_lowercase().as_str() {
        "error" | "critical" => Some(Level::Error),
        "warn" | "warning" => Some(Level::Warn),
        "info" => Some(Level::Info),
        "debug" => Some(Level::Debug),
        "trace" => Some(Level::Trace),
        _ => None,
    }
}

/// A file of `NAME=VALUE` lines; none is fine. One that holds secrets must be private.
fn dotenv(path: &Path, problems: &mut Vec<Problem>) -> Environment {
    let name = path.display().to_string();
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Environment::default(),
        Err(error) => {
            problems.push(Problem::new(&name, plain(&error)));
            return Environment::default();
        }
    };
    let unshared = private(&file);
    let text = whole(file, MAX_FILE).unwrap_or_else(|why| {
        problems.push(Problem::new(&name, why));
        String::new()
    });
    let variables = variables(&name, &text, problems);
    if let Err(why) = unshared
        && variables.0.keys().any(|name| name.starts_with("INKWIRE_"))
    {
        problems.push(Problem::new(&name, format!("holds a secret, and {why}")));
    }
    variables
}

fn variables(file: &str, text: &str, problems: &mut Vec<Problem>) -> Environment {
    let mut pairs = Vec::new();
    for (line, words) in (1..).zip(text.lines().map(str::trim)) {
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        let words = words.strip_prefix("export ").unwrap_or(words);
        if let Some((name, value)) = words.split_once('=') {
            pairs.push((name.trim().to_owned(), unquoted(value)));
        } else {
            let wrong = Problem::new(file, "this line is not NAME=VALUE");
            problems.push(Problem { line: Some(line), ..wrong });
        }
    }
    pairs.into_iter().collect()
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    value.split(" #").next().unwrap_or(value).trim().to_owned()
}

fn text(path: &Path, most: u64) -> Result<String, String> {
    whole(fs::File::open(path).map_err(|error| plain(&error))?, most)
}

fn whole(file: fs::File, most: u64) -> Result<String, String> {
    let mut text = String::new();
    file.take(most + 1).read_to_string(&mut text).map_err(|error| plain(&error))?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= most) {
        Ok(text)
    } else {
        Err(format!("is longer than {} KiB", most / 1024))
    }
}

fn secret(path: &Path) -> Result<SecretString, String> {
    let file = fs::File::open(path).map_err(|error| plain(&error))?;
    private(&file)?;
    one_line(&whole(file, MAX_SECRET)?)
}

fn one_line(text: &str) -> Result<SecretString, String> {
    let secret = text.trim();
    if secret.is_empty() || secret.contains(char::is_control) {
        return Err("must hold one line".to_owned());
    }
    Ok(secret.to_owned().into())
}

/// Refuses what the group or others may read.
fn private(file: &fs::File) -> Result<(), String> {
    let mode = file.metadata().map_err(|error| plain(&error))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("others may read it (mode {mode:03o}): chmod 600 it"));
    }
    Ok(())
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read".to_owned(),
        io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}
