//! One resource, however its URI is spelt (RFC 3986, section 6.2).

use keyturn::domain::{ClientTerms, ExchangeRule, GrantType, Owner};
use serde_json::json;

use crate::{
    management::acme,
    support::{API_KEY, Answer, Client, INTROSPECT, ISSUER, OAUTH, TestServer, problem},
};

const REGISTERED: &str = "https://shop.test";
const SPELLINGS: [&str; 5] = [
    REGISTERED,
    "https://shop.test/",
    "https://SHOP.test",
    "HTTPS://shop.test:443",
    "https://shop.test/a/..",
];
const OTHERS: [&str; 4] =
    ["http://shop.test", "https://shop.test/v1", "https://shop.test:8443", "https://shop.test//"];

/// A spelling as a segment of a path.
fn at(spelling: &str) -> String {
    let encoded = spelling.replace(':', "%3A").replace('/', "%2F");
    format!("/api/v1/resources/{encoded}")
}

async fn audience(server: &TestServer, answer: &Answer) -> serde_json::Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    server.claims(answer).await["aud"].clone()
}

#[tokio::test]
async fn fx_32_any_spelling_names_the_resource_and_the_token_has_the_registered_one() {
    for server in TestServer::on_each_engine().await {
        server.resource(REGISTERED, "read").await;
        let root = server.root("acme").await;
        let (_, secret) = server.key(Owner::Organization(root), "ci").await;
        let ask = |name: &'static str, spelling: String| {
            let server = &server;
            let secret = secret.reveal().to_owned();
            async move {
                let form = [("name", "ci"), ("secret", &*secret), (name, &*spelling)];
                server.post(API_KEY, &form).await
            }
        };

        for name in ["resource", "audience"] {
            for spelling in SPELLINGS {
                let answer = ask(name, spelling.to_owned()).await;
                assert_eq!(audience(&server, &answer).await, REGISTERED, "{name}={spelling}");
            }
            for other in OTHERS {
                let answer = ask(name, other.to_owned()).await;
                assert_eq!(answer.error(), (400, "invalid_target"), "{name}={other}");
            }
        }
        for spelling in [format!("{ISSUER}/"), format!("{ISSUER}:443")] {
            let answer = ask("resource", spelling).await;
            assert_eq!(audience(&server, &answer).await, ISSUER, "{}", server.engine);
        }
        let twice = [
            ("name", "ci"),
            ("secret", secret.reveal()),
            ("resource", SPELLINGS[0]),
            ("resource", SPELLINGS[1]),
        ];
        assert_eq!(server.post(API_KEY, &twice).await.status, 200, "they name one resource");
    }
}

#[tokio::test]
async fn fx_32_no_two_spellings_are_registered_and_each_finds_the_one() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let made = caller.put_new(&at(REGISTERED), &json!({ "scopes": ["read"] })).await;
        assert_eq!(made.status, 201, "{}", made.text);

        for spelling in SPELLINGS {
            let again = caller.put_new(&at(spelling), &json!({ "scopes": ["read"] })).await;
            let shown = caller.get(&at(spelling)).await;
            let change = json!({ "scopes": ["read", "write"] });
            let changed = caller.put(&at(spelling), shown.etag(), &change).await;

            assert_eq!(problem(&again).0, 409, "{} {spelling}", server.engine);
            assert_eq!(shown.body["identifier"], REGISTERED, "{spelling}: {}", shown.text);
            assert_eq!(changed.status, 200, "{spelling}: {}", changed.text);
            assert_eq!(changed.body["identifier"], REGISTERED, "{spelling}");
        }
        let other = caller.put_new(&at(OTHERS[1]), &json!({ "scopes": ["read"] })).await;
        assert_eq!(other.status, 201, "another path is another resource: {}", other.text);
        let list = caller.get("/api/v1/resources").await;
        let items = list.body["items"].as_array().unwrap();
        let ours: Vec<_> = items.iter().map(|it| it["identifier"].as_str().unwrap()).collect();
        assert_eq!(ours.iter().filter(|it| it.contains("shop.test")).count(), 2, "{ours:?}");
        let tag = caller.get(&at(REGISTERED)).await.etag().to_owned();
        assert_eq!(caller.delete(&at(SPELLINGS[1]), &tag).await.status, 204);
        assert_eq!(problem(&caller.get(&at(REGISTERED)).await).0, 404);
    }
}

#[tokio::test]
async fn fx_32_what_is_bound_to_one_spelling_may_be_named_by_another() {
    for server in TestServer::on_each_engine().await {
        server.resource(REGISTERED, "read write").await;
        let root = server.root("acme").await;
        let (_, secret) = server.key(Owner::Organization(root), "ci").await;
        let slashed = || "https://shop.test/".parse().unwrap();
        let rules = vec![ExchangeRule {
            issuer: ISSUER.to_owned(),
            resource: slashed(),
            impersonation: true,
        }];
        let terms = ClientTerms {
            grants: vec![GrantType::ClientCredentials, GrantType::TokenExchange],
            scopes: "read".parse().unwrap(),
            resources: Some(vec![slashed()]),
            exchanges: rules,
            ..ClientTerms::default()
        };
        let client: Client = server.client(root, "shop", terms).await.into();

        let form = [("grant_type", "client_credentials"), ("resource", SPELLINGS[3])];
        let own = server.send(client.request(OAUTH, &form)).await;
        let form = [("name", "ci"), ("secret", secret.reveal()), ("resource", REGISTERED)];
        let keys = server.post(API_KEY, &form).await;
        let token = keys.body["access_token"].as_str().unwrap().to_owned();
        let known = server.send(client.request(INTROSPECT, &[("token", &token)])).await;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", &*token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("resource", SPELLINGS[2]),
        ];
        let exchanged = server.send(client.request(OAUTH, &form)).await;
        let behind = format!("/auth/v1/verify?resource={}", "https%3A%2F%2Fshop.test%2F");
        let request = axum::http::Request::get(behind);
        let request = request.header("authorization", format!("Bearer {token}"));
        let gateway = server.send(request.body(axum::body::Body::empty()).unwrap()).await;

        assert_eq!(audience(&server, &own).await, REGISTERED, "{}", server.engine);
        assert_eq!(known.body["active"], true, "{}", known.text);
        assert_eq!(audience(&server, &exchanged).await, REGISTERED);
        assert_eq!(gateway.status, 200, "{}", gateway.text);
    }
}
