//! A server, and all who sign what it reads.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{body::Body, http::Request};
use keyturn::{
    domain::{
        Algorithms, Authentication, ClientTerms, ExchangeRule, GrantType, KeySource,
        OrganizationId, Owner, ProofDemand, Secret,
    },
    manage::{
        Asker,
        api_keys::NewApiKey,
        signing_keys,
        trusts::{self, GivenKeys, NewTrust},
    },
};
use serde_json::{Value, json};

use crate::{
    assertions::{claims, terms, with},
    foreign::{Foreigner, base64},
    peers::{Reaction, Receiver},
    support::{API_KEY, Client, ISSUER, OAUTH, TestServer, new_key, rsa_pem},
};

pub(super) const GRANTS: [&str; 2] = [
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];
pub(super) const TYPES: [&str; 3] = [
    "urn:ietf:params:oauth:token-type:jwt",
    "urn:ietf:params:oauth:token-type:access_token",
    "urn:keyturn:params:oauth:token-type:api-key",
];

pub(super) fn exchanging<'a>(token: &'a str, kind: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("grant_type", GRANTS[1]), ("subject_token", token), ("subject_token_type", kind)]
}

/// Somebody who signs, with a key that does not sign yet, or no longer.
pub(super) struct Party {
    pub(super) active: Foreigner,
    pub(super) inactive: Foreigner,
}

/// A server and what good tokens are made of.
pub(super) struct Rig {
    pub(super) server: TestServer,
    pub(super) ours: Party,
    pub(super) client: Party,
    pub(super) client_id: String,
    /// Whose tokens are trusted by a rule.
    pub(super) issuer: Party,
    /// The claims of one of ours, for ourselves.
    pub(super) access_token: Value,
    /// Of the key that token is of.
    pub(super) secret: Secret,
    pub(super) resource_server: Client,
    /// Who may act for others, and the claims of its own token.
    pub(super) actor: Client,
    pub(super) actor_token: Value,
    /// Who proves the only key that the key `bound` may be proved by.
    pub(super) prover: Party,
    pub(super) bound_secret: Secret,
    /// A token of it for ourselves.
    pub(super) bound_token: String,
    pub(super) attacker: Foreigner,
    /// Where the attacker's keys would be, if anybody asked.
    pub(super) site: Receiver,
}

impl Rig {
    pub(super) async fn start() -> Self {
        let server = TestServer::start().await;
        let acme = server.acme().await;
        let key = Foreigner::with_rsa("client-1");
        let made = server.client(acme, "shop", terms(KeySource::Pinned(key.jwks()), false)).await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let token = server.manage(&secret).await.token;
        let resource_server = server.resource_server(acme, "ourselves", &[ISSUER]).await;
        let issuer = Foreigner::with_rsa("ci-1");
        trusts::create(&server.app, &Asker::keyturn(), rule(acme, &issuer)).await.unwrap();
        let actor: Client = server.client(acme, "actor", acting()).await.into();
        let actor_token = payload(&server.token_of(&actor).await);
        let prover = Foreigner::with_rsa("prover-1").by_pss();
        let bound_secret = bound_key(&server, acme, &prover).await;
        let bound_token = bound_token(&server, &prover, &bound_secret).await;
        let pending = Foreigner::with_rsa("");
        let imported =
            signing_keys::import(&server.app, &Asker::keyturn(), &pending.pem()).await.unwrap();
        let published = server.get("/.well-known/jwks.json").await.body;
        let is_rsa = |key: &&Value| key["kty"] == "RSA" && key["kid"] != imported.signing_key_id;
        let ours = published["keys"].as_array().unwrap().iter().find(is_rsa).unwrap();
        Self {
            ours: Party {
                active: Foreigner::with_pem(ours["kid"].as_str().unwrap(), rsa_pem()),
                inactive: pending.called(&imported.signing_key_id),
            },
            client: Party { active: key, inactive: Foreigner::with_rsa("client-0") },
            client_id: made.client.id.to_string(),
            issuer: Party { active: issuer, inactive: Foreigner::with_rsa("ci-0") },
            secret,
            resource_server,
            actor,
            actor_token,
            prover: Party { active: prover, inactive: Foreigner::with_rsa("prover-0").by_pss() },
            bound_secret,
            bound_token,
            access_token: payload(&token),
            attacker: Foreigner::with_rsa("attacker"),
            site: Receiver::start(Reaction::status(404)),
            server,
        }
    }
}

impl Rig {
    pub(super) fn of_a_job(&self) -> Value {
        with(claims(OF_CI, &self.server), json!({ "repository_id": "7" }))
    }

    pub(super) async fn is_granted(&self, form: Vec<(&str, &str)>) -> bool {
        self.server.post(OAUTH, &form).await.status == 200
    }

    pub(super) fn id(&self) -> String {
        self.server.app.random.id(self.server.app.clock.now()).to_string()
    }

    pub(super) fn proves(&self, method: &str, url: &str, token: Option<&str>) -> Value {
        proving(&self.server, (method, url), token)
    }

    /// Whether somebody may act for the key with this actor token.
    pub(super) async fn is_acted_for_by(&self, token: &str) -> bool {
        let mut form = exchanging(self.secret.reveal(), TYPES[2]);
        form.extend([("actor_token", token), ("actor_token_type", TYPES[1])]);
        form.push(("audience", "api"));
        self.server.send(self.actor.request(OAUTH, &form)).await.status == 200
    }

    /// Whether the bound token is taken with this proof.
    pub(super) async fn is_shown_with(&self, path: &str, proof: &str) -> bool {
        let request = Request::get(path)
            .header("authorization", format!("DPoP {}", self.bound_token))
            .header("dpop", proof)
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/orders");
        self.server.send(request.body(Body::empty()).unwrap()).await.status == 200
    }
}

/// A client that may act for whoever has a key.
fn acting() -> ClientTerms {
    let resource = "api".parse().unwrap();
    ClientTerms {
        authentication: Authentication::ClientSecretBasic,
        grants: vec![GrantType::ClientCredentials, GrantType::TokenExchange],
        scopes: "read write".parse().unwrap(),
        exchanges: vec![ExchangeRule { issuer: ISSUER.to_owned(), resource, impersonation: false }],
        ..ClientTerms::default()
    }
}

async fn bound_key(server: &TestServer, acme: OrganizationId, prover: &Foreigner) -> Secret {
    let jwk = with(prover.jwk(), json!({ "kid": null, "alg": null }));
    // The members in the order of their names (RFC 7638, section 3).
    let thumbprint = base64(digest(&SHA256, jwk.to_string().as_bytes()));
    let only = ProofDemand::OneOf(vec![thumbprint.parse().unwrap()]);
    let new = NewApiKey { proof: Some(only), ..new_key(Owner::Organization(acme), "bound") };
    server.make_key(new).await.1
}

async fn bound_token(server: &TestServer, prover: &Foreigner, secret: &Secret) -> String {
    let header = with(prover.header(), json!({ "typ": "dpop+jwt", "jwk": prover.jwk() }));
    let url = format!("{ISSUER}{API_KEY}");
    let proof = prover.signed(&header, &proving(server, ("POST", &url), None));
    let form = [("name", "bound"), ("secret", secret.reveal()), ("resource", ISSUER)];
    let answer = server.post_with(API_KEY, &form, &[&proof]).await;
    answer.body["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
}

/// What a proof says.
fn proving(server: &TestServer, (method, url): (&str, &str), token: Option<&str>) -> Value {
    let now = server.app.clock.now();
    let ath = token.map(|token| base64(digest(&SHA256, token.as_bytes())));
    let id = server.app.random.id(now);
    with(
        json!({ "jti": id, "iat": now.timestamp(), "htm": method, "htu": url }),
        json!({ "ath": ath }),
    )
}

const OF_CI: &str = "https://ci.example.com";

fn rule(organization_id: OrganizationId, issuer: &Foreigner) -> NewTrust {
    NewTrust {
        organization_id,
        name: "ci".parse().unwrap(),
        issuer: OF_CI.to_owned(),
        keys: GivenKeys::Pinned(issuer.jwks()),
        algorithms: Algorithms::default(),
        audience: None,
        conditions: serde_json::from_value(json!({ "repository_id": ["7"] })).unwrap(),
        roles: "manager".parse().unwrap(),
        resources: None,
        allowed_networks: "".parse().unwrap(),
        expires_at: None,
        once: true,
    }
}

fn payload(token: &str) -> Value {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let text = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&text).unwrap()
}
