//! What a proof of possession has to be, and what forgers make of it: checks DP-02 to DP-04 and the
//! forgery battery.

mod claims;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    forge::{base64, compact, ours, with},
    start,
};
use crate::{
    domain::Algorithm,
    signing::{
        BadProof, MalformedJws, Proof, ProvedRequest, UnusableJwk, key_pair::KeyPair, verify_proof,
    },
};

const URL: &str = "https://keys.example.com/oauth2/token";

const REQUEST: ProvedRequest<'static> =
    ProvedRequest { method: "POST", url: URL, access_token: None };

fn jwk(pair: &KeyPair) -> Value {
    let jwk = serde_json::to_value(pair.jwk()).unwrap();
    with(jwk, json!({ "kid": null, "use": null, "alg": null }))
}

fn header(pair: &KeyPair) -> Value {
    json!({ "typ": "dpop+jwt", "alg": pair.proof_algorithm().as_str(), "jwk": jwk(pair) })
}

fn signed(pair: &KeyPair, header: &impl ToString, claims: &impl ToString) -> String {
    compact(header, claims, |message| pair.sign_proof(message).unwrap())
}

fn claims() -> Value {
    json!({ "jti": "e1j3V_bKic8", "htm": "POST", "htu": URL, "iat": start().timestamp() })
}

fn verdict(proof: &str) -> Result<Proof, BadProof> {
    verify_proof(proof, &REQUEST, start())
}

fn refused(proof: &str) -> BadProof {
    verdict(proof).expect_err("a forgery")
}

/// What becomes of a proof with another header.
fn by_header(changes: Value) -> BadProof {
    let pair = ours(Algorithm::Es256);
    refused(&signed(&pair, &with(header(&pair), changes), &claims()))
}

/// What becomes of a proof that says something else.
fn by_claims(changes: Value) -> Result<Proof, BadProof> {
    let pair = ours(Algorithm::Es256);
    verdict(&signed(&pair, &header(&pair), &with(claims(), changes)))
}

#[test]
fn dp_02_dp_07_a_proof_by_each_algorithm_gives_the_thumbprint_of_its_key() {
    for algorithm in Algorithm::ALL {
        let pair = ours(algorithm);

        let proof = verdict(&signed(&pair, &header(&pair), &claims())).unwrap();

        assert_eq!(proof.thumbprint.as_str(), pair.id());
        assert_eq!(proof.nonce, None);
        assert_eq!(proof.until, start() + TimeDelta::seconds(120));
    }
}

#[test]
fn dp_02_ed25519_has_two_names() {
    let pair = ours(Algorithm::EdDsa);
    let newer = with(header(&pair), json!({ "alg": "Ed25519" }));
    assert!(verdict(&signed(&pair, &newer, &claims())).is_ok());
}

#[test]
fn dp_06_what_counts_once_is_the_id_of_a_key() {
    let hash = |algorithm, id: &str| {
        let pair = ours(algorithm);
        let claims = with(claims(), json!({ "jti": id, "nonce": "n" }));
        verdict(&signed(&pair, &header(&pair), &claims)).unwrap().hash
    };
    assert_eq!(hash(Algorithm::Es256, "a"), hash(Algorithm::Es256, "a"));
    assert_ne!(hash(Algorithm::Es256, "a"), hash(Algorithm::Es256, "b"));
    assert_ne!(hash(Algorithm::Es256, "a"), hash(Algorithm::EdDsa, "a"));
}

#[test]
fn f01_f03_f04_f18_only_the_algorithm_of_the_key_in_the_proof_counts() {
    for alg in [
        "none", "None", "nOnE", "", "HS256", "ES384", "PS256", "es256", "RS256", "EdDSA", "Ed25519",
    ] {
        assert_eq!(by_header(json!({ "alg": alg })), BadProof::WrongAlgorithm, "{alg}");
    }
    assert_eq!(by_header(json!({ "alg": null })), BadProof::WrongAlgorithm);
}

#[test]
fn fx_39a_rsa_keys_prove_by_pss_alone() {
    let pair = ours(Algorithm::Rs256);
    let by = |alg: &str| with(header(&pair), json!({ "alg": alg }));
    assert!(verdict(&signed(&pair, &by("PS256"), &claims())).is_ok());
    for alg in ["RS256", "RS384", "PS384", "PS512"] {
        let pkcs1 = compact(&by(alg), &claims(), |message| pair.sign(message).unwrap());
        assert_eq!(refused(&pkcs1), BadProof::WrongAlgorithm, "{alg}");
    }
    let pkcs1 = compact(&by("PS256"), &claims(), |message| pair.sign(message).unwrap());
    assert_eq!(refused(&pkcs1), BadProof::BadSignature);
}

#[test]
fn f02_f08_f13_a_signature_has_to_be_by_the_key_in_the_proof() {
    for algorithm in Algorithm::ALL {
        let pair = ours(algorithm);
        let zeros = vec![0; pair.signature_length()];
        for signature in [Vec::new(), zeros, vec![1; 8]] {
            let forged = compact(&header(&pair), &claims(), |_| signature.clone());
            assert_eq!(refused(&forged), BadProof::BadSignature);
        }
        let right = signed(&pair, &header(&pair), &claims());
        let parts: Vec<_> = right.split('.').collect();
        let edited = base64(with(claims(), json!({ "jti": "other" })).to_string());
        let edited = format!("{}.{edited}.{}", parts[0], parts[2]);
        assert_eq!(refused(&edited), BadProof::BadSignature);
    }
    let (thief, holder) = (ours(Algorithm::Es256), KeyPair::generate(Algorithm::Es256));
    let stolen = with(header(&thief), json!({ "jwk": jwk(&holder) }));
    assert_eq!(refused(&signed(&thief, &stolen, &claims())), BadProof::BadSignature);
}

#[test]
fn dp_02_f11_a_jwt_of_another_kind_is_no_proof() {
    for typ in [json!("at+jwt"), json!("JWT"), json!("DPOP+JWT"), json!(""), json!(1), json!(null)]
    {
        assert_eq!(by_header(json!({ "typ": typ })), BadProof::WrongType, "{typ}");
    }
}

#[test]
fn jt_04_no_extension_is_understood() {
    for (name, value) in [("crit", json!(["exp"])), ("b64", json!(false)), ("zip", json!("DEF"))] {
        assert_eq!(by_header(json!({ name: value })), BadProof::Extension(name));
    }
}

#[test]
fn dp_03_a_private_key_does_not_belong_into_a_proof() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for algorithm in Algorithm::ALL {
            let pair = ours(algorithm);
            let jwk = with(jwk(&pair), json!({ member: "AQ" }));
            let proof = signed(&pair, &with(header(&pair), json!({ "jwk": jwk })), &claims());
            let why = if member == "k" { UnusableJwk::Shared } else { UnusableJwk::Private };
            assert_eq!(refused(&proof), BadProof::Key(why), "{member}");
        }
    }
}

#[test]
fn jt_05_a_key_is_taken_from_the_proof_alone() {
    for jwk in [json!(null), json!("key"), json!([])] {
        assert_eq!(by_header(json!({ "jwk": jwk })), BadProof::Key(UnusableJwk::Malformed));
    }
    let elsewhere = json!({ "jwk": null, "jku": URL, "x5u": URL, "kid": "' or 1=1" });
    assert_eq!(by_header(elsewhere), BadProof::Key(UnusableJwk::Malformed));
}

#[test]
fn jt_12_what_a_key_says_it_is_for_counts() {
    let pair = ours(Algorithm::Es256);
    let with_jwk = |changes| json!({ "jwk": with(jwk(&pair), changes) });
    for (wrong, why) in [
        (json!({ "use": "enc" }), UnusableJwk::NotForSignatures),
        (json!({ "alg": "ES384" }), UnusableJwk::WrongAlgorithm),
        (json!({ "alg": "Ed25519" }), UnusableJwk::WrongAlgorithm),
        (json!({ "key_ops": ["sign"] }), UnusableJwk::NotForSignatures),
        (json!({ "key_ops": "verify" }), UnusableJwk::Malformed),
    ] {
        assert_eq!(by_header(with_jwk(wrong.clone())), BadProof::Key(why), "{wrong}");
    }
    let right = json!({ "use": "sig", "alg": "ES256", "key_ops": ["verify"], "ext": true });
    let header = with(header(&pair), with_jwk(right));
    assert!(verdict(&signed(&pair, &header, &claims())).is_ok());
}

#[test]
fn dp_03_what_is_no_public_key_is_none() {
    let changed = |algorithm, changes| {
        let pair = ours(algorithm);
        let jwk = with(jwk(&pair), changes);
        refused(&signed(&pair, &with(header(&pair), json!({ "jwk": jwk })), &claims()))
    };
    let off_the_curve = base64([1; 32]);
    for (algorithm, changes, why) in [
        (Algorithm::Es256, json!({ "kty": "RSA" }), UnusableJwk::Malformed),
        (Algorithm::Es256, json!({ "crv": "secp256k1" }), UnusableJwk::UnknownKind),
        (Algorithm::Es256, json!({ "x": null }), UnusableJwk::Malformed),
        (Algorithm::Es256, json!({ "x": "AQ" }), UnusableJwk::Damaged),
        (Algorithm::Es256, json!({ "x": off_the_curve }), UnusableJwk::Damaged),
        (Algorithm::Es256, json!({ "y": "!" }), UnusableJwk::Damaged),
        (Algorithm::EdDsa, json!({ "crv": "X25519" }), UnusableJwk::UnknownKind),
        (Algorithm::EdDsa, json!({ "x": "" }), UnusableJwk::Damaged),
        (Algorithm::Rs256, json!({ "n": base64([0xff; 128]) }), UnusableJwk::WeakRsa),
        (Algorithm::Rs256, json!({ "n": base64(vec![0xff; 1025]) }), UnusableJwk::WeakRsa),
        (Algorithm::Rs256, json!({ "n": "" }), UnusableJwk::WeakRsa),
        (Algorithm::Rs256, json!({ "e": "AAEAAQ" }), UnusableJwk::WeakRsa),
        (Algorithm::Rs256, json!({ "e": 65_537 }), UnusableJwk::Malformed),
    ] {
        assert_eq!(changed(algorithm, changes.clone()), BadProof::Key(why), "{changes}");
    }
}

#[test]
fn dp_07_a_key_has_one_thumbprint() {
    let pair = ours(Algorithm::Rs256);
    let mut n = vec![0];
    n.extend(BASE64_URL_SAFE_NO_PAD.decode(jwk(&pair)["n"].as_str().unwrap()).unwrap());
    let jwk = with(jwk(&pair), json!({ "n": base64(n) }));
    let proof = signed(&pair, &with(header(&pair), json!({ "jwk": jwk })), &claims());
    assert_eq!(refused(&proof), BadProof::Key(UnusableJwk::Damaged));
}

#[test]
fn jt_12_a_key_of_the_broken_generator_is_refused() {
    let pair = ours(Algorithm::Rs256);
    let jwk = with(jwk(&pair), json!({ "n": base64(power_of_65537(128)) }));
    let proof = signed(&pair, &with(header(&pair), json!({ "jwk": jwk })), &claims());
    assert_eq!(refused(&proof), BadProof::Key(UnusableJwk::Roca));
}

/// Big-endian: what the moduli of that generator are modulo each of its primes.
fn power_of_65537(exponent: usize) -> Vec<u8> {
    let mut number = vec![1];
    for _ in 0..exponent {
        let shifted = number.iter().copied().chain([0, 0]).collect::<Vec<u8>>();
        let mut carry = 0;
        let sum = shifted.iter().rev().enumerate().map(|(place, byte)| {
            let other = number.iter().rev().nth(place).copied().unwrap_or_default();
            let digit = u16::from(*byte) + u16::from(other) + carry;
            carry = digit >> 8;
            digit.to_be_bytes()[1]
        });
        let mut sum: Vec<u8> = sum.collect();
        sum.reverse();
        number = sum;
    }
    number
}

#[test]
fn dp_01_f14_f15_f16_a_proof_is_one_well_formed_jwt() {
    let pair = ours(Algorithm::Es256);
    let right = signed(&pair, &header(&pair), &claims());
    for (proof, why) in [
        (String::new(), MalformedJws::Segments),
        (format!("{right}.x"), MalformedJws::Segments),
        (format!("{right}.a.b"), MalformedJws::Segments),
        (format!("{right}="), MalformedJws::Base64),
        (format!(" {right}"), MalformedJws::Base64),
        (right.repeat(200), MalformedJws::TooLong),
    ] {
        assert_eq!(refused(&proof), BadProof::Malformed(why));
    }
    let twice = format!(r#"{{"jti":"a","jti":"b","htm":"POST","htu":"{URL}","iat":1800000000}}"#);
    let twice = signed(&pair, &header(&pair), &twice);
    assert_eq!(refused(&twice), BadProof::Malformed(MalformedJws::Json));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fail(proof in "[a-zA-Z0-9_.-]{0,200}") {
        prop_assert!(verdict(&proof).is_err());
    }
}
