//! What is sent is read strictly, and what is wrong with it is said.

use axum::http::Method;
use serde_json::{Value, json};

use super::{KEYS, ORGANIZATIONS, USERS, acme, at};
use crate::support::{Caller, TestServer, problem};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Everything that takes a body: how to ask, and what would be fine.
async fn bodies(server: &TestServer) -> (Caller, Vec<(Method, String, Value)>) {
    let (acme, caller) = acme(server).await;
    let ann = server.user("ann@example.com", &[(acme, "viewer")]).await;
    let (key, _) = server.key(keyturn::domain::Owner::Organization(acme), "ci").await;
    let key = format!("{KEYS}/{}", key.id);
    let member = json!({ "email": "bob@example.com", "role": "viewer" });
    let end = json!({ "old_secret_dies_at": "2027-01-15T09:00:00Z" });
    let all = vec![
        (Method::POST, ORGANIZATIONS.to_owned(), json!({ "name": "x", "parent_id": acme })),
        (Method::PATCH, at(acme, ""), json!({ "name": "new" })),
        (Method::POST, at(acme, "/members"), member),
        (Method::PATCH, at(acme, &format!("/members/{ann}")), json!({ "role": "manager" })),
        (Method::PUT, at(acme, "/roles/deployer"), json!({ "scopes": ["read"] })),
        (Method::POST, USERS.to_owned(), json!({ "email": "eve@example.com" })),
        (Method::PATCH, format!("{USERS}/{ann}"), json!({ "name": "Ann" })),
        (Method::POST, KEYS.to_owned(), json!({ "name": "cd", "roles": ["viewer"] })),
        (Method::PATCH, key.clone(), json!({ "description": "x" })),
        (Method::POST, format!("{key}/rotate"), json!({})),
        (Method::PUT, format!("{key}/rotation"), end),
    ];
    (caller, all)
}

/// With the condition that changes need, and making what is not there does not.
fn headers<'a>(method: &Method, path: &str, kind: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    let condition = *method == Method::PATCH || path.contains("/rotat");
    if condition { vec![kind, ("if-match", "*")] } else { vec![kind] }
}

#[tokio::test]
async fn what_is_fine_is_taken_with_any_parameter_of_its_type() {
    for server in TestServer::on_each_engine().await {
        let (caller, all) = bodies(&server).await;

        for (method, path, body) in all {
            let kind = ("content-type", "Application/JSON ; charset=utf-8");
            let headers = headers(&method, &path, kind);
            let answer = caller.send_text(method.clone(), &path, &headers, body.to_string()).await;

            let told = answer.status.as_u16();
            assert!(matches!(told, 200 | 201), "{method} {path}: {}", answer.text);
            assert_eq!(answer.header("content-type"), "application/json");
            assert!(!answer.etag().is_empty());
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_the_json_it_should_be_is_refused() {
    let server = TestServer::start().await;
    let (caller, all) = bodies(&server).await;
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let texts: [(&[u8], &str); 11] = [
        (b"", "EOF"),
        (b"{", "EOF"),
        (b"null", "invalid type: null"),
        (b"\"x\"", "invalid type: string"),
        (b"{} {}", ""),
        (b"{'name':'x'}", "key must be a string"),
        (b"{\"nmae\":\"x\"}", "unknown field `nmae`"),
        (b"{\"Name\":\"x\"}", "unknown field `Name`"),
        (b"\xff\xfe{}", "expected value"),
        (b"{\"\xff\":1}", "invalid unicode"),
        (deep.as_bytes(), ""),
    ];

    for (method, path, _) in all {
        for (text, why) in texts {
            let headers = headers(&method, &path, JSON);
            let answer = caller.send_text(method.clone(), &path, &headers, text.to_vec()).await;

            let what = format!("{method} {path} {}", text.escape_ascii());
            assert_eq!(
                problem(&answer),
                (400, "invalid-request"),
                "{}",
                &what[..what.len().min(99)]
            );
            assert!(answer.detail().contains(why), "{what:.99}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_member_given_twice_is_refused() {
    let server = TestServer::start().await;
    let (caller, all) = bodies(&server).await;

    for (method, path, body) in all {
        let text = body.to_string();
        let inner = &text[1..text.len() - 1];
        let Some(first) = inner.split(',').next().filter(|first| !first.is_empty()) else {
            continue;
        };
        let headers = headers(&method, &path, JSON);

        let twice = format!("{{{first},{inner}}}");
        let answer = caller.send_text(method.clone(), &path, &headers, twice).await;

        assert_eq!(problem(&answer), (400, "invalid-request"), "{method} {path}");
        assert!(answer.detail().contains("duplicate field"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_not_read() {
    let server = TestServer::start().await;
    let (caller, all) = bodies(&server).await;
    let kinds = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/merge-patch+json",
        "text/json",
        "",
    ];

    for (method, path, body) in all {
        for kind in kinds {
            let headers = headers(&method, &path, ("content-type", kind));
            let answer = caller.send_text(method.clone(), &path, &headers, body.to_string()).await;

            assert_eq!(problem(&answer), (415, "unsupported-media-type"), "{method} {path} {kind}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let server = TestServer::start().await;
    let (caller, all) = bodies(&server).await;

    for (method, path, body) in all {
        let headers = headers(&method, &path, JSON);
        let padded =
            |length: usize| format!("{}{}", body, " ".repeat(length - body.to_string().len()));

        let large = padded(64 * 1024 + 1);
        let large = caller.send_text(method.clone(), &path, &headers, large).await;
        let fits = caller.send_text(method.clone(), &path, &headers, padded(64 * 1024)).await;

        assert_eq!(problem(&large), (413, "too-large"), "{method} {path}");
        assert_eq!(large.header("connection"), "close");
        assert!(fits.status.is_success(), "{method} {path}: {}", fits.text);
    }
}

/// Texts that no name may be, whatever it names.
const DECEIVING: [&str; 9] = [
    "a\u{0}b",
    "pay\u{202e}evil",
    "a\u{200b}b",
    "a\u{feff}b",
    "\u{430}cme",
    "a\u{7}b",
    "a\u{e0041}b",
    "",
    " ",
];

#[tokio::test]
async fn a_name_is_plain_on_both_engines() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let long = "x".repeat(65);

        for name in DECEIVING.into_iter().chain([long.as_str(), "-a", "a-", "a  b", " a"]) {
            let answers = [
                caller.post(ORGANIZATIONS, &json!({ "name": name, "parent_id": acme })).await,
                caller.patch(&at(acme, ""), "*", &json!({ "name": name })).await,
                caller.post(KEYS, &json!({ "name": name, "roles": ["viewer"] })).await,
            ];

            for answer in answers {
                assert_eq!(
                    problem(&answer),
                    (400, "invalid-request"),
                    "{} {name:?}",
                    server.engine
                );
                assert!(answer.detail().contains("a name is 1 to 64 letters"), "{}", answer.text);
            }
        }
        let longest = &long[..64];
        let made = caller.post(ORGANIZATIONS, &json!({ "name": longest, "parent_id": acme })).await;
        assert_eq!(made.body["name"], longest, "{}", made.text);
    }
}

#[tokio::test]
async fn a_text_deceives_nobody_and_has_an_end() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let ann = server.user("ann@example.com", &[]).await;
        let (long, longest) = ("é".repeat(501), "é".repeat(500));
        let user = format!("{USERS}/{ann}");

        for text in DECEIVING[..4].iter().chain(&DECEIVING[5..7]).chain([&long.as_str()]) {
            let key = json!({ "name": "ci", "roles": ["viewer"], "description": text });
            let member = json!({ "email": "bob@example.com", "role": "viewer", "name": text });
            let answers = [
                caller.post(KEYS, &key).await,
                caller.post(&at(acme, "/members"), &member).await,
                caller.post(USERS, &json!({ "email": "bob@example.com", "name": text })).await,
                caller.patch(&user, "*", &json!({ "name": text })).await,
            ];

            for answer in answers {
                assert_eq!(
                    problem(&answer),
                    (400, "invalid-request"),
                    "{} {text:?}",
                    server.engine
                );
                assert!(answer.detail().contains("a text has up to 500"), "{}", answer.text);
            }
        }
        let fits = caller.patch(&user, "*", &json!({ "name": longest })).await;
        assert_eq!(fits.body["name"], longest, "{}", fits.text);
    }
}

#[tokio::test]
async fn addresses_roles_and_ids_are_what_they_should_be() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let host = format!("@{}.example", "h".repeat(230));
        let fits = format!("{}{host}", "a".repeat(254 - host.len()));
        let long = format!("a{fits}");

        for email in
            ["", "a", "@b", "a@", "a b@c", "a@\u{0}", "<a@b>", "\u{e4}@b", "a\u{202e}@b", &long]
        {
            let member = json!({ "email": email, "role": "viewer" });
            for (path, new) in [(USERS, json!({ "email": email })), (&at(acme, "/members"), member)]
            {
                let answer = caller.post(path, &new).await;
                assert_eq!(
                    problem(&answer),
                    (400, "invalid-request"),
                    "{} {email:?}",
                    server.engine
                );
                assert!(
                    answer.detail().contains("an e-mail address looks like"),
                    "{}",
                    answer.text
                );
            }
        }
        for role in ["", "A", "a b", "a\u{0}", "\u{440}ole", &"r".repeat(65)] {
            let member = json!({ "email": "bob@example.com", "role": role });
            let key = json!({ "name": "ci", "roles": [role] });
            for (path, new) in [(KEYS, key), (&at(acme, "/members"), member)] {
                let answer = caller.post(path, &new).await;
                assert_eq!(
                    problem(&answer),
                    (400, "invalid-request"),
                    "{} {role:?}",
                    server.engine
                );
                let told = answer.detail();
                let is_told = told.contains("a role is 1 to 64")
                    || role.is_empty() && told.contains("roles[0] is blank");
                assert!(is_told, "{}", answer.text);
            }
        }
        for id in [json!("x"), json!(1), json!("\u{0}"), json!([])] {
            let new = json!({ "name": "x", "parent_id": id });
            let answer = caller.post(ORGANIZATIONS, &new).await;
            assert_eq!(problem(&answer), (400, "invalid-request"), "{id}");
        }
        let longest = caller.post(USERS, &json!({ "email": fits })).await;
        assert_eq!(longest.status, 201, "{}", longest.text);
    }
}

#[tokio::test]
async fn a_key_asks_for_what_there_is() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let ranges: Vec<_> = (0..101).map(|number| format!("10.0.0.{number}")).collect();
        let cases = [
            (json!({ "roles": [] }), "needs a role"),
            (json!({ "roles": null }), "needs a role"),
            (json!({ "roles": ["wizard"] }), "role wizard is not defined"),
            (json!({ "reach": [] }), "a reach lists 1 to 100"),
            (json!({ "reach": vec![acme; 101] }), "a reach lists 1 to 100"),
            (json!({ "reach": "everything" }), "`reach`: a reach is `own`, `subtree`, or a list"),
            (json!({ "allowed_networks": ["10.0.0.0/33"] }), "an address range looks like"),
            (json!({ "allowed_networks": ["10.0.0.1\u{0}"] }), "an address range looks like"),
            (
                json!({ "allowed_networks": ranges }),
                "allowed_networks: a list of 100 items at most",
            ),
            (json!({ "expires_at": "2027-01-15T08:00:00Z" }), "must expire in the future"),
            (json!({ "expires_at": "2030-01-01T00:00:00Z" }), "may live 365 days at most"),
            (json!({ "expires_at": "tomorrow" }), "`expires_at`: a moment has a date, a time"),
            (json!({ "expires_at": 1_900_000_000 }), "invalid type: integer"),
            (json!({ "expires_at": "+12027-01-01T00:00:00Z" }), "the years 1970 and 9999"),
            (json!({ "expires_at": "1969-12-31T23:59:59Z" }), "the years 1970 and 9999"),
            (json!({ "when_leaked": "panic" }), "unknown variant `panic`"),
            (json!({ "owner": "user", "organization_id": acme }), "not both"),
        ];

        for (more, why) in cases {
            let mut new = json!({ "name": "ci", "roles": ["viewer"] });
            new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let answer = caller.post(KEYS, &new).await;

            assert_eq!(problem(&answer), (400, "invalid-request"), "{} {more}", server.engine);
            assert!(answer.detail().contains(why), "{more}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_parameter_that_is_none_is_refused() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let cases = [
        (format!("{ORGANIZATIONS}?parent=x"), "unknown parameter `parent`"),
        (format!("{ORGANIZATIONS}?parent_id=x"), "parent_id"),
        (format!("{ORGANIZATIONS}?parent_id=%00"), "parent_id"),
        (format!("{KEYS}?status=asleep"), "unknown variant `asleep`"),
        (format!("{KEYS}?name=a%00b"), "a name is 1 to 64"),
        (format!("{KEYS}?name=a&name=b"), "duplicate field `name`"),
        (format!("{KEYS}?owner=user"), "only a user's key"),
        (format!("{KEYS}?unused_since=yesterday"), "unused_since"),
        (format!("{KEYS}?access_token=x"), "credentials belong in the body"),
    ];

    for (path, why) in cases {
        let answer = caller.get(&path).await;

        assert_eq!(problem(&answer), (400, "invalid-request"), "{path}");
        assert!(answer.detail().contains(why), "{path}: {}", answer.text);
    }
}
