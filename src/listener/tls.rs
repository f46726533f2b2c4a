//! TLS from a certificate and a key in PEM files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use tokio_rustls::rustls::{self, ServerConfig, crypto::aws_lc_rs};

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read the TLS certificate {}", path.display())]
    Certificate { path: PathBuf, source: pem::Error },
    #[error("there is no certificate in {}: a PEM file has `BEGIN CERTIFICATE`", .0.display())]
    NoCertificate(PathBuf),
    #[error("cannot read the TLS key {}", path.display())]
    Key { path: PathBuf, source: pem::Error },
    #[error("there is no private key in {}: a PEM file has `BEGIN PRIVATE KEY`", .0.display())]
    NoKey(PathBuf),
    #[error(
        "the certificate {} and the key {} do not work",
        certificate.display(),
        key.display()
    )]
    Unusable { certificate: PathBuf, key: PathBuf, source: rustls::Error },
}

/// A certificate with its key, and how to use them.
pub type Identity = Arc<ServerConfig>;

/// Speaks TLS 1.2 and 1.3 and, inside, HTTP/2 or HTTP/1.1 as the caller likes. The file of the
/// certificate holds those of its issuers too, leaf first.
pub fn load(certificate: &Path, key: &Path) -> Result<Identity, TlsError> {
    let unusable = |source| TlsError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain(certificate)?, private_key(key)?)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::Certificate { path: path.to_owned(), source };
    let chain = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(path.to_owned()));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| match source {
        pem::Error::NoItemsFound => TlsError::NoKey(path.to_owned()),
        source => TlsError::Key { path: path.to_owned(), source },
    })
}
