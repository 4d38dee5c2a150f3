//! The one TLS set-up that HTTP and the socket share: public authorities, those of this machine,
//! and the operator's own. An unusable authority of the machine is left out, the operator's not.
use super::config::{ComfyConfig, ConfigError};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::sync::Arc;

pub(super) fn client_config(config: &ComfyConfig) -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in own_authorities(config)? {
        roots.add(certificate).map_err(|error| unreadable(config, &error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Client {
            name: config.name.clone(),
            why: error.to_string(),
        })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn own_authorities(config: &ComfyConfig) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let Some(path) = &config.ca_file else { return Ok(vec![]) };
    let read = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(config, &error))?;
    let found: Vec<_> =
        read.collect::<Result<_, _>>().map_err(|error| unreadable(config, &error))?;
    if found.is_empty() { Err(unreadable(config, &"it holds no certificate")) } else { Ok(found) }
}

fn unreadable(config: &ComfyConfig, why: &dyn std::fmt::Display) -> ConfigError {
    let path = config.ca_file.as_ref().map(|path| path.display().to_string());
    ConfigError::CaFile {
        name: config.name.clone(),
        path: path.unwrap_or_default(),
        why: why.to_string(),
    }
}
