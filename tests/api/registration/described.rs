//! Owners see which clients registered themselves, and files that declare clients leave them alone.

use keyturn::{
    domain::Owner,
    manage::{Asker, api_keys::NewApiKey, declared},
};
use serde_json::json;

use super::{Itself, PARTNERS, policy, server_with, shop, shop_with};
use crate::support::{encoded, new_key};

#[tokio::test]
async fn an_owner_sees_which_client_registered_itself_and_ends_it() {
    let server = server_with(policy()).await;
    let roles = Some("owner".parse().unwrap());
    let new = NewApiKey { roles, ..new_key(Owner::Organization(PARTNERS), "owner") };
    let owner = server.manage(&server.make_key(new).await.1).await;
    let client = Itself::registered(&server, &shop()).await;
    let path = format!("/api/v1/clients/{}", client.id);
    let made = json!({ "name": "owned", "grant_types": ["client_credentials"], "scopes": [] });
    owner.post("/api/v1/clients", &made).await;

    let listed = owner.get("/api/v1/clients").await;
    let ended = owner.delete(&path, "*").await;

    // Two of one second have no order.
    let items = listed.body["items"].as_array().unwrap();
    let of = |name: &str| {
        let item = items.iter().find(|it| it["name"] == name).unwrap();
        (item["self_registered"].clone(), item["client_name"].clone())
    };
    assert_eq!(of(&format!("registered-{}", client.id)), (json!(true), json!("Shop")));
    assert_eq!(of("owned"), (json!(false), json!(null)));
    assert_eq!(ended.status, 204, "{}", ended.text);
    assert_eq!(client.get(&server).await.error(), (401, "invalid_token"));
}

#[tokio::test]
async fn a_file_neither_tells_of_them_nor_ends_them() {
    let server = server_with(policy()).await;
    let client = Itself::registered(&server, &shop()).await;
    server.client(PARTNERS, "owned", keyturn::domain::ClientTerms::default()).await;

    let present = declared::read(&server.app, &Asker::keyturn()).await.unwrap();

    let names: Vec<_> = present.state.clients.keys().map(|of| of.name.to_string()).collect();
    assert_eq!(names, ["owned"], "what is not read is not there to be pruned");
    assert!(client.kept(&server).await.is_some());
}

#[tokio::test]
async fn ac_02_nobody_is_sent_on_to_a_client_that_registered_itself() {
    let server = server_with(policy()).await;
    let callback = "https://shop.example.com/back";
    let said = shop_with(json!({ "redirect_uris": [callback] }));
    let client = Itself::registered(&server, &said).await;
    let asked = [("response_type", "code"), ("client_id", &client.id), ("redirect_uri", callback)];

    let answer = server.get(&format!("/oauth2/authorize?{}", encoded(&asked))).await;

    assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""));
    assert!(answer.text.contains("is not verified"), "{}", answer.text);
}
