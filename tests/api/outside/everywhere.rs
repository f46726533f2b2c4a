//! Every string that a caller can send, at every endpoint: none makes the server fail.

use axum::{body::Body, http::Request};

use super::{HOSTILE, JWT_BEARER, claims, unsigned};
use crate::{
    operations::{World, operations, strings, with},
    support::{OAUTH, TestServer, encoded, post},
};

#[tokio::test]
async fn fx_10f_no_text_in_any_member_parameter_or_path_makes_the_management_api_fail() {
    for server in TestServer::on_each_engine().await {
        let world = World::new(&server).await;
        let mut sent = 0;
        for operation in operations(&server).await {
            let path = world.path(&operation);
            for hostile in HOSTILE {
                let mut answers = Vec::new();
                for (name, _) in &operation.query {
                    answers.push(world.ask(&operation, name, hostile).await);
                }
                let body = operation.body.as_ref();
                for place in body.map(strings).unwrap_or_default() {
                    let body = with(body.unwrap(), &place, hostile.into());
                    answers.push(world.send(&operation, &path, &[], Some(&body)).await);
                }
                let text = encoded(&[("", hostile)]).trim_start_matches('=').replace('+', "%20");
                let named = operation.path.split('{').skip(1).map(|it| it.split('}').next());
                for name in named.flatten() {
                    let path = operation.path.replace(&format!("{{{name}}}"), &text);
                    let path = path.replace(['{', '}'], "");
                    answers.push(world.send(&operation, &path, &[], body).await);
                }
                sent += answers.len();
                for answer in answers {
                    let (method, status) = (&operation.method, answer.status.as_u16());
                    let what = format!("{} {method} {path} {hostile:?}", server.engine);
                    assert!(status < 500, "{what}: {status} {}", answer.text);
                }
            }
        }
        assert!(sent > 800, "{sent}");
    }
}

#[tokio::test]
async fn fx_10g_no_header_makes_the_server_fail() {
    let hostile = ["\u{9b}31m", "a\tb", "\u{e9}", "\u{202e}"];
    for server in TestServer::on_each_engine().await {
        let world = World::new(&server).await;
        for operation in operations(&server).await {
            let path = world.path(&operation);
            for text in hostile {
                let mut names: Vec<_> = operation.headers.iter().map(String::as_str).collect();
                names.extend(["User-Agent", "X-Request-Id", "DPoP", "X-Forwarded-For"]);
                for name in names {
                    let body = operation.body.as_ref();
                    let answer = world.send(&operation, &path, &[(name, text)], body).await;

                    let what = format!("{} {path} {name} {text:?}", server.engine);
                    assert!(answer.status.as_u16() < 500, "{what}: {}", answer.text);
                }
            }
        }
    }
}

/// Paths that take a form, and what they may take in it.
const FORMS: [(&str, &[&str]); 9] = [
    (OAUTH, &["client_id", "client_secret", "client_assertion", "resource", "scope"]),
    ("/auth/v1/api-key/token", &["name", "secret", "organizationId", "resource", "scope"]),
    ("/auth/v1/token", &["pat", "organizationId", "resource", "scope", "audience"]),
    ("/oauth2/introspect", &["token", "token_type_hint", "client_id", "client_secret"]),
    ("/oauth2/revoke", &["token", "token_type_hint", "client_id", "client_secret"]),
    ("/oauth2/authorize", &["client_id", "redirect_uri", "state", "scope", "resource"]),
    ("/auth/v1/verify", &["resource", "scope"]),
    ("/oauth2/register", &["client_name"]),
    ("/auth/v1/api-key/revoke", &["secret", "name"]),
];

const GRANTS: [(&str, &str); 5] = [
    ("client_credentials", "client_id"),
    ("refresh_token", "refresh_token"),
    (JWT_BEARER, "assertion"),
    ("urn:ietf:params:oauth:grant-type:token-exchange", "subject_token"),
    ("urn:keyturn:params:oauth:grant-type:api-key", "secret"),
];

#[tokio::test]
async fn fx_10h_no_form_makes_the_server_fail() {
    for server in TestServer::on_each_engine().await {
        let ci = server.trusts_ci().await;
        let mut forms = Vec::new();
        for hostile in HOSTILE {
            for (path, names) in FORMS {
                for name in names {
                    forms.push((path, vec![(*name, hostile)]));
                    forms.push((path, vec![("grant_type", "client_credentials"), (name, hostile)]));
                }
            }
            for (grant, name) in GRANTS {
                forms.push((OAUTH, vec![("grant_type", grant), (name, hostile)]));
                forms.push((OAUTH, vec![("grant_type", hostile), (name, "x")]));
            }
        }
        let mut all: Vec<_> = forms.iter().map(|(path, form)| (*path, encoded(form))).collect();
        for hostile in HOSTILE {
            for claim in ["iss", "sub", "aud", "jti", "client_id"] {
                let mut said = claims(1);
                said[claim] = hostile.into();
                for token in [unsigned(&said), ci.token(&said)] {
                    for (grant, name) in GRANTS {
                        let kind = "urn:ietf:params:oauth:token-type:jwt";
                        let form =
                            [("grant_type", grant), (name, &token), ("subject_token_type", kind)];
                        all.push((OAUTH, encoded(&form)));
                    }
                }
            }
        }
        for (path, form) in all {
            let query = Request::get(format!("{path}?{form}")).body(Body::empty()).unwrap();
            for answer in [server.send(post(path, &form)).await, server.send(query).await] {
                let status = answer.status.as_u16();
                assert!(status < 500, "{} {path} {form}: {status} {}", server.engine, answer.text);
            }
        }
        server.settle().await;
        assert_eq!(server.count("usage_quarantine").await, 0, "{}", server.engine);
    }
}
