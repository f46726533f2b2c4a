//! Who may have what exchanged: TX-05, TX-08 to TX-13; INC-06, INC-07.

use chrono::TimeDelta;
use keyturn::domain::{Authentication, ClientTerms, GrantType, Owner};
use serde_json::json;

use super::{
    ACCESS_TOKEN, API_KEY, Says, World, claims, exchange, party, revoke_token, rule, signed, terms,
    token_of, token_of_key,
};
use crate::support::{TestServer, mistyped};

#[tokio::test]
async fn tx_05_a_token_that_is_not_good_is_an_invalid_request() {
    for World { server, acme, key, secret } in World::on_each_engine().await {
        let party = party(&server, acme, "app", terms(vec![rule("urn:api", true)])).await;
        let good = token_of_key(&server, &secret).await;
        let revoked = token_of_key(&server, &secret).await;
        revoke_token(&server, &revoked).await;
        let (altered, _) = good.rsplit_once('.').unwrap();
        let says = Says {
            subject: &format!("key:{}", key.id),
            client_id: &key.id.to_string(),
            sources: &[],
            organization: acme,
            expires_at: server.app.clock.now() + TimeDelta::minutes(6),
        };
        let bad = [
            "nonsense".to_owned(),
            "ktr_x".to_owned(),
            mistyped(&secret),
            format!("{altered}.AAAA"),
            revoked,
            signed(&server, &says),
        ];

        for token in &bad {
            let as_subject = party.exchanges(&server, token, &[]).await;
            let actor = [("actor_token", &**token), ("actor_token_type", ACCESS_TOKEN)];
            let as_actor = party.exchanges(&server, &good, &actor).await;
            assert_eq!(as_subject.error(), (400, "invalid_request"), "{} {token}", server.engine);
            assert_eq!(as_actor.error(), (400, "invalid_request"), "{} {token}", server.engine);
        }
        server.app.clock.advance(TimeDelta::minutes(6));
        let expired = party.exchanges(&server, &good, &[]).await;
        server.revoke(key.id).await;
        let of_revoked = party.exchanges(&server, secret.reveal(), &[]).await;
        assert_eq!(expired.error(), (400, "invalid_request"));
        assert_eq!(of_revoked.error(), (400, "invalid_request"));
    }
}

#[tokio::test]
async fn tx_08_a_token_never_outlives_nor_outgrows_what_it_came_from() {
    for World { server, acme, secret, .. } in World::on_each_engine().await {
        let key = [("client_id", "ci"), ("client_secret", secret.reveal())];
        let narrow = terms(vec![rule("urn:api", true)]);
        let narrow = ClientTerms { scopes: "read".parse().unwrap(), ..narrow };
        let party = party(&server, acme, "app", narrow).await;
        let wide = token_of_key(&server, &secret).await;
        server.app.clock.advance(TimeDelta::seconds(100));

        let read = [&key[..], &[("scope", "read")]].concat();
        let read = exchange(&server, (&wide, ACCESS_TOKEN), &read).await;
        let of_read = token_of(&read);
        let again = exchange(&server, (&of_read, ACCESS_TOKEN), &key).await;
        let write = [&key[..], &[("scope", "write")]].concat();
        let wider = exchange(&server, (&of_read, ACCESS_TOKEN), &write).await;
        let by_client = party.exchanges(&server, &wide, &[]).await;
        let too_much = party.exchanges(&server, &wide, &[("scope", "write")]).await;

        assert_eq!(read.body["expires_in"], 260, "{}", server.engine);
        assert_eq!(again.body["scope"], "read");
        assert_eq!(wider.error(), (400, "invalid_scope"));
        assert_eq!(
            (&by_client.body["scope"], &by_client.body["expires_in"]),
            (&json!("read"), &json!(260))
        );
        assert_eq!(too_much.error(), (400, "invalid_scope"));
    }
}

#[tokio::test]
async fn tx_08_roles_that_give_more_than_the_token_are_not_in_it() {
    let World { server, acme, secret, .. } = World::new().await;
    let narrow =
        ClientTerms { scopes: "read".parse().unwrap(), ..terms(vec![rule("urn:api", true)]) };
    let narrow = party(&server, acme, "narrow", narrow).await;
    let wide = party(&server, acme, "wide", terms(vec![rule("urn:api", true)])).await;
    let token = token_of_key(&server, &secret).await;

    let narrow = narrow.exchanges(&server, &token, &[]).await;
    let wide = wide.exchanges(&server, &token, &[]).await;

    let roles = server.claims(&narrow).await["roles"].clone();
    assert!(roles.as_array().is_none_or(Vec::is_empty), "{roles}");
    assert_eq!(server.claims(&wide).await["roles"], json!(["manager"]));
}

/// A rule that demands an actor, and what a client gets by it.
#[tokio::test]
async fn tx_09_tx_11_who_acts_is_in_the_token_and_nothing_else_of_them() {
    for World { server, acme, secret, key } in World::on_each_engine().await {
        let rules = || terms(vec![rule("urn:api", false), rule("urn:other", true)]);
        let front = party(&server, acme, "front", rules()).await;
        let back = party(&server, acme, "back", rules()).await;
        let user = token_of_key(&server, &secret).await;
        let (front_token, back_token) = (front.token(&server).await, back.token(&server).await);
        let acts = |token| [("actor_token", token), ("actor_token_type", ACCESS_TOKEN)];

        let alone = front.exchanges(&server, &user, &[("resource", "urn:api")]).await;
        let delegated = token_of(&front.exchanges(&server, &user, &acts(&front_token)).await);
        let nested = token_of(&back.exchanges(&server, &delegated, &acts(&back_token)).await);
        let kept = token_of(&front.exchanges(&server, &nested, &[("resource", "urn:other")]).await);
        let other = front.exchanges(&server, &user, &acts(&back_token)).await;
        let user_acts = front.exchanges(&server, &user, &acts(&user)).await;

        assert_eq!(alone.error(), (400, "invalid_request"), "{}", server.engine);
        let (by_front, by_back) = (format!("client:{}", front.id), format!("client:{}", back.id));
        let outer = claims(&server, &delegated).await;
        assert_eq!(outer["act"], json!({ "sub": by_front }));
        assert_eq!(
            (&outer["sub"], &outer["client_id"]),
            (&json!(format!("key:{}", key.id)), &json!(front.id))
        );
        let both = json!({ "sub": by_back, "act": { "sub": by_front } });
        assert_eq!(claims(&server, &nested).await["act"], both);
        assert_eq!(claims(&server, &kept).await["act"], both, "who acted is never forgotten");
        assert_eq!(other.error(), (400, "invalid_request"));
        assert_eq!(user_acts.error(), (400, "invalid_request"), "nobody makes another the actor");
    }
}

#[tokio::test]
async fn tx_09_no_more_than_five_act_for_each_other() {
    let World { server, acme, secret, .. } = World::new().await;
    let rules = || terms(vec![rule("urn:api", false)]);
    let parties =
        [party(&server, acme, "one", rules()).await, party(&server, acme, "two", rules()).await];
    let mut token = token_of_key(&server, &secret).await;

    let mut answers = Vec::new();
    for turn in 0..6 {
        let party = &parties[turn % 2];
        let own = party.token(&server).await;
        let acts = [("actor_token", &*own), ("actor_token_type", ACCESS_TOKEN)];
        let answer = party.exchanges(&server, &token, &acts).await;
        if answer.status == 200 {
            token = token_of(&answer);
        }
        answers.push(answer.status.as_u16());
    }

    assert_eq!(answers, [200, 200, 200, 200, 200, 400]);
}

/// INC-06: one gate for all tokens.
#[tokio::test]
async fn tx_12_a_client_exchanges_only_what_it_was_registered_for() {
    for World { server, acme, secret, .. } in World::on_each_engine().await {
        let foreign = keyturn::domain::ExchangeRule {
            issuer: "https://elsewhere.example".to_owned(),
            ..rule("urn:api", true)
        };
        let no_grant = ClientTerms {
            grants: vec![GrantType::ClientCredentials],
            ..terms(vec![rule("urn:api", true)])
        };
        let by_rule = party(&server, acme, "by rule", terms(vec![rule("urn:api", true)])).await;
        let none = party(&server, acme, "none", terms(Vec::new())).await;
        let elsewhere = party(&server, acme, "elsewhere", terms(vec![foreign])).await;
        let no_grant = party(&server, acme, "no grant", no_grant).await;
        let public = party(&server, acme, "public", terms(vec![rule("urn:api", true)])).await;
        // Nobody can register one like this.
        public.change(&server, |it| it.terms.authentication = Authentication::None).await;
        let token = token_of_key(&server, &secret).await;

        for subject in [&*token, secret.reveal()] {
            let what = format!("{} {subject}", server.engine);
            let allowed = by_rule.exchanges(&server, subject, &[("resource", "urn:api")]).await;
            let unnamed = by_rule.exchanges(&server, subject, &[]).await;
            let other = by_rule.exchanges(&server, subject, &[("resource", "urn:other")]).await;
            let none = none.exchanges(&server, subject, &[]).await;
            let elsewhere = elsewhere.exchanges(&server, subject, &[]).await;
            let no_grant = no_grant.exchanges(&server, subject, &[]).await;
            let public = [("client_id", &*public.id)];
            let public = exchange(&server, (subject, ACCESS_TOKEN), &public).await;

            assert_eq!(server.claims(&allowed).await["client_id"], by_rule.id, "{what}");
            assert_eq!(server.claims(&unnamed).await["aud"], "urn:api", "{what}");
            assert_eq!(other.error(), (400, "invalid_target"), "{what}");
            assert_eq!(none.error(), (400, "invalid_request"), "{what}");
            assert_eq!(elsewhere.error(), (400, "invalid_request"), "{what}");
            assert_eq!(no_grant.error(), (400, "unauthorized_client"), "{what}");
            assert_eq!(public.error(), (400, "unauthorized_client"), "{what}");
        }
        let nobody = exchange(&server, (&token, ACCESS_TOKEN), &[]).await;
        assert_eq!(nobody.error(), (401, "invalid_client"));
    }
}

/// INC-07: whose token it is matters on this path as on any other.
#[tokio::test]
async fn tx_13_what_was_given_to_somebody_else_needs_a_rule() {
    for World { server, acme, secret, .. } in World::on_each_engine().await {
        let (_, other) = server.key(Owner::Organization(acme), "other").await;
        let given = party(&server, acme, "given", terms(vec![rule("urn:api", true)])).await;
        let thief = party(&server, acme, "thief", terms(Vec::new())).await;
        let of_key = token_of_key(&server, &secret).await;
        let to_client = token_of(&given.exchanges(&server, &of_key, &[]).await);
        let own = given.token(&server).await;
        let as_key = |name, secret| [("client_id", name), ("client_secret", secret)];

        let stolen = [
            thief.exchanges(&server, &to_client, &[]).await,
            thief.exchanges(&server, &own, &[]).await,
            exchange(&server, (&of_key, ACCESS_TOKEN), &as_key("other", other.reveal())).await,
            exchange(&server, (&to_client, ACCESS_TOKEN), &as_key("ci", secret.reveal())).await,
            exchange(&server, (secret.reveal(), API_KEY), &as_key("other", other.reveal())).await,
        ];
        let again = given.exchanges(&server, &to_client, &[("scope", "read")]).await;
        let own = given.exchanges(&server, &own, &[("resource", "urn:other")]).await;

        for (number, answer) in stolen.iter().enumerate() {
            assert_eq!(answer.error(), (400, "invalid_request"), "{} {number}", server.engine);
        }
        assert_eq!(again.body["scope"], "read", "{}", again.text);
        assert_eq!(server.claims(&own).await["aud"], "urn:other", "what it could have asked for");
    }
}

#[tokio::test]
async fn tx_13_a_client_that_lost_a_rule_has_nothing_by_it_any_more() {
    let World { server, acme, secret, .. } = World::new().await;
    let rules = vec![rule("urn:api", true), rule("urn:other", true)];
    let party = party(&server, acme, "app", terms(rules)).await;
    let token = token_of_key(&server, &secret).await;
    let token = token_of(&party.exchanges(&server, &token, &[("resource", "urn:api")]).await);
    let before = party.exchanges(&server, &token, &[("resource", "urn:other")]).await;
    party.change(&server, |it| it.terms.exchanges = vec![rule("urn:api", true)]).await;

    let same = party.exchanges(&server, &token, &[]).await;
    let other = party.exchanges(&server, &token, &[("resource", "urn:other")]).await;
    party.change(&server, |it| it.terms.exchanges.clear()).await;
    let nothing = party.exchanges(&server, &token, &[]).await;

    assert_eq!(before.status, 200, "{}", before.text);
    assert_eq!(server.claims(&same).await["aud"], "urn:api");
    assert_eq!(other.error(), (400, "invalid_target"));
    assert_eq!(nothing.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn a_client_has_no_more_resources_than_its_terms_whoever_asks_after_it() {
    let server = TestServer::start().await;
    let World { server, acme, secret, .. } = World::on(server).await;
    let rules = || vec![rule("urn:api", true), rule("urn:other", true)];
    let only = ClientTerms { resources: Some(vec!["urn:api".parse().unwrap()]), ..terms(rules()) };
    let only = party(&server, acme, "only", only).await;
    let any = party(&server, acme, "any", terms(rules())).await;
    let token = token_of_key(&server, &secret).await;
    let other = [("resource", "urn:other")];

    let first = only.exchanges(&server, &token, &other).await;
    let api = token_of(&only.exchanges(&server, &token, &[]).await);
    let second = any.exchanges(&server, &api, &other).await;

    assert_eq!(first.error(), (400, "invalid_target"));
    assert_eq!(second.error(), (400, "invalid_target"));
}

#[tokio::test]
async fn a_client_exchanges_no_tokens_of_another_tree_unless_its_organization_runs_the_server() {
    for World { server, acme, secret, .. } in World::on_each_engine().await {
        let other = server.root("other").await;
        let below = server.suborganization(other, "below").await;
        let rules = || terms(vec![rule("urn:other", true)]);
        let stranger = party(&server, other, "stranger", rules()).await;
        let operator = party(&server, acme, "operator", rules()).await;
        let (_, of_below) = server.key(Owner::Organization(below), "of-below").await;
        let ours = token_of_key(&server, &secret).await;
        let theirs = token_of_key(&server, &of_below).await;
        let wanted = [("resource", "urn:other")];

        let refused = stranger.exchanges(&server, &ours, &wanted).await;
        assert_eq!(refused.error(), (400, "invalid_request"), "{}", server.engine);
        for allowed in [
            stranger.exchanges(&server, &theirs, &wanted).await,
            operator.exchanges(&server, &theirs, &wanted).await,
        ] {
            assert_eq!(allowed.status, 200, "{} {}", server.engine, allowed.text);
        }
    }
}
