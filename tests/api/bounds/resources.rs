//! FX-05: a principal that gets tokens for some resources makes nothing that gets them for others.

use keyturn::domain::{Authentication, ClientTerms, GrantType, OrganizationId};
use serde_json::{Value, json};

use super::define;
use crate::{
    management::acme,
    support::{Caller, Client, ISSUER, OAUTH, TestServer},
};

const CLIENTS: &str = "/api/v1/clients";
const SHOP: &str = "https://shop.example.com";

/// A client that has all rights of owners, at keyturn itself alone.
async fn provisioner(server: &TestServer, acme: OrganizationId) -> Caller {
    let terms = ClientTerms {
        authentication: Authentication::ClientSecretBasic,
        grants: vec![GrantType::ClientCredentials],
        scopes: "clients:read clients:write keys:read keys:write members:read members:write \
                 organizations:read read roles:read roles:write trusts:read trusts:write \
                 usage:read write"
            .parse()
            .unwrap(),
        resources: Some(vec![ISSUER.parse().unwrap()]),
        ..ClientTerms::default()
    };
    let client: Client = server.client(acme, "provisioner", terms).await.into();
    let form = [("grant_type", "client_credentials"), ("resource", ISSUER)];
    let answer = server.send(client.request(OAUTH, &form)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    server.manage_by(answer.body["access_token"].as_str().unwrap())
}

fn client(name: &str, resources: &Value) -> Value {
    json!({
        "name": name, "grant_types": ["client_credentials"], "scopes": ["keys:read"],
        "resources": resources,
    })
}

fn trust(name: &str, resources: &Value) -> Value {
    json!({
        "name": name, "issuer": "https://ci.example.com", "roles": ["viewer"],
        "conditions": { "sub": [name] }, "resources": resources,
    })
}

#[tokio::test]
async fn fx_05f_what_is_limited_to_resources_makes_nothing_for_others() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let limited = provisioner(&server, acme).await;
        let free = owner.post(CLIENTS, &client("free", &Value::Null)).await;
        let key =
            owner.post("/api/v1/api-keys", &json!({ "name": "k", "roles": ["viewer"] })).await;
        let (free, key) = (format!("{CLIENTS}/{}", free.id()), key.id().to_owned());
        let at_shop = json!([ISSUER, SHOP]);

        let own = limited.post(CLIENTS, &client("own", &json!([ISSUER]))).await;
        let usual = limited.post(CLIENTS, &client("usual", &Value::Null)).await;
        let trusted = limited.post("/api/v1/trusts", &trust("a", &Value::Null)).await;
        let own_path = format!("{CLIENTS}/{}", own.id());
        let refused = [
            limited.post(CLIENTS, &client("shop", &at_shop)).await,
            limited.post("/api/v1/trusts", &trust("b", &at_shop)).await,
            limited.patch(&own_path, "*", &json!({ "resources": at_shop })).await,
            limited.patch(&own_path, "*", &json!({ "resources": null })).await,
            limited.patch(&free, "*", &json!({ "resources": [ISSUER] })).await,
            limited.post(&format!("{free}/secrets"), &json!({})).await,
            limited.post("/api/v1/api-keys", &json!({ "name": "n", "roles": ["viewer"] })).await,
            limited.act_with(&format!("/api/v1/api-keys/{key}/rotate"), "*", &json!({})).await,
        ];
        let stopped = limited.patch(&free, "*", &json!({ "enabled": false })).await;

        for made in [own, usual, trusted] {
            assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
            assert_eq!(made.body["resources"], json!([ISSUER]), "{}", made.text);
        }
        for (place, answer) in refused.iter().enumerate() {
            assert_eq!(answer.status, 403, "{} {place}: {}", server.engine, answer.text);
            assert!(answer.detail().contains(ISSUER), "{place}: {}", answer.text);
        }
        assert_eq!(stopped.status, 200, "{}: {}", server.engine, stopped.text);
    }
}

#[tokio::test]
async fn fx_05g_it_gives_rights_at_its_own_resources_alone() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        define(&server, acme, "keeper", "keys:read").await;
        define(&server, acme, "clerk", "keys:read write").await;
        let ada = server.user("ada@example.com", &[(acme, "keeper")]).await;
        let limited = provisioner(&server, acme).await;
        let at = |rest: &str| format!("/api/v1/organizations/{acme}{rest}");
        let member = at(&format!("/members/{ada}"));

        let keeps = limited.put_new(&at("/roles/one"), &json!({ "scopes": ["keys:read"] })).await;
        let given = limited.patch(&member, "*", &json!({ "role": "one" })).await;
        let refused = [
            limited.put_new(&at("/roles/two"), &json!({ "scopes": ["write"] })).await,
            limited.patch(&member, "*", &json!({ "role": "clerk" })).await,
        ];

        assert_eq!(keeps.status, 201, "{}: {}", server.engine, keeps.text);
        assert_eq!(given.status, 200, "{}: {}", server.engine, given.text);
        for (place, answer) in refused.iter().enumerate() {
            assert_eq!(answer.status, 403, "{} {place}: {}", server.engine, answer.text);
            assert!(answer.detail().contains("scope write"), "{place}: {}", answer.text);
        }
    }
}
