//! Tokens of somebody else for tokens of ours: CI jobs and workloads that keep no key.

mod distrust;
mod grant;
mod keys;
mod uses;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, routing::get};
use keyturn::{
    domain::{Algorithms, Conditions, OrganizationId, Trust},
    manage::{
        Asker,
        trusts::{self, GivenKeys, NewTrust},
    },
};
use serde_json::{Value, json};

use crate::{
    foreign::Foreigner,
    support::{Answer, ISSUER, OAUTH, TestServer},
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The clock of every test server.
const NOW: i64 = 1_800_000_000;

/// Somebody who signs tokens and publishes the keys, until the test ends.
struct Issuer {
    url: String,
    signs: Foreigner,
    jwks: Arc<Mutex<String>>,
    /// How often its keys were asked for.
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let signs = Foreigner::new("k1");
        let (jwks, asked) = (Arc::new(Mutex::new(signs.jwks())), Arc::new(AtomicUsize::new(0)));
        let metadata = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string();
        let (published, counted) = (jwks.clone(), asked.clone());
        let json = [("content-type", "application/json")];
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async move || (json, metadata)))
            .route(
                "/keys",
                get(async move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                    (json, published.lock().unwrap().clone())
                }),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, signs, jwks, asked }
    }

    /// One whom nobody can ask.
    fn away() -> Self {
        let signs = Foreigner::new("k1");
        let jwks = Arc::new(Mutex::new(signs.jwks()));
        Self { url: "https://ci.example.com".to_owned(), signs, jwks, asked: Arc::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A job on GitHub Actions, with its claims as they are documented there.
    fn github(&self, id: &str) -> Value {
        json!({
            "iss": self.url, "aud": ISSUER, "jti": id,
            "iat": NOW, "nbf": NOW - 5, "exp": NOW + 900,
            "sub": "repo:acme/web:environment:prod",
            "repository": "acme/web", "repository_id": "1296269",
            "repository_owner": "acme", "repository_owner_id": "583231",
            "repository_visibility": "private", "ref": "refs/heads/main", "ref_type": "branch",
            "environment": "prod", "actor": "octocat", "actor_id": "12",
            "event_name": "push", "workflow": "deploy", "run_id": "1", "run_number": "10",
            "runner_environment": "github-hosted",
            "job_workflow_ref": "acme/web/.github/workflows/deploy.yml@refs/heads/main",
        })
    }

    /// A job on GitLab CI.
    fn gitlab(&self, id: &str) -> Value {
        json!({
            "iss": self.url, "aud": ISSUER, "jti": id,
            "iat": NOW, "nbf": NOW - 5, "exp": NOW + 3600,
            "sub": "project_path:acme/web:ref_type:branch:ref:main",
            "namespace_id": "72", "namespace_path": "acme",
            "project_id": "20", "project_path": "acme/web",
            "user_id": "1", "user_login": "ada", "pipeline_id": "574", "pipeline_source": "push",
            "job_id": "302", "ref": "main", "ref_type": "branch", "ref_protected": "true",
            "runner_environment": "gitlab-hosted",
        })
    }

    /// A service account of Kubernetes: its token is good for many uses.
    fn kubernetes(&self) -> Value {
        json!({
            "iss": self.url, "aud": [ISSUER], "iat": NOW, "nbf": NOW, "exp": NOW + 3607,
            "sub": "system:serviceaccount:prod:deployer",
            "kubernetes.io": {
                "namespace": "prod",
                "pod": { "name": "deployer-1", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3" },
                "serviceaccount": { "name": "deployer", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798" },
            },
        })
    }

    fn token(&self, claims: &Value) -> String {
        self.signs.token(claims)
    }

    /// A rule of this name that gives what a manager may.
    fn rule(&self, organization_id: OrganizationId, name: &str, conditions: Value) -> NewTrust {
        NewTrust {
            organization_id,
            name: name.parse().unwrap(),
            issuer: self.url.clone(),
            keys: GivenKeys::Discovered,
            algorithms: Algorithms::default(),
            audience: None,
            conditions: conditions_of(conditions),
            roles: "manager".parse().unwrap(),
            resources: None,
            allowed_networks: "".parse().unwrap(),
            expires_at: None,
            once: true,
        }
    }
}

fn conditions_of(json: Value) -> Conditions {
    serde_json::from_value(json).unwrap()
}

/// What every job on GitHub here fulfils.
fn of_main() -> Value {
    json!({ "repository_id": ["1296269"], "ref": ["refs/heads/main", "refs/tags/*"] })
}

fn with(mut claims: Value, name: &str, value: impl Into<Value>) -> Value {
    claims[name] = value.into();
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

impl TestServer {
    async fn trust(&self, new: NewTrust) -> Trust {
        trusts::create(&self.app, &Asker::keyturn(), new).await.unwrap()
    }

    async fn assert(&self, token: &str) -> Answer {
        self.assert_with(token, &[]).await
    }

    async fn assert_with(&self, token: &str, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![("grant_type", JWT_BEARER), ("assertion", token)];
        form.extend(more);
        self.post(OAUTH, &form).await
    }

    /// The true reason of a refusal, and the words for it.
    async fn reason(&self, answer: &Answer) -> (String, String) {
        let refusal = self.refusal(answer).await;
        refusal.map(|it| (it.reason, it.detail.to_string())).unwrap_or_default()
    }
}
