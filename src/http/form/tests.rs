//! What a form may and may not be.

use std::time::Duration;

use axum::body::Body;
use secrecy::ExposeSecret;

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

fn parse(body: &[u8]) -> Result<Form, BadForm> {
    Form::parse(Some(&HeaderValue::from_static(FORM)), body)
}

fn refusal(body: &[u8]) -> Option<BadForm> {
    parse(body).err()
}

#[test]
fn te_08_values_are_decoded_and_an_empty_one_is_absent() {
    let mut form = parse("name=my+key&secret=p%2B%20%25%C3%A9&scope=&x&raw=é".as_bytes()).unwrap();

    assert_eq!(form.take("name").as_deref(), Some("my key"));
    assert_eq!(form.take("name"), None);
    assert_eq!(form.take_secret("secret").unwrap().expose_secret(), "p+ %é");
    assert_eq!(form.take("scope"), None);
    assert_eq!(form.take("raw").as_deref(), Some("é"));
    assert_eq!(form.take("x"), None);
}

#[test]
fn te_03_fx_33_a_form_is_declared_whatever_charset_it_names() {
    let declared = |content_type: &'static str| {
        let content_type = HeaderValue::from_static(content_type);
        Form::parse(Some(&content_type), b"").err()
    };
    assert_eq!(declared("Application/X-WWW-Form-URLencoded ; Charset=\"UTF-8\""), None);
    for charset in ["ISO-8859-1", "US-ASCII", "utf8", "\"iso-8859-1\"", "", "none"] {
        let declared_with = format!("application/x-www-form-urlencoded; charset={charset}");
        let content_type = HeaderValue::from_str(&declared_with).unwrap();
        assert_eq!(Form::parse(Some(&content_type), b"").err(), None, "{charset}");
    }
    assert_eq!(declared("application/x-www-form-urlencoded; v=1"), None);
    for other in ["application/json", "multipart/form-data; boundary=x", ""] {
        assert_eq!(declared(other), Some(BadForm::NotAForm), "{other}");
    }
    assert_eq!(Form::parse(None, b"").err(), Some(BadForm::NotAForm));
}

#[test]
fn te_04_a_query_may_not_hold_a_credential() {
    for query in ["a=b&client_secret=x", "c%6Fde=1", "personalaccesskey", "pat=", "token=x"] {
        assert!(carries_credential(query), "{query}");
    }
    assert!(!carries_credential("grant_type=client_credentials&token_type_hint=x"));
}

#[test]
fn te_05_only_resource_and_audience_may_be_repeated() {
    let mut form = parse(b"resource=b&audience=x&resource=a&resource=").unwrap();
    assert_eq!(form.take_all("resource"), ["b", "a"]);
    assert_eq!(form.take_all("resource"), [""; 0]);
    for body in ["scope=a&scope=a", "x=1&%78=2", "scope=&scope=a", "x&x"] {
        assert_eq!(refusal(body.as_bytes()), Some(BadForm::Repeated), "{body}");
    }
}

#[test]
fn te_12_parameters_and_values_have_a_limit() {
    let many = |count| (0..count).flat_map(|n| format!("p{n}=1&").into_bytes()).collect::<Vec<_>>();
    assert_eq!(refusal(&many(100)), None);
    assert_eq!(refusal(&many(101)), Some(BadForm::TooManyParameters));
    let long = |length| format!("a={}", "%41".repeat(length));
    assert_eq!(refusal(long(LONGEST_VALUE).as_bytes()), None);
    assert_eq!(refusal(long(LONGEST_VALUE + 1).as_bytes()), Some(BadForm::ValueTooLong));
}

#[test]
fn te_13_what_is_not_encoded_text_is_refused() {
    let bodies: [&[u8]; 8] =
        [b"a=%", b"a=%4", b"a=%zz", b"a=%00", b"a=\0", b"a=\xff", b"a=%ff", b"%C3=%A9"];
    for body in bodies {
        assert_eq!(refusal(body), Some(BadForm::Malformed), "{body:?}");
    }
}

#[test]
fn nothing_of_a_form_is_printed() {
    assert_eq!(format!("{:?}", parse(b"ktk_secret&a=b").unwrap()), "Form { parameters: 2, .. }");
}

#[tokio::test]
async fn te_12_a_body_is_read_up_to_the_limit() {
    let read = |body: Body| read_body(body, 4, Duration::from_mins(1));
    assert_eq!(read(Body::from("1234")).await.unwrap(), "1234");
    assert_eq!(read(Body::from("12345")).await, Err(BadBody::TooLarge));
}
