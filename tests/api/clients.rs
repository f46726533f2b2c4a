//! Clients with a name of their own: how they prove who they are, and what they may do for
//! themselves.

use axum::http::{StatusCode, header::AUTHORIZATION};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use keyturn::{
    domain::{Authentication, ClientSecret, ClientTerms, Expected, GrantType, ProofDemand, Secret},
    ledger::Fold,
    manage::{
        Asker, Rejection,
        clients::{self, Edit},
    },
    random::Random,
};

use crate::support::{Answer, OAUTH, TestServer, basic, encoded, post};

fn terms() -> ClientTerms {
    ClientTerms {
        authentication: Authentication::ClientSecretPost,
        grants: vec![GrantType::ClientCredentials],
        scopes: "read".parse().unwrap(),
        proof: ProofDemand::None,
        ..ClientTerms::default()
    }
}

#[tokio::test]
async fn a_client_gets_a_token_for_itself_with_what_it_was_registered_for() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let made = server.client(acme, "shop", terms()).await;
        let (id, secret) = (made.client.id.to_string(), made.secret.unwrap());
        let credentials = [
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", secret.reveal()),
        ];

        let answer = server.post(OAUTH, &credentials).await;

        let claims = server.claims(&answer).await;
        assert_eq!(claims["sub"], format!("client:{id}"));
        assert_eq!(claims["client_id"], id);
        assert_eq!(claims["scope"], "read");
        assert!(claims.get("roles").is_none(), "a claim without a value: {claims}");
        assert_eq!(claims["org"], acme.to_string());
        assert_eq!(claims["src"], serde_json::json!([format!("client:{id}")]));
    }
}

#[tokio::test]
async fn ca_07_only_the_registered_method_works() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let made = server.client(acme, "shop", terms()).await;
    let (id, secret) = (made.client.id.to_string(), made.secret.unwrap());
    let body = encoded(&[("grant_type", "client_credentials")]);

    let mut request = post(OAUTH, &body);
    let header = basic(&id, secret.reveal()).parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, header);
    let answer = server.send(request).await;

    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.body["error"], "invalid_client");
}

#[tokio::test]
async fn te_10_a_grant_that_the_client_may_not_use_is_refused_by_its_name() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let none = ClientTerms { grants: Vec::new(), ..terms() };
    let made = server.client(acme, "shop", none).await;
    let (id, secret) = (made.client.id.to_string(), made.secret.unwrap());
    let credentials = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("client_secret", secret.reveal()),
    ];

    let answer = server.post(OAUTH, &credentials).await;

    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body["error"], "unauthorized_client");
}

/// A client that proves itself by this method; its id and its secret.
async fn confidential(server: &TestServer, method: Authentication) -> (String, String) {
    let acme = server.acme().await;
    let terms = ClientTerms { authentication: method, ..terms() };
    let made = server.client(acme, "shop", terms).await;
    (made.client.id.to_string(), made.secret.unwrap().reveal().to_owned())
}

/// Asks for a token with these headers, and these parameters beside the grant.
async fn ask(server: &TestServer, headers: &[&str], more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(more);
    let mut request = post(OAUTH, &encoded(&form));
    for header in headers {
        request.headers_mut().append(AUTHORIZATION, header.parse().unwrap());
    }
    server.send(request).await
}

#[tokio::test]
async fn ca_07_each_method_takes_what_was_registered_and_nothing_else() {
    let methods = [
        (Authentication::ClientSecretBasic, true, false),
        (Authentication::ClientSecretPost, false, true),
        (Authentication::ClientSecretBasicOrPost, true, true),
    ];
    for (method, by_header, in_body) in methods {
        let server = TestServer::start().await;
        let (id, secret) = confidential(&server, method.clone()).await;

        let header = ask(&server, &[&basic(&id, &secret)], &[]).await;
        let body = ask(&server, &[], &[("client_id", &id), ("client_secret", &secret)]).await;

        for (answer, allowed) in [(&header, by_header), (&body, in_body)] {
            let expected = if allowed { (200, "none") } else { (401, "invalid_client") };
            assert_eq!(answer.error(), expected, "{method:?}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn ca_01_ca_02_a_confidential_client_has_to_prove_itself() {
    let server = TestServer::start().await;
    let (id, secret) = confidential(&server, Authentication::ClientSecretBasic).await;

    let nothing = ask(&server, &[], &[("client_id", &id)]).await;
    let wrong = ask(&server, &[&basic(&id, "ktc_wrong")], &[]).await;
    let lower = basic(&id, &secret).replacen("Basic ", "basic   ", 1);
    let right = ask(&server, &[&lower], &[("client_id", &id)]).await;
    let bearer = ask(&server, &[&format!("Bearer {secret}")], &[]).await;

    assert_eq!(nothing.error(), (401, "invalid_client"));
    assert_eq!(wrong.error(), (401, "invalid_client"));
    assert_eq!(wrong.header("www-authenticate"), "Basic realm=\"keyturn\", charset=\"UTF-8\"");
    assert_eq!(right.error(), (200, "none"), "{}", right.text);
    assert_eq!(bearer.error(), (401, "invalid_client"));
}

#[tokio::test]
async fn ca_03_who_is_not_known_is_refused_in_the_same_bytes() {
    for server in TestServer::on_each_engine().await {
        let (id, secret) = confidential(&server, Authentication::ClientSecretPost).await;
        let other = Secret::for_client(&Random::System).reveal().to_owned();
        let with = async |id: &str, secret: &str| {
            ask(&server, &[], &[("client_id", id), ("client_secret", secret)]).await
        };

        let unknown = with("0197f000-0000-7000-8000-000000000000", &secret).await;
        let no_id = with("shop", &secret).await;
        let wrong = with(&id, &other).await;
        let typo = with(&id, &secret[..secret.len() - 1]).await;
        let client = id.parse().unwrap();
        let edit = Edit { enabled: Some(false), ..Edit::default() };
        let asker = Asker::keyturn();
        clients::update(&server.app, &asker, client, &Expected::Any, edit).await.unwrap();
        let disabled = with(&id, &secret).await;

        assert_eq!(unknown.error(), (401, "invalid_client"), "{}", server.engine);
        for answer in [no_id, wrong, typo] {
            assert_eq!((answer.status, &answer.text), (unknown.status, &unknown.text));
        }
        assert_eq!(disabled.error(), (401, "invalid_client"));
        assert!(disabled.text.contains("the client is disabled"), "it has proved who it is");
    }
}

#[tokio::test]
async fn ca_04_ca_05_ca_08_a_client_proves_itself_once_and_as_itself() {
    let server = TestServer::start().await;
    let (id, secret) = confidential(&server, Authentication::ClientSecretBasicOrPost).await;
    let header = basic(&id, &secret);

    let twice = ask(&server, &[&header], &[("client_id", &id), ("client_secret", &secret)]).await;
    let other = ask(&server, &[&header], &[("client_id", "0197f000")]).await;
    let headers = ask(&server, &[&header, &header], &[]).await;
    let malformed = ask(&server, &["Basic %%%"], &[]).await;

    for answer in [twice, other, headers, malformed] {
        assert_eq!(answer.error(), (400, "invalid_request"), "{}", answer.text);
    }
}

#[tokio::test]
async fn ca_06_what_we_generate_needs_no_encoding() {
    let server = TestServer::start().await;
    let (id, secret) = confidential(&server, Authentication::ClientSecretBasic).await;

    let plain = format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")));
    let answer = ask(&server, &[&plain], &[]).await;

    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    assert!(format!("{id}{secret}").chars().all(unreserved), "nothing to encode");
    assert_eq!(answer.error(), (200, "none"), "{}", answer.text);
}

#[tokio::test]
async fn ca_09_of_two_secrets_each_has_its_last_use_and_an_end_of_its_own() {
    for server in TestServer::on_each_engine().await {
        let (app, asker) = (&server.app, Asker::keyturn());
        let (id, first) = confidential(&server, Authentication::ClientSecretPost).await;
        let client = id.parse().unwrap();
        let end = app.clock.now() + TimeDelta::hours(3);
        let second = clients::add_secret(app, &asker, client, Some(end)).await.unwrap();
        let works = async |secret: &str| {
            ask(&server, &[], &[("client_id", &id), ("client_secret", secret)]).await.error().0
        };

        assert_eq!(works(second.secret.reveal()).await, 200, "{}", server.engine);
        Fold::new(app.store.clone(), app.clock.clone()).fold_all().await.unwrap();
        let listed = clients::show(app, &asker, client).await.unwrap();
        // Both were made within one second, in which ids have no order.
        let is_second = |it: &&(ClientSecret, _)| it.0.id == second.id;
        let (newer, older): (Vec<_>, Vec<_>) = listed.secrets.iter().partition(is_second);
        let now = app.clock.now().timestamp() / 60;
        assert_eq!((older[0].1, newer[0].1), (None, Some(now)), "{}", server.engine);
        assert_eq!(works(&first).await, 200, "both work");
        let oldest = older[0].0.id;
        clients::remove_secret(app, &asker, client, oldest).await.unwrap();
        assert_eq!(works(&first).await, 401, "{}: a removed one", server.engine);
        assert_eq!(works(second.secret.reveal()).await, 200, "the other one stays");
        app.clock.advance(TimeDelta::hours(3));
        assert_eq!(works(second.secret.reveal()).await, 401, "{}: an expired one", server.engine);
        let again = clients::remove_secret(app, &asker, client, oldest).await;
        assert!(matches!(again, Err(Rejection::NotFound("secret"))), "{again:?}");
    }
}

#[tokio::test]
async fn ca_10_a_public_client_names_itself_and_has_no_secret() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let public = ClientTerms {
        authentication: Authentication::None,
        grants: vec![GrantType::JwtBearer],
        ..terms()
    };
    let made = server.client(acme, "app", public).await;
    assert!(made.secret.is_none());
    let id = made.client.id.to_string();
    let secret = Secret::for_client(&Random::System);

    let with_secret =
        ask(&server, &[], &[("client_id", &id), ("client_secret", secret.reveal())]).await;
    let for_itself = ask(&server, &[], &[("client_id", &id)]).await;
    let added = clients::add_secret(&server.app, &Asker::keyturn(), made.client.id, None).await;

    assert_eq!(with_secret.error(), (401, "invalid_client"));
    assert_eq!(for_itself.error(), (400, "unauthorized_client"), "{}", for_itself.text);
    assert!(matches!(added, Err(Rejection::NoSecretNeeded)), "{added:?}");
}

#[tokio::test]
async fn a_client_that_is_stopped_or_narrowed_has_no_good_tokens_left() {
    for server in TestServer::on_each_engine().await {
        let (app, asker) = (&server.app, Asker::keyturn());
        let (id, secret) = confidential(&server, Authentication::ClientSecretPost).await;
        let credentials = [("client_id", id.as_str()), ("client_secret", &secret)];
        let before = ask(&server, &[], &credentials).await;
        let client = id.parse().unwrap();
        let scopes = Some("write".parse().unwrap());
        let terms = clients::TermsEdit { scopes, ..clients::TermsEdit::default() };
        let edit = Edit { terms, ..Edit::default() };

        clients::update(app, &asker, client, &Expected::Any, edit).await.unwrap();
        let after = ask(&server, &[], &credentials).await;
        clients::delete(app, &asker, client, &Expected::Any).await.unwrap();
        let gone = ask(&server, &[], &credentials).await;

        assert_eq!(before.body["scope"], "read", "{}: {}", server.engine, before.text);
        assert_eq!(after.body["scope"], "write", "{}: {}", server.engine, after.text);
        assert_eq!(gone.error(), (401, "invalid_client"), "{}", server.engine);
        let told: Vec<_> = server.audit_trail(&format!("client:{id}")).await;
        let told: Vec<_> = told.iter().map(|event| event.action.to_string()).collect();
        assert_eq!(told, ["client.registered", "client.updated", "client.deleted"]);
    }
}
