//! What forgers do to claims and signatures: every attempt is refused, and for its own reason.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use serde_json::json;

use super::{
    WRAP_BY,
    forge::{AUDIENCE, base64, claims, compact, header, ours, refused, signed, verify, with},
    new_key, record, sign, signer_with, start,
};
use crate::{
    domain::Algorithm,
    signing::{Audience, MalformedJws, Signer, TokenType, Untrusted, key_pair::KeyPair},
};

/// The order of the group of P-256.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn malformed(why: MalformedJws) -> Untrusted {
    Untrusted::Malformed(why)
}

#[test]
fn f08_an_edited_payload_or_header_does_not_fit_its_signature() {
    for algorithm in Algorithm::ALL {
        let pair = ours(algorithm);
        let token = signed(&pair, &header(&pair), &claims());
        let parts: Vec<_> = token.split('.').collect();
        let payload = base64(with(claims(), json!({ "scope": "admin" })).to_string());
        let spaced = base64(format!(" {}", header(&pair)));

        let edited = format!("{}.{payload}.{}", parts[0], parts[2]);
        assert_eq!(refused(&edited), Untrusted::BadSignature);
        let edited = format!("{spaced}.{}.{}", parts[1], parts[2]);
        assert_eq!(refused(&edited), Untrusted::BadSignature);
    }
}

#[test]
fn f09_a_token_of_another_issuer_is_refused_even_under_the_same_kid() {
    let pair = ours(Algorithm::Es256);
    let other = KeyPair::generate(Algorithm::Es256);
    assert_eq!(refused(&signed(&other, &header(&pair), &claims())), Untrusted::BadSignature);

    for iss in [
        "https://issuer.example/",
        "https://issuer.example.evil",
        "https://issuer.example/tenant",
        "http://issuer.example",
        "HTTPS://ISSUER.EXAMPLE",
        "",
    ] {
        let claims = with(claims(), json!({ "iss": iss }));
        assert_eq!(
            refused(&signed(&pair, &header(&pair), &claims)),
            Untrusted::WrongIssuer,
            "{iss}"
        );
    }
    let records = [record(new_key(Algorithm::Es256), 1, 0, None)];
    let other = Signer::new("https://other.example".to_owned(), WRAP_BY.clone());
    other.load(records.to_vec());
    let theirs = sign(&other, Algorithm::Es256, start()).unwrap();
    let verified = signer_with(&records).verify(
        &theirs,
        start(),
        &[TokenType::AccessToken],
        Audience::Is(AUDIENCE),
    );
    assert_eq!(verified.unwrap_err(), Untrusted::WrongIssuer);
}

#[test]
fn f10_a_token_is_trusted_from_its_beginning_to_its_end_and_no_second_longer() {
    let pair = ours(Algorithm::Es256);
    let now = start().timestamp();
    let verdict = |changes| verify(&signed(&pair, &header(&pair), &with(claims(), changes))).err();

    assert_eq!(verdict(json!({ "exp": now + 1 })), None);
    assert_eq!(verdict(json!({ "exp": now })), Some(Untrusted::Expired));
    assert_eq!(verdict(json!({ "exp": now - 1 })), Some(Untrusted::Expired));
    assert_eq!(verdict(json!({ "exp": -1 })), Some(Untrusted::Expired));
    for claim in ["iat", "nbf"] {
        assert_eq!(verdict(json!({ claim: now + 60 })), None);
        assert_eq!(verdict(json!({ claim: now + 61 })), Some(Untrusted::NotYetValid));
    }
}

#[test]
fn f12_a_token_for_another_audience_is_refused() {
    let pair = ours(Algorithm::Es256);
    for aud in [
        json!("https://other.example"),
        json!("https://api.example/"),
        json!("https://api.example https://other.example"),
        json!(["https://other.example"]),
        json!([]),
        json!(""),
    ] {
        let token = signed(&pair, &header(&pair), &with(claims(), json!({ "aud": aud })));
        assert_eq!(refused(&token), Untrusted::WrongAudience, "{aud}");
    }
}

#[test]
fn f13_ecdsa_signatures_of_zeros_in_der_or_of_another_length_are_wrong() {
    let pair = ours(Algorithm::Es256);
    let der = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pair.to_pkcs8()).unwrap();
    let verdict = |forge: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let forged = |message: &[u8]| forge(pair.sign(message).unwrap());
        refused(&compact(&header(&pair), &claims(), forged))
    };
    let forgeries: [&dyn Fn(Vec<u8>) -> Vec<u8>; 9] = [
        &|_| vec![0; 64],
        &|good| [&[0; 32], &good[32..]].concat(),
        &|good| [&good[..32], &[0; 32]].concat(),
        &|_| [ORDER, ORDER].concat(),
        &|good| [&good[..32], &ORDER].concat(),
        &|good| good[..63].to_vec(),
        &|good| [&good[..], &[0]].concat(),
        &|good| [&[0], &good[..]].concat(),
        &|good| [&[0], &good[..32], &[0], &good[32..]].concat(),
    ];

    for forge in forgeries {
        assert_eq!(verdict(forge), Untrusted::BadSignature);
    }
    let random = SystemRandom::new();
    let token = compact(&header(&pair), &claims(), |message| {
        der.sign(&random, message).unwrap().as_ref().to_vec()
    });
    assert_eq!(refused(&token), Untrusted::BadSignature);
}

#[test]
fn f14_a_member_twice_is_refused_although_it_was_signed() {
    let pair = ours(Algorithm::Es256);
    let doubled = |object: String, more: &str| format!("{},{more}}}", object.trim_end_matches('}'));

    for more in [r#""sub":"key:2""#, r#""s\u0075b":"key:2""#, r#""act":{"sub":"a","sub":"b"}"#] {
        let token = signed(&pair, &header(&pair), &doubled(claims().to_string(), more));
        assert_eq!(refused(&token), malformed(MalformedJws::Json), "{more}");
    }
    for more in [r#""alg":"ES256""#, r#""kid":"x""#, r#""x":{"y":1,"y":1}"#] {
        let token = signed(&pair, &doubled(header(&pair).to_string(), more), &claims());
        assert_eq!(refused(&token), malformed(MalformedJws::Json), "{more}");
    }
}

#[test]
fn f15_nothing_stands_before_after_or_between_the_segments() {
    let pair = ours(Algorithm::Es256);
    let token = signed(&pair, &header(&pair), &claims());
    let (segments, base64) = (malformed(MalformedJws::Segments), malformed(MalformedJws::Base64));

    for forged in [format!("{token}."), format!("{token}.e30"), format!(".{token}")] {
        assert_eq!(refused(&forged), segments);
    }
    for tail in ["=", "==", " ", "\n", "\0", "!", "é"] {
        assert_eq!(refused(&format!("{token}{tail}")), base64, "{tail:?}");
    }
    for head in [" ", "\n", "Bearer ", "\u{feff}"] {
        assert_eq!(refused(&format!("{head}{token}")), base64, "{head:?}");
    }
    // 64 bytes leave four bits of the last digit over; they are zero in one spelling only.
    let mut respelled = token.clone();
    let last = respelled.pop().unwrap();
    assert!("AQgw".contains(last));
    respelled.push(char::from_u32(u32::from(last) + 1).unwrap());
    assert_eq!(refused(&respelled), base64);
    let trailing = signed(&pair, &header(&pair), &format!("{}{{}}", claims()));
    assert_eq!(refused(&trailing), malformed(MalformedJws::Json));
}

#[test]
fn f16_an_encrypted_token_is_none_of_ours() {
    let pair = ours(Algorithm::Rs256);
    let header = with(header(&pair), json!({ "alg": "RSA-OAEP", "enc": "A256GCM" }));
    let jwe = format!("{}.AAAA.AAAA.AAAA.AAAA", base64(header.to_string()));

    assert_eq!(refused(&jwe), malformed(MalformedJws::Segments));
    assert_eq!(refused(&signed(&pair, &header, &claims())), Untrusted::WrongAlgorithm);
}

#[test]
fn f17_claims_a_hundred_deep_are_not_read() {
    let pair = ours(Algorithm::Es256);
    let acting = |depth| {
        let nest = |inner, _| json!({ "sub": "a", "act": inner });
        let act = (1..depth).fold(json!({ "sub": "a" }), nest);
        signed(&pair, &header(&pair), &with(claims(), json!({ "act": act })))
    };

    assert!(verify(&acting(7)).is_ok());
    for depth in [8, 100] {
        assert_eq!(refused(&acting(depth)), malformed(MalformedJws::Json));
    }
}
