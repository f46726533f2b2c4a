//! Tells whether a report of found secrets comes from the finder it names: GitHub signs what its
//! secret scanning posts with ECDSA on P-256.

use arc_swap::ArcSwap;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use base64::{Engine, prelude::BASE64_STANDARD};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};
use serde::Deserialize;

/// The public keys of a finder; none at first.
#[derive(Default)]
pub struct ReporterKeys(ArcSwap<Vec<(String, ParsedPublicKey)>>);

/// The document in which GitHub publishes its keys.
#[derive(Deserialize)]
struct Published {
    public_keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    key_identifier: String,
    /// PEM.
    key: String,
}

#[derive(Debug, thiserror::Error)]
pub enum MalformedReporterKeys {
    #[error("this is no list of public keys: `{{\"public_keys\": […]}}` is expected")]
    NotAList(#[from] serde_json::Error),
    #[error("public key {0} is not on the curve P-256, or damaged")]
    Unusable(String),
    #[error("the list has no public key")]
    Empty,
}

/// Whether a report is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    Rightly,
    Wrongly,
    /// By a key that is not known, and may be a new one.
    ByUnknownKey,
}

impl ReporterKeys {
    /// Replaces the keys by those of a document as GitHub publishes it.
    pub fn replace(&self, document: &str) -> Result<(), MalformedReporterKeys> {
        let published: Published = serde_json::from_str(document)?;
        let keys = published.public_keys.into_iter().map(|published| {
            let key = parse(&published.key);
            let id = published.key_identifier;
            key.map(|key| (id.clone(), key)).ok_or(MalformedReporterKeys::Unusable(id))
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(MalformedReporterKeys::Empty);
        }
        self.0.store(keys.into());
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.0.load().is_empty()
    }

    /// `signature` is base64 of the DER form.
    pub fn verify(&self, key_identifier: &str, signature: &str, body: &[u8]) -> Signed {
        let keys = self.0.load();
        let Some((_, key)) = keys.iter().find(|(id, _)| id == key_identifier) else {
            return Signed::ByUnknownKey;
        };
        let signature = BASE64_STANDARD.decode(signature).unwrap_or_default();
        let is_right = key.verify_sig(body, &signature).is_ok();
        if is_right { Signed::Rightly } else { Signed::Wrongly }
    }
}

fn parse(pem: &str) -> Option<ParsedPublicKey> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok()?;
    ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der).ok()
}
