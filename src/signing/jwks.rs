//! The public keys as resource servers fetch them (RFC 7517, section 5).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;

use super::key_pair::KeyPair;

#[derive(Debug, PartialEq, Eq)]
pub struct Jwks {
    /// JSON.
    pub body: String,
    /// With its quotes, as the header carries it. The same on every node that publishes the same
    /// keys.
    pub etag: String,
    signing_key_ids: Vec<String>,
}

impl Jwks {
    pub(super) fn of<'a>(pairs: impl Iterator<Item = &'a KeyPair> + Clone) -> Self {
        let keys = pairs.clone().map(|pair| pair.jwk().clone()).collect();
        let body = serde_json::to_string(&JwkSet { keys }).expect("a JWK is plain JSON");
        let hash = digest(&SHA256, body.as_bytes());
        let etag = format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
        Self { body, etag, signing_key_ids: pairs.map(|pair| pair.id().to_owned()).collect() }
    }

    /// A thumbprint stands for its key, so comparing them compares the documents.
    pub(super) fn is_of<'a>(&self, pairs: impl Iterator<Item = &'a KeyPair>) -> bool {
        pairs.map(KeyPair::id).eq(&self.signing_key_ids)
    }
}
