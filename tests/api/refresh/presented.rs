//! Who may present a refresh token, and what is said to whoever may not.

use keyturn::domain::{ClientTerms, Owner};

use super::{Shop, exchange, for_keys, refresh, refresh_token, refresh_with, shop_terms};
use crate::{
    doors::{IBM, PERSONAL},
    support::{OAUTH, TestServer, basic, encoded, post},
};

#[tokio::test]
async fn rt_02_inc_11_anothers_is_refused_and_its_family_takes_no_harm() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let shop = Shop::of(&server, acme).await;
        let thief = Shop::with(&server, acme, "thief", shop_terms()).await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let of_shop = refresh_token(&shop.first(&server).await);
        let of_key = refresh_token(&exchange(&server, &secret).await);
        let as_key = [("client_id", "ci"), ("client_secret", secret.reveal())];

        let refused = [
            thief.refresh(&server, &of_shop).await,
            thief.refresh(&server, &of_key).await,
            refresh(&server, &of_shop).await,
            refresh_with(&server, &of_shop, &[("client_id", "keyturn-cli")]).await,
            refresh_with(&server, &of_shop, &as_key).await,
            refresh_with(&server, &of_key, &[("client_id", "other")]).await,
        ];

        for answer in &refused {
            assert_eq!(answer.error(), (400, "invalid_grant"), "{}", server.engine);
            assert_eq!(answer.text, refused[0].text);
        }
        assert_eq!(shop.refresh(&server, &of_shop).await.status, 200, "{}", server.engine);
        assert_eq!(refresh(&server, &of_key).await.status, 200, "{}", server.engine);
        server.settle().await;
        let reason = server.refusal(&refused[0]).await.unwrap().reason;
        assert_eq!(reason, "refresh_token_of_another");
    }
}

#[tokio::test]
async fn rt_02_a_stranger_cannot_end_a_family_by_one_that_was_used() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::of(&server, acme).await;
        let thief = Shop::with(&server, acme, "thief", shop_terms()).await;
        let used = refresh_token(&shop.first(&server).await);
        let live = refresh_token(&shop.refresh(&server, &used).await);
        server.app.clock.advance(chrono::TimeDelta::minutes(5));

        let refused = thief.refresh(&server, &used).await;

        assert_eq!(refused.error(), (400, "invalid_grant"), "{}", server.engine);
        assert_eq!(shop.refresh(&server, &live).await.status, 200, "{}", server.engine);
    }
}

#[tokio::test]
async fn what_a_key_was_given_is_taken_under_every_name_that_its_holder_has() {
    let server = TestServer::with(for_keys(true)).await;
    let acme = server.acme().await;
    let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
    let mut token = refresh_token(&exchange(&server, &secret).await);
    let id = key.id.to_string();
    let proved = [("client_id", "ci"), ("client_secret", secret.reveal())];
    let names: [&[(&str, &str)]; 5] = [
        &[],
        &[("client_id", "ci")],
        &[("client_id", &id)],
        &[("client_id", "keyturn-cli")],
        &proved,
    ];

    for name in names {
        let answer = refresh_with(&server, &token, name).await;
        assert_eq!(answer.status, 200, "{name:?}: {}", answer.text);
        token = refresh_token(&answer);
    }
}

#[tokio::test]
async fn inc_19_ca_15_a_client_that_has_a_secret_has_to_prove_itself() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::of(&server, acme).await;
        let token = refresh_token(&shop.first(&server).await);
        let other = Shop::with(&server, acme, "other", shop_terms()).await;
        let mut by_header =
            post(OAUTH, &encoded(&[("grant_type", "refresh_token"), ("refresh_token", &token)]));
        let header = basic(&shop.id, &other.secret).parse().unwrap();
        by_header.headers_mut().insert("authorization", header);

        let without = refresh_with(&server, &token, &[("client_id", &shop.id)]).await;
        let wrong = [("client_id", shop.id.as_str()), ("client_secret", &other.secret)];
        let wrong = refresh_with(&server, &token, &wrong).await;
        let by_header = server.send(by_header).await;

        for answer in [&without, &wrong, &by_header] {
            assert_eq!(answer.error(), (401, "invalid_client"), "{}", server.engine);
        }
        assert!(by_header.header("www-authenticate").starts_with("Basic"), "{}", by_header.text);
        assert_eq!(shop.refresh(&server, &token).await.status, 200, "{}", server.engine);
    }
}

#[tokio::test]
async fn rt_22_what_was_never_given_is_refused_alike_and_harms_nobody() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let token = refresh_token(&exchange(&server, &secret).await);
        let forged = forged(&token);
        let long = "x".repeat(10_000);
        let wrong =
            ["ktr_", &token[..82], &forged, secret.reveal(), &long, "eyJhbGciOiJub25lIn0.."];

        let mut answers = Vec::new();
        for text in wrong {
            answers.push(refresh(&server, text).await);
        }
        let missing = server.post(OAUTH, &[("grant_type", "refresh_token")]).await;

        for answer in &answers {
            assert_eq!(answer.error(), (400, "invalid_grant"), "{}", server.engine);
            assert_eq!(answer.text, answers[0].text);
        }
        assert_eq!(missing.error(), (400, "invalid_request"));
        assert_eq!(refresh(&server, &token).await.status, 200, "{}", server.engine);
    }
}

/// The same family and generation with another MAC, and a checksum that is right.
fn forged(token: &str) -> String {
    let mut forged: keyturn::domain::RefreshToken = token.parse().unwrap();
    forged.mac[31] ^= 1;
    secrecy::ExposeSecret::expose_secret(&forged.reveal()).to_owned()
}

#[tokio::test]
async fn rt_20_nothing_in_the_database_is_or_makes_a_refresh_token() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let first = refresh_token(&exchange(&server, &secret).await);
        let second = refresh_token(&refresh(&server, &first).await);

        let dump = server.dump().await;

        for token in [&first, &second] {
            let parsed: keyturn::domain::RefreshToken = token.parse().unwrap();
            let digits = parsed.mac.iter().map(|byte| format!("{byte:02x}"));
            let mac = digits.collect::<Vec<_>>().concat();
            assert!(!dump.contains(&token.to_lowercase()) && !dump.contains(&mac));
        }
    }
}

#[tokio::test]
async fn a_refresh_token_is_no_secret_of_a_key() {
    let server = TestServer::with(for_keys(true)).await;
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
    let token = refresh_token(&exchange(&server, &secret).await);

    let personal = server.post(PERSONAL, &[("pat", &token)]).await;
    let grant = ("grant_type", "urn:ibm:params:oauth:grant-type:apikey");
    let ibm = server.post(IBM, &[grant, ("apikey", &token)]).await;

    assert_eq!(personal.error(), (401, "invalid_client"));
    assert_eq!(ibm.error(), (401, "invalid_client"));
}

#[tokio::test]
async fn te_19_with_the_database_away_nobody_is_told_that_a_token_is_wrong() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let token = refresh_token(&exchange(&server, &secret).await);
        server.lose_the_database().await;

        let answer = refresh(&server, &token).await;

        assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{}", server.engine);
        assert!(!answer.header("retry-after").is_empty());
    }
}

#[tokio::test]
async fn a_client_may_have_refresh_tokens_that_do_not_rotate() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let refresh = Some(super::refresh_terms(false));
    let terms = ClientTerms { refresh, ..shop_terms() };
    let shop = Shop::with(&server, acme, "shop", terms).await;
    let token = refresh_token(&shop.first(&server).await);

    for _ in 0..3 {
        assert_eq!(refresh_token(&shop.refresh(&server, &token).await), token);
    }
}
