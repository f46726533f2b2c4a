//! What becomes of a client that registers itself, and which one cannot be.

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::{Value, json};

use super::{Itself, REGISTER, policy, register, send, server_with, servers, shop, shop_with};
use crate::{
    foreign::Foreigner,
    support::{ISSUER, TestServer},
};

#[tokio::test]
async fn dc_02_a_client_is_told_all_that_is_kept_of_it_and_gets_tokens() {
    for server in servers().await {
        let said = shop_with(json!({
            "redirect_uris": ["https://shop.example.com/back", "http://127.0.0.1/back"],
            "client_uri": "https://shop.example.com/", "logo_uri": "https://shop.example.com/logo",
            "policy_uri": "https://shop.example.com/policy", "tos_uri": "https://shop.example.com/t",
            "contacts": ["ops@shop.example.com"],
            "software_id": "shop", "software_version": "2.1",
        }));

        let answer = register(&server, &said).await;

        assert_eq!(answer.status, 201, "{}: {}", server.engine, answer.text);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        for (name, value) in said.as_object().unwrap() {
            assert_eq!(&answer.body[name], value, "{name}");
        }
        let client = Itself::from(&answer);
        let ours = json!({
            "client_id_issued_at": 1_800_000_000, "client_secret_expires_at": 0,
            "registration_client_uri": format!("{ISSUER}{REGISTER}/{}", client.id),
            "response_types": [], "dpop_bound_access_tokens": false,
        });
        for (name, value) in ours.as_object().unwrap() {
            assert_eq!(&answer.body[name], value, "{name}");
        }
        assert!(client.token.starts_with("ktm_") && client.secret.starts_with("ktc_"));
        let claims = server.claims(&client.ask(&server, &[]).await).await;
        assert_eq!((&claims["scope"], &claims["aud"]), (&json!("read"), &json!("api")));
        let trail = server.audit_trail(&format!("client:{}", client.id)).await;
        let event = &trail[0];
        assert_eq!(
            (&*event.action, event.actor.to_string()),
            ("client.registered", format!("client:{}", client.id))
        );
        assert!(event.source.is_some() && event.request_id.is_some());
        assert_eq!(event.detail["description"]["client_name"], "Shop");
        let dump = server.dump().await;
        for secret in [&client.token, &client.secret] {
            assert!(!dump.contains(&secret[4..].to_lowercase()), "{}", server.engine);
        }
    }
}

#[tokio::test]
async fn dc_02_what_a_client_leaves_out_is_as_it_is_by_default() {
    let server = server_with(policy()).await;

    let answer = register(&server, &json!({ "grant_types": ["client_credentials"] })).await;
    let public = json!({
        "grant_types": ["refresh_token"], "token_endpoint_auth_method": "none",
        "client_name": null, "contacts": [],
    });
    let public = register(&server, &public).await;

    assert_eq!(answer.body["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(answer.body["scope"], "read write", "all that it may have");
    assert_eq!(answer.body["redirect_uris"], json!([]));
    for (answer, absent) in [
        (&answer, &["client_name", "contacts", "jwks", "jwks_uri"][..]),
        (&public, &["client_secret", "client_secret_expires_at", "client_name", "contacts"]),
    ] {
        assert_eq!(answer.status, 201, "{}", answer.text);
        for name in absent {
            assert_eq!(answer.body.get(name), None, "{name}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn dc_02_only_json_is_taken() {
    let server = server_with(policy()).await;
    let sent = |kind: &'static str, body: String| {
        let request = Request::post(REGISTER).header("content-type", kind);
        server.send(request.body(Body::from(body)).unwrap())
    };

    let form = sent("application/x-www-form-urlencoded", "grant_types=x".to_owned()).await;
    let text = sent("text/json", shop().to_string()).await;
    let fine = sent("application/json; charset=utf-8", shop().to_string()).await;

    assert_eq!(form.error(), (400, "invalid_client_metadata"));
    assert_eq!(text.error(), (400, "invalid_client_metadata"));
    assert_eq!(fine.status, 201);
    for body in ["", "[]", "1", "{", "{\"scope\": }"] {
        let answer = sent("application/json", body.to_owned()).await;
        assert_eq!(answer.error(), (400, "invalid_client_metadata"), "{body}");
    }
    let long = sent("application/json", format!("{{\"x\":\"{}\"}}", "a".repeat(70_000))).await;
    assert_eq!(long.status, 413);
    let got = send(&server, (Method::GET, REGISTER), None, None).await;
    assert_eq!((got.status.as_u16(), got.header("allow")), (405, "POST"));
}

/// What is wrong with it, by the name of the error.
async fn refused(server: &TestServer, error: &str, members: Value) {
    let told = members.to_string();
    let before = server.count("clients").await;
    let answer = register(server, &shop_with(members)).await;
    assert_eq!(answer.error(), (400, error), "{told}: {}", answer.text);
    let description = answer.body["error_description"].as_str().unwrap();
    let plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(!description.is_empty() && description.chars().all(plain), "{description}");
    assert_eq!(server.count("clients").await, before, "{told}");
}

#[tokio::test]
async fn dc_03_dc_05_a_redirect_uri_that_somebody_else_could_take_is_refused() {
    let server = server_with(policy()).await;
    for uri in [
        "http://shop.example.com/back",
        "https://shop.example.com/back#part",
        "https://me@shop.example.com/",
        "https://shop.example.com/..;/back",
        "https://shop.example.com/%2e%2e/back",
        "https://*.example.com/",
        "https://shöp.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "shop:/back",
        "/back",
        "",
    ] {
        refused(&server, "invalid_redirect_uri", json!({ "redirect_uris": [uri] })).await;
    }
    for uris in [json!("https://shop.example.com/back"), json!([1]), json!({})] {
        refused(&server, "invalid_redirect_uri", json!({ "redirect_uris": uris })).await;
    }
}

#[tokio::test]
async fn dc_03_nobody_vouches_for_software_here() {
    let server = server_with(policy()).await;
    for (statement, error) in [
        (json!("e30.e30.c2ln"), "unapproved_software_statement"),
        (json!("garbage"), "invalid_software_statement"),
        (json!({}), "invalid_software_statement"),
    ] {
        refused(&server, error, json!({ "software_statement": statement })).await;
    }
}

#[tokio::test]
async fn dc_04_what_nobody_here_knows_does_not_matter_and_what_cannot_be_is_refused() {
    let server = server_with(policy()).await;
    let unknown = json!({
        "client_name#de": "Laden", "application_type": "web", "subject_type": "public",
        "require_auth_time": true, "default_max_age": 60, "x": { "deep": [1, null] },
    });

    let answer = register(&server, &shop_with(unknown)).await;

    assert_eq!(answer.status, 201, "{}", answer.text);
    for name in ["client_name#de", "application_type", "subject_type", "x"] {
        assert_eq!(answer.body.get(name), None, "what is not kept is not told");
    }
    for impossible in [
        json!({ "response_types": ["code"] }),
        json!({ "response_types": ["token"], "grant_types": ["client_credentials"] }),
        json!({ "grant_types": ["authorization_code"], "response_types": ["code"] }),
        json!({ "grant_types": ["implicit"] }),
        json!({ "grant_types": ["password"] }),
        json!({ "grant_types": [] }),
        json!({ "grant_types": null }),
        json!({ "grant_types": "client_credentials" }),
        json!({ "token_endpoint_auth_method": "none" }),
        json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
        json!({ "token_endpoint_auth_method": "tls_client_auth" }),
        json!({ "token_endpoint_auth_method": 1 }),
        json!({ "scope": ["read"] }),
        json!({ "scope": "read  write" }),
        json!({ "dpop_bound_access_tokens": "yes" }),
        json!({ "client_name": ["Shop"] }),
        json!({ "client_secret": 1 }),
    ] {
        refused(&server, "invalid_client_metadata", impossible).await;
    }
}

#[tokio::test]
async fn dc_05_keys_are_public_and_in_one_place() {
    let server = server_with(policy()).await;
    let signs = |keys: Value| {
        let mut members = json!({ "token_endpoint_auth_method": "private_key_jwt" });
        members.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        members
    };
    let set: Value = serde_json::from_str(&Foreigner::new("mine").jwks()).unwrap();
    let mut private = set.clone();
    private["keys"][0]["d"] = "AA".into();
    let mut unsigned = set.clone();
    unsigned["keys"][0]["alg"] = "none".into();
    let uri = "https://shop.example.com/jwks";

    let fine = register(&server, &shop_with(signs(json!({ "jwks": set })))).await;
    let fetched = register(&server, &shop_with(signs(json!({ "jwks_uri": uri })))).await;

    assert_eq!(fine.body["jwks"], set, "{}", fine.text);
    assert_eq!(fetched.body["jwks_uri"], uri, "{}", fetched.text);
    for wrong in [
        signs(json!({ "jwks": set, "jwks_uri": uri })),
        signs(json!({ "jwks": private })),
        signs(json!({ "jwks": unsigned })),
        signs(json!({ "jwks": { "keys": [] } })),
        signs(json!({ "jwks": "text" })),
        signs(json!({ "jwks_uri": "http://shop.example.com/jwks" })),
        signs(json!({ "jwks_uri": "https://10.0.0.1/jwks" })),
        signs(json!({})),
        json!({ "jwks": set }),
        json!({ "jwks_uri": uri }),
    ] {
        refused(&server, "invalid_client_metadata", wrong).await;
    }
}

#[tokio::test]
async fn dc_05_pages_are_https_and_nothing_goes_unsigned() {
    let server = server_with(policy()).await;
    for name in ["client_uri", "logo_uri", "policy_uri", "tos_uri"] {
        for bad in ["http://shop.example.com/", "javascript:alert(1)", "data:image/png,x", "//x"] {
            let mut members = json!({});
            members[name] = bad.into();
            refused(&server, "invalid_client_metadata", members).await;
        }
    }
    for wrong in [
        json!({ "id_token_signed_response_alg": "none" }),
        json!({ "token_endpoint_auth_signing_alg": "none" }),
        json!({ "request_object_signing_alg": "None" }),
        json!({ "introspection_signed_response_alg": "none" }),
        json!({ "client_name": "Shop\u{202E}evil" }),
        json!({ "contacts": vec!["a@example.com"; 11] }),
    ] {
        refused(&server, "invalid_client_metadata", wrong).await;
    }
}

#[tokio::test]
async fn dc_06_a_client_chooses_neither_its_id_nor_its_secret_nor_its_rights() {
    let server = server_with(policy()).await;
    let chosen = json!({
        "client_id": "0190f000-0000-7000-8000-000000000000", "client_secret": "chosen",
        "registration_access_token": "chosen", "organization_id": "elsewhere",
        "resources": ["other"], "token_lifetime_seconds": 360, "compat_aud": true,
    });

    let answer = register(&server, &shop_with(chosen)).await;

    let client = Itself::from(&answer);
    assert_ne!(client.id, "0190f000-0000-7000-8000-000000000000");
    assert!(client.secret.starts_with("ktc_") && client.token.starts_with("ktm_"));
    let kept = client.kept(&server).await.unwrap();
    assert_eq!(kept.organization_id, super::PARTNERS);
    assert_eq!((kept.terms.resources, kept.terms.token_lifetime), (policy().resources, None));
    assert!(kept.terms.exchanges.is_empty());
    for beyond in [
        json!({ "scope": "read admin" }),
        json!({ "scope": "clients:write" }),
        json!({ "grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"] }),
    ] {
        refused(&server, "invalid_client_metadata", beyond).await;
    }
    let token = client.ask(&server, &[("scope", "read write")]).await;
    assert_eq!(token.error(), (400, "invalid_scope"), "{}", token.text);
    let elsewhere = client.ask(&server, &[("resource", ISSUER)]).await;
    assert_eq!(elsewhere.error(), (400, "invalid_target"), "{}", elsewhere.text);
}

#[tokio::test]
async fn a_client_may_bind_itself_to_proofs() {
    let server = server_with(policy()).await;
    let bound = json!({ "dpop_bound_access_tokens": true });

    let answer = register(&server, &shop_with(bound)).await;
    let token = Itself::from(&answer).ask(&server, &[]).await;

    assert_eq!(answer.body["dpop_bound_access_tokens"], true);
    assert_eq!(token.error(), (400, "invalid_dpop_proof"), "{}", token.text);
}
