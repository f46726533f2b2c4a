//! For which request and which token a proof counts, and how long.

use super::*;

#[test]
fn dp_04_a_proof_is_for_one_method_and_one_url() {
    for method in ["GET", "post", ""] {
        assert_eq!(by_claims(json!({ "htm": method })), Err(BadProof::OtherMethod), "{method}");
    }
    for url in ["https://keys.example.com/", "https://evil.example/oauth2/token", ""] {
        assert_eq!(by_claims(json!({ "htu": url })), Err(BadProof::OtherUrl), "{url}");
    }
    assert!(by_claims(json!({ "htu": format!("{URL}?a=b#c") })).is_ok());
}

#[test]
fn dp_04_a_proof_is_good_for_a_minute_before_and_after() {
    let at = |seconds: i64| by_claims(json!({ "iat": start().timestamp() + seconds })).map(|_| ());
    for near in [-60, -10, 10, 60] {
        assert_eq!(at(near), Ok(()), "{near}");
    }
    for far in [-61, 61, -86_400, i64::MIN / 2, i64::MAX / 2 - start().timestamp()] {
        let wrong = [BadProof::OtherTime, BadProof::Claim("iat")];
        assert!(wrong.contains(&at(far).unwrap_err()), "{far}");
    }
    assert!(by_claims(json!({ "iat": 1_800_000_000.5 })).is_ok());
}

#[test]
fn dp_04_what_has_to_be_there_is_there_in_its_form() {
    for name in ["jti", "htm", "htu", "iat"] {
        for value in [json!(null), json!(["POST"]), json!(true)] {
            let missing = by_claims(json!({ name: value })).unwrap_err();
            assert_eq!(missing, BadProof::Claim(name), "{name} {value}");
        }
    }
    assert_eq!(by_claims(json!({ "iat": "1800000000" })), Err(BadProof::Claim("iat")));
    assert_eq!(by_claims(json!({ "jti": "" })), Err(BadProof::Claim("jti")));
    assert_eq!(by_claims(json!({ "jti": "é".repeat(129) })), Err(BadProof::Claim("jti")));
    assert!(by_claims(json!({ "jti": "é".repeat(128) })).is_ok());
    assert_eq!(by_claims(json!({ "nonce": 1 })), Err(BadProof::Claim("nonce")));
    assert_eq!(by_claims(json!({ "nonce": "n" })).unwrap().nonce.as_deref(), Some("n"));
}

#[test]
fn dp_10_a_proof_for_a_token_is_for_no_other() {
    let pair = ours(Algorithm::EdDsa);
    let of = |ath: Value| {
        let request = ProvedRequest { access_token: Some("token"), ..REQUEST };
        let proof = signed(&pair, &header(&pair), &with(claims(), json!({ "ath": ath })));
        verify_proof(&proof, &request, start()).map(|_| ())
    };
    let hash = |token: &[u8]| json!(base64(digest(&SHA256, token)));

    assert_eq!(of(hash(b"token")), Ok(()));
    assert_eq!(of(hash(b"other")), Err(BadProof::OtherToken));
    assert_eq!(of(json!("")), Err(BadProof::OtherToken));
    assert_eq!(of(json!(null)), Err(BadProof::Claim("ath")));
}
