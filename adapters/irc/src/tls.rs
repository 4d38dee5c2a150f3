//! TLS with the provider named, so that another one in the same program changes nothing.
//! Certificates are always verified.
use crate::config::ConfigError;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{io, path::Path, sync::Arc};
use tokio_rustls::TlsConnector;

/// Trusts the well-known roots, those of this system, and those in `ca_file`.
pub(crate) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, ConfigError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // One bad certificate in the system's store is no reason to have no TLS.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        add(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Invalid(format!("tls: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), ConfigError> {
    let failed = |error| ConfigError::File { path: path.to_owned(), error };
    let bad = |reason: String| failed(io::Error::new(io::ErrorKind::InvalidData, reason));
    let found = CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
    let mut added = 0;
    for certificate in found {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        added += 1;
    }
    if added == 0 { Err(bad("holds no certificate".into())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_roots_are_enough() {
        assert!(connector(None).is_ok());
    }

    #[test]
    fn a_ca_file_must_hold_a_certificate() {
        let error = connector(Some(Path::new("Cargo.toml"))).err().unwrap();
        assert_eq!(error.to_string(), "Cargo.toml: holds no certificate");
        assert!(connector(Some(Path::new("/nowhere.pem"))).is_err());
    }
}
