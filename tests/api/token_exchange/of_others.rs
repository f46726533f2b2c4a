//! Tokens of others as subject tokens, by a rule of trust: TX-06, TX-10, TX-12, TX-13, TX-17;
//! INC-07.

use keyturn::{
    domain::{Algorithms, ExchangeRule, OrganizationId},
    manage::{
        Asker,
        trusts::{self, GivenKeys, NewTrust},
    },
};
use serde_json::{Value, json};

use super::{
    ACCESS_TOKEN, JWT, Party, World, claims, exchange, party, standing, terms, token_of, verified,
};
use crate::{
    foreign::Foreigner,
    support::{Answer, ISSUER, TestServer},
};

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const OTHER: &str = "https://login.example";

/// Somebody else whom `acme` trusts with `job-1` as a viewer, for `urn:api` alone.
struct Elsewhere(Foreigner);

impl Elsewhere {
    async fn trusted(server: &TestServer, acme: OrganizationId) -> Self {
        let foreigner = Foreigner::new("one");
        let new = NewTrust {
            organization_id: acme,
            name: "login".parse().unwrap(),
            issuer: OTHER.to_owned(),
            keys: GivenKeys::Pinned(foreigner.jwks()),
            algorithms: Algorithms::default(),
            audience: None,
            conditions: serde_json::from_value(json!({ "sub": ["job-1"] })).unwrap(),
            roles: "viewer".parse().unwrap(),
            resources: Some(vec!["urn:api".parse().unwrap()]),
            allowed_networks: "".parse().unwrap(),
            expires_at: None,
            once: false,
        };
        trusts::create(&server.app, &Asker::keyturn(), new).await.unwrap();
        Self(foreigner)
    }

    fn claims(server: &TestServer) -> Value {
        let now = server.app.clock.now().timestamp();
        json!({ "iss": OTHER, "aud": ISSUER, "sub": "job-1", "iat": now, "exp": now + 120 })
    }

    fn token(&self, server: &TestServer) -> String {
        self.0.token(&Self::claims(server))
    }

    fn token_with(&self, server: &TestServer, name: &str, value: &Value) -> String {
        let mut claims = Self::claims(server);
        claims[name] = value.clone();
        self.0.token(&claims)
    }
}

fn of_other(impersonation: bool) -> ExchangeRule {
    let resource = "urn:api".parse().unwrap();
    ExchangeRule { issuer: OTHER.to_owned(), resource, impersonation }
}

async fn exchanged(server: &TestServer, party: &Party, token: &str) -> Answer {
    exchange(server, (token, JWT), &party.credentials()).await
}

#[tokio::test]
async fn tx_06_a_token_of_others_is_worth_what_a_rule_of_trust_says() {
    for World { server, acme, .. } in World::on_each_engine().await {
        let elsewhere = Elsewhere::trusted(&server, acme).await;
        let token = elsewhere.token(&server);

        for token_type in [JWT, ID_TOKEN] {
            let answer = exchange(&server, (&token, token_type), &[]).await;
            let other = [("resource", "urn:other")];
            let other = exchange(&server, (&token, token_type), &other).await;

            let claims = server.claims(&answer).await;
            assert_eq!((&claims["scope"], &claims["aud"]), (&json!("read"), &json!("urn:api")));
            assert_eq!(answer.body["expires_in"], 120, "{}", server.engine);
            assert!(claims["sub"].as_str().unwrap().ends_with(":job-1"), "{claims}");
            assert!(standing(&server, &token_of(&answer)).await.is_some());
            assert_eq!(other.error(), (400, "invalid_target"));
        }
        let as_ours = exchange(&server, (&token, ACCESS_TOKEN), &[]).await;
        assert_eq!(as_ours.error(), (401, "invalid_client"));
    }
}

/// INC-07, TX-17: the same checks as where the token is an assertion.
#[tokio::test]
async fn tx_13_tx_17_a_token_of_others_has_to_be_for_us_and_of_somebody_trusted() {
    let World { server, acme, .. } = World::new().await;
    let elsewhere = Elsewhere::trusted(&server, acme).await;
    let stranger = Foreigner::new("one");
    let now = server.app.clock.now().timestamp();
    let bad = [
        elsewhere.token_with(&server, "aud", &json!("somebody-else")),
        elsewhere.token_with(&server, "sub", &json!("job-2")),
        elsewhere.token_with(&server, "iss", &json!("https://evil.example")),
        elsewhere.token_with(&server, "exp", &json!(now - 100)),
        stranger.token(&Elsewhere::claims(&server)),
        "nonsense".to_owned(),
    ];
    let first = exchange(&server, (&bad[0], ID_TOKEN), &[]).await;

    for token in &bad {
        for token_type in [JWT, ID_TOKEN] {
            let answer = exchange(&server, (token, token_type), &[]).await;
            assert_eq!(answer.error(), (400, "invalid_request"), "{token}");
            assert_eq!(answer.text, first.text, "nobody learns which check failed");
        }
    }
}

#[tokio::test]
async fn tx_12_a_client_needs_a_rule_for_the_issuer_too() {
    for World { server, acme, .. } in World::on_each_engine().await {
        let elsewhere = Elsewhere::trusted(&server, acme).await;
        let token = elsewhere.token(&server);
        let by_rule = party(&server, acme, "by rule", terms(vec![of_other(true)])).await;
        let ours = party(&server, acme, "ours", terms(vec![super::rule("urn:api", true)])).await;
        let acts = party(&server, acme, "acts", terms(vec![of_other(false)])).await;

        let allowed = exchanged(&server, &by_rule, &token).await;
        let refused = exchanged(&server, &ours, &token).await;
        let alone = exchanged(&server, &acts, &token).await;
        let own = acts.token(&server).await;
        let mut form = acts.credentials().to_vec();
        form.extend([("actor_token", &*own), ("actor_token_type", ACCESS_TOKEN)]);
        let acted = exchange(&server, (&token, JWT), &form).await;

        let allowed = verified(&server, &token_of(&allowed));
        assert_eq!(allowed.client_id, by_rule.id, "{}", server.engine);
        assert_eq!(allowed.sources.len(), 3, "{:?}", allowed.sources);
        assert_eq!(refused.error(), (400, "invalid_request"));
        assert_eq!(alone.error(), (400, "invalid_request"));
        let act = &claims(&server, &token_of(&acted)).await["act"];
        assert_eq!(*act, json!({ "sub": format!("client:{}", acts.id) }));
    }
}

#[tokio::test]
async fn tx_10_who_may_act_is_said_by_the_subject_token() {
    let World { server, acme, .. } = World::new().await;
    let elsewhere = Elsewhere::trusted(&server, acme).await;
    let party = party(&server, acme, "acts", terms(vec![of_other(true)])).await;
    let (sub, other) = (format!("client:{}", party.id), "client:somebody-else");
    let cases = [
        (json!({ "sub": sub }), true),
        (json!({ "sub": sub, "iss": ISSUER }), true),
        (json!({ "client_id": party.id }), true),
        (json!({ "sub": other }), false),
        (json!({ "sub": sub, "iss": OTHER }), false),
        (json!({ "sub": sub, "client_id": other }), false),
        (json!({ "sub": sub, "email": "ada@example.com" }), false),
        (json!({ "iss": ISSUER }), false),
        (json!({}), false),
        (json!(sub), false),
        (json!([{ "sub": sub }]), false),
        (Value::Null, false),
    ];
    let own = party.token(&server).await;
    let actor = [("actor_token", &*own), ("actor_token_type", ACCESS_TOKEN)];

    for (may_act, expected) in cases {
        let token = elsewhere.token_with(&server, "may_act", &may_act);
        for more in [&[][..], &actor[..]] {
            let form = [&party.credentials()[..], more].concat();
            let answer = exchange(&server, (&token, JWT), &form).await;
            assert_eq!(answer.status == 200, expected, "{may_act}: {}", answer.text);
            if !expected {
                assert_eq!(answer.error(), (400, "invalid_request"), "{may_act}");
            }
        }
    }
}
