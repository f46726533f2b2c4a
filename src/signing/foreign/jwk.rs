//! One public key of another issuer, as JSON (RFC 7517, section 4).

use aws_lc_rs::{encoding::AsDer as _, signature::RsaPublicKeyComponents};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{
    domain::SignatureAlgorithm,
    signing::{jws::is_key_id, public_key::PublicKey, weak_rsa},
};

/// Verifies signatures, each by the algorithms that it was made for.
pub(in crate::signing) struct ForeignKey {
    id: Option<String>,
    /// One; of an RSA key that does not say what it is for, one for each of the six.
    by_algorithm: Vec<PublicKey>,
    /// As the library reads it.
    bytes: Vec<u8>,
}

/// Why a key is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableJwk {
    #[error("a key is a JSON object with the members of RFC 7517")]
    Malformed,
    #[error("a key has private members: publish the public half alone, and replace the key")]
    Private,
    #[error("a key is a shared secret (`oct`): only public keys are taken")]
    Shared,
    #[error("a key is not for signatures (`use` or `key_ops`)")]
    NotForSignatures,
    #[error("a key is not of a kind that is known here: P-256, P-384, RSA or Ed25519")]
    UnknownKind,
    #[error("a key says to be for an algorithm that is not known here, or not one of its kind")]
    WrongAlgorithm,
    #[error("the `kid` of a key is longer than 128 characters")]
    LongKeyId,
    #[error("the numbers of a key are damaged, or no point of its curve")]
    Damaged,
    #[error("`n` of an RSA key has to have 2048 to 4096 bits, and its `e` is `AQAB`")]
    WeakRsa,
    #[error("an RSA key comes from the broken generator of ROCA (CVE-2017-15361)")]
    Roca,
}

impl UnusableJwk {
    /// Whether it is a key of a known kind that is never to be used.
    pub fn is_weak(self) -> bool {
        matches!(self, Self::WeakRsa | Self::Roca)
    }
}

type Jwk = Map<String, Value>;

impl ForeignKey {
    pub(in crate::signing) fn read(jwk: &Value) -> Result<Self, UnusableJwk> {
        let jwk = jwk.as_object().ok_or(UnusableJwk::Malformed)?;
        // Before anything else: anyone who published these must hear of it.
        if ["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| jwk.contains_key(*name)) {
            return Err(UnusableJwk::Private);
        }
        if jwk.contains_key("k") || text(jwk, "kty")? == Some("oct") {
            return Err(UnusableJwk::Shared);
        }
        if !is_for_signatures(jwk)? {
            return Err(UnusableJwk::NotForSignatures);
        }
        let id = text(jwk, "kid")?.map(str::to_owned);
        if id.as_deref().is_some_and(|id| !is_key_id(id)) {
            return Err(UnusableJwk::LongKeyId);
        }
        let (possible, bytes) = numbers(jwk)?;
        let by_algorithm = chosen(jwk, possible)?
            .into_iter()
            .map(|algorithm| PublicKey::new(algorithm, &bytes))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| UnusableJwk::Damaged)?;
        Ok(Self { id, by_algorithm, bytes })
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(in crate::signing) fn by(&self, algorithm: SignatureAlgorithm) -> Option<&PublicKey> {
        self.by_algorithm.iter().find(|key| key.algorithm() == algorithm)
    }

    /// The same key by the same name for the same algorithms.
    pub(super) fn is(&self, other: &Self) -> bool {
        let algorithms =
            |key: &Self| -> Vec<_> { key.by_algorithm.iter().map(PublicKey::algorithm).collect() };
        self.id == other.id && self.bytes == other.bytes && algorithms(self) == algorithms(other)
    }
}

/// RFC 7517, sections 4.2 and 4.3.
fn is_for_signatures(jwk: &Jwk) -> Result<bool, UnusableJwk> {
    let by_use = text(jwk, "use")?.is_none_or(|usage| usage == "sig");
    let by_operations = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|it| it == "verify"),
        Some(_) => return Err(UnusableJwk::Malformed),
    };
    Ok(by_use && by_operations)
}

/// What the kind of key can be used for, and its bytes.
fn numbers(jwk: &Jwk) -> Result<(&'static [SignatureAlgorithm], Vec<u8>), UnusableJwk> {
    use SignatureAlgorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    let kind = text(jwk, "kty")?.ok_or(UnusableJwk::Malformed)?;
    match (kind, text(jwk, "crv")?) {
        ("EC", Some("P-256")) => Ok((&[Es256], point(jwk, 32)?)),
        ("EC", Some("P-384")) => Ok((&[Es384], point(jwk, 48)?)),
        ("OKP", Some("Ed25519")) => Ok((&[EdDsa], of_length(jwk, "x", 32)?)),
        ("RSA", None) => Ok((&[Ps256, Ps384, Ps512, Rs256, Rs384, Rs512], rsa(jwk)?)),
        ("EC" | "OKP", None) | ("RSA", Some(_)) => Err(UnusableJwk::Malformed),
        _ => Err(UnusableJwk::UnknownKind),
    }
}

/// The algorithm that the key says to be for; where it says none, those that are possible.
fn chosen(
    jwk: &Jwk,
    possible: &[SignatureAlgorithm],
) -> Result<Vec<SignatureAlgorithm>, UnusableJwk> {
    let Some(name) = text(jwk, "alg")? else { return Ok(possible.to_vec()) };
    let algorithm = name.parse().map_err(|_| UnusableJwk::WrongAlgorithm)?;
    if possible.contains(&algorithm) {
        Ok(vec![algorithm])
    } else {
        Err(UnusableJwk::WrongAlgorithm)
    }
}

/// Uncompressed (SEC 1, section 2.3.3); the coordinates have their full length (RFC 7518,
/// section 6.2.1.2). The library sees to it that they are on the curve.
fn point(jwk: &Jwk, length: usize) -> Result<Vec<u8>, UnusableJwk> {
    Ok([vec![4], of_length(jwk, "x", length)?, of_length(jwk, "y", length)?].concat())
}

/// A longer one makes each verification slow, and strangers decide how many there are.
const LONGEST_RSA: usize = 4096;

/// X.509.
fn rsa(jwk: &Jwk) -> Result<Vec<u8>, UnusableJwk> {
    let n = bytes(jwk, "n")?;
    // Some write numbers as their language does, with a zero in front for the sign.
    let n = n.strip_prefix(&[0]).unwrap_or(&n);
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if !(2048..=LONGEST_RSA).contains(&bits) || bytes(jwk, "e")? != [1, 0, 1] {
        return Err(UnusableJwk::WeakRsa);
    }
    if weak_rsa::is_roca(n) {
        return Err(UnusableJwk::Roca);
    }
    let components = RsaPublicKeyComponents { n, e: &[1, 0, 1][..] };
    let der = components.as_der().map_err(|_| UnusableJwk::Damaged)?;
    Ok(der.as_ref().to_vec())
}

fn of_length(jwk: &Jwk, name: &str, length: usize) -> Result<Vec<u8>, UnusableJwk> {
    Some(bytes(jwk, name)?).filter(|bytes| bytes.len() == length).ok_or(UnusableJwk::Damaged)
}

fn bytes(jwk: &Jwk, name: &str) -> Result<Vec<u8>, UnusableJwk> {
    let text = text(jwk, name)?.ok_or(UnusableJwk::Malformed)?;
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| UnusableJwk::Damaged)
}

fn text<'a>(jwk: &'a Jwk, name: &str) -> Result<Option<&'a str>, UnusableJwk> {
    jwk.get(name).map(|value| value.as_str().ok_or(UnusableJwk::Malformed)).transpose()
}
