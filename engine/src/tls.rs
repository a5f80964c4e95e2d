//! TLS by rustls: whom to trust, and who we are.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ring, verify_tls12_signature, verify_tls13_signature, CryptoProvider};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::connect::Failure;
use crate::count::ErrorKind;
use crate::plan;

/// Makes the TLS side of connections to one server.
#[derive(Debug)]
pub struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Client {
    /// A client for a host, by the plan's rules of trust.
    pub fn new(rules: &plan::Tls, host: &str) -> Result<Self, Failure> {
        let wrong = |text: String| Failure::new(ErrorKind::Tls, text);
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?;
        let builder = if rules.verify {
            builder.with_root_certificates(roots(rules)?)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        };
        let mut config = match (&rules.cert_file, &rules.key_file) {
            (Some(certificate), Some(key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|error| wrong(format!("client certificate: {error}")))?,
            (None, None) => builder.with_no_client_auth(),
            _ => {
                return Err(wrong("a client certificate needs both its file and its key's".into()))
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = rules.server_name.as_deref().unwrap_or(host).to_owned();
        let name =
            ServerName::try_from(name).map_err(|error| wrong(format!("server name: {error}")))?;
        Ok(Self { config: Arc::new(config), name })
    }

    /// The TLS state of a new connection.
    pub fn connection(&self) -> Result<ClientConnection, Failure> {
        ClientConnection::new(Arc::clone(&self.config), self.name.clone())
            .map_err(|error| Failure::new(ErrorKind::Tls, error.to_string()))
    }
}

/// What went wrong in a handshake.
pub fn failure(error: &std::io::Error) -> Failure {
    Failure::new(ErrorKind::Tls, error.to_string())
}

fn roots(rules: &plan::Tls) -> Result<RootCertStore, Failure> {
    let mut store = RootCertStore::empty();
    if let Some(path) = &rules.ca_file {
        for certificate in certificates(path)? {
            store
                .add(certificate)
                .map_err(|error| Failure::new(ErrorKind::Tls, format!("{path}: {error}")))?;
        }
        return Ok(store);
    }
    let found = rustls_native_certs::load_native_certs();
    let (added, _ignored) = store.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(Failure::new(
            ErrorKind::Tls,
            "this machine has no certificate authorities; name a CA file or check no certificate",
        ));
    }
    Ok(store)
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::new(ErrorKind::Tls, format!("certificates in {path}: {error}"))
    };
    let found = CertificateDer::pem_file_iter(path)
        .map_err(|error| wrong(&error))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(&error))?;
    if found.is_empty() {
        return Err(wrong(&"none found"));
    }
    Ok(found)
}

fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, Failure> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| Failure::new(ErrorKind::Tls, format!("private key in {path}: {error}")))
}

/// Trusts any certificate, as `--insecure` asks; signatures are still checked.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
