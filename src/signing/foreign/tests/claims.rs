//! What a token of others says, and when it says it.

use super::*;

fn now() -> Timestamp {
    timestamp(1_800_000_000).unwrap()
}

fn saying(claims: &Value) -> ForeignToken {
    let claims = claims.as_object().unwrap().clone();
    ForeignToken { typ: None, algorithm: crate::domain::SignatureAlgorithm::Es256, claims }
}

#[test]
fn jt_07_the_end_is_required_and_the_beginning_may_be_a_minute_ahead() {
    let at = now().timestamp();
    for (claims, expected) in [
        (json!({ "exp": at + 1 }), Ok(())),
        (json!({ "exp": 1_800_000_001.9 }), Ok(())),
        (json!({ "exp": at }), Err(Untrusted::Expired)),
        (json!({ "exp": 1_800_000_000.9 }), Err(Untrusted::Expired)),
        (json!({ "exp": -1 }), Err(Untrusted::Expired)),
        (json!({}), Err(Untrusted::MissingClaim("exp"))),
        (json!({ "exp": (at + 1).to_string() }), Err(Untrusted::MalformedClaim("exp"))),
        (json!({ "exp": true }), Err(Untrusted::MalformedClaim("exp"))),
        (json!({ "exp": 1e300 }), Err(Untrusted::MalformedClaim("exp"))),
        (json!({ "exp": at + 99, "nbf": at + 60, "iat": at + 60 }), Ok(())),
        (json!({ "exp": at + 99, "nbf": at + 61 }), Err(Untrusted::NotYetValid)),
        (json!({ "exp": at + 99, "iat": at + 61 }), Err(Untrusted::NotYetValid)),
        (json!({ "exp": at + 99, "nbf": "now" }), Err(Untrusted::MalformedClaim("nbf"))),
    ] {
        assert_eq!(saying(&claims).check(now()), expected, "{claims}");
    }
}

#[test]
fn jt_08_audiences_are_one_or_a_list_of_texts() {
    let audiences = |aud: Value| saying(&json!({ "aud": aud })).audiences();

    assert_eq!(audiences(json!("a")), Ok(vec!["a".to_owned()]));
    assert_eq!(audiences(json!(["a", "b"])), Ok(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(audiences(json!([])), Ok(Vec::new()));
    for wrong in [json!(1), json!(["a", 1]), json!({ "a": 1 }), json!(null)] {
        assert_eq!(audiences(wrong), Err(Untrusted::MalformedClaim("aud")));
    }
}

#[test]
fn what_is_not_proved_can_be_read_to_find_whose_it_is() {
    let pair = es256();
    let claims = json!({ "iss": "https://a", "sub": 1, "aud": "b" });
    let header = json!({ "alg": "none", "kid": pair.id(), "typ": "application/AT+JWT" });
    let token = compact(&header, &claims, |_| Vec::new());

    let read = Unverified::read(&token).unwrap();

    assert_eq!((read.issuer.as_deref(), read.subject), (Some("https://a"), None));
    assert_eq!((read.audiences, read.key_id.as_deref()), (vec!["b".to_owned()], Some(pair.id())));
    assert_eq!(read.typ.as_deref(), Some("at+jwt"));
    assert!(Unverified::read("a.b.c").is_err());
}
