//! Keys of others: which are taken, which one is held against a token, and what a token says.

mod claims;

use std::sync::LazyLock;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeySize, PublicKeyComponents},
    signature::{
        ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{ForeignKeys, ForeignToken, MalformedJwks, UnusableJwk, Unverified};
use crate::{
    clock::{Timestamp, timestamp},
    domain::Algorithm,
    signing::{Untrusted, key_pair::KeyPair},
};

static RSA: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn parse(keys: &[Value]) -> ForeignKeys {
    ForeignKeys::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn refusal(key: Value) -> Option<UnusableJwk> {
    parse(&[key]).refused().first().copied()
}

fn es256() -> KeyPair {
    KeyPair::generate(Algorithm::Es256)
}

fn public(pair: &KeyPair) -> Value {
    serde_json::to_value(pair.jwk()).unwrap()
}

fn public_rsa() -> Value {
    let components: PublicKeyComponents<Vec<u8>> = RSA.public_key().into();
    json!({ "kty": "RSA", "kid": "rsa", "n": base64(components.n), "e": base64(components.e) })
}

fn with(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    object.as_object_mut().unwrap().extend(changes);
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

fn compact(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
    let signature = base64(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn signed(pair: &KeyPair, header: &Value) -> String {
    compact(header, &json!({ "sub": "x" }), |message| pair.sign(message).unwrap())
}

fn signed_by_rsa(alg: &str, encoding: &'static dyn RsaEncoding) -> String {
    compact(&json!({ "alg": alg, "kid": "rsa" }), &json!({}), |message| {
        let mut signature = vec![0; RSA.public_modulus_len()];
        RSA.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    })
}

#[test]
fn a_token_is_verified_by_each_kind_of_key() {
    for algorithm in Algorithm::ALL {
        let pair = KeyPair::generate(algorithm);
        let header = json!({ "alg": algorithm.as_str(), "kid": pair.id(), "typ": "JWT" });

        let token = parse(&[public(&pair)]).verify(&signed(&pair, &header)).unwrap();

        assert_eq!(token.text("sub"), Ok("x"));
        assert_eq!(token.typ.as_deref(), Some("jwt"));
    }
}

#[test]
fn es384_and_the_other_name_of_eddsa_are_known() {
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let point = p384.public_key().as_ref();
    let jwk = json!({
        "kty": "EC", "crv": "P-384", "x": base64(&point[1..49]), "y": base64(&point[49..]),
    });
    let by_p384 = compact(&json!({ "alg": "ES384" }), &json!({}), |message| {
        p384.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    });
    let ed = KeyPair::generate(Algorithm::EdDsa);
    let renamed = with(public(&ed), json!({ "alg": "Ed25519" }));

    assert!(parse(&[jwk]).verify(&by_p384).is_ok());
    for alg in ["EdDSA", "Ed25519"] {
        let token = signed(&ed, &json!({ "alg": alg, "kid": ed.id() }));
        assert!(parse(std::slice::from_ref(&renamed)).verify(&token).is_ok(), "{alg}");
    }
}

#[test]
fn jt_01_an_rsa_key_verifies_with_the_algorithm_it_says_to_be_for() {
    let (rs256, ps256) =
        (signed_by_rsa("RS256", &RSA_PKCS1_SHA256), signed_by_rsa("PS256", &RSA_PSS_SHA256));
    let any = parse(&[public_rsa()]);
    let only = parse(&[with(public_rsa(), json!({ "alg": "PS256" }))]);

    assert!(any.verify(&rs256).is_ok() && any.verify(&ps256).is_ok());
    assert!(any.verify(&signed_by_rsa("PS512", &RSA_PSS_SHA512)).is_ok());
    assert!(only.verify(&ps256).is_ok());
    assert_eq!(only.verify(&rs256), Err(Untrusted::WrongAlgorithm));
    assert_eq!(
        any.verify(&signed_by_rsa("PS256", &RSA_PKCS1_SHA256)),
        Err(Untrusted::BadSignature)
    );
}

#[test]
fn jb_05_the_key_is_the_one_that_is_named_and_none_is_tried_out() {
    let (one, other) = (es256(), es256());
    let keys = parse(&[public(&one), public(&other)]);
    let unnamed = json!({ "alg": "ES256" });
    let named = |pair: &KeyPair| json!({ "alg": "ES256", "kid": pair.id() });

    assert!(keys.verify(&signed(&other, &named(&other))).is_ok());
    assert_eq!(keys.verify(&signed(&other, &named(&one))), Err(Untrusted::BadSignature));
    assert_eq!(keys.verify(&signed(&one, &unnamed)), Err(Untrusted::AmbiguousKey));
    assert!(parse(&[public(&one)]).verify(&signed(&one, &unnamed)).is_ok());
    assert_eq!(
        parse(&[public(&other)]).verify(&signed(&one, &named(&one))),
        Err(Untrusted::UnknownKey)
    );
}

#[test]
fn a_key_without_a_name_is_not_the_one_that_is_named() {
    let pair = es256();
    let keys = parse(&[without(public(&pair), "kid")]);

    assert!(keys.verify(&signed(&pair, &json!({ "alg": "ES256" }))).is_ok());
    assert_eq!(
        keys.verify(&signed(&pair, &json!({ "alg": "ES256", "kid": "a" }))),
        Err(Untrusted::UnknownKey)
    );
}

#[test]
fn one_name_of_two_keys_is_settled_by_the_algorithm_or_not_at_all() {
    let (one, other, rsa) = (es256(), es256(), public_rsa());
    let renamed = |pair: &KeyPair| with(public(pair), json!({ "kid": "rsa" }));
    let token = signed(&one, &json!({ "alg": "ES256", "kid": "rsa" }));

    assert!(parse(&[renamed(&one), rsa]).verify(&token).is_ok());
    assert!(parse(&[renamed(&one), renamed(&one)]).verify(&token).is_ok(), "listed twice");
    assert_eq!(
        parse(&[renamed(&one), renamed(&other)]).verify(&token),
        Err(Untrusted::AmbiguousKey)
    );
}

#[test]
fn jt_02_no_algorithm_without_a_key_of_its_own_is_one() {
    let pair = es256();
    let keys = parse(&[public(&pair), json!({ "kty": "oct", "kid": "shared", "k": "AAAA" })]);
    for alg in ["none", "None", "nOnE", "HS256", "HS512", "ES512", "ES256K", "ES384", ""] {
        for kid in [pair.id(), "shared"] {
            let token = signed(&pair, &json!({ "alg": alg, "kid": kid }));
            assert!(keys.verify(&token).is_err(), "{alg}");
        }
    }
    assert_eq!(keys.refused(), [UnusableJwk::Shared]);
}

#[test]
fn jt_04_jt_05_extensions_are_refused_and_keys_in_the_header_are_not_looked_at() {
    let (pair, attacker) = (es256(), es256());
    let keys = parse(&[public(&pair)]);
    let header = json!({ "alg": "ES256", "kid": pair.id() });
    for (name, value) in [("crit", json!(["exp"])), ("b64", json!(false)), ("zip", json!("DEF"))] {
        let token = signed(&pair, &with(header.clone(), json!({ name: value })));
        assert_eq!(keys.verify(&token), Err(Untrusted::Extension(name)));
    }
    let offering = with(header, json!({ "jwk": public(&attacker), "jku": "http://127.0.0.1:1/" }));
    assert_eq!(keys.verify(&signed(&attacker, &offering)), Err(Untrusted::BadSignature));
    assert!(keys.verify(&signed(&pair, &offering)).is_ok());
}

#[test]
fn jt_12_a_key_is_used_for_what_it_was_made_for() {
    let ec = || public(&es256());
    for (changes, expected) in [
        (json!({ "use": "sig", "key_ops": ["verify"] }), None),
        (json!({ "use": "enc" }), Some(UnusableJwk::NotForSignatures)),
        (json!({ "key_ops": ["sign"] }), Some(UnusableJwk::NotForSignatures)),
        (json!({ "key_ops": [] }), Some(UnusableJwk::NotForSignatures)),
        (json!({ "key_ops": "verify" }), Some(UnusableJwk::Malformed)),
        (json!({ "use": 1 }), Some(UnusableJwk::Malformed)),
        (json!({ "alg": "ES384" }), Some(UnusableJwk::WrongAlgorithm)),
        (json!({ "alg": "RS256" }), Some(UnusableJwk::WrongAlgorithm)),
        (json!({ "alg": "ES256K" }), Some(UnusableJwk::WrongAlgorithm)),
        (json!({ "kid": "k".repeat(129) }), Some(UnusableJwk::LongKeyId)),
        (json!({ "kid": 1 }), Some(UnusableJwk::Malformed)),
        (json!({ "d": "AAAA" }), Some(UnusableJwk::Private)),
        (json!({ "k": "AAAA" }), Some(UnusableJwk::Shared)),
        (json!({ "crv": "P-521" }), Some(UnusableJwk::UnknownKind)),
        (json!({ "crv": "P-384" }), Some(UnusableJwk::Damaged)),
        (json!({ "kty": "AKP", "crv": "ML-DSA-44" }), Some(UnusableJwk::UnknownKind)),
        (json!({ "kty": null }), Some(UnusableJwk::Malformed)),
        (json!({ "x": base64([0; 32]) }), Some(UnusableJwk::Damaged)),
        (json!({ "x": base64([1; 31]) }), Some(UnusableJwk::Damaged)),
        (json!({ "x": "AA==" }), Some(UnusableJwk::Damaged)),
    ] {
        assert_eq!(refusal(with(ec(), changes.clone())), expected, "{changes}");
    }
    assert_eq!(refusal(json!("key")), Some(UnusableJwk::Malformed));
    assert_eq!(refusal(without(ec(), "y")), Some(UnusableJwk::Malformed));
}

#[test]
fn jw_01_a_weak_rsa_key_is_refused() {
    let roca = [vec![0; 255], vec![1]].concat();
    let power = |length: usize| base64([vec![1], vec![0; length - 1]].concat());
    for (changes, expected) in [
        (json!({ "e": "Aw" }), Some(UnusableJwk::WeakRsa)),
        (json!({ "e": "AQ" }), Some(UnusableJwk::WeakRsa)),
        (json!({ "n": base64([255; 128]) }), Some(UnusableJwk::WeakRsa)),
        (json!({ "n": base64([255; 513]) }), Some(UnusableJwk::WeakRsa)),
        (json!({ "n": base64([255; 512]) }), None),
        (json!({ "n": power(256) }), Some(UnusableJwk::WeakRsa)),
        (json!({ "n": base64(roca) }), Some(UnusableJwk::WeakRsa)),
        (json!({ "n": "" }), Some(UnusableJwk::WeakRsa)),
    ] {
        assert_eq!(refusal(with(public_rsa(), changes.clone())), expected, "{changes}");
    }
    let components: PublicKeyComponents<Vec<u8>> = RSA.public_key().into();
    let signed_number = base64([vec![0], components.n].concat());
    assert_eq!(refusal(with(public_rsa(), json!({ "n": signed_number }))), None);
}

#[test]
fn a_set_may_be_empty_and_has_its_bounds() {
    let parse = |text: &str| ForeignKeys::parse(text.as_bytes()).map(|keys| keys.is_empty());
    let keys = |count: usize| json!({ "keys": vec![json!({ "kty": "oct" }); count] }).to_string();

    assert_eq!(parse(r#"{"keys":[],"more":1}"#), Ok(true));
    assert_eq!(parse(&keys(100)), Ok(true));
    assert_eq!(parse(&keys(101)), Err(MalformedJwks::TooMany));
    assert_eq!(parse(&" ".repeat(64 * 1024 + 1)), Err(MalformedJwks::TooLong));
    for text in ["{}", r#"{"keys":{}}"#, r#"{"keys":null}"#] {
        assert_eq!(parse(text), Err(MalformedJwks::NotASet), "{text}");
    }
    for text in ["", "[]", r#"{"keys":[],"keys":[]}"#, r#"{"keys":[{"kid":"a","kid":"b"}]}"#] {
        assert_eq!(parse(text), Err(MalformedJwks::Json), "{text}");
    }
}
