//! TLS from a certificate and a key in PEM files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use tokio_rustls::rustls::{
    self, ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::validity;

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

/// A certificate with its key, which can be replaced while connections use them. All clones are
/// one.
#[derive(Clone)]
pub struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    served: Arc<Served>,
    config: Arc<ServerConfig>,
}

/// What new connections are shown.
#[derive(Debug)]
struct Served(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Speaks TLS 1.2 and 1.3 and, inside, HTTP/2 or HTTP/1.1 as the caller likes. The file of the
/// certificate holds those of its issuers too, leaf first.
pub fn load(certificate: &Path, key: &Path) -> Result<Identity, TlsError> {
    let served = Arc::new(Served(ArcSwap::from_pointee(read(certificate, key)?)));
    let resolver = Arc::clone(&served);
    let (certificate, key) = (certificate.to_owned(), key.to_owned());
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|source| TlsError::Unusable {
            certificate: certificate.clone(),
            key: key.clone(),
            source,
        })?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Identity { certificate, key, served, config: Arc::new(config) })
}

impl Identity {
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Reads both files again, for new connections. Where the files do not fit each other, what was
    /// read before is served on. Tells whether the certificate is another one.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let new = read(&self.certificate, &self.key)?;
        let is_other = new.cert != self.served.0.load().cert;
        self.served.0.store(Arc::new(new));
        Ok(is_other)
    }

    /// When the certificate expires, in seconds since 1970; `None` where it does not say so in a way
    /// we can read.
    pub fn expires_at(&self) -> Option<i64> {
        validity::expires_at(self.served.0.load().cert.first()?)
    }
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let provider = aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain(certificate)?, private_key(key)?, &provider).map_err(|source| {
        TlsError::Unusable { certificate: certificate.to_owned(), key: key.to_owned(), source }
    })
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
