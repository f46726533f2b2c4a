//! Text from outside: whatever characters it has, it breaks nothing, loses nothing and deceives
//! nobody who reads it later.

mod everywhere;
mod quarantine;

use keyturn::domain::{Owner, deceives};
use serde_json::{Value, json};

use crate::{
    foreign::Foreigner,
    support::{Answer, ISSUER, OAUTH, TestServer, base64},
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const NOW: i64 = 1_800_000_000;

/// What a terminal, a reader or a database takes for something else.
const HOSTILE: [&str; 5] =
    ["a\0b", "\u{1b}[2J\u{1b}]0;x\u{7}", "a\r\nkey  admin", "\u{9b}31m\u{7f}", "\u{202e}\u{2028}b"];

impl TestServer {
    async fn assertion(&self, token: &str) -> Answer {
        self.post(OAUTH, &[("grant_type", JWT_BEARER), ("assertion", token)]).await
    }

    /// A rule of trust of `acme` for one issuer; gives who signs its tokens.
    async fn trusts_ci(&self) -> Foreigner {
        let acme = self.acme().await;
        let ci = Foreigner::new("k1");
        let jwks: Value = serde_json::from_str(&ci.jwks()).unwrap();
        let rule = json!({
            "name": "ci", "issuer": "https://ci.example.com", "roles": ["viewer"],
            "conditions": { "sub": ["deploy"] }, "keys": { "from": "jwks", "jwks": jwks },
        });
        let owner = crate::management::owner_of(self, acme).await;
        let made = owner.post("/api/v1/trusts", &rule).await;
        assert_eq!(made.status, 201, "{}", made.text);
        ci
    }
}

/// A token that nobody has signed.
fn unsigned(claims: &Value) -> String {
    let parts = [json!({ "alg": "ES256" }).to_string(), claims.to_string(), "x".repeat(64)];
    parts.map(base64).join(".")
}

fn claims(id: usize) -> Value {
    json!({
        "iss": "https://ci.example.com", "aud": ISSUER, "sub": "deploy", "jti": id.to_string(),
        "iat": NOW, "exp": NOW + 300,
    })
}

#[tokio::test]
async fn fx_10a_a_token_of_nobody_is_refused_whatever_its_claims_say() {
    for server in TestServer::on_each_engine().await {
        server.trusts_ci().await;
        for hostile in HOSTILE {
            for claim in ["iss", "sub", "aud", "jti"] {
                let mut claims = claims(1);
                claims[claim] = hostile.into();

                let answer = server.assertion(&unsigned(&claims)).await;

                assert_eq!(answer.status, 400, "{} {claim} {hostile:?}", server.engine);
                assert_eq!(answer.body["error"], "invalid_grant");
            }
        }
    }
}

#[tokio::test]
async fn fx_10b_what_a_refusal_quotes_is_printable_and_costs_no_use_its_record() {
    for server in TestServer::on_each_engine().await {
        let ci = server.trusts_ci().await;
        let acme = server.root("other").await;
        let (key, secret) = server.key(Owner::Organization(acme), "busy").await;
        let mut refused = Vec::new();

        for (number, hostile) in HOSTILE.iter().cycle().take(20).enumerate() {
            for claim in ["iss", "sub", "aud", "jti"] {
                let mut claims = claims(number);
                claims[claim] = (*hostile).into();
                let good = server.exchange("busy", &secret);
                let token = ci.token(&claims);
                let (good, bad) = tokio::join!(good, server.assertion(&token));
                assert_eq!(good.status, 200, "{}", good.text);
                refused.extend((claim != "jti").then_some(bad));
            }
        }
        server.settle().await;

        for answer in &refused {
            let recorded = server.refusal(answer).await.unwrap();
            assert!(!recorded.detail.contains(deceives), "{:?}", recorded.detail);
        }
        let mut tx = server.app.store.read().await.unwrap();
        let counted = keyturn::store::usage::of_key(&mut tx, key.id).await.unwrap();
        let issued: i64 = counted.iter().map(|(_, uses)| uses).sum();
        assert_eq!(issued, 80, "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_10c_a_filter_of_the_audit_trail_takes_any_text() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let owner = crate::management::owner_of(&server, acme).await;
        for filter in ["actor=operator:%00", "subject=%00", "action=a%00%1B", "actor=%00"] {
            let answer = owner.get(&format!("/api/v1/audit-events?{filter}")).await;

            match answer.status.as_u16() {
                200 => assert_eq!(answer.body["items"], json!([]), "{filter}"),
                status => assert_eq!(status, 400, "{} {filter}: {}", server.engine, answer.text),
            }
        }
    }
}
