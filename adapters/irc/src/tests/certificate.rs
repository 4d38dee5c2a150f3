//! Certificates that nobody signed but themselves, and servers that show them.
//! Made anew for each test; their keys are never kept.
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

/// It says `127.0.0.1` and `localhost`.
pub(super) struct Certificate {
    pub(super) der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    folder: TempDir,
}

impl Certificate {
    pub(super) fn new() -> Self {
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let key = made.signing_key.serialize_der().try_into().unwrap();
        Self { der: made.cert.der().clone(), key, folder }
    }

    /// Where it is, as PEM.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    pub(super) fn key_file(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// A server that has it; with `client` it takes nobody but whom that belongs to.
    pub(super) fn acceptor(&self, client: Option<&Self>) -> TlsAcceptor {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let mut roots = RootCertStore::empty();
                roots.add(client.der.clone()).unwrap();
                let only = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                builder.with_client_cert_verifier(only.build().unwrap())
            }
        };
        let config = builder.with_single_cert(vec![self.der.clone()], self.key.clone_key());
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }
}
