//! FX-06: clients and CI jobs manage by their own tokens, and a refusal there can be explained.

use keyturn::domain::{Authentication, ClientTerms, GrantType, OrganizationId};
use serde_json::json;

use crate::{
    management::acme,
    support::{Caller, Ci, Client, ISSUER, OAUTH, TestServer},
};

const KEYS: &str = "/api/v1/api-keys";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A client that does what managers do, with a token for the server itself.
async fn client(server: &TestServer, acme: OrganizationId) -> (Client, Caller) {
    let terms = ClientTerms {
        authentication: Authentication::ClientSecretBasic,
        grants: vec![GrantType::ClientCredentials],
        scopes: "keys:read keys:write organizations:read read usage:read write".parse().unwrap(),
        ..ClientTerms::default()
    };
    let client: Client = server.client(acme, "machine", terms).await.into();
    let form = [("grant_type", "client_credentials"), ("resource", ISSUER)];
    let answer = server.send(client.request(OAUTH, &form)).await;
    let token = answer.body["access_token"].as_str();
    let token = token.unwrap_or_else(|| panic!("no token: {}", answer.text));
    let caller = server.manage_by(token);
    (client, caller)
}

async fn job(server: &TestServer, acme: OrganizationId) -> Caller {
    let ci = Ci::at("https://ci.example.com");
    ci.trusted_by(server, ci.rule(acme)).await;
    let assertion = ci.job(server);
    let form = [("grant_type", JWT_BEARER), ("assertion", &*assertion), ("resource", ISSUER)];
    let answer = server.post(OAUTH, &form).await;
    let token = answer.body["access_token"].as_str();
    server.manage_by(token.unwrap_or_else(|| panic!("no token: {}", answer.text)))
}

#[tokio::test]
async fn fx_06a_a_client_and_a_job_manage_within_their_bounds() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let machines = [("c", client(&server, acme).await.1), ("j", job(&server, acme).await)];
        for (name, machine) in machines {
            let key = |role| json!({ "name": format!("{name} {role}"), "roles": [role] });

            let viewer = machine.post(KEYS, &key("viewer")).await;
            let owner = machine.post(KEYS, &key("owner")).await;
            let members = machine.get(&format!("/api/v1/organizations/{acme}/members")).await;

            assert_eq!(viewer.status, 201, "{} {name}: {}", server.engine, viewer.text);
            assert_eq!(owner.status, 403, "{} {name}: {}", server.engine, owner.text);
            assert!(owner.detail().contains("is not yours to give"), "{}", owner.text);
            assert_eq!(members.status, 403, "{}", members.text);
        }
    }
}

#[tokio::test]
async fn fx_06b_a_refusal_at_the_api_is_explained_by_its_request_id() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let (client, machine) = client(&server, acme).await;
        let path = format!("/api/v1/clients/{}", client.id);
        let disabled = owner.patch(&path, "*", &json!({ "enabled": false })).await;
        assert_eq!(disabled.status, 200, "{}", disabled.text);

        let refused = machine.get(KEYS).await;
        server.settle().await;

        assert_eq!(refused.status, 401, "{}: {}", server.engine, refused.text);
        let id = refused.header("x-request-id");
        let told = owner.get(&format!("/api/v1/explanations/{id}")).await;
        assert_eq!(told.status, 200, "{}: {}", server.engine, told.text);
        assert_eq!(told.body["reason"], "client_disabled", "{}", told.text);
    }
}
