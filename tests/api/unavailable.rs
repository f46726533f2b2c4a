//! A database that fails is never taken for one in which something is missing: whoever asks is told
//! to come again, at every endpoint.

use std::time::{Duration, Instant};

use axum::{
    body::Body,
    http::{Method, Request},
};
use keyturn::{
    domain::{Owner, Secret},
    ledger::Recording,
    manage::api_keys::NewApiKey,
    random::Random,
};
use serde_json::{Map, Value, json};

use crate::{
    doors,
    support::{
        API_KEY, Answer, Caller, INTROSPECT, OAUTH, Options, REVOKE, TestServer, encoded, new_key,
        post, send,
    },
};

const NOBODY: &str = "0197f000-0000-7000-8000-000000000000";

/// What a string member has to look like, where its type does not say it.
fn text(name: &str) -> &'static str {
    match name {
        "email" => "ada@example.com",
        "url" => "https://hooks.example.com/in",
        "issuer" => "https://ci.example.com",
        "identifier" => "https://api.example.com",
        "scopes" | "scope" => "read",
        "pem" => "-----BEGIN PRIVATE KEY-----",
        _ => "some-name",
    }
}

/// A value that the schema takes: whatever is required, nothing else.
fn example(api: &Value, name: &str, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = api.pointer(reference.trim_start_matches('#')).unwrap();
        return example(api, name, found);
    }
    for of in ["oneOf", "anyOf", "allOf"] {
        if let Some(first) = schema[of].as_array().and_then(|all| all.first()) {
            return example(api, name, first);
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str(),
        kind => kind.as_str(),
    };
    match kind {
        Some("array") => json!([example(api, name, &schema["items"])]),
        Some("boolean") => json!(true),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(60)),
        Some("string") => match schema["format"].as_str() {
            Some("uuid") => json!(NOBODY),
            Some("date-time") => json!("2030-01-01T00:00:00Z"),
            _ => json!(text(name)),
        },
        _ => {
            let required = schema["required"].as_array().into_iter().flatten();
            let members = required.map(|member| {
                let member = member.as_str().unwrap();
                (member.to_owned(), example(api, member, &schema["properties"][member]))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// One request for each operation that the description has.
fn requests(api: &Value) -> Vec<(Method, String, Option<Value>)> {
    let mut requests = Vec::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut path = path.clone();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                let value = match example(api, name, &parameter["schema"]) {
                    Value::String(text) => encoded(&[("", &text)])[1..].to_owned(),
                    other => other.to_string(),
                };
                path = path.replace(&format!("{{{name}}}"), &value);
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = schema.is_object().then(|| example(api, "", schema));
            requests.push((method.to_uppercase().parse().unwrap(), path, body));
        }
    }
    requests
}

async fn owner(server: &TestServer) -> Caller {
    let acme = Owner::Organization(server.acme().await);
    let roles = Some("owner".parse().unwrap());
    let new = NewApiKey { roles, ..new_key(acme, "owner") };
    let (_, secret) = server.make_key(new).await;
    server.manage(&secret).await
}

fn check(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text);
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&seconds), "{what}: {seconds}");
}

#[tokio::test]
async fn fx_50a_every_operation_says_that_the_database_is_away() {
    for server in TestServer::on_each_engine().await {
        let caller = owner(&server).await;
        let api = server.get("/api/openapi.json").await.body;
        // The caller is known from memory: what the operation itself reads is what fails.
        assert!(caller.get("/api/v1/organizations").await.status.is_success());
        server.lose_the_database().await;

        for (method, path, body) in requests(&api) {
            let headers = [("if-match", "*"), ("idempotency-key", NOBODY)];
            let post = method == Method::POST;
            let headers = if post { &headers[..] } else { &headers[..1] };
            let answer = caller.send(method.clone(), &path, headers, body.as_ref()).await;
            let what = format!("{} {method} {path} {body:?}", server.engine);
            check(&answer, &what);
        }
    }
}

#[tokio::test]
async fn fx_50b_every_endpoint_for_credentials_says_that_the_database_is_away() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, known) = server.key(acme, "ci").await;
        assert_eq!(server.exchange("ci", &known).await.status, 200);
        let unknown = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
        let token = server.exchange("ci", &known).await.body["access_token"].clone();
        let token = token.as_str().unwrap();
        server.lose_the_database().await;

        for secret in [&known, &unknown] {
            for (path, form) in doors::forms(secret) {
                let answer = server.post(path, &form).await;
                check(&answer, &format!("{} {path}", server.engine));
            }
            let secret = secret.reveal();
            let revoke = [("name", "ci"), ("secret", secret)];
            check(&server.post("/auth/v1/api-key/revoke", &revoke).await, "revoke a key");
        }
        let client = [("client_id", NOBODY), ("client_secret", unknown.reveal())];
        for (path, more) in [
            (INTROSPECT, vec![("token", token)]),
            (REVOKE, vec![("token", token)]),
            (OAUTH, vec![("grant_type", "client_credentials")]),
        ] {
            let form = [&client[..], &more].concat();
            check(&server.post(path, &form).await, &format!("{} {path}", server.engine));
        }
        let report = Request::post("/auth/v1/api-key/revoke-found")
            .header("content-type", "application/json")
            .body(Body::from(json!({ "secrets": [unknown.reveal()] }).to_string()));
        check(&server.send(report.unwrap()).await, "report a leak");
    }
}

#[tokio::test]
async fn fx_50c_a_server_without_a_signing_key_asks_to_come_again() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        server.sql("delete from signing_keys").await;
        server.app.load_signing_keys().await.unwrap();

        let answer = server.exchange("ci", &secret).await;

        assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{}", server.engine);
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn fx_50d_a_database_that_lacks_its_tables_is_one_that_is_not_available() {
    let mut servers = TestServer::on_each_engine().await;
    let Some(server) = servers.pop().filter(|server| server.engine == "postgres") else { return };
    let acme = Owner::Organization(server.acme().await);
    let (_, secret) = server.key(acme, "ci").await;
    server.sql("alter table api_key_secrets rename to gone").await;

    let answer = server.exchange("ci", &secret).await;

    assert_eq!(answer.error(), (503, "temporarily_unavailable"));
}

/// What the statuses of a request may be when its database is lost in the middle: what it would be
/// otherwise, or that it has to come again.
fn check_cut(answer: &Answer, whole: &Answer, what: &str) {
    let (status, usual) = (answer.status.as_u16(), whole.status.as_u16());
    let is_done = (200..300).contains(&status);
    let is_as_usual = status == usual || is_done || usual < 300 && matches!(status, 409 | 412);
    assert!(status == 503 || is_as_usual, "{what}: {status} for {usual}: {}", answer.text);
    if status == 503 {
        check(answer, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_50e_an_operation_that_loses_the_database_on_the_way_finds_nothing_missing() {
    let Some((server, proxy)) = TestServer::behind_a_proxy().await else { return };
    let caller = owner(&server).await;
    let api = server.get("/api/openapi.json").await.body;
    let acme = caller.get("/api/v1/organizations").await.body["items"][0]["id"].clone();
    let key = caller.get("/api/v1/api-keys").await.body["items"][0]["id"].clone();
    let mut cut = 0;

    for (method, path, body) in requests(&api) {
        let place = if path.contains("/api-keys/") { &key } else { &acme };
        let path = path.replace(NOBODY, place.as_str().unwrap());
        let ends_something =
            method == Method::DELETE || path.contains("/re") || path.ends_with("able");
        if ends_something && path.contains(place.as_str().unwrap()) {
            continue;
        }
        let body = body.map(|body| {
            let text = body.to_string().replace(NOBODY, acme.as_str().unwrap());
            serde_json::from_str::<Value>(&text).unwrap()
        });
        let ask = || caller.send(method.clone(), &path, &[("if-match", "*")], body.as_ref());
        let whole = ask().await;
        for piece in [1, 2, 3, 5, 8] {
            proxy.cut_after(piece);
            let answer = ask().await;
            cut += u32::from(proxy.calm());
            check_cut(&answer, &whole, &format!("{method} {path} cut after {piece}"));
        }
    }
    assert!(cut > 50, "only {cut} connections were cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_49_a_table_that_is_locked_keeps_only_those_waiting_who_need_it() {
    let mut servers = TestServer::on_each_engine().await;
    let Some(server) = servers.pop().filter(|server| server.engine == "postgres") else { return };
    let acme = Owner::Organization(server.acme().await);
    let (_, known) = server.key(acme, "ci").await;
    assert_eq!(server.exchange("ci", &known).await.status, 200);
    let prefix = "ktk".parse().unwrap();
    let unknown: Vec<_> = (0..12).map(|_| Secret::generate(&prefix, &Random::System)).collect();
    let lock = server.lock_the_table("api_key_secrets").await;

    let began = Instant::now();
    let waiting = unknown.into_iter().map(|secret| {
        let router = server.router.clone();
        tokio::spawn(async move {
            let form = encoded(&[("name", "ci"), ("secret", secret.reveal())]);
            send(&router, post(API_KEY, &form)).await
        })
    });
    let waiting: Vec<_> = waiting.collect();
    let good = server.exchange("ci", &known).await;
    let good_took = began.elapsed();
    let mut refused = Vec::new();
    for answer in waiting {
        refused.push(answer.await.unwrap());
    }
    let all_took = began.elapsed();
    drop(lock);

    assert_eq!(good.status, 200, "{}", good.text);
    assert!(good_took < Duration::from_secs(2), "{good_took:?}");
    for answer in &refused {
        check(answer, "an unknown secret");
    }
    assert!(all_took < Duration::from_secs(8), "{all_took:?}");
}

#[tokio::test]
async fn fx_52_what_the_last_commit_of_the_ledger_said_decides_whether_the_server_is_ready() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        assert_eq!(server.exchange("ci", &secret).await.status, 200);
        server.sql("alter table usage_journal rename to elsewhere").await;

        let refused = server.exchange("ci", &secret).await;
        let (ready, metrics) = (server.get("/readyz").await, server.get("/metrics").await);
        server.sql("alter table elsewhere rename to usage_journal").await;
        let issued = server.exchange("ci", &secret).await;
        let again = server.get("/readyz").await;

        assert!([500, 503].contains(&refused.status.as_u16()), "{}", refused.text);
        assert_eq!(ready.status, 503, "{}: {}", server.engine, ready.text);
        assert_eq!(ready.body["writes"], "failing");
        assert!(metrics.text.contains("keyturn_writes_failing 1"), "{}", metrics.text);
        assert_eq!(issued.status, 200, "{}", issued.text);
        assert_eq!((again.status.as_u16(), &again.body["writes"]), (200, &json!("ok")));
    }
}

#[tokio::test]
async fn fx_12_where_tokens_leave_before_they_are_recorded_failing_writes_are_said_and_strict_counts()
 {
    let options = || Options { recording: Recording::Soon, ..Options::default() };
    for server in TestServer::on_each_engine_with(options).await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        server.sql("alter table usage_journal rename to elsewhere").await;

        assert_eq!(server.exchange("ci", &secret).await.status, 200, "{}", server.engine);
        while !server.app.ledger.writes().are_failing() {
            tokio::task::yield_now().await;
        }
        let (ready, strict) = (server.get("/readyz").await, server.get("/readyz?strict").await);

        assert_eq!((ready.status.as_u16(), &ready.body["writes"]), (200, &json!("failing")));
        assert_eq!((strict.status.as_u16(), &strict.body["writes"]), (503, &json!("failing")));
    }
}

#[tokio::test]
async fn fx_24c_metrics_are_not_for_those_who_come_through_a_proxy() {
    let server = TestServer::start().await;
    for name in ["x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host"] {
        let request = Request::get("/metrics").header(name, "127.0.0.1");
        let answer = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 404, "{name}");
    }
    assert_eq!(server.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn fx_24c_metrics_with_a_token_are_for_whoever_sends_it() {
    let mut options = Options::default();
    options.edge.metrics.token = Some("a-token-for-prometheus".to_owned().into());
    let server = TestServer::with(options).await;
    for (shown, status) in [
        ("Bearer a-token-for-prometheus", 200),
        ("Bearer a-token-for-prometheuS", 404),
        ("Bearer ", 404),
        ("", 404),
    ] {
        let request = Request::get("/metrics")
            .header("authorization", shown)
            .header("x-forwarded-for", "192.0.2.7");
        let answer = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{shown}");
    }
}

#[tokio::test]
async fn fx_24e_lists_are_in_the_order_in_which_things_were_made() {
    for server in TestServer::on_each_engine().await {
        let caller = owner(&server).await;
        let mut made = Vec::new();
        for number in 0..20 {
            let body = json!({ "name": format!("k{number}"), "roles": ["viewer"] });
            made.push(caller.post("/api/v1/api-keys", &body).await.id().to_owned());
        }

        let list = caller.get("/api/v1/api-keys?limit=200").await.body;

        let listed = list["items"].as_array().unwrap().iter().map(|key| &key["id"]);
        let listed: Vec<_> =
            listed.filter_map(Value::as_str).filter(|id| made.iter().any(|it| it == id)).collect();
        assert_eq!(listed, made, "{}", server.engine);
    }
}
