//! A client that registered itself sees itself, changes itself to less, and ends itself.

use axum::http::Method;
use keyturn::{
    domain::{ApiKeyId, ClientId, Expected, ProofDemand},
    manage::{
        Asker,
        clients::{self, Edit, TermsEdit},
    },
};
use serde_json::{Value, json};

use super::{Itself, REGISTER, policy, register, send, server_with, servers, shop, shop_with};
use crate::support::{Answer, INTROSPECT, TestServer, encoded, post};

fn id(client: &Itself) -> ClientId {
    client.id.parse().unwrap()
}

async fn edited(server: &TestServer, client: &Itself, edit: Edit) {
    let asker = Asker::keyturn();
    clients::update(&server.app, &asker, id(client), &Expected::Any, edit).await.unwrap();
}

#[tokio::test]
async fn dc_07_a_client_sees_itself_by_its_token_alone() {
    for server in servers().await {
        let made = register(&server, &shop()).await;
        let (client, other) = (Itself::from(&made), Itself::registered(&server, &shop()).await);

        let seen = client.get(&server).await;

        let mut expected = made.body.clone();
        for once in ["client_secret", "client_secret_expires_at"] {
            expected.as_object_mut().unwrap().remove(once);
        }
        assert_eq!((seen.status.as_u16(), &seen.body), (200, &expected), "{}", server.engine);
        assert_eq!(seen.header("cache-control"), "no-store");
        let unknown = Itself { id: ApiKeyId(uuid::Uuid::nil()).to_string(), ..client.clone() };
        let malformed = Itself { id: "nonsense".to_owned(), ..client.clone() };
        let by_secret = Itself { token: client.secret.clone(), ..client.clone() };
        let by_other = Itself { token: other.token.clone(), ..client.clone() };
        let mut answers = vec![send(&server, (Method::GET, &client.path()), None, None).await];
        for wrong in [unknown, malformed, by_secret, by_other] {
            answers.push(wrong.get(&server).await);
            answers.push(wrong.put(&server, &shop()).await);
            answers.push(wrong.delete(&server).await);
        }
        for answer in answers {
            assert_eq!(answer.error(), (401, "invalid_token"), "{}", server.engine);
            assert_eq!(
                answer.text,
                r#"{"error":"invalid_token","error_description":"send the registration_access_token of this client as Authorization: Bearer"}"#
            );
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        }
        assert_eq!(client.get(&server).await.status, 200, "and nothing was done");
        let wrong = Itself { token: other.token, ..client.clone() }.get(&server).await;
        server.settle().await;
        let told = server.refusal(&wrong).await.unwrap();
        assert_eq!((&*told.reason, &*told.door), ("registration_token", REGISTER));
    }
}

#[tokio::test]
async fn dc_07_a_client_that_an_owner_made_has_no_token_for_itself() {
    let server = server_with(policy()).await;
    let made =
        server.client(super::PARTNERS, "shop", keyturn::domain::ClientTerms::default()).await;
    let registered = Itself::registered(&server, &shop()).await;
    let owned = Itself { id: made.client.id.to_string(), ..registered };

    assert_eq!(owned.get(&server).await.error(), (401, "invalid_token"));
    assert_eq!(owned.delete(&server).await.error(), (401, "invalid_token"));
}

#[tokio::test]
async fn dc_07_a_put_takes_the_place_of_all_that_was_said() {
    for server in servers().await {
        let said = shop_with(json!({
            "redirect_uris": ["https://shop.example.com/back"], "contacts": ["a@example.com"],
            "scope": "read write", "grant_types": ["client_credentials", "refresh_token"],
        }));
        let client = Itself::registered(&server, &said).await;

        let now = json!({
            "client_name": "Store", "grant_types": ["client_credentials"], "scope": "read",
            "token_endpoint_auth_method": "client_secret_post", "client_secret": client.secret,
        });
        let changed = client.put(&server, &now).await;

        assert_eq!(changed.status, 200, "{}: {}", server.engine, changed.text);
        let expected = [("client_name", json!("Store")), ("scope", json!("read"))];
        for (name, value) in expected {
            assert_eq!(changed.body[name], value);
        }
        assert_eq!(changed.body["redirect_uris"], json!([]));
        for gone in ["contacts", "client_secret", "client_secret_expires_at"] {
            assert_eq!(changed.body.get(gone), None, "{gone}");
        }
        assert_eq!(client.ask(&server, &[("scope", "write")]).await.error().1, "invalid_scope");
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", "any"),
            ("client_id", &client.id),
            ("client_secret", &client.secret),
        ];
        assert_eq!(server.post("/oauth2/token", &form).await.error().1, "unauthorized_client");
        let trail = server.audit_trail(&format!("client:{}", client.id)).await;
        let last = trail.last().unwrap();
        assert_eq!(
            (&*last.action, last.actor.to_string()),
            ("client.updated", format!("client:{}", client.id))
        );
    }
}

#[tokio::test]
async fn dc_07_a_put_says_whose_it_is_and_nothing_that_is_ours_to_say() {
    let server = server_with(policy()).await;
    let (client, other) =
        (Itself::registered(&server, &shop()).await, Itself::registered(&server, &shop()).await);
    let target = (Method::PUT, client.path());
    let put = async |body: Value| -> Answer {
        let (method, path) = &target;
        send(&server, (method.clone(), path), Some(&client.token), Some(&body)).await
    };

    let without = put(shop()).await;
    let with_others = put(shop_with(json!({ "client_id": other.id }))).await;

    let mut wrong = vec![without, with_others];
    for (name, value) in [
        ("registration_access_token", json!(client.token)),
        ("registration_client_uri", json!("https://keyturn.test/x")),
        ("client_secret_expires_at", json!(0)),
        ("client_id_issued_at", json!(1)),
        ("client_secret", json!(other.secret)),
        ("client_secret", json!("chosen")),
        ("redirect_uris", json!(["http://shop.example.com/"])),
        ("logo_uri", json!("http://shop.example.com/")),
    ] {
        let mut said = shop_with(json!({ "client_id": client.id }));
        said[name] = value;
        wrong.push(put(said).await);
    }
    for answer in &wrong {
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    assert_eq!(client.get(&server).await.status, 200, "the token is as it was");
    assert_eq!(client.kept(&server).await.unwrap().version.0, 1, "nothing was changed");
}

#[tokio::test]
async fn dc_06_dc_07_a_client_gives_itself_nothing_that_it_has_not() {
    let server = server_with(policy()).await;
    let client = Itself::registered(&server, &shop()).await;
    for more in [
        json!({ "scope": "read write" }),
        json!({ "grant_types": ["client_credentials", "refresh_token"] }),
    ] {
        let answer = client.put(&server, &shop_with(more)).await;
        assert_eq!(answer.error(), (400, "invalid_client_metadata"), "{}", answer.text);
    }
}

#[tokio::test]
async fn what_an_owner_decided_about_a_client_stays_decided() {
    let server = server_with(policy()).await;
    let client = Itself::registered(&server, &shop_with(json!({ "scope": "read write" }))).await;
    let terms = TermsEdit {
        scopes: Some("read".parse().unwrap()),
        token_lifetime: Some(Some(60)),
        proof: Some(ProofDemand::Any),
        ..TermsEdit::default()
    };
    edited(&server, &client, Edit { terms, ..Edit::default() }).await;

    let regain = client.put(&server, &shop_with(json!({ "scope": "read write" }))).await;
    let loosen = client.put(&server, &shop()).await;
    let bound = json!({ "dpop_bound_access_tokens": true, "client_name": "Store" });
    let fine = client.put(&server, &shop_with(bound)).await;

    assert_eq!(regain.error(), (400, "invalid_client_metadata"), "{}", regain.text);
    assert_eq!(loosen.error(), (400, "invalid_client_metadata"), "{}", loosen.text);
    assert_eq!(fine.status, 200, "{}", fine.text);
    let kept = client.kept(&server).await.unwrap();
    assert_eq!((kept.terms.token_lifetime, kept.terms.proof), (Some(60), ProofDemand::Any));
}

#[tokio::test]
async fn a_client_that_an_owner_disabled_cannot_help_itself() {
    let server = server_with(policy()).await;
    let client = Itself::registered(&server, &shop()).await;
    edited(&server, &client, Edit { enabled: Some(false), ..Edit::default() }).await;

    for answer in [
        client.get(&server).await,
        client.put(&server, &shop()).await,
        client.delete(&server).await,
    ] {
        assert_eq!(answer.error(), (403, "access_denied"), "{}", answer.text);
    }
    assert!(client.kept(&server).await.unwrap().disabled_at.is_some());
}

#[tokio::test]
async fn dc_07_a_client_that_ends_itself_ends_all_it_got() {
    for server in servers().await {
        let said = shop_with(json!({ "grant_types": ["client_credentials", "refresh_token"] }));
        let client = Itself::registered(&server, &said).await;
        let got = client.ask(&server, &[]).await;
        let api = server.resource_server(super::PARTNERS, "api", &["api"]).await;
        let token = got.body["access_token"].as_str().unwrap();
        assert_eq!(server.introspect(&api, token).await.body["active"], true, "{}", got.text);

        let ended = client.delete(&server).await;

        assert_eq!((ended.status.as_u16(), ended.text.as_str()), (204, ""), "{}", server.engine);
        assert_eq!(server.introspect(&api, token).await.body["active"], false);
        assert_eq!(client.ask(&server, &[]).await.error(), (401, "invalid_client"));
        assert_eq!(client.get(&server).await.error(), (401, "invalid_token"));
        assert_eq!(client.delete(&server).await.error(), (401, "invalid_token"));
        let trail = server.audit_trail(&format!("client:{}", client.id)).await;
        assert_eq!(trail.last().unwrap().action, "client.deleted");
    }
}

#[tokio::test]
async fn nobody_makes_themselves_a_resource_server() {
    let server = server_with(policy()).await;
    let (client, other) =
        (Itself::registered(&server, &shop()).await, Itself::registered(&server, &shop()).await);
    let token = other.ask(&server, &[]).await;
    let token = token.body["access_token"].as_str().unwrap();
    let form = [("token", token), ("client_id", &client.id), ("client_secret", &client.secret)];

    let answer = server.send(post(INTROSPECT, &encoded(&form))).await;

    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, r#"{"active":false}"#));
}
