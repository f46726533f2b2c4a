//! What forgers write into the header: another algorithm, another key, another type. Every attempt
//! is refused, and for its own reason.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use super::{
    forge::{
        AUDIENCE, base64, claims, compact, header, opened, ours, refused, signed, verify, with,
    },
    minutes, signer_with, two_keys,
};
use crate::{
    domain::Algorithm,
    signing::{Audience, TokenType, Untrusted, key_pair::KeyPair},
};

/// What follows changes one thing about this token.
#[test]
fn the_token_that_the_forgeries_start_from_is_trusted() {
    for algorithm in Algorithm::ALL {
        let pair = ours(algorithm);
        let token = signed(&pair, &header(&pair), &claims());
        assert_eq!(verify(&token).unwrap().subject, "key:1");
    }
}

#[test]
fn f01_no_algorithm_under_any_spelling_is_one() {
    let pair = ours(Algorithm::Es256);
    for alg in ["none", "None", "NONE", "nOnE", "", " none", "es256", "ES256 "] {
        let header = with(header(&pair), json!({ "alg": alg }));
        let unsigned = compact(&header, &claims(), |_| Vec::new());

        assert_eq!(refused(&unsigned), Untrusted::WrongAlgorithm, "{alg}");
        assert_eq!(refused(&signed(&pair, &header, &claims())), Untrusted::WrongAlgorithm, "{alg}");
    }
    for alg in [json!(null), json!(["ES256"]), json!(0)] {
        let mut header = header(&pair);
        header["alg"] = alg;
        assert_eq!(refused(&signed(&pair, &header, &claims())), Untrusted::WrongAlgorithm);
    }
}

#[test]
fn f02_an_empty_signature_is_wrong() {
    for algorithm in Algorithm::ALL {
        let token = compact(&header(&ours(algorithm)), &claims(), |_| Vec::new());
        assert_eq!(refused(&token), Untrusted::BadSignature);
    }
}

#[test]
fn f03_f04_a_public_key_is_no_hmac_secret_in_any_form() {
    for algorithm in Algorithm::ALL {
        let pair = ours(algorithm);
        let der = pair.public().to_x509();
        let pem = pem("PUBLIC KEY", &der);
        let secrets = [
            Vec::new(),
            pem.trim_end().as_bytes().to_vec(),
            pem.into_bytes(),
            der,
            serde_json::to_vec(pair.jwk()).unwrap(),
        ];
        for (secret, alg) in secrets
            .iter()
            .flat_map(|secret| [(secret, "HS256"), (secret, pair.algorithm().as_str())])
        {
            let header = with(header(&pair), json!({ "alg": alg }));
            let token = compact(&header, &claims(), |message| {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            });

            let expected = match alg {
                "HS256" => Untrusted::WrongAlgorithm,
                _ => Untrusted::BadSignature,
            };
            assert_eq!(refused(&token), expected);
        }
    }
}

#[test]
fn f05_f06_keys_and_addresses_of_keys_in_the_header_are_not_looked_at() {
    let (pair, attacker) = (ours(Algorithm::Es256), KeyPair::generate(Algorithm::Es256));
    for offer in [
        json!({ "jwk": attacker.jwk() }),
        json!({ "jku": "http://127.0.0.1:1/jwks.json" }),
        json!({ "x5u": "http://127.0.0.1:1/cert.pem" }),
        json!({ "x5c": [base64(attacker.public().to_x509())] }),
    ] {
        let ours = with(header(&pair), offer.clone());
        let theirs = with(header(&attacker), offer.clone());
        let nobodys = with(ours.clone(), json!({ "kid": null }));

        assert_eq!(refused(&signed(&attacker, &ours, &claims())), Untrusted::BadSignature);
        assert_eq!(refused(&signed(&attacker, &theirs, &claims())), Untrusted::UnknownKey);
        assert_eq!(refused(&signed(&attacker, &nobodys, &claims())), Untrusted::UnknownKey);
    }
}

#[test]
fn f07_a_kid_is_a_name_to_look_up_and_nothing_else() {
    let pair = ours(Algorithm::Es256);
    let near = [pair.id().to_lowercase(), format!("{} ", pair.id()), pair.id()[1..].to_owned()];
    let names = ["../../dev/null", "/dev/null", "' UNION SELECT 'k", "", "\0", "*"];
    let long = ["k".repeat(129), "k".repeat(10_000)];
    for kid in names.map(str::to_owned).iter().chain(&near).chain(&long) {
        let header = with(header(&pair), json!({ "kid": kid }));
        assert_eq!(refused(&signed(&pair, &header, &claims())), Untrusted::UnknownKey, "{kid}");
    }
    for kid in [json!(0), json!([pair.id()]), json!({ "kid": pair.id() })] {
        let header = with(header(&pair), json!({ "kid": kid }));
        assert_eq!(refused(&signed(&pair, &header, &claims())), Untrusted::UnknownKey);
    }
}

#[test]
fn f11_a_token_of_another_type_is_refused() {
    let pair = ours(Algorithm::Es256);
    for typ in [
        "JWT",
        "jwt",
        "logout+jwt",
        "dpop+jwt",
        "token-introspection+jwt",
        "secevent+jwt",
        "client-authentication+jwt",
        "oauth-authz-req+jwt",
        "at+jwt ",
        "AT+JWT",
        "application/at+jwt",
        "",
    ] {
        let header = with(header(&pair), json!({ "typ": typ }));
        assert_eq!(refused(&signed(&pair, &header, &claims())), Untrusted::WrongType, "{typ}");
    }
    let untyped = with(header(&pair), json!({ "typ": null }));
    assert_eq!(refused(&signed(&pair, &untyped, &claims())), Untrusted::WrongType);
}

#[test]
fn f18_a_key_verifies_with_its_own_algorithm_only() {
    for algorithm in Algorithm::ALL {
        let pair = ours(algorithm);
        let others = ["ES256", "ES384", "ES512", "RS256", "RS512", "PS256", "EdDSA", "Ed25519"];
        for alg in others.into_iter().filter(|alg| *alg != algorithm.as_str()) {
            let header = with(header(&pair), json!({ "alg": alg }));
            let token = signed(&pair, &header, &claims());
            assert_eq!(refused(&token), Untrusted::WrongAlgorithm, "{alg}");
        }
    }
}

#[test]
fn f19_a_key_that_is_gone_or_revoked_verifies_nothing() {
    let mut records = two_keys();
    let signer = signer_with(&records);
    let old = opened(&records[0]);
    let lives = with(claims(), json!({ "exp": minutes(1000).timestamp() }));
    let token = signed(&old, &header(&old), &lives);
    let verdict = |minute| {
        signer
            .verify(&token, minutes(minute), &[TokenType::AccessToken], Audience::Is(AUDIENCE))
            .err()
    };

    assert_eq!(verdict(59), None);
    assert_eq!(verdict(69), None);
    assert_eq!(verdict(70), Some(Untrusted::UnknownKey));
    records[0].revoked_at = Some(minutes(59));
    signer.load(records.to_vec());
    assert_eq!(verdict(59), Some(Untrusted::UnknownKey));
}

#[test]
fn f20_a_pending_key_verifies_nothing_until_it_is_active() {
    let records = two_keys();
    let signer = signer_with(&records);
    let pending = opened(&records[1]);
    let lives = with(claims(), json!({ "exp": minutes(1000).timestamp() }));
    let token = signed(&pending, &header(&pending), &lives);
    let verdict = |minute| {
        signer
            .verify(&token, minutes(minute), &[TokenType::AccessToken], Audience::Is(AUDIENCE))
            .err()
    };

    assert_eq!(verdict(0), Some(Untrusted::UnknownKey));
    assert_eq!(verdict(59), Some(Untrusted::UnknownKey));
    assert_eq!(verdict(60), None);
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
