//! What all doors have in common: checks TE-01 to TE-24.

use axum::{
    body::Body,
    http::{Method, Request},
};
use keyturn::{domain::Owner, ledger::Recording};

use crate::{
    doors::{DOORS, IBM, forms},
    support::{API_KEY, Answer, FORM, OAUTH, Options, TestServer, encoded, post},
};

fn assert_not_kept(answer: &Answer, what: &str) {
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    assert_eq!(answer.header("pragma"), "no-cache", "{what}");
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
}

#[tokio::test]
async fn te_01_a_token_comes_as_json_that_nobody_keeps() {
    let (server, secret) = TestServer::with_key().await;

    for (door, form) in forms(&secret) {
        let answer = server.post(door, &form).await;

        assert_eq!(answer.status, 200, "{door}: {}", answer.text);
        assert_not_kept(&answer, door);
        assert!(answer.body["access_token"].is_string(), "{door}");
        assert_eq!(answer.body["token_type"], "Bearer", "{door}");
        assert!(answer.body["expires_in"].is_u64(), "{door}: a number, not a text");
        assert_eq!(answer.body["scope"], "read write", "{door}: TE-15, always");
    }
}

#[tokio::test]
async fn te_02_only_post_is_answered() {
    let (server, _) = TestServer::with_key().await;

    for door in DOORS {
        let methods = [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::OPTIONS,
        ];
        for method in methods {
            let request = Request::builder().method(&method).uri(door).body(Body::empty());
            let answer = server.send(request.unwrap()).await;

            assert_eq!(answer.status, 405, "{method} {door}");
            assert_eq!(answer.header("allow"), "POST", "{method} {door}");
            assert!(answer.header("access-control-allow-origin").is_empty(), "{method} {door}");
        }
    }
}

#[tokio::test]
async fn te_02_a_registered_origin_may_ask_beforehand_and_no_other() {
    let mut options = Options::default();
    options.edge.cors_origins = vec!["https://app.example".to_owned()];
    let server = TestServer::with(options).await;
    let preflight = |origin: &'static str| {
        let request = Request::options(OAUTH)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization");
        server.send(request.body(Body::empty()).unwrap())
    };

    let known = preflight("https://app.example").await;
    let unknown = preflight("https://evil.example").await;

    assert_eq!(known.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(known.header("access-control-allow-methods"), "POST");
    assert!(known.header("access-control-allow-headers").contains("authorization"));
    assert!(unknown.header("access-control-allow-origin").is_empty());
    assert!(known.header("access-control-allow-credentials").is_empty());
}

#[tokio::test]
async fn fx_39g_fx_39h_a_page_reads_what_it_needs_and_lets_a_client_manage_itself() {
    let mut options = crate::registration::options(crate::registration::policy());
    options.edge.cors_origins = vec!["https://app.example".to_owned()];
    let server = TestServer::with(options).await;
    let asked = |path: &'static str, method: &'static str| {
        let request = Request::options(path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "authorization,content-type");
        server.send(request.body(Body::empty()).unwrap())
    };
    let page = Request::get("/oauth2/register/x").header("origin", "https://app.example");
    let answer = server.send(page.body(Body::empty()).unwrap()).await;

    for method in ["GET", "PUT", "DELETE"] {
        let allowed = asked("/oauth2/register/x", method).await;
        assert_eq!(allowed.status, 200, "{method}: {}", allowed.text);
        assert!(allowed.header("access-control-allow-methods").contains(method), "{method}");
        assert!(allowed.header("access-control-allow-headers").contains("authorization"));
    }
    assert_eq!(asked("/oauth2/register", "POST").await.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    let exposed = answer.header("access-control-expose-headers");
    for name in ["retry-after", "x-request-id", "www-authenticate", "dpop-nonce"] {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
}

#[tokio::test]
async fn te_03_fx_33_only_a_form_is_read_whatever_charset_it_names() {
    let (server, secret) = TestServer::with_key().await;
    let body = encoded(&[("name", "ci"), ("secret", secret.reveal())]);
    let cases = [
        (Some(FORM), 200),
        (Some("application/x-www-form-urlencoded; charset=UTF-8"), 200),
        (Some("Application/X-WWW-Form-Urlencoded;charset=\"utf-8\""), 200),
        (Some("application/x-www-form-urlencoded; charset=ISO-8859-1"), 200),
        (Some("application/x-www-form-urlencoded; charset=US-ASCII"), 200),
        (Some("application/x-www-form-urlencoded; charset=utf8"), 200),
        (Some("application/json"), 400),
        (Some("multipart/form-data; boundary=x"), 400),
        (Some("text/plain"), 400),
        (Some(""), 400),
        (None, 400),
    ];

    for (content_type, expected) in cases {
        let mut request = Request::post(API_KEY);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = server.send(request.body(Body::from(body.clone())).unwrap()).await;

        assert_eq!(answer.status, expected, "{content_type:?}: {}", answer.text);
        if expected == 400 {
            assert_eq!(answer.body["error"], "invalid_request", "{content_type:?}");
        }
    }
}

#[tokio::test]
async fn te_04_a_query_is_never_read() {
    let (server, secret) = TestServer::with_key().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "ci"),
        ("client_secret", secret.reveal()),
    ];

    let all_in_query = server.send(post(&format!("{OAUTH}?{}", encoded(&form)), "")).await;
    let grant_in_query =
        server.send(post(&format!("{OAUTH}?grant_type=client_credentials"), "client_id=ci")).await;
    let ignored = format!("{OAUTH}?organizationId=none&scope=admin&resource=urn:none");
    let ignored = server.send(post(&ignored, &encoded(&form))).await;

    assert_eq!(all_in_query.error(), (400, "invalid_request"));
    assert_eq!(grant_in_query.error(), (400, "invalid_request"));
    assert_eq!(ignored.status, 200, "{}", ignored.text);
    assert_eq!(ignored.body["scope"], "read write");
}

#[tokio::test]
async fn te_04_a_credential_in_a_url_is_refused_and_written_down() {
    for server in TestServer::on_each_engine().await {
        let names =
            ["client_secret", "secret", "refresh_token", "code", "assertion", "apikey", "pat"];

        let mut answers = Vec::new();
        for name in names {
            answers.push((name, server.send(post(&format!("{API_KEY}?{name}=x"), "")).await));
        }
        let disguised = server.send(post(&format!("{API_KEY}?%73ecret=x"), "")).await;
        answers.push(("%73ecret", disguised));
        server.settle().await;

        for (name, answer) in answers {
            assert_eq!(answer.error(), (400, "invalid_request"), "{name}");
            let record = server.refusal(&answer).await.unwrap_or_else(|| panic!("{name}"));
            assert_eq!(record.reason, "credential_in_url", "{name}");
            assert_eq!(record.door, API_KEY);
        }
    }
}

#[tokio::test]
async fn te_05_a_repeated_parameter_is_refused() {
    let (server, secret) = TestServer::with_key().await;
    let good = encoded(&[("name", "ci"), ("secret", secret.reveal())]);
    let repeated = [
        "name=ci",
        "secret=",
        "scope=read&scope=read",
        "scope=&scope=read",
        "unknown=1&unknown=1",
        "unknown=1&%75nknown=2",
        "organizationId=&organizationId=",
    ];
    let may_repeat = ["resource=urn:api&resource=urn:api", "audience=api&audience=api"];
    server.resource("urn:api", "read").await;

    for more in repeated {
        let answer = server.send(post(API_KEY, &format!("{good}&{more}"))).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{more}");
    }
    for more in may_repeat {
        let answer = server.send(post(API_KEY, &format!("{good}&{more}"))).await;
        assert_eq!(answer.status, 200, "{more}: {}", answer.text);
    }
}

#[tokio::test]
async fn te_06_te_07_te_08_te_23_inc_13_the_grant_type_is_one_we_know() {
    let (server, secret) = TestServer::with_key().await;
    let credentials = encoded(&[("client_id", "ci"), ("client_secret", secret.reveal())]);
    let cases = [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=nonsense", "unsupported_grant_type"),
        ("grant_type=Client_Credentials", "unsupported_grant_type"),
        ("grant_type=client_credentials%20", "unsupported_grant_type"),
        ("grant_type=password&username=ci&password=ci", "unsupported_grant_type"),
        ("grant_type=implicit", "unsupported_grant_type"),
    ];

    for (grant, expected) in cases {
        for door in [OAUTH, IBM] {
            let answer = server.send(post(door, &format!("{grant}&{credentials}"))).await;
            assert_eq!(answer.error(), (400, expected), "{door} {grant}");
        }
    }
}

#[tokio::test]
async fn te_08_te_09_empty_and_unknown_parameters_are_as_good_as_absent() {
    let (server, secret) = TestServer::with_key().await;
    let good = encoded(&[("name", "ci"), ("secret", secret.reveal())]);
    let ignored = [
        "&scope=&organizationId=&resource=&audience=",
        "&&",
        "&colour=blue",
        "&resource=&resource=",
        "&=nameless",
        "&scope",
    ];

    for more in ignored {
        let answer = server.send(post(API_KEY, &format!("{good}{more}"))).await;
        assert_eq!(answer.status, 200, "{more}: {}", answer.text);
        assert_eq!(answer.body["scope"], "read write", "{more}");
    }
}

#[tokio::test]
async fn te_12_what_is_too_large_is_refused() {
    let (server, secret) = TestServer::with_key().await;
    let good = encoded(&[("name", "ci"), ("secret", secret.reveal())]);
    let parameters = |count: usize| {
        (2..count).map(|number| format!("&p{number}=")).fold(good.clone(), |all, one| all + &one)
    };
    let value = |length: usize| format!("{good}&long={}", "x".repeat(length));

    let large = server.send(post(API_KEY, &"x".repeat(64 * 1024 + 1))).await;
    let fits = server.send(post(API_KEY, &parameters(100))).await;
    let too_many = server.send(post(API_KEY, &parameters(101))).await;
    let longest = server.send(post(API_KEY, &value(16 * 1024))).await;
    let too_long = server.send(post(API_KEY, &value(16 * 1024 + 1))).await;

    assert_eq!(large.error(), (413, "invalid_request"));
    assert_eq!(large.header("connection"), "close");
    assert_eq!((fits.status.as_u16(), longest.status.as_u16()), (200, 200));
    assert_eq!(too_many.error(), (400, "invalid_request"));
    assert_eq!(too_long.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn te_13_bytes_that_are_no_text_are_refused_and_never_cut() {
    let (server, secret) = TestServer::with_key().await;
    let secret = secret.reveal();
    let cases = [
        format!("name=ci&secret={secret}%00"),
        format!("name=ci%00x&secret={secret}"),
        format!("name=ci&secret={secret}&x=%"),
        format!("name=ci&secret={secret}&x=%4"),
        format!("name=ci&secret={secret}&x=%zz"),
        format!("name=ci&secret={secret}&x=%+1"),
        format!("name=ci&secret={secret}&x=%FF"),
        format!("name=ci&secret={secret}&x=%C0%80"),
        format!("name=ci&secret={secret}&x=%ED%A0%80"),
        format!("name=ci&secret={secret}&%FF=x"),
    ];

    for case in &cases {
        let answer = server.send(post(API_KEY, case)).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{case}");
    }
    let mut raw = format!("name=ci&secret={secret}&x=").into_bytes();
    raw.extend([0xff, 0]);
    let request = Request::post(API_KEY).header("content-type", FORM).body(Body::from(raw));
    assert_eq!(server.send(request.unwrap()).await.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn te_14_te_18_te_21_an_error_is_plain_not_kept_and_echoes_nothing() {
    let (server, secret) = TestServer::with_key().await;
    let secret = secret.reveal();
    let marked = "m4rk\u{e9}d\"\\<script>";
    let form = [("name", "ci"), ("secret", secret)];
    let with = |more| encoded(&[form[0], form[1], more]);
    let wrong = encoded(&[("name", marked), ("secret", marked)]);
    let cases = [
        (API_KEY, wrong),
        (API_KEY, with(("scope", marked))),
        (API_KEY, with(("resource", marked))),
        (API_KEY, with(("audience", "m4rk"))),
        (API_KEY, with(("scope", "m4rk"))),
        (API_KEY, with(("organizationId", marked))),
        (API_KEY, encoded(&[("m4rk", marked)])),
        (OAUTH, encoded(&[("grant_type", marked)])),
        ("/m4rk", String::new()),
    ];

    for (path, body) in cases {
        let answer = server.send(post(path, &body)).await;

        assert!(answer.status.is_client_error(), "{body}: {}", answer.status);
        assert_not_kept(&answer, &body);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("set-cookie").is_empty() && answer.header("server").is_empty());
        for member in ["error", "error_description"] {
            let text = answer.body[member].as_str().unwrap();
            let plain = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(!text.is_empty() && text.bytes().all(plain), "{member}: {text}");
        }
        let said = format!("{} {:?}", answer.text, answer.headers);
        assert!(!said.contains("m4rk") && !said.contains(secret), "{said}");
    }
}

#[tokio::test]
async fn te_16_te_17_a_scope_is_well_formed_and_granted_or_refused() {
    let (server, secret) = TestServer::with_key().await;
    let cases = [
        ("read", 200),
        ("write read", 200),
        ("read read", 200),
        ("admin", 400),
        ("read admin", 400),
        ("READ", 400),
        ("read  write", 400),
        (" read", 400),
        ("read ", 400),
        ("read\twrite", 400),
        ("re\"ad", 400),
        ("re\\ad", 400),
        ("r\u{e9}ad", 400),
        ("re\u{7f}ad", 400),
    ];

    for (scope, expected) in cases {
        let form = [("name", "ci"), ("secret", secret.reveal()), ("scope", scope)];
        let answer = server.post(API_KEY, &form).await;

        assert_eq!(answer.status, expected, "{scope:?}: {}", answer.text);
        if expected == 400 {
            assert_eq!(answer.body["error"], "invalid_scope", "{scope:?}");
        } else {
            let granted = if scope.contains("write") { "read write" } else { "read" };
            assert_eq!(answer.body["scope"], granted, "{scope:?}");
            assert_eq!(server.claims(&answer).await["scope"], granted);
        }
    }
}

#[tokio::test]
async fn te_19_a_lost_database_is_never_said_to_be_the_callers_fault() {
    for recording in [Recording::BeforeReply, Recording::Soon] {
        let options = || Options { recording, ..Options::default() };
        for server in TestServer::on_each_engine_with(options).await {
            let acme = Owner::Organization(server.acme().await);
            let (_, secret) = server.key(acme, "ci").await;
            server.lose_the_database().await;

            let known = server.exchange("ci", &secret).await;

            assert_eq!(known.error(), (503, "temporarily_unavailable"), "{}", server.engine);
            assert_eq!(known.header("retry-after"), "1");
            assert_not_kept(&known, server.engine);
        }
    }
}

#[tokio::test]
async fn te_24_every_response_has_an_id_of_its_own_under_which_the_reason_is_kept() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        let chosen = post(API_KEY, "name=a&secret=b");
        let (mut parts, body) = chosen.into_parts();
        parts.headers.insert("x-request-id", "chosen-by-the-caller".parse().unwrap());

        let refused = server.send(Request::from_parts(parts, body)).await;
        let answers = [
            server.exchange("ci", &secret).await,
            server.get("/.well-known/jwks.json").await,
            server.get("/nowhere").await,
            server.get(API_KEY).await,
            server.get("/healthz").await,
        ];
        server.settle().await;

        let ids = answers.iter().chain([&refused]).map(|answer| answer.header("x-request-id"));
        let distinct: std::collections::HashSet<_> = ids.clone().collect();
        assert_eq!(distinct.len(), 6);
        assert!(ids.clone().all(|id| id.len() == 36), "{distinct:?}");
        let record = server.refusal(&refused).await.unwrap();
        assert_eq!((record.reason.as_str(), record.door.as_str()), ("malformed_secret", API_KEY));
    }
}
