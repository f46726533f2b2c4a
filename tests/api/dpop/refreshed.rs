//! Refresh tokens of those who prove a key (RFC 9449, section 5): RT-19.

use keyturn::domain::{Authentication, ClientTerms, GrantType, Owner, RefreshTerms};
use serde_json::json;

use super::assert_bound;
use crate::support::{API_KEY, Answer, Ci, OAUTH, Options, ProofKey, TestServer};

fn refresh_token(answer: &Answer) -> String {
    let token = answer.body["refresh_token"].as_str();
    token.unwrap_or_else(|| panic!("no refresh token: {}", answer.text)).to_owned()
}

#[tokio::test]
async fn rt_19_what_a_public_client_was_given_is_bound_to_the_key_it_proved() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let app = server.public_app(acme, "app", true).await;
        let (own, thiefs) = (ProofKey::p256(), ProofKey::p256());
        let token = refresh_token(&app.first(&server, Some(&own)).await);
        let form =
            [("client_id", &*app.id), ("grant_type", "refresh_token"), ("refresh_token", &*token)];
        let elsewhere = own.proof(&server, ("POST", API_KEY), json!({}));

        let bare = app.refresh(&server, None, &token).await;
        let thief = app.refresh(&server, Some(&thiefs), &token).await;
        let bad = server.post_with(OAUTH, &form, &[&elsewhere]).await;
        let holder = app.refresh(&server, Some(&own), &token).await;
        let next = app.refresh(&server, Some(&own), &refresh_token(&holder)).await;

        assert_eq!(bare.error(), (400, "invalid_dpop_proof"), "{}", server.engine);
        assert_eq!(thief.error(), (400, "invalid_grant"), "{}", server.engine);
        assert_eq!(bad.error(), (400, "invalid_dpop_proof"), "{}", server.engine);
        assert_bound(&holder, &server.claims(&holder).await, &own);
        assert_bound(&next, &server.claims(&next).await, &own);
        server.settle().await;
        let reason = server.refusal(&thief).await.unwrap().reason;
        assert_eq!(reason, "bound_to_other_key");
    }
}

/// Its secret binds it: it may change its key.
#[tokio::test]
async fn rt_19_what_a_client_with_a_secret_was_given_is_bound_to_no_key() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let terms = ClientTerms {
            authentication: Authentication::ClientSecretPost,
            grants: vec![GrantType::JwtBearer, GrantType::RefreshToken],
            scopes: "read".parse().unwrap(),
            refresh: Some(RefreshTerms::default()),
            ..ClientTerms::default()
        };
        let made = server.client(acme, "shop", terms).await;
        let (id, secret) = (made.client.id.to_string(), made.secret.unwrap());
        let proved = [("client_id", id.as_str()), ("client_secret", secret.reveal())];
        let ci = Ci::at("https://ci.example.com");
        ci.trusted_by(&server, ci.rule(acme)).await;
        let (grant, job) = (GrantType::JwtBearer.as_str(), ci.job(&server));
        let form = [&proved[..], &[("grant_type", grant), ("assertion", &job)]].concat();
        let (old, new) = (ProofKey::p256(), ProofKey::ed25519());
        let first = refresh_token(&server.post_by(&old, OAUTH, &form).await);
        let with = |token| {
            let refresh = [("grant_type", "refresh_token"), ("refresh_token", token)];
            [&proved[..], &refresh].concat()
        };

        let by_another = server.post_by(&new, OAUTH, &with(&first)).await;
        let by_none = server.post(OAUTH, &with(&refresh_token(&by_another))).await;

        assert_bound(&by_another, &server.claims(&by_another).await, &new);
        assert_eq!(by_none.body["token_type"], "Bearer", "{}: {}", server.engine, by_none.text);
        assert_eq!(server.claims(&by_none).await.get("cnf"), None);
    }
}

/// Whoever has the refresh token of a key need not have the key.
#[tokio::test]
async fn rt_19_what_the_holder_of_a_key_was_given_is_bound_to_the_key_they_proved() {
    let mut options = Options::default();
    options.settings.refresh.for_api_keys = Some(RefreshTerms::default());
    let server = TestServer::with(options).await;
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
    let (own, thiefs) = (ProofKey::p256(), ProofKey::p256());
    let given = server.post_by(&own, API_KEY, &super::form(&secret)).await;
    let token = refresh_token(&given);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    let proved = [("client_id", "ci"), ("client_secret", secret.reveal())];
    let with_secret = [&form[..], &proved].concat();

    let bare = server.post(OAUTH, &form).await;
    let thief = server.post_by(&thiefs, OAUTH, &form).await;
    let bare_with_secret = server.post(OAUTH, &with_secret).await;
    let holder = server.post_by(&own, OAUTH, &form).await;

    assert_eq!(bare.error(), (400, "invalid_dpop_proof"));
    assert_eq!(thief.error(), (400, "invalid_grant"));
    assert_eq!(bare_with_secret.error(), (400, "invalid_dpop_proof"));
    assert_bound(&holder, &server.claims(&holder).await, &own);
}

/// RFC 9700, section 2.2.2: one or the other has to guard what anybody could present.
#[tokio::test]
async fn rt_19_a_public_client_whose_tokens_do_not_rotate_is_given_none_without_a_key() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let app = server.public_app(acme, "app", false).await;
    let (own, thiefs) = (ProofKey::p256(), ProofKey::p256());

    let unguarded = app.first(&server, None).await;
    let token = refresh_token(&app.first(&server, Some(&own)).await);
    let again = app.refresh(&server, Some(&own), &token).await;
    let thief = app.refresh(&server, Some(&thiefs), &token).await;

    assert_eq!(unguarded.status, 200, "{}", unguarded.text);
    assert!(unguarded.body["refresh_token"].is_null(), "{}", unguarded.text);
    assert_eq!(refresh_token(&again), token);
    assert_eq!(thief.error(), (400, "invalid_grant"));
}
