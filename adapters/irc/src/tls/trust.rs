//! Who is believed to be the server. A refusal shows the fingerprint, so that it can be pinned.
//! Signatures of the handshake are verified either way: a certificate alone proves nothing.
use ring::digest::{SHA256, SHA512, digest};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{fmt::Write, sync::Arc};

/// `sha256:` or `sha512:` and hexadecimal digits.
pub(super) fn fingerprint(algorithm: &str, certificate: &CertificateDer<'_>) -> String {
    let with = if algorithm == "sha512" { &SHA512 } else { &SHA256 };
    let mut text = format!("{algorithm}:");
    for byte in digest(with, certificate).as_ref() {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

/// A certificate that nobody vouches for.
#[derive(Debug, thiserror::Error)]
#[error("{reason}: pin it with {fingerprint}, or name its authority in ca_file")]
pub(super) struct Distrusted {
    reason: Error,
    fingerprint: String,
}

/// As browsers do it.
#[derive(Debug)]
pub(super) struct BySigner(pub(super) Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for BySigner {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0.verify_server_cert(certificate, between, name, ocsp, now).map_err(|reason| {
            let fingerprint = fingerprint("sha256", certificate);
            let distrusted = Distrusted { reason, fingerprint };
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(distrusted))))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Takes any certificate that the server has the key of: whoever uses this compares it with pins
/// before a byte is said.
#[derive(Debug)]
pub(super) struct ByPins(pub(super) WebPkiSupportedAlgorithms);

impl ServerCertVerifier for ByPins {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
