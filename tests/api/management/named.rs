//! What is wrong with a request is named, and a right example is shown.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{CLIENTS, KEYS, NOBODY, ORGANIZATIONS, acme};
use crate::support::{TestServer, problem};

/// Nothing that a member may be.
const WRONG: f64 = 1.5;

fn description() -> Value {
    serde_json::from_str(&keyturn::http::api_description()).unwrap()
}

/// Every operation of the description, with a path of something that is not there.
fn operations(api: &Value) -> Vec<(Method, String, &Value)> {
    let paths = api["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        let path = path.replace("{name}", "deployer").replace("{identifier}", "example");
        let path = path.replace("{user_id}", NOBODY).replace("{secret_id}", NOBODY);
        let path = path.replace("{request_id}", NOBODY).replace("{id}", NOBODY);
        methods.as_object().unwrap().iter().map(move |(method, operation)| {
            (method.to_uppercase().parse().unwrap(), path.clone(), operation)
        })
    });
    all.collect()
}

/// The members of the body that an operation takes.
fn members<'a>(api: &'a Value, operation: &'a Value) -> Option<&'a Map<String, Value>> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let name = schema["$ref"].as_str()?.strip_prefix('#').unwrap();
    api.pointer(name).unwrap()["properties"].as_object()
}

#[tokio::test]
async fn fx_37b_every_member_of_a_wrong_type_is_named_with_an_example() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let (api, mut asked) = (description(), 0);

    for (method, path, operation) in operations(&api) {
        for member in members(&api, operation).into_iter().flat_map(Map::keys) {
            let mut body = Map::new();
            body.insert(member.clone(), json!(WRONG));
            let headers = [("if-match", "*")];
            let answer =
                caller.send(method.clone(), &path, &headers, Some(&Value::Object(body))).await;

            let detail = answer.detail();
            let what = format!("{method} {path} {member}: {}", answer.text);
            assert_eq!(problem(&answer), (400, "invalid-request"), "{what}");
            assert!(detail.starts_with(&format!("`{member}`: ")), "{what}");
            let example = detail.rsplit_once("; for example ").map(|(_, example)| example);
            let example: Value = serde_json::from_str(example.expect(&what)).expect(&what);
            assert!(!example.is_null(), "{what}");
            assert!(!detail.contains(" at line "), "{what}");
            asked += 1;
        }
    }
    assert!(asked > 60, "{asked}");
}

#[tokio::test]
async fn fx_37b_moments_items_and_inner_members_are_named() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let moment = "a moment has a date, a time and a zone, as RFC 3339 writes them; for example \
                  \"2027-01-31T12:00:00Z\"";
    let cases = [
        (
            KEYS,
            json!({ "name": "x", "expires_at": "2027-01-31" }),
            format!("`expires_at`: {moment}"),
        ),
        (KEYS, json!({ "name": "x", "expires_at": "never" }), format!("`expires_at`: {moment}")),
        (KEYS, json!({ "name": "x", "roles": ["viewer", 1] }), "`roles[1]`: ".to_owned()),
        (KEYS, json!({ "name": "x", "proof": [""] }), "proof[0] is blank; write it".to_owned()),
        (
            KEYS,
            json!({ "roles": ["viewer"] }),
            "missing field `name`; for example \"deploy\"".to_owned(),
        ),
        (
            CLIENTS,
            json!({ "name": "x", "refresh": { "rotates": true, "lifetime_seconds": "1" } }),
            "`refresh.lifetime_seconds`: invalid type".to_owned(),
        ),
        (KEYS, json!({ "nmae": "x" }), "unknown field `nmae`, expected one of ".to_owned()),
    ];

    for (path, body, why) in cases {
        let answer = caller.post(path, &body).await;

        assert_eq!(problem(&answer), (400, "invalid-request"), "{body}");
        assert!(answer.detail().starts_with(&why), "{body}: {}", answer.text);
    }
    let slip = caller.post(KEYS, &json!({ "nmae": "x" })).await;
    assert!(slip.detail().ends_with("; did you mean `name`?"), "{}", slip.text);
}

#[tokio::test]
async fn fx_37c_a_wrong_parameter_is_named_with_an_example() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let cases = [
        ("unused_since=yesterday", "`unused_since`: ", "`unused_since=2027-01-31T12:00:00Z`"),
        ("limit=many", "`limit`: ", "`limit=60`"),
        ("organization_id=acme", "`organization_id`: ", "`organization_id=01890a5d-"),
    ];

    for (query, begin, example) in cases {
        let answer = caller.get(&format!("{KEYS}?{query}")).await;

        assert_eq!(problem(&answer), (400, "invalid-request"), "{query}");
        let (why, shown) = answer.detail().split_once("; for example ").expect(query);
        assert!(why.starts_with(begin) && shown.starts_with(example), "{}", answer.text);
    }
}

#[tokio::test]
async fn fx_39l_no_operation_takes_a_parameter_that_it_does_not_describe() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let api = description();

    for (method, path, _) in operations(&api) {
        let answer = caller.send(method.clone(), &format!("{path}?bogus=1"), &[], None).await;

        assert_eq!(problem(&answer), (400, "invalid-request"), "{method} {path}");
        assert!(answer.detail().starts_with("unknown parameter `bogus`"), "{}", answer.text);
    }
    for (path, why) in [
        (format!("{KEYS}?limitt=1"), "unknown parameter `limitt`; did you mean `limit`?"),
        (
            format!("{ORGANIZATIONS}?limit=1&Cursor=x"),
            "unknown parameter `Cursor`; did you mean `cursor`?",
        ),
        (
            format!("{KEYS}/{NOBODY}?limit=1"),
            "unknown parameter `limit`; this operation takes none",
        ),
        (format!("{ORGANIZATIONS}?bogus"), "this operation takes `limit`, `cursor`, `parent_id`"),
    ] {
        let answer = caller.get(&path).await;
        assert!(
            answer.detail().ends_with(why) || answer.detail() == why,
            "{path}: {}",
            answer.text
        );
    }
}
