//! The forgery battery: what every endpoint that reads a JWT has to refuse (checks F01 to F20).
//!
//! An endpoint is a line in [`ENDPOINTS`]: who signs what it reads, what a good token says, and
//! how it is handed over.

use std::pin::Pin;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use keyturn::{
    domain::{KeySource, OrganizationId, Owner, Secret},
    manage::{
        Asker, signing_keys,
        trusts::{self, GivenKeys, NewTrust},
    },
};
use serde_json::{Value, json};

use crate::{
    assertions::{assert_with, claims, terms, with},
    foreign::{Foreigner, base64, compact},
    peers::{Reaction, Receiver},
    support::{Client, ISSUER, OAUTH, TestServer, rsa_pem},
};

struct Endpoint {
    name: &'static str,
    signed_by: fn(&Rig) -> &Party,
    /// The types under which a token is taken; the first is that of a good one.
    types: &'static [&'static str],
    /// A fresh token says this.
    says: fn(&Rig) -> Value,
    /// Hands a token over, and tells whether it was taken.
    takes: for<'a> fn(&'a Rig, &'a str) -> Verdict<'a>,
}

type Verdict<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: "client assertion",
        signed_by: |rig| &rig.client,
        types: &["client-authentication+jwt", "jwt"],
        says: |rig| claims(&rig.client_id, &rig.server),
        takes: |rig, token| {
            Box::pin(async { assert_with(&rig.server, token, &[]).await.status == 200 })
        },
    },
    Endpoint {
        name: "management API",
        signed_by: |rig| &rig.ours,
        types: &["at+jwt"],
        says: |rig| rig.access_token.clone(),
        takes: |rig, token| {
            Box::pin(async {
                rig.server.manage_by(token).get("/api/v1/organizations").await.status == 200
            })
        },
    },
    Endpoint {
        name: "introspection",
        signed_by: |rig| &rig.ours,
        types: &["at+jwt"],
        says: |rig| rig.access_token.clone(),
        takes: |rig, token| {
            Box::pin(async {
                rig.server.introspect(&rig.resource_server, token).await.body["active"] == true
            })
        },
    },
    Endpoint {
        name: "assertion of a workload",
        signed_by: |rig| &rig.issuer,
        types: &["jwt", "authorization-grant+jwt"],
        says: Rig::of_a_job,
        takes: |rig, token| {
            Box::pin(rig.is_granted(vec![("grant_type", GRANTS[0]), ("assertion", token)]))
        },
    },
    Endpoint {
        name: "subject token of others",
        signed_by: |rig| &rig.issuer,
        types: &["jwt", "authorization-grant+jwt"],
        says: Rig::of_a_job,
        takes: |rig, token| Box::pin(rig.is_granted(exchanging(token, TYPES[0]))),
    },
    Endpoint {
        name: "subject token of ours",
        signed_by: |rig| &rig.ours,
        types: &["at+jwt"],
        says: |rig| rig.access_token.clone(),
        takes: |rig, token| {
            let mut form = exchanging(token, TYPES[1]);
            form.extend([("client_id", "ci"), ("client_secret", rig.secret.reveal())]);
            Box::pin(rig.is_granted(form))
        },
    },
];

const GRANTS: [&str; 2] = [
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];
const TYPES: [&str; 2] =
    ["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:access_token"];

fn exchanging<'a>(token: &'a str, kind: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("grant_type", GRANTS[1]), ("subject_token", token), ("subject_token_type", kind)]
}

/// Somebody who signs, with a key that does not sign yet, or no longer.
struct Party {
    active: Foreigner,
    inactive: Foreigner,
}

/// A server and what good tokens are made of.
struct Rig {
    server: TestServer,
    ours: Party,
    client: Party,
    client_id: String,
    /// Whose tokens are trusted by a rule.
    issuer: Party,
    /// The claims of one of ours, for ourselves.
    access_token: Value,
    /// Of the key that token is of.
    secret: Secret,
    resource_server: Client,
    attacker: Foreigner,
    /// Where the attacker's keys would be, if anybody asked.
    site: Receiver,
}

impl Rig {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let acme = server.acme().await;
        let key = Foreigner::with_rsa("client-1");
        let made = server.client(acme, "shop", terms(KeySource::Pinned(key.jwks()), false)).await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let token = server.manage(&secret).await.token;
        let resource_server = server.resource_server(acme, "ourselves", &[ISSUER]).await;
        let issuer = Foreigner::with_rsa("ci-1");
        trusts::create(&server.app, &Asker::keyturn(), rule(acme, &issuer)).await.unwrap();
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
            access_token: payload(&token),
            attacker: Foreigner::with_rsa("attacker"),
            site: Receiver::start(Reaction::status(404)),
            server,
        }
    }
}

impl Rig {
    fn of_a_job(&self) -> Value {
        with(claims(OF_CI, &self.server), json!({ "repository_id": "7" }))
    }

    async fn is_granted(&self, form: Vec<(&str, &str)>) -> bool {
        self.server.post(OAUTH, &form).await.status == 200
    }
}

const OF_CI: &str = "https://ci.example.com";

fn rule(organization_id: OrganizationId, issuer: &Foreigner) -> NewTrust {
    NewTrust {
        organization_id,
        name: "ci".parse().unwrap(),
        issuer: OF_CI.to_owned(),
        keys: GivenKeys::Pinned(issuer.jwks()),
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
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let text = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// One endpoint, and the good token that each forgery changes one thing about.
struct Forger<'a> {
    rig: &'a Rig,
    endpoint: &'a Endpoint,
    signer: &'a Foreigner,
}

impl Forger<'_> {
    fn header(&self) -> Value {
        with(self.signer.header(), json!({ "typ": self.endpoint.types[0] }))
    }

    fn claims(&self) -> Value {
        (self.endpoint.says)(self.rig)
    }

    fn good(&self) -> String {
        self.signer.signed(&self.header(), &self.claims())
    }

    fn with_header(&self, changes: Value) -> String {
        self.signer.signed(&with(self.header(), changes), &self.claims())
    }

    fn saying(&self, changes: Value) -> String {
        self.signer.signed(&self.header(), &with(self.claims(), changes))
    }

    fn unsigned(&self, changes: Value) -> String {
        compact(&with(self.header(), changes), &self.claims(), |_| Vec::new())
    }

    fn by_secret(&self, secret: &[u8]) -> String {
        let header = with(self.header(), json!({ "alg": "HS256" }));
        compact(&header, &self.claims(), |message| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, message).as_ref().to_vec()
        })
    }

    /// F01 to F04.
    fn of_algorithms(&self) -> Vec<(String, String)> {
        let mut forged = vec![("F02 empty signature".to_owned(), self.unsigned(json!({})))];
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            forged.push((format!("F01 {alg}"), self.unsigned(json!({ "alg": alg }))));
            forged.push((format!("F01 signed {alg}"), self.with_header(json!({ "alg": alg }))));
        }
        let der = self.signer.public_der();
        let text = BASE64_STANDARD.encode(&der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem =
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
        for (form, secret) in [
            ("F03 blank", Vec::new()),
            ("F04 PEM", pem.clone().into_bytes()),
            ("F04 PEM with its last line feed", format!("{pem}\n").into_bytes()),
            ("F04 DER", der),
            ("F04 JWK", self.signer.jwk().to_string().into_bytes()),
        ] {
            forged.push((form.to_owned(), self.by_secret(&secret)));
        }
        for alg in ["ES256", "ES384", "RS384", "RS512", "PS256", "EdDSA", "HS256"] {
            forged.push((format!("F18 {alg}"), self.with_header(json!({ "alg": alg }))));
        }
        forged
    }

    /// F05 to F07, F09, F20.
    fn of_keys(&self) -> Vec<(String, String)> {
        let attacker = &self.rig.attacker;
        let mut forged = Vec::new();
        for (name, value) in [
            ("jwk", attacker.jwk()),
            ("jku", json!(self.rig.site.url())),
            ("x5u", json!(self.rig.site.url())),
            ("x5c", json!([BASE64_STANDARD.encode(attacker.public_der())])),
        ] {
            for kid in [json!(self.signer.key_id), json!(attacker.key_id), json!(null)] {
                let header = with(self.header(), json!({ "kid": kid, name: value }));
                let token = attacker.signed(&header, &self.claims());
                forged.push((format!("F05 F06 {name} {kid}"), token));
            }
        }
        let long = "k".repeat(10_000);
        for kid in ["../../dev/null", "/dev/null", "' UNION SELECT 'k", "\0", "", &long] {
            let header = with(self.header(), json!({ "kid": kid }));
            forged.push((format!("F07 {kid:.20}"), self.signer.signed(&header, &self.claims())));
            let token = compact(&header, &self.claims(), |_| Vec::new());
            forged.push((format!("F07 unsigned {kid:.20}"), token));
        }
        let same_kid = attacker.signed(&self.header(), &self.claims());
        forged.push(("F09 another's key of the same name".to_owned(), same_kid));
        let other_issuer = self.saying(json!({ "iss": "https://evil.example" }));
        forged.push(("F09 another issuer".to_owned(), other_issuer));
        let inactive = &(self.endpoint.signed_by)(self.rig).inactive;
        let header = with(self.header(), json!({ "kid": inactive.key_id }));
        forged.push(("F20".to_owned(), inactive.signed(&header, &self.claims())));
        forged
    }

    /// F08, F10 to F12, F14, F17.
    fn of_content(&self) -> Vec<(String, String)> {
        let now = self.rig.server.app.clock.now().timestamp();
        let mut forged = Vec::new();
        for changes in [
            json!({ "exp": now }),
            json!({ "exp": null }),
            json!({ "exp": (now + 60).to_string() }),
            json!({ "nbf": now + 61 }),
            json!({ "aud": "https://evil.example" }),
            json!({ "aud": ["https://evil.example"] }),
            json!({ "aud": format!("{ISSUER}/") }),
            json!({ "aud": null }),
        ] {
            forged.push((format!("F10 F12 {changes}"), self.saying(changes)));
        }
        let types = [
            "JWT",
            "at+jwt",
            "client-authentication+jwt",
            "dpop+jwt",
            "logout+jwt",
            "token-introspection+jwt",
            "secevent+jwt",
            "oauth-authz-req+jwt",
        ];
        let others = types
            .into_iter()
            .filter(|typ| !self.endpoint.types.contains(&typ.to_lowercase().as_str()));
        for typ in others {
            forged.push((format!("F11 {typ}"), self.with_header(json!({ "typ": typ }))));
        }
        let good = self.good();
        let [header, _, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
        let edited = base64(with(self.claims(), json!({ "sub": "key:0" })).to_string());
        forged.push(("F08".to_owned(), format!("{header}.{edited}.{signature}")));
        let text = self.claims().to_string();
        for (name, value) in [("sub", "\"key:0\""), ("exp", "9999999999"), ("aud", "\"x\"")] {
            let first = format!("{{\"{name}\":{value},{}", &text[1..]);
            let last = format!("{},\"{name}\":{value}}}", &text[..text.len() - 1]);
            forged.push((format!("F14 {name} first"), self.signer.signed(&self.header(), &first)));
            forged.push((format!("F14 {name} last"), self.signer.signed(&self.header(), &last)));
        }
        let deep = format!("{}1{}", "{\"act\":".repeat(100), "}".repeat(100));
        let deep = format!("{},\"act\":{deep}}}", &text[..text.len() - 1]);
        forged.push(("F17".to_owned(), self.signer.signed(&self.header(), &deep)));
        forged
    }

    /// F13, F15, F16.
    fn of_form(&self) -> Vec<(String, String)> {
        let good = self.good();
        let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
            panic!()
        };
        let zeros = |length| {
            let token = compact(&self.header(), &self.claims(), |_| vec![0; length]);
            (format!("F13 {length}"), token)
        };
        let es256 = with(self.header(), json!({ "alg": "ES256" }));
        let psychic = compact(&es256, &self.claims(), |_| vec![0; 64]);
        let jwe = base64(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
        let mut forged = vec![
            zeros(64),
            zeros(256),
            ("F13 ES256".to_owned(), psychic),
            ("F16".to_owned(), format!("{jwe}.{payload}.{payload}.{payload}.{signature}")),
            (
                "F16 with our header".to_owned(),
                format!("{header}.{payload}.{payload}.AA.{signature}"),
            ),
        ];
        for token in [
            format!("{good}."),
            format!("{good}.{signature}"),
            format!("{good}="),
            format!("{good}A"),
            format!(".{good}"),
            format!("{header}.{payload}"),
            format!("{header}.{payload}={signature}"),
            format!("{header}.{payload}=.{signature}"),
            good[..good.len() - 4].to_owned(),
            String::new(),
        ] {
            forged.push(("F15".to_owned(), token));
        }
        forged
    }
}

#[tokio::test]
async fn f01_to_f20_no_forgery_is_taken_anywhere() {
    let rig = Rig::start().await;
    for endpoint in ENDPOINTS {
        let name = endpoint.name;
        let signer = &(endpoint.signed_by)(&rig).active;
        let forger = Forger { rig: &rig, endpoint, signer };
        let attempts =
            [forger.of_algorithms(), forger.of_keys(), forger.of_content(), forger.of_form()];

        assert!((endpoint.takes)(&rig, &forger.good()).await, "{name}: a good token");
        for (forgery, token) in attempts.into_iter().flatten() {
            assert!(!(endpoint.takes)(&rig, &token).await, "{name}: {forgery}: {token:.2000}");
        }
        assert!((endpoint.takes)(&rig, &forger.good()).await, "{name}: another good token");
    }
    assert!(rig.site.received().is_empty(), "nobody asks where a token says to ask");
}

#[tokio::test]
async fn f19_a_key_of_ours_that_was_revoked_signs_nothing_more() {
    let rig = Rig::start().await;
    let ours = &rig.ours.active.key_id;
    signing_keys::revoke(&rig.server.app, &Asker::keyturn(), ours).await.unwrap();
    for endpoint in
        ENDPOINTS.iter().filter(|it| std::ptr::eq((it.signed_by)(&rig), &raw const rig.ours))
    {
        let forger = Forger { rig: &rig, endpoint, signer: &rig.ours.active };

        assert!(!(endpoint.takes)(&rig, &forger.good()).await, "{}", endpoint.name);
    }
}
