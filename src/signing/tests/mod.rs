//! What the signer promises: tokens that verify, keys that follow each other, damage that stops
//! nothing else.

mod forge;
mod forged_content;
mod forged_header;
mod proofs;
mod verified;

use std::sync::LazyLock;

use chrono::TimeDelta;
use jsonwebtoken::{DecodingKey, TokenData, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{
    clock::{Timestamp, timestamp},
    domain::{SecretId, SigningKey, Source},
};

static WRAP_BY: LazyLock<KeyEncryptionKey> = LazyLock::new(|| {
    KeyEncryptionKey::from_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        .expect("43 digits of base64url")
});

fn start() -> Timestamp {
    timestamp(1_800_000_000).expect("a moment chrono has")
}

fn minutes(count: i64) -> Timestamp {
    start() + TimeDelta::minutes(count)
}

/// The key number `generation`, signing from `activates` to `retires`, all in minutes; gone ten
/// minutes later.
fn record(new: NewSigningKey, generation: i64, activates: i64, retires: Option<i64>) -> SigningKey {
    SigningKey {
        signing_key_id: new.signing_key_id,
        algorithm: new.algorithm,
        generation,
        wrapped: new.wrapped,
        wrapped_by: new.wrapped_by,
        created_at: minutes(-15),
        activates_at: minutes(activates),
        retires_at: retires.map(minutes),
        gone_at: retires.map(|retires| minutes(retires + 10)),
        revoked_at: None,
    }
}

fn new_key(algorithm: Algorithm) -> NewSigningKey {
    generate(algorithm, &WRAP_BY, &Random::System)
}

/// One key that signs for the first hour and its successor.
fn two_keys() -> [SigningKey; 2] {
    let new = || new_key(Algorithm::Es256);
    [record(new(), 1, 0, Some(60)), record(new(), 2, 60, None)]
}

fn signer_with(records: &[SigningKey]) -> Signer {
    let signer = Signer::new("https://issuer.example".to_owned(), WRAP_BY.clone());
    signer.load(records.to_vec());
    signer
}

fn source() -> Source {
    Source::Secret(SecretId(Uuid::from_u128(4)))
}

fn sign(signer: &Signer, algorithm: Algorithm, now: Timestamp) -> Result<String, SigningFailed> {
    let claims = AccessToken {
        sub: "key:1",
        aud: "https://api.example",
        client_id: "ci",
        iat: now,
        exp: now + TimeDelta::minutes(6),
        jti: Uuid::from_u128(1),
        scope: "builds:read builds:write",
        roles: &["viewer"],
        src: &[source()],
        act: None,
        cnf: None,
        org: Uuid::from_u128(2),
        user_id: None,
        email: Some("ci@example.com"),
    };
    signer.sign(algorithm, now, TokenType::AccessToken, &claims)
}

/// Verifies as a resource server would: by the JWKS and the `kid`.
fn decode(signer: &Signer, token: &str, now: Timestamp) -> TokenData<Value> {
    let set: JwkSet = serde_json::from_str(&signer.jwks(now).body).expect("a JWKS");
    let header = jsonwebtoken::decode_header(token).expect("a header");
    let jwk = set.find(&header.kid.expect("a kid")).expect("a published key");
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&["https://api.example"]);
    validation.set_issuer(&["https://issuer.example"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(jwk).expect("a key to verify with");
    jsonwebtoken::decode(token, &key, &validation).expect("a good signature")
}

/// The number of the key that signs, or nothing.
fn signs(signer: &Signer, records: &[SigningKey], now: Timestamp) -> Option<i64> {
    let token = sign(signer, Algorithm::Es256, now).ok()?;
    let kid = decode(signer, &token, now).header.kid;
    let by = records.iter().find(|record| Some(&record.signing_key_id) == kid.as_ref());
    by.map(|record| record.generation)
}

fn published(signer: &Signer, now: Timestamp) -> usize {
    let set: JwkSet = serde_json::from_str(&signer.jwks(now).body).expect("a JWKS");
    set.keys.len()
}

#[test]
fn at_01_at_02_a_token_of_each_algorithm_verifies_by_the_jwks() {
    let records = Algorithm::ALL.map(|algorithm| record(new_key(algorithm), 1, 0, None));
    let signer = signer_with(&records);
    assert_eq!(signer.algorithms(start()), Algorithm::ALL);

    for signing_key in &records {
        let token = sign(&signer, signing_key.algorithm, start()).unwrap();

        let TokenData { header, claims, .. } = decode(&signer, &token, start());
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(format!("{:?}", header.alg), signing_key.algorithm.as_str());
        assert_eq!(header.kid.as_ref(), Some(&signing_key.signing_key_id));
        let org = "00000000-0000-0000-0000-000000000002";
        let expected = json!({
            "iss": "https://issuer.example", "sub": "key:1", "aud": "https://api.example",
            "client_id": "ci", "iat": 1_800_000_000, "exp": 1_800_000_360,
            "jti": "00000000-0000-0000-0000-000000000001",
            "scope": "builds:read builds:write", "roles": ["viewer"],
            "src": ["secret:00000000-0000-0000-0000-000000000004"],
            "org": org, "currentOrganizationId": org, "email": "ci@example.com",
        });
        assert_eq!(claims, expected);
    }
}

#[test]
fn jw_01_jw_11_the_jwks_has_public_members_only() {
    let records = Algorithm::ALL.map(|algorithm| record(new_key(algorithm), 1, 0, None));
    let signer = signer_with(&records);

    let set: Value = serde_json::from_str(&signer.jwks(start()).body).unwrap();

    let names = [
        ("ES256", vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
        ("RS256", vec!["alg", "e", "kid", "kty", "n", "use"]),
        ("EdDSA", vec!["alg", "crv", "kid", "kty", "use", "x"]),
    ];
    for ((jwk, record), (alg, expected)) in
        set["keys"].as_array().unwrap().iter().zip(&records).zip(names)
    {
        let mut members: Vec<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, expected);
        assert_eq!(jwk["alg"], alg);
        assert_eq!(jwk["use"], "sig");
        assert_eq!(jwk["kid"], record.signing_key_id);
    }
}

#[test]
fn jw_02_a_key_is_published_before_it_signs_and_after_it_signed() {
    let records = two_keys();
    let signer = signer_with(&records);
    let at = |minute| {
        let now = minutes(minute);
        (signs(&signer, &records, now), published(&signer, now))
    };

    assert_eq!(at(-1), (None, 2));
    assert_eq!(at(0), (Some(1), 2));
    assert_eq!(at(59), (Some(1), 2));
    assert_eq!(at(60), (Some(2), 2));
    assert_eq!(at(69), (Some(2), 2));
    assert_eq!(at(70), (Some(2), 1));
    let failed = sign(&signer, Algorithm::Rs256, start()).unwrap_err();
    assert_eq!(failed.to_string(), "no RS256 signing key is active");
    assert!(!signer.has_active(Algorithm::Rs256, start()));
}

#[test]
fn jw_05_a_revoked_key_neither_signs_nor_is_published() {
    let mut records = two_keys();
    let signer = signer_with(&records);
    records[1].revoked_at = Some(minutes(61));

    signer.load(records.to_vec());

    assert_eq!(signs(&signer, &records, minutes(61)), None);
    assert_eq!(published(&signer, minutes(61)), 1);
    assert!(signer.damaged().is_empty());
}

#[test]
fn jw_10_a_damaged_key_leaves_the_one_before_it_signing() {
    let whole = two_keys();
    let cut_short = |wrapped: &mut SigningKey| wrapped.wrapped.truncate(20);
    let of_another = |wrapped: &mut SigningKey| wrapped.wrapped.clone_from(&whole[0].wrapped);
    let by_another = |wrapped: &mut SigningKey| wrapped.wrapped_by = "0".repeat(16);
    let damages: [&dyn Fn(&mut SigningKey); 3] = [&cut_short, &of_another, &by_another];

    for damage in damages {
        let mut records = whole.clone();
        damage(&mut records[1]);
        let signer = signer_with(&records);

        assert_eq!(signer.damaged()[0].signing_key_id, records[1].signing_key_id);
        for minute in [60, 69, 70, 1000] {
            assert_eq!(signs(&signer, &records, minutes(minute)), Some(1));
        }
        signer.load(whole.to_vec());
        assert!(signer.damaged().is_empty());
        assert_eq!(signs(&signer, &whole, minutes(60)), Some(2));
    }
}

#[test]
fn jw_10_an_open_key_outlives_damage_to_its_record() {
    let mut records = two_keys();
    let signer = signer_with(&records);
    records[1].wrapped.truncate(20);

    for _ in 0..2 {
        signer.load(records.to_vec());

        assert_eq!(signer.damaged()[0].why, Damage::Undecryptable);
        assert_eq!(signs(&signer, &records, minutes(60)), Some(2));
    }
}

#[test]
fn jw_01_jw_10_a_record_read_twice_is_published_once() {
    let [first, _] = two_keys();
    let records = [first.clone(), first];
    let signer = signer_with(&records);

    assert_eq!(signer.damaged()[0].why, Damage::Duplicate);
    assert_eq!(published(&signer, start()), 1);
    assert_eq!(signs(&signer, &records, start()), Some(1));
}

#[test]
fn the_jwks_is_built_once_and_its_etag_follows_the_keys() {
    let records = two_keys();
    let signer = signer_with(&records);
    let first = signer.jwks(minutes(0));

    assert!(std::sync::Arc::ptr_eq(&first, &signer.jwks(minutes(69))));
    assert_eq!(first.etag, signer_with(&records).jwks(start()).etag);
    assert_ne!(first.etag, signer.jwks(minutes(70)).etag);
}

#[test]
fn ks_06_printing_a_signer_shows_no_key() {
    let signer = signer_with(&two_keys());
    assert_eq!(format!("{signer:?}"), r#"Signer { issuer: "https://issuer.example", .. }"#);
}
