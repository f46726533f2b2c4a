//! MD-04: the metadata says all that is there, and nothing else. Each test asks the server itself,
//! and holds the answer against the documents, both ways.

use axum::http::header::AUTHORIZATION;
use keyturn::domain::{Authentication, ClientTerms, GrantType};
use serde_json::Value;

use crate::support::{Answer, ISSUER, OAUTH, Options, TestServer, basic, encoded, post};

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

/// A server for whose issuer the documents are found in other places, too.
async fn tenant() -> TestServer {
    let mut options = Options::default();
    options.settings.issuer = format!("{ISSUER}/tenant/one");
    TestServer::with(options).await
}

async fn document(server: &TestServer, name: &str) -> Value {
    let path = server.app.settings.issuer.strip_prefix(ISSUER).unwrap();
    let answer = server.get(&format!("{name}{path}")).await;
    assert_eq!(answer.status, 200, "{name}");
    answer.body
}

#[tokio::test]
async fn md_04_an_endpoint_is_advertised_if_and_only_if_it_answers() {
    for server in [TestServer::start().await, tenant().await] {
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
    for server in [TestServer::start().await, tenant().await] {
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

/// A client that proves itself in this way, asking for what every client may.
async fn asked(server: &TestServer, name: &str, authentication: Authentication) -> Answer {
    let id = server.root(name).await;
    let by_header = authentication == Authentication::ClientSecretBasic;
    let grants = vec![GrantType::ClientCredentials];
    let scopes = "read".parse().unwrap();
    let terms = ClientTerms { authentication, grants, scopes, ..ClientTerms::default() };
    let made = server.client(id, name, terms).await;
    let (id, secret) = (made.client.id.to_string(), made.secret.unwrap());
    let grant = ("grant_type", "client_credentials");
    if !by_header {
        let form = [grant, ("client_id", &id), ("client_secret", secret.reveal())];
        return server.post(OAUTH, &form).await;
    }
    let mut request = post(OAUTH, &encoded(&[grant]));
    request.headers_mut().insert(AUTHORIZATION, basic(&id, secret.reveal()).parse().unwrap());
    server.send(request).await
}

#[tokio::test]
async fn md_04_md_06_a_method_of_authentication_is_advertised_if_and_only_if_it_works() {
    let server = TestServer::start().await;
    server.acme().await;
    let document = document(&server, OAUTH_DOCUMENT).await;
    let advertised = listed(&document, "token_endpoint_auth_methods_supported");

    for method in [Authentication::ClientSecretBasic, Authentication::ClientSecretPost] {
        let name = method.as_str();
        let answer = asked(&server, name, method).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        assert!(advertised.contains(&name), "{name}");
    }
    for never in ["client_secret_jwt", "tls_client_auth", "self_signed_tls_client_auth"] {
        assert!(!advertised.contains(&never), "{never}");
    }
    let signs = advertised.contains(&"private_key_jwt");
    let algorithms = listed(&document, "token_endpoint_auth_signing_alg_values_supported");
    assert_eq!(!algorithms.is_empty(), signs, "algorithms belong to signatures");
    for never in ["none", "HS256", "HS384", "HS512"] {
        assert!(!algorithms.contains(&never), "{never}");
    }
    for endpoint in ["introspection", "revocation"] {
        let there = !document[format!("{endpoint}_endpoint")].is_null();
        let methods = listed(&document, &format!("{endpoint}_endpoint_auth_methods_supported"));
        assert_eq!(!methods.is_empty(), there, "{endpoint}: the default would be another");
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
