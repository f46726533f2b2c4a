//! What a verified token gives back, and what is refused although our own key signed it.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    forge::{AUDIENCE, SIGNER, claims, header, ours, refused, signed, verify, with},
    minutes, new_key, record, sign, signer_with, start,
};
use crate::{
    domain::{Algorithm, OrganizationId, UserId},
    signing::{Audience, TokenType, Untrusted, VerifiedToken},
};

static TOKENS: LazyLock<[String; 3]> = LazyLock::new(|| {
    Algorithm::ALL.map(|algorithm| sign(&SIGNER, algorithm, start()).expect("a key of each"))
});

/// What becomes of our claims with these changes, signed by our own key.
fn verdict(changes: Value) -> Result<VerifiedToken, Untrusted> {
    let pair = ours(Algorithm::EdDsa);
    verify(&signed(&pair, &header(&pair), &with(claims(), changes)))
}

#[test]
fn jt_01_what_we_sign_with_each_algorithm_is_read_back() {
    for token in &*TOKENS {
        let expected = VerifiedToken {
            subject: "key:1".to_owned(),
            client_id: "ci".to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            scopes: "builds:read builds:write".parse().unwrap(),
            roles: "viewer".parse().unwrap(),
            organization_id: OrganizationId(Uuid::from_u128(2)),
            user_id: None,
            sources: vec![super::source()],
            actor: None,
            bound_to: None,
            issued_at: start(),
            expires_at: minutes(6),
            token_id: Uuid::from_u128(1),
        };
        assert_eq!(verify(token), Ok(expected));
    }
}

#[test]
fn a_user_is_read_back_and_no_scope_is_no_right() {
    let user = Uuid::from_u128(3);

    let token = verdict(json!({ "user_id": user, "scope": null })).unwrap();

    assert_eq!(token.user_id, Some(UserId(user)));
    assert!(token.scopes.is_empty());
}

#[test]
fn a_key_that_goes_on_signing_for_want_of_another_is_trusted() {
    let mut records = super::two_keys();
    records[1].wrapped.truncate(20);
    let signer = signer_with(&records);
    let token = sign(&signer, Algorithm::Es256, minutes(1000)).unwrap();

    let verified =
        signer.verify(&token, minutes(1000), &[TokenType::AccessToken], Audience::Is(AUDIENCE));

    assert!(verified.is_ok());
}

#[test]
fn two_keys_of_one_algorithm_are_told_apart() {
    let records = [1, 2].map(|n| record(new_key(Algorithm::Es256), n, 0, None));
    let signer = signer_with(&records);
    let first = signer_with(&records[..1]);

    let token = sign(&first, Algorithm::Es256, start()).unwrap();

    assert!(
        signer.verify(&token, start(), &[TokenType::AccessToken], Audience::Is(AUDIENCE)).is_ok()
    );
}

#[test]
fn jt_02_no_key_of_the_ring_is_ever_used_for_another_algorithm() {
    let (es, ed) = (ours(Algorithm::Es256), ours(Algorithm::EdDsa));
    let mixed = with(header(&es), json!({ "kid": ed.id() }));

    assert_eq!(refused(&signed(&es, &mixed, &claims())), Untrusted::WrongAlgorithm);
}

#[test]
fn jt_04_headers_that_change_the_reading_are_refused() {
    let pair = ours(Algorithm::EdDsa);
    for (name, extension) in [
        ("crit", json!({ "crit": ["exp"], "exp": 0 })),
        ("crit", json!({ "crit": [] })),
        ("crit", json!({ "crit": ["b64"], "b64": true })),
        ("b64", json!({ "b64": false })),
        ("b64", json!({ "b64": true })),
        ("zip", json!({ "zip": "DEF" })),
    ] {
        let token = signed(&pair, &with(header(&pair), extension), &claims());
        assert_eq!(refused(&token), Untrusted::Extension(name));
    }
}

#[test]
fn jt_05_offers_of_keys_change_nothing_for_a_token_that_is_ours() {
    let (pair, other) = (ours(Algorithm::EdDsa), ours(Algorithm::Es256));
    let offers = json!({ "jwk": other.jwk(), "jku": "https://x", "x5u": "https://x", "x5c": [] });

    assert!(verify(&signed(&pair, &with(header(&pair), offers), &claims())).is_ok());
}

#[test]
fn jt_07_exp_is_a_number_that_is_a_moment() {
    let now = start().timestamp();
    let exp = |exp: Value| verdict(json!({ "exp": exp }));

    assert_eq!(exp(json!(1_800_000_060.9)).unwrap().expires_at, minutes(1));
    assert_eq!(exp(json!(1.8e9 + 1.0)).unwrap().expires_at.timestamp(), now + 1);
    assert_eq!(exp(json!(null)), Err(Untrusted::MissingClaim("exp")));
    for wrong in [
        json!((now + 60).to_string()),
        json!(true),
        json!([now + 60]),
        json!({}),
        json!(1e300),
        json!(-1e300),
        json!(i64::MAX),
        json!(u64::MAX),
    ] {
        assert_eq!(exp(wrong.clone()), Err(Untrusted::MalformedClaim("exp")), "{wrong}");
    }
    for claim in ["iat", "nbf"] {
        let wrong = verdict(json!({ claim: "1" }));
        assert_eq!(wrong, Err(Untrusted::MalformedClaim(claim)));
    }
    let null = claims().to_string().replace(&(now + 360).to_string(), "null");
    let pair = ours(Algorithm::EdDsa);
    assert_eq!(refused(&signed(&pair, &header(&pair), &null)), Untrusted::MalformedClaim("exp"));
}

#[test]
fn jt_08_one_of_several_audiences_is_enough() {
    let token = verdict(json!({ "aud": ["https://other.example", AUDIENCE] })).unwrap();
    assert_eq!(token.audiences, ["https://other.example", AUDIENCE]);

    for wrong in [json!([AUDIENCE, 1]), json!({ AUDIENCE: 1 }), json!(1)] {
        let refused = verdict(json!({ "aud": wrong }));
        assert_eq!(refused, Err(Untrusted::MalformedClaim("aud")));
    }
}

#[test]
fn a_claim_that_is_missing_or_misshapen_is_named() {
    for claim in ["iss", "aud", "iat", "exp", "sub", "client_id", "org", "jti"] {
        assert_eq!(verdict(json!({ claim: null })), Err(Untrusted::MissingClaim(claim)));
        assert_eq!(verdict(json!({ claim: {} })), Err(Untrusted::MalformedClaim(claim)));
    }
    for (claim, wrong) in [
        ("scope", json!(["read"])),
        ("scope", json!("a  b")),
        ("roles", json!("viewer")),
        ("roles", json!(["No Role"])),
        ("org", json!("x")),
        ("user_id", json!(1)),
        ("jti", json!("x")),
    ] {
        assert_eq!(verdict(json!({ claim: wrong })), Err(Untrusted::MalformedClaim(claim)));
    }
}

proptest! {
    #[test]
    fn a_token_with_one_bit_flipped_is_refused(
        which in 0_usize..3,
        place in any::<prop::sample::Index>(),
        bit in 0_u8..7,
    ) {
        let mut bytes = TOKENS[which].clone().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let flipped = String::from_utf8(bytes).unwrap();

        prop_assert!(verify(&flipped).is_err(), "{}", flipped);
    }

    #[test]
    fn a_token_cut_short_is_refused(which in 0_usize..3, place in any::<prop::sample::Index>()) {
        let token = &TOKENS[which];

        prop_assert!(verify(&token[..place.index(token.len())]).is_err());
    }

    #[test]
    fn no_text_is_a_token(text in any::<String>(), segments in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(verify(&text).is_err());
        prop_assert!(verify(&segments).is_err());
    }

    #[test]
    fn no_segments_around_our_header_are_a_token(payload in any::<Vec<u8>>(), tail in any::<Vec<u8>>()) {
        use super::forge::base64;
        for token in &*TOKENS {
            let head = token.split('.').next().unwrap();
            let forged = format!("{head}.{}.{}", base64(&payload), base64(&tail));
            prop_assert_eq!(verify(&forged), Err(Untrusted::BadSignature));
        }
    }
}
