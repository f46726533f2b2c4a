//! What a token of somebody else is exchanged for.

use chrono::TimeDelta;
use keyturn::{
    clock::timestamp,
    domain::{Authentication, ClientTerms, GrantType, Owner},
    manage::trusts::NewTrust,
};
use serde_json::json;

use super::{Issuer, JWT_BEARER, NOW, OAUTH, of_main, with};
use crate::support::{TestServer, encoded, post};

#[tokio::test]
async fn jb_07_a_job_on_github_gets_a_token_and_has_no_secret() {
    for server in TestServer::on_each_engine().await {
        let (acme, issuer) = (server.acme().await, Issuer::start().await);
        let rule = server.trust(issuer.rule(acme, "deploy", of_main())).await;
        let token = issuer.token(&issuer.github("1"));

        let answer = server.assert(&token).await;

        let claims = server.claims(&answer).await;
        let subject = format!("trust:{}:repo:acme/web:environment:prod", rule.id);
        assert_eq!(claims["sub"], subject, "{}", server.engine);
        assert_eq!(claims["client_id"], rule.id.to_string());
        assert_eq!(claims["scope"], "read write");
        assert_eq!(claims["roles"], json!(["manager"]));
        assert_eq!(claims["org"], acme.to_string());
        assert_eq!(claims["src"], json!([format!("trust:{}", rule.id)]));
        assert_eq!(claims["exp"], NOW + 360);
        assert_eq!(answer.body["token_type"], "Bearer");
        assert!(answer.body["refresh_token"].is_null());
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn jb_07_jobs_on_gitlab_and_pods_in_kubernetes_do_too() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let gitlab = json!({ "project_id": ["20"], "ref_protected": ["true"], "ref": ["main"] });
    let gitlab = server.trust(issuer.rule(acme, "gitlab", gitlab)).await;
    let pod = json!({
        "sub": ["system:serviceaccount:prod:deployer"],
        "/kubernetes.io/namespace": ["prod"],
    });
    let pod = NewTrust { once: false, ..issuer.rule(acme, "pod", pod) };
    let pod = server.trust(pod).await;

    let of_job = server.assert(&issuer.token(&issuer.gitlab("1"))).await;
    let of_pod = server.assert(&issuer.token(&issuer.kubernetes())).await;

    let (job, account) = (server.claims(&of_job).await, server.claims(&of_pod).await);
    let subject = "project_path:acme/web:ref_type:branch:ref:main";
    assert_eq!(job["sub"], format!("trust:{}:{subject}", gitlab.id));
    let subject = "system:serviceaccount:prod:deployer";
    assert_eq!(account["sub"], format!("trust:{}:{subject}", pod.id));
}

#[tokio::test]
async fn the_token_dies_no_later_than_what_it_was_obtained_with() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    server.trust(issuer.rule(acme, "deploy", of_main())).await;
    let short = with(issuer.github("1"), "exp", NOW + 60);

    let answer = server.assert(&issuer.token(&short)).await;

    assert_eq!(answer.body["expires_in"], 60, "{}", answer.text);
    assert_eq!(server.claims(&answer).await["exp"], NOW + 60);
}

#[tokio::test]
async fn the_token_dies_no_later_than_the_rule_ends() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let ends = timestamp(NOW + 30);
    let ending = NewTrust { expires_at: ends, ..issuer.rule(acme, "deploy", of_main()) };
    server.trust(ending).await;

    let answer = server.assert(&issuer.token(&issuer.github("1"))).await;
    server.app.clock.advance(TimeDelta::seconds(30));
    server.app.catch_up().await.unwrap();
    let late = server.assert(&issuer.token(&issuer.github("2"))).await;

    assert_eq!(answer.body["expires_in"], 30, "{}", answer.text);
    assert_eq!(late.error(), (400, "invalid_grant"));
    assert!(late.text.contains("has ended"), "{}", late.text);
}

#[tokio::test]
async fn the_rule_says_whom_its_tokens_are_for_and_which_roles_they_have() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    server.resource("other", "read write").await;
    let only = Some(vec!["other".parse().unwrap()]);
    let rule = NewTrust {
        roles: "viewer".parse().unwrap(),
        resources: only,
        once: false,
        ..issuer.rule(acme, "deploy", of_main())
    };
    server.trust(rule).await;
    let token = issuer.token(&issuer.github("1"));

    let usual = server.assert(&token).await;
    let elsewhere =
        server.assert_with(&token, &[("resource", "urn:api"), ("audience", "api")]).await;
    let api = server.assert_with(&token, &[("audience", "api")]).await;
    let more = server.assert_with(&token, &[("scope", "write")]).await;

    let claims = server.claims(&usual).await;
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!("other"), &json!("read")));
    assert_eq!(elsewhere.error(), (400, "invalid_target"));
    assert_eq!(api.error(), (400, "invalid_target"));
    assert_eq!(more.error(), (400, "invalid_scope"));
}

#[tokio::test]
async fn a_client_that_asks_needs_the_grant_and_bounds_what_is_given() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let rule = NewTrust { once: false, ..issuer.rule(acme, "deploy", of_main()) };
    let rule = server.trust(rule).await;
    let terms = |grants: &[GrantType]| ClientTerms {
        authentication: Authentication::ClientSecretPost,
        grants: grants.to_vec(),
        scopes: "read".parse().unwrap(),
        ..ClientTerms::default()
    };
    let may = server.client(acme, "may", terms(&[GrantType::JwtBearer])).await;
    let may_not = server.client(acme, "may not", terms(&[GrantType::ClientCredentials])).await;
    let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
    let token = issuer.token(&issuer.github("1"));
    let ask = async |id: &str, secret: &str| {
        server.assert_with(&token, &[("client_id", id), ("client_secret", secret)]).await
    };

    let given = ask(&may.client.id.to_string(), may.secret.as_ref().unwrap().reveal()).await;
    let refused = ask(&may_not.client.id.to_string(), may_not.secret.unwrap().reveal()).await;
    let wrong = ask(&may.client.id.to_string(), secret.reveal()).await;
    let by_key = ask(&key.id.to_string(), secret.reveal()).await;

    let claims = server.claims(&given).await;
    let id = may.client.id;
    assert_eq!((&claims["scope"], &claims["client_id"]), (&json!("read"), &json!(id)));
    assert_eq!(claims["src"], json!([format!("trust:{}", rule.id), format!("client:{id}")]));
    assert_eq!(refused.error(), (400, "unauthorized_client"));
    assert_eq!(wrong.error(), (401, "invalid_client"));
    assert_eq!(by_key.error(), (400, "unauthorized_client"));
}

#[tokio::test]
async fn jb_07_the_form_has_one_assertion() {
    let server = TestServer::start().await;

    let none = server.post(OAUTH, &[("grant_type", JWT_BEARER)]).await;
    let form = [("grant_type", JWT_BEARER), ("assertion", "a.b.c"), ("assertion", "a.b.c")];
    let twice = server.send(post(OAUTH, &encoded(&form))).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").await;

    assert_eq!(none.error(), (400, "invalid_request"));
    assert_eq!(twice.error(), (400, "invalid_request"));
    let grants = metadata.body["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!(JWT_BEARER)));
}

#[tokio::test]
async fn a_rule_may_be_bound_to_addresses() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let rule = NewTrust {
        allowed_networks: "10.2.0.0/16".parse().unwrap(),
        ..issuer.rule(acme, "deploy", of_main())
    };
    server.trust(rule).await;

    let answer = server.assert(&issuer.token(&issuer.github("1"))).await;

    assert_eq!(answer.error(), (403, "access_denied"), "the test calls from 127.0.0.1");
}
