//! Verifies that anyone who sends a request holds a private key, and proves it for the holder: DPoP
//! (RFC 9449, sections 4.2 and 4.3).

mod holder;
mod nonce;
mod target;
mod thumbprint;

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde_json::{Map, Value};

pub use self::{holder::ProofKey, nonce::Nonces};
use super::{MalformedJws, UnusableJwk, claim_reader::moment, foreign::ForeignKey, jws::Jws};
use crate::{
    clock::Timestamp,
    domain::{SignatureAlgorithm, Thumbprint},
};

/// As metadata and challenges name them. `Ed25519` is the newer name of the one `EdDSA` that we
/// take (RFC 9864). RSA signs by PSS, never by PKCS #1 v1.5 (FAPI 2.0 Security Profile, section
/// 5.4.1).
pub const PROOF_ALGORITHMS: [&str; 4] = ["ES256", "EdDSA", "Ed25519", "PS256"];

/// A proof whose signature is right and that was made for this request, not long ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Of the key that signed it.
    pub thumbprint: Thumbprint,
    pub nonce: Option<String>,
    /// Stands for its key and its `jti`: what counts only once.
    pub hash: [u8; 32],
    /// Until when it could be sent again, by any clock.
    pub until: Timestamp,
}

/// The request that a proof has to be made for.
pub struct ProvedRequest<'a> {
    pub method: &'a str,
    /// As its sender writes it: our public URL. A query does not count.
    pub url: &'a str,
    /// The token that goes with it, where it is one to a resource server.
    pub access_token: Option<&'a str>,
}

/// Why a proof proves nothing: for the log. Its sender learns less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProof {
    #[error("the proof is malformed: {0}")]
    Malformed(#[from] MalformedJws),
    #[error("the proof's typ is not dpop+jwt")]
    WrongType,
    #[error("the proof's algorithm is none that proofs may have")]
    WrongAlgorithm,
    #[error("the proof's header asks for an extension: {0}")]
    Extension(&'static str),
    #[error("the key in the proof cannot be used: {0}")]
    Key(#[from] UnusableJwk),
    #[error("the proof's signature is wrong")]
    BadSignature,
    #[error("the proof has no claim {0}, or not in the form it should have")]
    Claim(&'static str),
    #[error("the proof was made for another method")]
    OtherMethod,
    #[error("the proof was made for another URL")]
    OtherUrl,
    #[error("the proof was made too long ago, or by a clock that is ahead")]
    OtherTime,
    #[error("the proof was made for another access token")]
    OtherToken,
}

/// By how much the clock of the sender may differ from ours, and how long a proof may be under way.
const WINDOW: TimeDelta = TimeDelta::seconds(60);

/// By how much the clocks of our nodes may differ from each other.
const AMONG_NODES: TimeDelta = TimeDelta::seconds(60);

const LONGEST_ID: usize = 128;

pub fn verify_proof(
    proof: &str,
    request: &ProvedRequest<'_>,
    now: Timestamp,
) -> Result<Proof, BadProof> {
    let jws = Jws::parse(proof)?;
    if jws.text("typ") != Some("dpop+jwt") {
        return Err(BadProof::WrongType);
    }
    if let Some(extension) = jws.extension() {
        return Err(BadProof::Extension(extension));
    }
    let name = jws.text("alg").filter(|name| PROOF_ALGORITHMS.contains(name));
    let algorithm: Option<SignatureAlgorithm> = name.and_then(|name| name.parse().ok());
    let jwk = jws.header.get("jwk").ok_or(UnusableJwk::Malformed)?;
    let key = ForeignKey::read(jwk)?;
    let thumbprint = thumbprint::thumbprint(jwk).ok_or(UnusableJwk::Damaged)?;
    // No one vouches for the key: it is worth what the holder of its private half says.
    let key = algorithm.and_then(|algorithm| key.by(algorithm)).ok_or(BadProof::WrongAlgorithm)?;
    if !key.verifies(jws.signed, &jws.signature) {
        return Err(BadProof::BadSignature);
    }
    read(&jws.claims()?, thumbprint, request, now)
}

fn read(
    claims: &Map<String, Value>,
    thumbprint: Thumbprint,
    request: &ProvedRequest<'_>,
    now: Timestamp,
) -> Result<Proof, BadProof> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    let claimed = |name| text(name).ok_or(BadProof::Claim(name));
    let id = claimed("jti")?;
    if id.is_empty() || id.chars().count() > LONGEST_ID {
        return Err(BadProof::Claim("jti"));
    }
    if claimed("htm")? != request.method {
        return Err(BadProof::OtherMethod);
    }
    if !target::is_same(claimed("htu")?, request.url) {
        return Err(BadProof::OtherUrl);
    }
    let made_at = claims.get("iat").and_then(moment).ok_or(BadProof::Claim("iat"))?;
    if (now - made_at).abs() > WINDOW {
        return Err(BadProof::OtherTime);
    }
    if let Some(token) = request.access_token
        && claimed("ath")? != BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
    {
        return Err(BadProof::OtherToken);
    }
    let nonce = match claims.get("nonce") {
        None => None,
        Some(nonce) => Some(nonce.as_str().ok_or(BadProof::Claim("nonce"))?.to_owned()),
    };
    let hash = hash(&thumbprint, id);
    Ok(Proof { thumbprint, nonce, hash, until: made_at + WINDOW + AMONG_NODES })
}

/// Two holders may choose the same `jti`, so their keys count.
fn hash(thumbprint: &Thumbprint, id: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"keyturn proof of possession\0");
    context.update(thumbprint.as_str().as_bytes());
    context.update(id.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
