//! Credentials that are worth nothing without a proof: check DP-08 and what `proof` of a key
//! promises.

use axum::http::Method;
use keyturn::{
    domain::{
        ApiKey, Authentication, ClientTerms, Expected, GrantType, Lifetime, Owner, ProofDemand,
        Secret,
    },
    manage::{
        Asker,
        api_keys::{self, Edit, NewApiKey},
    },
};
use serde_json::json;

use super::{assert_bound, form};
use crate::support::{API_KEY, ISSUER, OAUTH, ProofKey, TestServer, new_key, problem};

async fn key_that(server: &TestServer, proof: ProofDemand) -> (ApiKey, Secret) {
    let owner = Owner::Organization(server.acme().await);
    server.make_key(NewApiKey { proof: Some(proof), ..new_key(owner, "ci") }).await
}

fn one_of(key: &ProofKey) -> ProofDemand {
    key.thumbprint().parse().unwrap()
}

#[tokio::test]
async fn a_leaked_secret_alone_is_useless_where_the_key_demands_a_proof() {
    for server in TestServer::on_each_engine().await {
        let (own, thiefs) = (ProofKey::p256(), ProofKey::p256());
        let (key, secret) = key_that(&server, one_of(&own)).await;

        let bare = server.exchange("ci", &secret).await;
        let thief = server.post_by(&thiefs, API_KEY, &form(&secret)).await;
        let holder = server.post_by(&own, API_KEY, &form(&secret)).await;
        server.settle().await;

        for refused in [&bare, &thief] {
            assert_eq!(refused.error(), (400, "invalid_dpop_proof"), "{}", server.engine);
        }
        assert_bound(&holder, &server.claims(&holder).await, &own);
        let (bare, thief) = (server.refusal(&bare).await, server.refusal(&thief).await);
        let (bare, thief) = (bare.unwrap(), thief.unwrap());
        assert_eq!((bare.reason.as_str(), bare.api_key_id), ("no_proof", Some(key.id)));
        assert_eq!(thief.reason, "proof_key_not_allowed");
        assert!(thief.detail.contains(&thiefs.thumbprint()), "{}", thief.detail);
    }
}

#[tokio::test]
async fn a_key_may_demand_some_proof_by_whatever_key() {
    let server = TestServer::start().await;
    let (_, secret) = key_that(&server, ProofDemand::Any).await;

    let bare = server.exchange("ci", &secret).await;
    assert_eq!(bare.error(), (400, "invalid_dpop_proof"));
    for key in [ProofKey::p256(), ProofKey::ed25519()] {
        let answer = server.post_by(&key, API_KEY, &form(&secret)).await;
        assert_bound(&answer, &server.claims(&answer).await, &key);
    }
}

#[tokio::test]
async fn the_demand_of_a_key_holds_at_every_door() {
    let server = TestServer::start().await;
    let (_, secret) = key_that(&server, ProofDemand::Any).await;
    let text = secret.reveal();
    let doors: [(&str, &[(&str, &str)]); 4] = [
        ("/auth/v1/token", &[("pat", text)]),
        ("/auth/v3/token", &[("personalAccessKey", text)]),
        (super::IBM, &[("grant_type", super::IBM_GRANT), ("apikey", text)]),
        (
            OAUTH,
            &[("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", text)],
        ),
    ];
    for (path, form) in doors {
        let answer = server.post(path, form).await;

        assert_eq!(answer.error(), (400, "invalid_dpop_proof"), "{path}");
    }
}

#[tokio::test]
async fn dp_08_a_client_may_be_registered_to_prove_a_key() {
    for server in TestServer::on_each_engine().await {
        let terms = ClientTerms {
            authentication: Authentication::ClientSecretPost,
            grants: vec![GrantType::ClientCredentials],
            scopes: "read".parse().unwrap(),
            proof: ProofDemand::Any,
            ..ClientTerms::default()
        };
        let made = server.client(server.acme().await, "shop", terms).await;
        let (id, secret) = (made.client.id.to_string(), made.secret.unwrap());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret.reveal()),
        ];
        let key = ProofKey::p256();

        let bare = server.post(OAUTH, &form).await;
        let proved = server.post_by(&key, OAUTH, &form).await;

        assert_eq!(bare.error(), (400, "invalid_dpop_proof"), "{}", server.engine);
        assert_bound(&proved, &server.claims(&proved).await, &key);
    }
}

#[tokio::test]
async fn a_demand_counts_for_tokens_that_are_out_already() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let new = NewApiKey {
        roles: Some("owner".parse().unwrap()),
        ..new_key(Owner::Organization(acme), "ci")
    };
    let (key, secret) = server.make_key(new).await;
    let caller = server.manage(&secret).await;
    let before = caller.get("/api/v1/organizations").await;
    let edit = Edit { proof: Some(ProofDemand::Any), ..Edit::default() };

    api_keys::update(&server.app, &Asker::keyturn(), key.id, &Expected::Any, edit).await.unwrap();
    let after = caller.get("/api/v1/organizations").await;

    assert_eq!(before.status, 200, "{}", before.text);
    assert_eq!(problem(&after), (401, "invalid-token"));
}

#[tokio::test]
async fn a_demand_is_made_and_lifted_by_the_api_and_told_in_the_audit_trail() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let owner = Owner::Organization(acme);
        let new = NewApiKey { roles: Some("owner".parse().unwrap()), ..new_key(owner, "boss") };
        let caller = server.manage(&server.make_key(new).await.1).await;
        let keys = [ProofKey::p256().thumbprint(), ProofKey::ed25519().thumbprint()];
        let new = json!({ "name": "ci", "roles": ["viewer"], "proof": keys });

        let made = caller.post("/api/v1/api-keys", &new).await;
        let path = format!("/api/v1/api-keys/{}", made.id());
        let any = caller.patch(&path, made.etag(), &json!({ "proof": "any" })).await;
        let none = caller.patch(&path, any.etag(), &json!({ "proof": "none" })).await;

        assert_eq!(made.body["proof"], json!(keys), "{}", made.text);
        assert_eq!((&any.body["proof"], &none.body["proof"]), (&json!("any"), &json!("none")));
        let trail = server.audit_trail(&format!("key:{}", made.id())).await;
        assert_eq!(trail[0].detail["proof"], keys.join(" "));
        assert_eq!(trail[1].detail["from"]["proof"], keys.join(" "));
        assert_eq!(trail[2].detail["to"]["proof"], "none");
    }
}

#[tokio::test]
async fn what_is_no_demand_is_refused() {
    let server = TestServer::start().await;
    let owner = Owner::Organization(server.acme().await);
    let new = NewApiKey { roles: Some("owner".parse().unwrap()), ..new_key(owner, "boss") };
    let caller = server.manage(&server.make_key(new).await.1).await;
    let thumbprint = ProofKey::p256().thumbprint();

    for proof in [
        json!("some"),
        json!([]),
        json!(["x"]),
        json!([thumbprint, "any"]),
        json!(vec![thumbprint.as_str(); 17]),
        json!(null),
    ] {
        let new = json!({ "name": "ci", "roles": ["viewer"], "proof": proof });
        let answer = caller.post("/api/v1/api-keys", &new).await;

        let expected = if proof.is_null() { 201 } else { 400 };
        assert_eq!(answer.status, expected, "{proof}: {}", answer.text);
    }
}

#[tokio::test]
async fn fx_05i_a_key_that_demands_a_proof_makes_nothing_that_does_not() {
    let server = TestServer::start().await;
    let own = ProofKey::p256();
    let acme = server.acme().await;
    let owner = Owner::Organization(acme);
    let new = NewApiKey {
        roles: Some("owner".parse().unwrap()),
        proof: Some(one_of(&own)),
        lifetime: Lifetime::Never,
        ..new_key(owner, "boss")
    };
    let (boss, secret) = server.make_key(new).await;
    let form = [("name", "boss"), ("secret", secret.reveal()), ("resource", ISSUER)];
    let token = server.post_by(&own, API_KEY, &form).await.body["access_token"].clone();
    let token = token.as_str().unwrap();
    let send = async |method: Method, path: &str, body: serde_json::Value| {
        let proof = own.proof_of(&server, (method.as_str(), path), token);
        let request = axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof)
            .header("if-match", "*")
            .header("content-type", "application/json");
        server.send(request.body(body.to_string().into()).unwrap()).await
    };
    let make = async |name: &str, more: serde_json::Value| {
        let mut new = json!({ "name": name, "roles": ["viewer"] });
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        send(Method::POST, "/api/v1/api-keys", new).await
    };

    let unsaid = make("a", json!({})).await;
    let other = make("b", json!({ "proof": [ProofKey::p256().thumbprint()] })).await;
    let any = make("c", json!({ "proof": "any" })).await;
    let none = make("d", json!({ "proof": "none" })).await;
    let own_path = format!("/api/v1/api-keys/{}", boss.id);
    let lifted = send(Method::PATCH, &own_path, json!({ "proof": "none" })).await;
    let client = json!({ "name": "c", "grant_types": ["client_credentials"], "scopes": [] });
    let client = send(Method::POST, "/api/v1/clients", client).await;
    let trust = json!({
        "name": "t", "issuer": "https://ci.example.com", "roles": ["viewer"],
        "conditions": { "sub": ["a"] },
    });
    let trust = send(Method::POST, "/api/v1/trusts", trust).await;
    let free = server.obtaining_client(acme, "free").await;
    let free = format!("/api/v1/clients/{}", free.id);
    let secret = send(Method::POST, &format!("{free}/secrets"), json!({})).await;
    let stopped = send(Method::PATCH, &free, json!({ "enabled": false })).await;
    let enabled = send(Method::PATCH, &free, json!({ "enabled": true })).await;

    assert_eq!(stopped.status, 200, "{}", stopped.text);
    assert_eq!(unsaid.body["proof"], json!([own.thumbprint()]), "{}", unsaid.text);
    assert_eq!(other.status, 201, "{}", other.text);
    for wider in [any, none, lifted, client, trust, secret, enabled] {
        assert_eq!(problem(&wider), (403, "forbidden"), "{}", wider.text);
        assert!(wider.detail().contains("less proof of possession"), "{}", wider.text);
    }
}

#[tokio::test]
async fn a_simulation_takes_as_proved_what_the_key_demands() {
    let server = TestServer::start().await;
    let (key, _) = key_that(&server, one_of(&ProofKey::p256())).await;

    let wish = keyturn::exchange::Wish::default();
    let simulated = keyturn::exchange::simulate(&server.app, key.id, &wish, None).await;

    let simulated = simulated.unwrap().unwrap();
    assert!(simulated.outcome.is_ok());
    assert_eq!(simulated.key.proof, key.proof);
}
