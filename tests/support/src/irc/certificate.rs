//! Certificates that nobody signed but themselves, made by `openssl` for one test.
//! Their keys are never kept.
use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Command;

pub(super) const OPENSSL: &str = "/usr/bin/openssl";
const REQUEST: &str = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -addext basicConstraints=critical,CA:FALSE \
    -addext subjectAltName=IP:127.0.0.1,DNS:localhost";

/// A pair of PEM files; it says `127.0.0.1` and `localhost`.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub file: PathBuf,
    pub key: PathBuf,
    /// SHA-256 of the certificate, 64 digits in lower case.
    pub sha256: String,
}

impl Certificate {
    /// Writes `NAME.pem` and `NAME.key`, in place of those that are there.
    ///
    /// # Errors
    /// If `openssl` is not there, or fails.
    pub async fn make(folder: &Path, name: &str) -> io::Result<Self> {
        let (file, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        let subject = format!("/CN={name}");
        let mut words: Vec<_> = REQUEST.split_whitespace().map(Path::new).collect();
        let files = ["-keyout".as_ref(), key.as_path(), "-out".as_ref(), file.as_path()];
        words.extend(files.into_iter().chain(["-subj".as_ref(), subject.as_ref()]));
        openssl(&words).await?;
        let print = ["x509", "-noout", "-fingerprint", "-sha256", "-in"].map(Path::new);
        let words: Vec<_> = print.into_iter().chain([file.as_path()]).collect();
        let printed = openssl(&words).await?;
        let digits = printed.rsplit('=').next().unwrap_or_default();
        let sha256 = digits.trim().replace(':', "").to_lowercase();
        Ok(Self { file, key, sha256 })
    }
}

async fn openssl(words: &[&Path]) -> io::Result<String> {
    let output = Command::new(OPENSSL).args(words).stdin(Stdio::null()).output().await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}
