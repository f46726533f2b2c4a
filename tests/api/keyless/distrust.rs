//! What no rule trusts is refused alike, whatever is wrong with it.

use aws_lc_rs::hmac;
use keyturn::{domain::Reach, exchange::explain, manage::trusts::NewTrust};
use serde_json::{Value, json};

use super::{Foreigner, Issuer, NOW, of_main, with, without};
use crate::{
    foreign::{base64, compact},
    support::{Answer, TestServer, new_key, problem},
};

/// Each refused for a reason of its own, and told apart by nobody.
#[tokio::test]
async fn jb_08_what_no_rule_trusts_is_refused_in_the_same_words() {
    let server = TestServer::start().await;
    let (acme, issuer, other) = (server.acme().await, Issuer::start().await, Issuer::start().await);
    server.trust(issuer.rule(acme, "deploy", of_main())).await;
    let job = || issuer.github("1");
    let signed = |claims: Value| issuer.token(&claims);
    let typed = |typ: &str| {
        let header = json!({ "alg": "ES256", "kid": "k1", "typ": typ });
        issuer.signs.signed(&header, &job())
    };
    let cases = [
        (
            "no_rule_holds",
            "`ref` is `refs/heads/dev`",
            signed(with(job(), "ref", "refs/heads/dev")),
        ),
        ("no_rule_holds", "`ref` is not said", signed(without(job(), "ref"))),
        (
            "no_rule_holds",
            "`repository_id` is `129626`",
            signed(with(job(), "repository_id", "129626")),
        ),
        (
            "no_rule_holds",
            "is for `https://github.com/acme`",
            signed(with(job(), "aud", "https://github.com/acme")),
        ),
        ("no_rule_holds", "no claim aud", signed(without(job(), "aud"))),
        ("no_rule_holds", "expired", signed(with(job(), "exp", NOW))),
        ("no_rule_holds", "no claim exp", signed(without(job(), "exp"))),
        ("no_rule_holds", "time to come", signed(with(job(), "nbf", NOW + 61))),
        ("no_rule_holds", "time to come", signed(with(job(), "iat", NOW + 61))),
        ("no_rule_holds", "no claim sub", signed(without(job(), "sub"))),
        ("no_rule_holds", "claim sub", signed(with(job(), "sub", "a\nb"))),
        ("no_rule_holds", "another type", typed("at+jwt")),
        ("no_rule_holds", "another type", typed("dpop+jwt")),
        ("no_rule_holds", "signature is wrong", Foreigner::new("k1").token(&job())),
        ("no_rule_holds", "no key", Foreigner::new("k2").token(&job())),
        ("unknown_issuer", "no trust policy names", other.token(&other.github("1"))),
        (
            "unknown_issuer",
            "no trust policy names",
            signed(with(job(), "iss", format!("{}/", issuer.url))),
        ),
        ("unknown_issuer", "who issued", signed(without(job(), "iss"))),
        ("malformed_assertion", "no token", "no token".to_owned()),
        ("unknown_issuer", "who issued", "e30.e30.".to_owned()),
    ];

    let mut answers = Vec::new();
    for (.., token) in &cases {
        answers.push(server.assert(token).await);
    }
    let good = server.assert(&signed(job())).await;
    server.settle().await;

    for ((code, words, _), answer) in cases.iter().zip(&answers) {
        assert_eq!(answer.error(), (400, "invalid_grant"), "{words}");
        assert_eq!(answer.text, answers[0].text, "{words}");
        let (reason, detail) = server.reason(answer).await;
        assert_eq!(reason, *code, "{words}: {detail}");
        assert!(detail.contains(words), "{words}: {detail}");
    }
    assert_eq!(good.status, 200, "what is only almost right uses nothing up: {}", good.text);
}

/// Keycloak's CVE-2026-11800: the public key is public, so anybody can use it as a shared secret.
#[tokio::test]
async fn inc_10_the_public_key_is_no_secret_to_sign_with() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    server.trust(issuer.rule(acme, "deploy", of_main())).await;
    let job = issuer.github("1");
    let mac = |secret: &[u8], message: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        hmac::sign(&key, message).as_ref().to_vec()
    };
    let own = Foreigner::new("k1");
    let with_own = json!({ "alg": "ES256", "kid": "k1", "jwk": own.jwk() });
    let mut forged = vec![
        compact(&json!({ "alg": "none" }), &job, |_| Vec::new()),
        compact(&json!({ "alg": "none", "kid": "k1" }), &job, |_| Vec::new()),
        own.signed(&with_own, &job),
        own.signed(&json!({ "alg": "ES256", "jku": format!("{}/keys", issuer.url) }), &job),
    ];
    let jwk = issuer.signs.jwk();
    let x = jwk["x"].as_str().unwrap();
    for secret in [jwk.to_string(), issuer.signs.jwks(), x.to_owned(), base64(x)] {
        for alg in ["HS256", "ES256"] {
            let header = json!({ "alg": alg, "kid": "k1", "typ": "JWT" });
            forged.push(compact(&header, &job, |message| mac(secret.as_bytes(), message)));
        }
    }

    let mut answers: Vec<Answer> = Vec::new();
    for token in &forged {
        answers.push(server.assert(token).await);
    }
    let genuine = server.assert(&issuer.token(&job)).await;

    for (answer, token) in answers.iter().zip(&forged) {
        assert_eq!(answer.error(), (400, "invalid_grant"), "{token}");
    }
    assert_eq!(genuine.status, 200, "{}", genuine.text);
}

#[tokio::test]
async fn whoever_reaches_the_organization_is_told_which_condition_failed_and_nobody_else() {
    for server in TestServer::on_each_engine().await {
        let (acme, issuer) = (server.acme().await, Issuer::start().await);
        let globex = server.root("globex").await;
        server.trust(issuer.rule(acme, "deploy", of_main())).await;
        let (_, mine) = server.key(keyturn::domain::Owner::Organization(acme), "mine").await;
        let (_, theirs) = server.key(keyturn::domain::Owner::Organization(globex), "theirs").await;
        let token = issuer.token(&with(issuer.github("1"), "ref", "refs/heads/dev"));

        let answer = server.assert(&token).await;
        let (mine, theirs) = (server.manage(&mine).await, server.manage(&theirs).await);
        server.settle().await;
        let id = answer.header("x-request-id");
        let told = mine.get(&format!("/api/v1/explanations/{id}")).await;
        let not_told = theirs.get(&format!("/api/v1/explanations/{id}")).await;

        let why = "No trust policy holds; rule `deploy`: `ref` is `refs/heads/dev`, not \
                   `refs/heads/main` or `refs/tags/*`.";
        assert_eq!(told.body["explanation"], why, "{}: {}", server.engine, told.text);
        assert_eq!(told.body["reason"], "no_rule_holds");
        assert_eq!(problem(&not_told), (404, "not-found"));
        let known = explain(&server.app, id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(known.recorded.organization_id, Some(acme));
    }
}

#[tokio::test]
async fn rules_of_several_organizations_are_not_quoted_to_each_other() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let globex = server.root("globex").await;
    for (organization, name) in [(acme, "secret plan"), (globex, "other plan")] {
        server.trust(issuer.rule(organization, name, of_main())).await;
    }
    let wrong = issuer.token(&with(issuer.github("1"), "ref", "refs/heads/dev"));
    let acme_only = [("organizationId", &*acme.to_string())];

    let of_all = server.assert(&wrong).await;
    let of_acme = server.assert_with(&wrong, &acme_only).await;
    server.settle().await;

    let (_, detail) = server.reason(&of_all).await;
    assert!(
        detail.contains("none of the 2 trust policies") && !detail.contains("plan"),
        "{detail}"
    );
    let (_, detail) = server.reason(&of_acme).await;
    assert!(detail.contains("`secret plan`") && !detail.contains("other plan"), "{detail}");
}

#[tokio::test]
async fn several_rules_that_hold_are_refused_until_the_organization_is_named() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let globex = server.root("globex").await;
    let mine = server.trust(issuer.rule(acme, "deploy", of_main())).await;
    server.trust(issuer.rule(globex, "deploy", of_main())).await;
    let token = issuer.token(&issuer.github("1"));

    let any = server.assert(&token).await;
    let named = server.assert_with(&token, &[("organizationId", &acme.to_string())]).await;
    server.trust(NewTrust { ..issuer.rule(acme, "twin", of_main()) }).await;
    let again = issuer.token(&issuer.github("2"));
    let twins = server.assert_with(&again, &[("organizationId", &acme.to_string())]).await;

    assert_eq!(any.error(), (400, "invalid_grant"));
    assert!(any.text.contains("organizationId"), "{}", any.text);
    assert_eq!(server.claims(&named).await["client_id"], mine.id.to_string());
    assert_eq!(twins.error(), (400, "invalid_grant"));
    assert!(twins.text.contains("several trust policies"), "{}", twins.text);
}

#[tokio::test]
async fn a_token_of_our_own_is_no_token_of_somebody_else() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let new = keyturn::manage::api_keys::NewApiKey {
        reach: Reach::Own,
        ..new_key(keyturn::domain::Owner::Organization(acme), "ci")
    };
    let (_, secret) = server.make_key(new).await;
    let answer = server.exchange("ci", &secret).await;

    let refused = server.assert(answer.body["access_token"].as_str().unwrap()).await;

    assert_eq!(refused.error(), (400, "invalid_grant"));
}
