//! TLS in front of a plain server, with the self-signed certificate of `tests/data/tls`.
//! The key is public: it protects nothing.
#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "a double fails loudly")]
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

const CERTIFICATE: &[u8] = include_bytes!("../../data/tls/localhost.pem");
const KEY: &[u8] = include_bytes!("../../data/tls/localhost.key");

/// Ends when dropped; open connections go on.
pub struct Front {
    pub port: u16,
    _running: DropGuard,
}

/// `address` is `host:port` of the plain server.
pub async fn front(address: String) -> Front {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let (acceptor, token) = (acceptor(), CancellationToken::new());
    let ended = token.clone();
    tokio::spawn(async move {
        while let Some(Ok((stream, _))) = ended.run_until_cancelled(listener.accept()).await {
            tokio::spawn(forward(acceptor.clone(), stream, address.clone()));
        }
    });
    Front { port, _running: token.drop_guard() }
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a pair");
    TlsAcceptor::from(Arc::new(config))
}

/// Until either side closes; clients that refuse the certificate are none of our business.
async fn forward(acceptor: TlsAcceptor, stream: TcpStream, address: String) {
    let Ok(mut inside) = acceptor.accept(stream).await else { return };
    let Ok(mut plain) = TcpStream::connect(address).await else { return };
    drop(tokio::io::copy_bidirectional(&mut inside, &mut plain).await);
}
