//! Where the keys of issuers come from, and how often they are asked for.

use chrono::TimeDelta;
use keyturn::manage::trusts::{GivenKeys, NewTrust, TrustChange};
use serde_json::json;

use super::{Foreigner, Issuer, of_main, with};
use crate::support::TestServer;

#[tokio::test]
async fn pinned_keys_work_while_the_issuer_is_away() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::away());
    let pinned = GivenKeys::Pinned(issuer.signs.jwks());
    server.trust(NewTrust { keys: pinned, ..issuer.rule(acme, "deploy", of_main()) }).await;

    let answer = server.assert(&issuer.token(&issuer.github("1"))).await;
    let forged = server.assert(&Foreigner::new("k1").token(&issuer.github("2"))).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(forged.error(), (400, "invalid_grant"));
}

#[tokio::test]
async fn keys_at_a_url_need_no_metadata() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let at = GivenKeys::At(format!("{}/keys", issuer.url));
    server.trust(NewTrust { keys: at, ..issuer.rule(acme, "deploy", of_main()) }).await;

    let answer = server.assert(&issuer.token(&issuer.github("1"))).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn while_the_keys_of_an_issuer_cannot_be_had_nothing_counts_against_its_jobs() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let nowhere = GivenKeys::At(format!("{}/nowhere", issuer.url));
    server.trust(NewTrust { keys: nowhere, ..issuer.rule(acme, "deploy", of_main()) }).await;

    for _ in 0..50 {
        let answer = server.assert(&issuer.token(&issuer.github("1"))).await;
        assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{}", answer.text);
        assert!(answer.header("retry-after").parse::<u32>().is_ok());
    }
    let answer = server.assert(&issuer.token(&issuer.github("1"))).await;
    server.settle().await;

    let (reason, detail) = server.reason(&answer).await;
    assert_eq!(reason, "no_rule_holds");
    assert!(detail.contains("cannot be had") && detail.contains("404"), "{detail}");
}

/// The keys that can be had decide where one of them holds.
#[tokio::test]
async fn a_rule_whose_keys_cannot_be_had_keeps_no_other_from_holding() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    let nowhere = GivenKeys::At(format!("{}/nowhere", issuer.url));
    server.trust(NewTrust { keys: nowhere, ..issuer.rule(acme, "away", of_main()) }).await;
    server.trust(issuer.rule(acme, "deploy", of_main())).await;

    let answer = server.assert(&issuer.token(&issuer.github("1"))).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_storm_of_unknown_keys_asks_the_issuer_once() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    server.trust(issuer.rule(acme, "deploy", of_main())).await;
    let known = server.assert(&issuer.token(&issuer.github("1"))).await;
    let before = issuer.asked();
    server.app.clock.advance(TimeDelta::seconds(60));
    server.app.catch_up().await.unwrap();

    for attempt in 0..20 {
        let made_up = Foreigner::new(&format!("made up {attempt}"));
        let refused = server.assert(&made_up.token(&issuer.github("2"))).await;
        assert_eq!(refused.error(), (400, "invalid_grant"));
    }

    assert_eq!((known.status.as_u16(), before), (200, 1), "{}", known.text);
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_new_key_of_the_issuer_counts_when_it_is_first_seen() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    server.trust(issuer.rule(acme, "deploy", of_main())).await;
    let before = server.assert(&issuer.token(&issuer.github("1"))).await;
    let next = Foreigner::with_rsa("k2");
    server.app.clock.advance(TimeDelta::seconds(60));
    server.app.catch_up().await.unwrap();
    *issuer.jwks.lock().unwrap() = next.jwks();

    let after = server.assert(&next.token(&issuer.github("2"))).await;

    assert_eq!(before.status, 200, "{}", before.text);
    assert_eq!(after.status, 200, "{}", after.text);
}

#[tokio::test]
async fn jb_07_a_rule_may_say_by_which_algorithms_its_issuer_signs() {
    for server in TestServer::on_each_engine().await {
        let (acme, issuer) = (server.acme().await, Issuer::start().await);
        let algorithms = "RS256 PS256".parse().unwrap();
        let rule =
            server.trust(NewTrust { algorithms, ..issuer.rule(acme, "deploy", of_main()) }).await;
        let token = issuer.token(&issuer.github("1"));

        let other = server.assert(&token).await;
        let algorithms = Some("ES256".parse().unwrap());
        let to = TrustChange { algorithms, ..TrustChange::default() };
        server.change(&rule, to).await;
        let named = server.assert(&token).await;
        server.settle().await;

        assert_eq!(other.error(), (400, "invalid_grant"), "{}", server.engine);
        let (_, detail) = server.reason(&other).await;
        assert!(detail.contains("is signed by ES256, not by PS256 RS256"), "{detail}");
        assert_eq!(named.status, 200, "{}: {}", server.engine, named.text);
    }
}

#[tokio::test]
async fn a_stranger_has_few_places_asked_and_whoever_names_an_organization_its_own() {
    let server = TestServer::start().await;
    let (acme, issuer) = (server.acme().await, Issuer::start().await);
    server.trust(issuer.rule(acme, "deploy", of_main())).await;
    let places = Issuer::start().await;
    for number in 0..9 {
        // Of one moment chance would decide which is older.
        server.app.clock.advance(TimeDelta::seconds(1));
        let other = server.root(&format!("org-{number}")).await;
        let keys = GivenKeys::At(format!("{}/keys?{number}", places.url));
        server.trust(NewTrust { keys, ..issuer.rule(other, "deploy", of_main()) }).await;
    }
    server.app.clock.advance(TimeDelta::seconds(1));
    let latest = server.root("latest").await;
    let keys = GivenKeys::At(format!("{}/keys", issuer.url));
    let late = issuer.rule(latest, "deploy", with(of_main(), "ref", json!(["refs/heads/late"])));
    server.trust(NewTrust { keys, ..late }).await;
    server.app.catch_up().await.unwrap();
    let job = |id, branch: &str| issuer.token(&with(issuer.github(id), "ref", branch));

    let nobodys = server.assert(&job("1", "refs/heads/none")).await;
    let asked = places.asked();
    let oldest = server.assert(&job("2", "refs/heads/main")).await;
    let unnamed = server.assert(&job("3", "refs/heads/late")).await;
    let organization = [("organizationId", &*latest.to_string())];
    let named = server.assert_with(&job("3", "refs/heads/late"), &organization).await;

    assert_eq!(nobodys.error(), (400, "invalid_grant"));
    assert_eq!(asked, 4);
    assert_eq!(oldest.status, 200, "{}", oldest.text);
    assert_eq!(unnamed.error(), (400, "invalid_grant"));
    assert_eq!(named.status, 200, "{}", named.text);
}
