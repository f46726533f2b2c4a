//! What a request and an answer look like: TX-01 to TX-07, TX-14; RI-01 to RI-05; KX-13.

use keyturn::domain::Owner;

use super::{
    ACCESS_TOKEN, API_KEY, GRANT, JWT, World, exchange, party, refreshing, rule, terms, token_of,
    token_of_key,
};
use crate::support::{OAUTH, encoded, post};

#[tokio::test]
async fn tx_01_subject_token_and_its_type_are_required() {
    let World { server, secret, .. } = World::new().await;
    let token = ("subject_token", secret.reveal());
    let its_type = ("subject_token_type", API_KEY);
    let cases = [
        vec![],
        vec![token],
        vec![its_type],
        vec![token, ("subject_token_type", "")],
        vec![("subject_token", ""), its_type],
    ];

    for mut form in cases {
        form.push(GRANT);
        let answer = server.post(OAUTH, &form).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{form:?}");
    }
}

#[tokio::test]
async fn tx_02_an_actor_token_and_its_type_come_together() {
    let World { server, secret, .. } = World::new().await;
    let subject = (secret.reveal(), API_KEY);

    let no_type = exchange(&server, subject, &[("actor_token", secret.reveal())]).await;
    let no_token = exchange(&server, subject, &[("actor_token_type", API_KEY)]).await;

    assert_eq!(no_type.error(), (400, "invalid_request"));
    assert_eq!(no_token.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn tx_03_tx_04_ri_01_to_ri_05_a_token_is_for_one_target_and_its_scopes() {
    let World { server, secret, .. } = World::new().await;
    server.resource("billing", "read").await;
    let (resource, audience) = ("resource", "audience");
    let cases = [
        (vec![(resource, "urn:api")], "urn:api"),
        (vec![(audience, "billing")], "billing"),
        (vec![(audience, "urn:api"), (resource, "urn:api")], "urn:api"),
        (vec![(resource, "urn:api"), (resource, "urn:api")], "urn:api"),
        (vec![(resource, "urn:api"), (audience, "billing"), (resource, "urn:api")], ""),
        (vec![(resource, "urn:api"), (resource, "urn:other")], ""),
        (vec![(resource, "urn:api#part")], ""),
        (vec![(resource, "billing")], ""),
        (vec![(resource, "urn:unknown")], ""),
        (vec![(audience, "unknown")], ""),
    ];

    for (form, expected) in cases {
        let answer = exchange(&server, (secret.reveal(), API_KEY), &form).await;
        if expected.is_empty() {
            assert_eq!(answer.error(), (400, "invalid_target"), "{form:?}");
        } else {
            let claims = server.claims(&answer).await;
            assert_eq!(claims["aud"], expected, "{form:?}");
            let scope = if expected == "billing" { "read" } else { "read write" };
            assert_eq!(claims["scope"], scope, "RI-05: what the key has of that resource's");
        }
    }
}

#[tokio::test]
async fn tx_06_types_that_are_not_known_are_refused() {
    let World { server, secret, .. } = World::new().await;
    let good = (secret.reveal(), API_KEY);
    let urn = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");

    for name in ["saml1", "saml2", "access-token", ""] {
        let subject = exchange(&server, (secret.reveal(), &urn(name)), &[]).await;
        let requested = exchange(&server, good, &[("requested_token_type", &urn(name))]).await;
        assert_eq!(subject.error(), (400, "invalid_request"), "{name}");
        assert_eq!(requested.error(), (400, "invalid_request"), "{name}");
    }
    for name in ["refresh_token", "id_token"] {
        let requested = exchange(&server, good, &[("requested_token_type", &urn(name))]).await;
        assert_eq!(requested.error(), (400, "invalid_request"), "{name} is not issued");
    }
}

#[tokio::test]
async fn tx_07_the_answer_says_of_what_type_the_token_is() {
    let World { server, secret, .. } = World::new().await;

    for (requested, expected) in [("", ACCESS_TOKEN), (ACCESS_TOKEN, ACCESS_TOKEN), (JWT, JWT)] {
        let more = [("requested_token_type", requested), ("resource", "urn:api")];
        let answer = exchange(&server, (secret.reveal(), API_KEY), &more).await;

        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body["issued_token_type"], expected);
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["expires_in"], 360);
        assert_eq!(answer.body["scope"], "read write");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.body["refresh_token"].is_null());
    }
}

#[tokio::test]
async fn tx_07_there_is_a_refresh_token_only_where_the_clients_terms_say_so() {
    for World { server, acme, secret, .. } in World::on_each_engine().await {
        let without = party(&server, acme, "without", terms(vec![rule("urn:api", true)])).await;
        let with = party(&server, acme, "with", refreshing(vec![rule("urn:api", true)])).await;

        let without = without.exchanges(&server, secret.reveal(), &[]).await;
        let with = with.exchanges(&server, secret.reveal(), &[]).await;

        assert_eq!((without.status.as_u16(), with.status.as_u16()), (200, 200));
        assert!(without.body["refresh_token"].is_null(), "{}", server.engine);
        assert!(with.body["refresh_token"].is_string(), "{}", server.engine);
    }
}

/// INC-05: what remains of such a request is a complete one for client credentials.
#[tokio::test]
async fn tx_14_a_lost_subject_token_never_becomes_a_token_of_the_client() {
    let world = World::new().await;
    let party = world.party("app", vec![rule("urn:api", true)]).await;
    let credentials = encoded(&party.credentials());
    let grant = encoded(&[GRANT]);
    let its_type = encoded(&[("subject_token_type", ACCESS_TOKEN)]);
    let cases = [
        String::new(),
        its_type.clone(),
        format!("{its_type}&subject_token="),
        format!("{its_type}&subject_token"),
        format!("{its_type}&subject_token=a&subject_token=b"),
        format!("{its_type}&subject_token=&subject_token=a"),
        format!("{its_type}&SUBJECT_TOKEN=a"),
        format!("{its_type}&subject_token=+"),
    ];

    for case in cases {
        let answer = world.server.send(post(OAUTH, &format!("{grant}&{credentials}&{case}"))).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{case}");
        assert!(answer.body["access_token"].is_null(), "{case}");
    }
}

#[tokio::test]
async fn te_04_a_subject_token_in_a_url_is_refused() {
    let World { server, secret, .. } = World::new().await;

    for name in ["subject_token", "actor_token"] {
        let path = format!("{OAUTH}?{}", encoded(&[(name, secret.reveal())]));
        let answer = server.send(post(&path, &encoded(&[GRANT]))).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{name}");
    }
}

#[tokio::test]
async fn kx_13_a_key_gives_the_same_token_as_a_client_and_as_a_subject_token() {
    for World { server, acme, .. } in World::on_each_engine().await {
        let (key, secret) = server.key(Owner::Organization(acme), "parity").await;
        let id = key.id.to_string();
        let wish = [("resource", "urn:api"), ("scope", "read")];
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend([("client_id", "parity"), ("client_secret", secret.reveal())]);
        form.extend(wish);

        let as_client = server.post(OAUTH, &form).await;
        let mut all = vec![("client_credentials", server.claims(&as_client).await)];
        for token_type in [API_KEY, ACCESS_TOKEN] {
            let answer = exchange(&server, (secret.reveal(), token_type), &wish).await;
            all.push((token_type, server.claims(&answer).await));
        }
        let both = [("client_id", &*id), ("client_secret", secret.reveal())];
        let both = [&both[..], &wish[..]].concat();
        let both = exchange(&server, (secret.reveal(), API_KEY), &both).await;
        all.push(("both", server.claims(&both).await));

        for (what, claims) in &mut all {
            assert_ne!(claims["jti"].take(), serde_json::Value::Null, "{what}");
            assert_eq!(claims["client_id"], id, "{what}");
        }
        let (_, first) = &all[0];
        for (what, claims) in &all {
            assert_eq!(claims, first, "{} {what}", server.engine);
        }
    }
}

#[tokio::test]
async fn without_a_target_the_new_token_is_for_the_same_one() {
    let World { server, secret, .. } = World::new().await;
    server.resource("urn:zoo", "read").await;
    let key = [("client_id", "ci"), ("client_secret", secret.reveal())];
    let first = token_of(
        &exchange(&server, (secret.reveal(), API_KEY), &[("resource", "urn:other")]).await,
    );
    let of_api = token_of_key(&server, &secret).await;

    let again = exchange(&server, (&first, ACCESS_TOKEN), &key).await;
    let as_jwt = exchange(&server, (&of_api, JWT), &key).await;

    assert_eq!(server.claims(&again).await["aud"], "urn:other");
    assert_eq!(server.claims(&as_jwt).await["aud"], "urn:api");
}
