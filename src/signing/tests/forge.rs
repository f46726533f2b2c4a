//! Makes tokens that the signer would not make.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{WRAP_BY, new_key, record, signer_with, start};
use crate::{
    domain::{Algorithm, SigningKey},
    signing::{Audience, Signer, TokenType, Untrusted, VerifiedToken, key_pair::KeyPair, wrapped},
};

pub(super) const AUDIENCE: &str = "https://api.example";

/// One active key of each algorithm, in the order of [`Algorithm::ALL`].
pub(super) static RECORDS: LazyLock<[SigningKey; 3]> =
    LazyLock::new(|| Algorithm::ALL.map(|algorithm| record(new_key(algorithm), 1, 0, None)));

pub(super) static SIGNER: LazyLock<Signer> = LazyLock::new(|| signer_with(&*RECORDS));

/// Our own key pair: what a forger does not have, and a test of what is signed needs.
pub(super) fn ours(algorithm: Algorithm) -> KeyPair {
    let record = RECORDS.iter().find(|record| record.algorithm == algorithm);
    opened(record.expect("there is one of each"))
}

pub(super) fn opened(record: &SigningKey) -> KeyPair {
    wrapped::open(record, &WRAP_BY).expect("an undamaged record")
}

/// The header as we write it.
pub(super) fn header(pair: &KeyPair) -> Value {
    json!({ "alg": pair.algorithm().as_str(), "typ": "at+jwt", "kid": pair.id() })
}

/// The claims as we write them.
pub(super) fn claims() -> Value {
    json!({
        "iss": "https://issuer.example", "sub": "key:1", "aud": AUDIENCE, "client_id": "1",
        "iat": start().timestamp(), "exp": start().timestamp() + 360,
        "jti": "00000000-0000-0000-0000-000000000001",
        "scope": "builds:read", "roles": ["viewer"],
        "org": "00000000-0000-0000-0000-000000000002",
    })
}

/// The same with other members: `null` takes one out.
pub(super) fn with(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    object
}

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Header and payload are taken as they are, JSON or not.
pub(super) fn compact(
    header: &impl ToString,
    payload: &impl ToString,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let signed = format!("{}.{}", base64(header.to_string()), base64(payload.to_string()));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", base64(signature))
}

pub(super) fn signed(pair: &KeyPair, header: &impl ToString, payload: &impl ToString) -> String {
    compact(header, payload, |message| pair.sign(message).expect("a key that signs"))
}

pub(super) fn verify(token: &str) -> Result<VerifiedToken, Untrusted> {
    SIGNER.verify(token, start(), &[TokenType::AccessToken], Audience::Is(AUDIENCE))
}

pub(super) fn refused(token: &str) -> Untrusted {
    verify(token).expect_err("a forgery")
}
