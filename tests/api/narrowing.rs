//! A list that narrows never opens because an item of it is blank: FX-04 at every door over HTTP.

use axum::{
    body::Body,
    http::{Method, Request},
};
use keyturn::domain::{OrganizationId, Owner, Secret};
use serde_json::{Value, json};

use crate::{
    management::acme,
    registration::{REGISTER, options, policy},
    support::{Answer, Caller, OAUTH, TestServer, problem},
};

/// Empty, spaces, a no-break space, an ideographic space, a line end.
const BLANK: [&str; 5] = ["", "  ", "\u{a0}", "\u{3000}", "\r\n"];

/// How to make or change something, and the list of it that is to be blank in one place.
struct Narrowing {
    method: Method,
    path: String,
    body: Value,
    member: &'static str,
    good: &'static str,
}

impl Narrowing {
    /// With the list of these items.
    fn body(&self, items: &[&str]) -> Value {
        let mut body = self.body.clone();
        match self.member.split_once('.') {
            None => body[self.member] = json!(items),
            Some((outer, inner)) => body[outer] = json!({ inner: items }),
        }
        body
    }

    async fn send(&self, caller: &Caller, items: &[&str]) -> Answer {
        let headers = match self.method {
            Method::PATCH => vec![("if-match", "*")],
            _ => vec![],
        };
        let json = ("content-type", "application/json");
        let headers = [&headers[..], &[json]].concat();
        let body = self.body(items).to_string();
        caller.send_text(self.method.clone(), &self.path, &headers, body).await
    }
}

async fn narrowings(server: &TestServer, acme: OrganizationId, caller: &Caller) -> Vec<Narrowing> {
    server.resource("api", "read").await;
    let key = json!({ "name": "ci", "roles": ["viewer"] });
    let client = json!({ "name": "shop", "grant_types": ["client_credentials"] });
    let policy = json!({
        "name": "ci", "issuer": "https://ci.example.com", "conditions": { "sub": ["a"] },
        "roles": ["viewer"],
    });
    let hook = json!({ "organization_id": acme, "url": "https://hooks.example.com/" });
    let places = [
        ("/api/v1/api-keys", key),
        ("/api/v1/clients", client),
        ("/api/v1/trusts", policy),
        ("/api/v1/webhooks", hook),
    ];
    let lists = [
        vec![
            ("roles", "viewer"),
            ("allowed_networks", "10.0.0.0/8"),
            ("reach", "0197f000-0000-7000-8000-000000000000"),
            ("proof", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
        ],
        vec![
            ("grant_types", "client_credentials"),
            ("scopes", "read"),
            ("resources", "api"),
            ("redirect_uris", "https://shop.example.com/back"),
            ("proof", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
        ],
        vec![
            ("roles", "viewer"),
            ("allowed_networks", "10.0.0.0/8"),
            ("resources", "api"),
            ("algorithms", "RS256"),
            ("conditions.sub", "b"),
        ],
        vec![("events", "api_key.leaked")],
    ];
    let mut all = Vec::new();
    for ((path, new), lists) in places.into_iter().zip(lists) {
        let made = caller.post(path, &new).await;
        assert_eq!(made.status, 201, "{}", made.text);
        for (member, good) in lists {
            let one = |method, path, body| Narrowing { method, path, body, member, good };
            let mut new = new.clone();
            if path != "/api/v1/webhooks" {
                new["name"] = json!("another");
            }
            all.push(one(Method::POST, path.to_owned(), new));
            all.push(one(Method::PATCH, format!("{path}/{}", made.id()), json!({})));
        }
    }
    let role = format!("/api/v1/organizations/{acme}/roles/deployer");
    for (path, member) in [(role, "scopes"), ("/api/v1/resources/web".to_owned(), "scopes")] {
        let (body, good) = (json!({}), "read");
        all.push(Narrowing { method: Method::PUT, path, body, member, good });
    }
    all
}

#[tokio::test]
async fn fx_04a_a_blank_item_is_refused_by_its_place_in_every_body() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;

        for narrowing in narrowings(&server, acme, &caller).await {
            let (good, member) = (narrowing.good, narrowing.member);
            for blank in BLANK {
                for (place, items) in [(0, &[blank][..]), (1, &[good, blank]), (0, &[blank, good])]
                {
                    let answer = narrowing.send(&caller, items).await;

                    let what = format!("{} {} {items:?}", narrowing.method, narrowing.path);
                    let told = answer.detail();
                    assert_eq!(problem(&answer), (400, "invalid-request"), "{what}: {told}");
                    let named = format!("{member}[{place}]");
                    assert!(told.contains(&named), "{what}: {told}");
                    assert!(!told.contains("line 1") || member.contains('.'), "{what}: {told}");
                }
            }
        }
    }
}

#[tokio::test]
async fn fx_04b_a_bound_key_stays_bound_and_an_empty_list_opens_it_as_it_says() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let new = json!({
            "name": "ci", "roles": ["viewer"], "allowed_networks": ["203.0.113.0/24"],
        });
        let made = caller.post("/api/v1/api-keys", &new).await;
        let secret: Secret = made.body["secret"].as_str().unwrap().parse().unwrap();
        let path = format!("/api/v1/api-keys/{}", made.id());
        let from_here = async || server.exchange("ci", &secret).await.status;

        for blank in BLANK {
            let refused = caller.patch(&path, "*", &json!({ "allowed_networks": [blank] })).await;
            assert_eq!(refused.status, 400, "{blank:?}: {}", refused.text);
            let kept = caller.get(&path).await;
            assert_eq!(kept.body["allowed_networks"], json!(["203.0.113.0/24"]));
            assert_eq!(from_here().await, 403, "{}", server.engine);
        }
        let opened = caller.patch(&path, "*", &json!({ "allowed_networks": [] })).await;

        assert_eq!(opened.status, 200, "{}", opened.text);
        assert_eq!(from_here().await, 200, "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_04c_an_ipv4_range_in_ipv6_is_the_ipv4_range() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let with = |name: &str, range: &str| json!({ "name": name, "roles": ["viewer"], "allowed_networks": [range] });

        let inside = caller.post("/api/v1/api-keys", &with("in", "::ffff:127.0.0.0/104")).await;
        let outside = caller.post("/api/v1/api-keys", &with("out", "::ffff:10.0.0.0/104")).await;
        let unclear = caller.post("/api/v1/api-keys", &with("no", "::ffff:127.0.0.0/8")).await;

        assert_eq!(inside.body["allowed_networks"], json!(["127.0.0.0/8"]));
        assert_eq!(outside.body["allowed_networks"], json!(["10.0.0.0/8"]));
        for (made, name, status) in [(inside, "in", 200), (outside, "out", 403)] {
            let secret: Secret = made.body["secret"].as_str().unwrap().parse().unwrap();
            let answer = server.exchange(name, &secret).await;
            assert_eq!(answer.status, status, "{} {}", server.engine, answer.text);
        }
        assert_eq!(unclear.status, 400);
        assert!(unclear.detail().starts_with("allowed_networks[0]: "), "{}", unclear.text);
    }
}

#[tokio::test]
async fn fx_04d_a_client_that_registers_itself_is_told_of_a_blank_item() {
    let server = TestServer::with(options(policy())).await;
    for (member, named) in [
        (json!({ "grant_types": ["client_credentials", "\u{a0}"] }), "grant_types[1] is blank"),
        (json!({ "grant_types": [""] }), "grant_types[0] is blank"),
        (json!({ "redirect_uris": ["https://a.example/", " "] }), "redirect_uris[1]"),
        (json!({ "redirect_uris": [""] }), "redirect_uris[0]"),
        (json!({ "scope": " " }), "scope: scopes are"),
        (json!({ "scope": "\u{a0}" }), "scope: scopes are"),
    ] {
        let mut body = json!({ "grant_types": ["client_credentials"] });
        body.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
        let request = Request::post(REGISTER).header("content-type", "application/json");
        let answer = server.send(request.body(Body::from(body.to_string())).unwrap()).await;

        assert_eq!(answer.status, 400, "{member}: {}", answer.text);
        let told = answer.body["error_description"].as_str().unwrap();
        assert!(told.contains(named), "{member}: {told}");
    }
}

#[tokio::test]
async fn fx_04e_a_form_narrows_by_no_blank_text() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    server.resource("api", "read").await;
    let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
    let id = key.id.to_string();
    for blank in ["  ", "\u{a0}", "\u{3000}"] {
        for parameter in ["scope", "resource", "audience", "organizationId"] {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_id", &*id),
                ("client_secret", secret.reveal()),
                (parameter, blank),
            ];

            let answer = server.post(OAUTH, &form).await;

            assert_eq!(answer.status, 400, "{parameter} {blank:?}: {}", answer.text);
        }
    }
}
