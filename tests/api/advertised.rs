//! MD-04: the metadata says all that is there, and nothing else. Each test asks the server itself,
//! and holds the answer against the documents, both ways.

use axum::http::header::AUTHORIZATION;
use jsonwebtoken::decode_header;
use keyturn::{
    domain::{Algorithm, Authentication, ClientTerms, GrantType, KeySource, Owner, RefreshTerms},
    manage::{Asker, signing_keys},
};
use serde_json::Value;

use crate::{
    assertions::{self, JWT_BEARER},
    foreign::Foreigner,
    registration,
    support::{
        API_KEY, Client, INTROSPECT, ISSUER, OAUTH, REVOKE, TestServer, basic, encoded, post,
    },
};

const OPENID_DOCUMENT: &str = "/.well-known/openid-configuration";
const OAUTH_DOCUMENT: &str = "/.well-known/oauth-authorization-server";
const RESOURCE_DOCUMENT: &str = "/.well-known/oauth-protected-resource";

/// What metadata calls an endpoint, and where it is when there is one.
const ENDPOINTS: &[(&str, &str)] = &[
    ("authorization_endpoint", "/oauth2/authorize"),
    ("backchannel_authentication_endpoint", "/oauth2/backchannel"),
    ("device_authorization_endpoint", "/oauth2/device_authorization"),
    ("end_session_endpoint", "/oauth2/logout"),
    ("introspection_endpoint", "/oauth2/introspect"),
    ("pushed_authorization_request_endpoint", "/oauth2/par"),
    ("registration_endpoint", "/oauth2/register"),
    ("revocation_endpoint", "/oauth2/revoke"),
    ("token_endpoint", OAUTH),
    ("userinfo_endpoint", "/oauth2/userinfo"),
];

/// All that a token endpoint could be asked for.
const GRANTS: &[&str] = &[
    "authorization_code",
    "client_credentials",
    "implicit",
    "password",
    "refresh_token",
    "urn:ibm:params:oauth:grant-type:apikey",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
];

fn path_of(url: &Value) -> &str {
    url.as_str().unwrap().strip_prefix(ISSUER).unwrap()
}

fn listed<'a>(document: &'a Value, name: &str) -> Vec<&'a str> {
    let list = document[name].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|entry| entry.as_str().unwrap()).collect()
}

async fn document(server: &TestServer, name: &str) -> Value {
    let path = server.app.settings.issuer.strip_prefix(ISSUER).unwrap();
    let answer = server.get(&format!("{name}{path}")).await;
    assert_eq!(answer.status, 200, "{name}");
    answer.body
}

/// One where clients register themselves.
async fn registering() -> TestServer {
    TestServer::with(registration::options(registration::policy())).await
}

#[tokio::test]
async fn md_04_an_endpoint_is_advertised_if_and_only_if_it_answers() {
    for server in [TestServer::start().await, TestServer::tenant().await, registering().await] {
        let issuer = &server.app.settings.issuer;
        for name in [OPENID_DOCUMENT, OAUTH_DOCUMENT] {
            let document = document(&server, name).await;

            for (endpoint, path) in ENDPOINTS {
                let url = format!("{issuer}{path}");
                let answer = server.post(path_of(&Value::from(url.as_str())), &[]).await;

                let advertised = document[endpoint].as_str();
                let there = answer.status != 404;
                assert_eq!(
                    advertised,
                    there.then_some(url.as_str()),
                    "{endpoint}: {}",
                    answer.text
                );
                assert_ne!(answer.status, 405, "{endpoint}");
            }
            let known = |name: &&String| ENDPOINTS.iter().any(|(endpoint, _)| endpoint == name);
            let names = document.as_object().unwrap().keys();
            let unknown: Vec<_> =
                names.filter(|name| name.ends_with("_endpoint") && !known(name)).collect();
            assert!(unknown.is_empty(), "{unknown:?}: say above where they are");
        }
    }
}

#[tokio::test]
async fn md_04_what_is_published_beside_is_there_to_be_read() {
    for server in [TestServer::start().await, TestServer::tenant().await] {
        let issuer = server.app.settings.issuer.as_str();
        let (oauth, openid) =
            (document(&server, OAUTH_DOCUMENT).await, document(&server, OPENID_DOCUMENT).await);
        let resource = document(&server, RESOURCE_DOCUMENT).await;

        assert_eq!(resource["resource"], issuer);
        assert_eq!(listed(&resource, "authorization_servers"), [issuer]);
        assert_eq!(resource["jwks_uri"], oauth["jwks_uri"]);
        let urls = [&oauth, &resource].into_iter().flat_map(|it| it.as_object().unwrap());
        let is_read = |name: &str| name.ends_with("_uri") || name.ends_with("_documentation");
        for (name, url) in urls.filter(|(name, _)| is_read(name)) {
            assert_eq!(server.get(path_of(url)).await.status, 200, "{name}: {url}");
        }
        for (name, value) in oauth.as_object().unwrap() {
            assert_eq!(&openid[name], value, "{name}: both documents are of one server");
        }
    }
}

#[tokio::test]
async fn md_04_a_grant_is_advertised_if_and_only_if_it_can_be_asked_for() {
    let server = TestServer::start().await;
    let document = document(&server, OAUTH_DOCUMENT).await;
    let advertised = listed(&document, "grant_types_supported");

    for grant in GRANTS {
        let answer = server.post(OAUTH, &[("grant_type", grant)]).await;

        let (status, error) = answer.error();
        let supported = error != "unsupported_grant_type";
        assert_eq!(advertised.contains(grant), supported, "{grant}: {status} {error}");
    }
    for grant in advertised {
        assert!(GRANTS.contains(&grant), "{grant}: name it above");
    }
}

/// The name of an endpoint, its path, and a form.
type Question = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What an endpoint is asked that takes clients, by anyone.
const QUESTIONS: &[Question] = &[
    ("token", OAUTH, &[("grant_type", "refresh_token"), ("refresh_token", "garbage")]),
    ("introspection", INTROSPECT, &[("token", "garbage")]),
    ("revocation", REVOKE, &[("token", "garbage")]),
];

fn methods() -> [(Authentication, Option<Foreigner>); 4] {
    let key = Foreigner::new("mine");
    let keys = KeySource::Pinned(key.jwks());
    [
        (Authentication::None, None),
        (Authentication::ClientSecretBasic, None),
        (Authentication::ClientSecretPost, None),
        (Authentication::PrivateKeyJwt { keys, compat_aud: false, signing_alg: None }, Some(key)),
    ]
}

/// Tells whether a client that is known by this method alone may ask there.
async fn is_taken(
    server: &TestServer,
    client: &Client,
    method: &Authentication,
    key: Option<&Foreigner>,
    (path, question): (&str, &[(&str, &str)]),
) -> bool {
    let mut form = question.to_vec();
    let assertion = key.map(|key| key.token(&assertions::claims(&client.id, server)));
    if let Some(assertion) = &assertion {
        form.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]);
    }
    if matches!(method, Authentication::ClientSecretPost | Authentication::None) {
        form.push(("client_id", &client.id));
    }
    if *method == Authentication::ClientSecretPost {
        form.push(("client_secret", &client.secret));
    }
    let mut request = post(path, &encoded(&form));
    if *method == Authentication::ClientSecretBasic {
        let header = basic(&client.id, &client.secret).parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, header);
    }
    server.send(request).await.body["error"] != "invalid_client"
}

#[tokio::test]
async fn md_04_md_06_a_method_of_authentication_is_advertised_if_and_only_if_it_works() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let document = document(&server, OAUTH_DOCUMENT).await;

    for (method, key) in methods() {
        let name = method.as_str();
        let terms = ClientTerms {
            authentication: method.clone(),
            grants: vec![GrantType::RefreshToken],
            scopes: "read".parse().unwrap(),
            refresh: Some(RefreshTerms { rotates: true, lifetime: 3600, idle: 3600 }),
            ..ClientTerms::default()
        };
        let client: Client = server.client(acme, name, terms).await.into();
        for (endpoint, path, question) in QUESTIONS {
            let asked = (*path, *question);
            let taken = is_taken(&server, &client, &method, key.as_ref(), asked).await;

            let methods = listed(&document, &format!("{endpoint}_endpoint_auth_methods_supported"));
            assert_eq!(methods.contains(&name), taken, "{name} at the {endpoint} endpoint");
        }
    }
    for (endpoint, ..) in QUESTIONS {
        let member = |what| format!("{endpoint}_endpoint_auth_{what}_supported");
        for never in ["client_secret_jwt", "tls_client_auth", "self_signed_tls_client_auth"] {
            assert!(!listed(&document, &member("methods")).contains(&never), "{never}");
        }
        let algorithms = listed(&document, &member("signing_alg_values"));
        assert!(algorithms.contains(&"ES256"), "{endpoint}: {algorithms:?}");
        assert!(algorithms.iter().all(|it| !it.starts_with("HS") && *it != "none"), "{endpoint}");
    }
}

#[tokio::test]
async fn md_04_proofs_of_possession_are_advertised_if_and_only_if_they_are_looked_at() {
    let (server, secret) = TestServer::with_key().await;
    let form = [("name", "ci"), ("secret", secret.reveal())];

    let mut request = post("/auth/v1/api-key/token", &encoded(&form));
    request.headers_mut().insert("dpop", "garbage".parse().unwrap());
    let answer = server.send(request).await;

    let looked_at = answer.error() == (400, "invalid_dpop_proof");
    for name in [OPENID_DOCUMENT, OAUTH_DOCUMENT, RESOURCE_DOCUMENT] {
        let document = document(&server, name).await;
        let algorithms = listed(&document, "dpop_signing_alg_values_supported");
        assert_eq!(!algorithms.is_empty(), looked_at, "{name}");
        assert!(algorithms.iter().all(|it| !it.starts_with("HS") && *it != "none"), "{name}");
    }
}

/// go-oidc, and what is built on it, takes tokens by these algorithms only, whatever the JWKS has.
#[tokio::test]
async fn fx_30_a_verifier_that_trusts_the_listed_algorithms_takes_every_token() {
    let server = TestServer::start().await;
    let root = server.root("acme").await;
    let (_, secret) = server.key(Owner::Organization(root), "ci").await;
    signing_keys::ensure(&server.app, &Asker::keyturn(), Algorithm::EdDsa).await.unwrap();
    server.app.clock.advance(server.app.settings.rotation.publish_lead());
    server.app.catch_up().await.unwrap();
    let document = document(&server, OPENID_DOCUMENT).await;
    let listed = listed(&document, "id_token_signing_alg_values_supported");

    for algorithm in Algorithm::ALL {
        let resource = algorithm.as_str().to_lowercase();
        server.resource_with(&resource, "read", algorithm).await;
        let form = [("name", "ci"), ("secret", secret.reveal()), ("audience", resource.as_str())];
        let answer = server.post(API_KEY, &form).await;

        let token =
            answer.body["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text));
        let header = decode_header(token).unwrap();
        let used = serde_json::to_value(header.alg).unwrap();
        assert_eq!(used, algorithm.as_str());
        assert!(listed.contains(&algorithm.as_str()), "{algorithm}: {listed:?}");
    }
    assert!(listed.contains(&"RS256"), "OpenID Connect Discovery 1.0, section 3: {listed:?}");
}
