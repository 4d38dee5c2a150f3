//! TLS with the provider named, so that another one in the same program changes nothing.
//! A certificate is always verified: by who signed it, or by pins, and then by those alone.
mod trust;

use crate::config::{Config, ConfigError};
use inkwire_core::AdapterError;
use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::{fmt::Display, io, path::Path, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};
use trust::{ByPins, BySigner, Distrusted, fingerprint};

/// What is needed to make a connection secure.
pub(crate) struct Tls {
    connector: TlsConnector,
    /// As `sha256:…` or `sha512:…`, without colons between digits.
    pins: Vec<String>,
}

impl Tls {
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(config, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(invalid)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let client = match (&config.client_cert_file, &config.client_key_file) {
            (Some(certificate), Some(key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(invalid)?,
            _ => builder.with_no_client_auth(),
        };
        let pins = config.pins.iter().map(|pin| normal(pin)).collect();
        Ok(Self { connector: TlsConnector::from(Arc::new(client)), pins })
    }

    /// A stream to the server that was asked for, and to no other; nothing was said on it yet.
    pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> Result<TlsStream<S>, AdapterError> {
        let lost = |reason: String| AdapterError::Disconnected(format!("tls: {reason}"));
        let name = ServerName::try_from(host.to_owned()).map_err(|e| lost(e.to_string()))?;
        let stream = self.connector.connect(name, stream).await.map_err(|e| lost(explain(&e)))?;
        let (_, session) = stream.get_ref();
        match session.peer_certificates().and_then(<[_]>::first) {
            Some(certificate) => self.check_pins(certificate).map_err(lost)?,
            None => return Err(lost("the server has no certificate".into())),
        }
        Ok(stream)
    }

    fn check_pins(&self, certificate: &CertificateDer<'_>) -> Result<(), String> {
        let found = ["sha256", "sha512"].map(|algorithm| fingerprint(algorithm, certificate));
        if self.pins.is_empty() || found.iter().any(|one| self.pins.contains(one)) {
            return Ok(());
        }
        let [sha256, _] = found;
        Err(format!(
            "the certificate is none of `pins`: if it is the right one, pin it with {sha256}"
        ))
    }
}

fn verifier(
    config: &Config,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
    if !config.pins.is_empty() {
        return Ok(Arc::new(ByPins(provider.signature_verification_algorithms)));
    }
    let roots = Arc::new(roots(config.ca_file.as_deref())?);
    let usual = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
    Ok(Arc::new(BySigner(usual.map_err(invalid)?)))
}

/// The well-known roots, those of this system, and those in `ca_file`.
fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // One bad certificate in the system's store is no reason to have no TLS.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| bad(path, &error))?;
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found = found.map_err(|error| bad(path, &error))?;
    if found.is_empty() { Err(bad(path, &"holds no certificate")) } else { Ok(found) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, ConfigError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| bad(path, &error))
}

fn bad(path: &Path, reason: &dyn Display) -> ConfigError {
    let error = io::Error::new(io::ErrorKind::InvalidData, reason.to_string());
    ConfigError::File { path: path.to_owned(), error }
}

fn invalid(error: impl Display) -> ConfigError {
    ConfigError::Invalid(format!("tls: {error}"))
}

/// A pin as fingerprints are written here.
fn normal(pin: &str) -> String {
    let (algorithm, digits) = pin.split_once(':').unwrap_or(("", pin));
    format!("{algorithm}:{}", digits.replace(':', "").to_ascii_lowercase())
}

/// Why there is no TLS, and what can be done about it.
fn explain(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidMessage(_)) => {
            "this port does not speak TLS; use the one that does, usually 6697".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) => {
            let distrusted = other.0.downcast_ref::<Distrusted>();
            distrusted.map_or_else(|| error.to_string(), ToString::to_string)
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("the server refuses it ({alert:?}); does it want a client certificate?")
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server hung up; use the port for TLS, usually 6697".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Config), expected: Result<(), &str>) {
        let mut config = Config::default();
        change(&mut config);
        let found = Tls::new(&config).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn files_must_hold_what_they_are_named_for() {
        check(|_| (), Ok(()));
        let toml = || Some("Cargo.toml".into());
        check(|c| c.ca_file = toml(), Err("Cargo.toml: holds no certificate"));
        let key = |c: &mut Config| (c.client_cert_file, c.client_key_file) = (toml(), toml());
        check(key, Err("Cargo.toml: holds no certificate"));
        let nowhere = Config { ca_file: Some("/nowhere.pem".into()), ..Config::default() };
        assert!(Tls::new(&nowhere).is_err());
    }

    #[test]
    fn a_pin_is_compared_however_it_is_written() {
        let abc = CertificateDer::from(b"abc".as_slice());
        let pinned = |pins: &[String]| {
            let config = Config { pins: pins.to_vec(), ..Config::default() };
            Tls::new(&config).unwrap().check_pins(&abc)
        };
        let sha256 = fingerprint("sha256", &abc);
        assert!(sha256.starts_with("sha256:ba7816bf8f01cfea"), "{sha256}");
        let sha512 = fingerprint("sha512", &abc);
        assert!(sha512.starts_with("sha512:ddaf35a193617aba"), "{sha512}");
        let other = format!("sha256:{}", "00".repeat(32));
        assert!(pinned(&[]).is_ok() && pinned(&[other.clone(), sha512]).is_ok());
        let (_, digits) = sha256.split_once(':').unwrap();
        let pairs: Vec<_> = digits.as_bytes().chunks(2).map(String::from_utf8_lossy).collect();
        assert!(pinned(&[format!("sha256:{}", pairs.join(":").to_uppercase())]).is_ok());
        assert!(pinned(&[other]).unwrap_err().contains(&sha256));
    }
}
