//! What becomes of a token when something it came from ends: TX-15, TX-16, TX-19; INC-08.

use chrono::TimeDelta;
use keyturn::{
    domain::{ExchangeRule, Expected, Source},
    manage::{Asker, resources},
};
use serde_json::json;

use super::{
    ACCESS_TOKEN, Party, World, claims, exchange, party, revoke_token, rule, standing, terms,
    token_of, token_of_key, verified,
};
use crate::support::ISSUER;

/// Tokens that came one from the other: by the key, through `front`, through `back`.
struct Chain {
    world: World,
    front: Party,
    back: Party,
    tokens: [String; 3],
}

impl Chain {
    async fn on(world: World) -> Self {
        let World { server, acme, secret, .. } = &world;
        let front = party(server, *acme, "front", terms(vec![rule("urn:api", true)])).await;
        let back = party(server, *acme, "back", terms(vec![rule("urn:api", true)])).await;
        let first = token_of_key(server, secret).await;
        let second = token_of(&front.exchanges(server, &first, &[]).await);
        let third = token_of(&back.exchanges(server, &second, &[]).await);
        Self { front, back, tokens: [first, second, third], world }
    }

    async fn on_each_engine() -> Vec<Self> {
        let mut chains = Vec::new();
        for world in World::on_each_engine().await {
            chains.push(Self::on(world).await);
        }
        chains
    }

    /// Which of the tokens are still good.
    async fn good(&self) -> [bool; 3] {
        let mut good = [false; 3];
        for (good, token) in good.iter_mut().zip(&self.tokens) {
            *good = standing(&self.world.server, token).await.is_some();
        }
        good
    }
}

#[tokio::test]
async fn tx_15_a_token_says_through_what_it_came() {
    let chain = Chain::on(World::new().await).await;
    let server = &chain.world.server;
    let [first, second, third] = &chain.tokens;
    let link = |token: &str| format!("token:{}", verified(server, token).token_id);

    let sources = claims(server, third).await["src"].clone();

    let [key] = &verified(server, first).sources[..] else { panic!("a key's secret alone") };
    let front = format!("client:{}", chain.front.id);
    let back = format!("client:{}", chain.back.id);
    let by_rule = format!("exchange:{}", ExchangeRule::kind(ISSUER, false));
    let expected = json!([key, link(first), front, by_rule, link(second), back, by_rule]);
    assert_eq!(sources, expected);
}

#[tokio::test]
async fn tx_15_whatever_ends_ends_what_came_from_it() {
    for chain in Chain::on_each_engine().await {
        let server = &chain.world.server;
        assert_eq!(chain.good().await, [true; 3], "{}", server.engine);

        revoke_token(server, &chain.tokens[1]).await;
        assert_eq!(chain.good().await, [true, false, false], "{}: a token", server.engine);
        let refused = chain.back.exchanges(server, &chain.tokens[1], &[]).await;
        assert_eq!(refused.error(), (400, "invalid_request"));
        server.revoke(chain.world.key.id).await;
        assert_eq!(chain.good().await, [false; 3], "{}: the key", server.engine);
    }
    for chain in Chain::on_each_engine().await {
        let server = &chain.world.server;
        chain.front.disable(server).await;

        assert_eq!(chain.good().await, [true, false, false], "{}: a client", server.engine);
        let refused = chain.back.exchanges(server, &chain.tokens[1], &[]).await;
        assert_eq!(refused.error(), (400, "invalid_request"), "not the client that asks");
    }
}

#[tokio::test]
async fn tx_15_what_a_client_loses_its_tokens_lose() {
    for chain in Chain::on_each_engine().await {
        let server = &chain.world.server;
        let scopes = async || {
            let mut all = Vec::new();
            for token in &chain.tokens {
                let standing = standing(server, token).await;
                all.push(standing.map(|it| it.scopes.to_string()).unwrap_or_default());
            }
            all
        };
        assert_eq!(scopes().await, ["read write"; 3], "{}", server.engine);

        chain.front.change(server, |it| it.terms.scopes = "read".parse().unwrap()).await;

        assert_eq!(scopes().await, ["read write", "read", "read"], "{}", server.engine);
    }
}

#[tokio::test]
async fn tx_15_a_rule_of_exchange_that_goes_takes_what_it_gave() {
    for chain in Chain::on_each_engine().await {
        let server = &chain.world.server;
        let other = vec![rule("urn:other", true)];
        chain.back.change(server, |it| it.terms.exchanges.clone_from(&other)).await;
        assert_eq!(chain.good().await, [true, true, false], "{}: the audience", server.engine);

        chain.front.change(server, |it| it.terms.exchanges.clear()).await;
        assert_eq!(chain.good().await, [true, false, false], "{}: all rules", server.engine);
        let refused = chain.back.exchanges(server, &chain.tokens[1], &[]).await;
        assert_eq!(refused.error(), (400, "invalid_request"));
    }
    for chain in Chain::on_each_engine().await {
        let server = &chain.world.server;
        let acted = vec![rule("urn:api", false)];

        chain.front.change(server, |it| it.terms.exchanges.clone_from(&acted)).await;

        assert_eq!(chain.good().await, [true, false, false], "{}: an actor now", server.engine);
    }
}

#[tokio::test]
async fn tx_15_what_was_exchanged_again_for_the_same_audience_ends_with_the_rule() {
    let chain = Chain::on(World::new().await).await;
    let server = &chain.world.server;
    let narrow = [("scope", "read")];
    let again = token_of(&chain.back.exchanges(server, &chain.tokens[2], &narrow).await);
    let before = standing(server, &again).await.is_some();

    let other = vec![rule("urn:other", true)];
    chain.back.change(server, |it| it.terms.exchanges.clone_from(&other)).await;

    assert!(before);
    assert!(standing(server, &again).await.is_none());
}

#[tokio::test]
async fn tx_15_a_replaced_secret_ends_what_its_use_helped_to_get() {
    let World { server, key, secret, .. } = World::new().await;
    let token = token_of_key(&server, &secret).await;
    let new = server.rotate(key.id, TimeDelta::seconds(60)).await;
    let by_new = token_of_key(&server, &new).await;
    let old = [("client_id", "ci"), ("client_secret", secret.reveal())];

    let helped = exchange(&server, (&by_new, ACCESS_TOKEN), &old).await;

    assert_eq!(helped.body["expires_in"], 60, "no longer than the old secret: {}", helped.text);
    let helped = token_of(&helped);
    server.app.clock.advance(TimeDelta::seconds(59));
    assert!(standing(&server, &helped).await.is_some());
    assert!(standing(&server, &by_new).await.is_some());
    assert!(standing(&server, &token).await.is_some());
    let late = exchange(&server, (&by_new, ACCESS_TOKEN), &old).await;
    assert_eq!(late.body["expires_in"], 1);
}

#[tokio::test]
async fn tx_16_what_is_no_longer_a_target_is_refused_at_each_hop() {
    for chain in Chain::on_each_engine().await {
        let server = &chain.world.server;
        let (asker, api) = (Asker::keyturn(), "urn:api".parse().unwrap());
        resources::remove(&server.app, &asker, &api, &Expected::Any).await.unwrap();

        let again = chain.back.exchanges(server, &chain.tokens[2], &[]).await;

        assert_eq!(again.error(), (400, "invalid_target"), "{}", server.engine);
        assert_eq!(chain.good().await, [false; 3]);
    }
}

#[tokio::test]
async fn tx_19_going_round_in_circles_gives_nothing_and_ends() {
    let World { server, acme, secret, .. } = World::new().await;
    let front = party(&server, acme, "front", terms(vec![rule("urn:api", true)])).await;
    let back = party(&server, acme, "back", terms(vec![rule("urn:api", true)])).await;
    let mut token = token_of_key(&server, &secret).await;
    let end = verified(&server, &token).expires_at;

    let mut rounds = 0;
    let last = loop {
        server.app.clock.advance(TimeDelta::seconds(1));
        let party = if rounds % 2 == 0 { &front } else { &back };
        let answer = party.exchanges(&server, &token, &[]).await;
        if answer.status != 200 {
            break answer;
        }
        rounds += 1;
        token = token_of(&answer);
        let now = verified(&server, &token);
        assert_eq!((now.scopes.to_string().as_str(), now.expires_at), ("read write", end));
    };

    assert_eq!(last.error(), (400, "invalid_request"));
    assert_eq!(rounds, (Source::MOST - 1) / 3);
    assert!(standing(&server, &token).await.is_some(), "the last one is as good as the first");
}
