//! What is left of an exchange for those who look later: each hop, each refusal, each use.

use keyturn::{
    domain::ExchangeRule,
    exchange::{ExchangeError, NotExchanged, Part, Refusal},
    store,
};

use super::{ACCESS_TOKEN, World, exchange, rule, token_of, token_of_key, verified};
use crate::support::{Answer, ISSUER};

async fn explained(world: &World, answer: &Answer) -> (String, Option<String>) {
    world.server.settle().await;
    let id = answer.header("x-request-id").parse().unwrap();
    let told = keyturn::exchange::explain(&world.server.app, id).await.unwrap();
    let told = told.unwrap_or_else(|| panic!("nothing recorded: {}", answer.text));
    (told.sentence, told.key.map(|key| key.name.to_string()))
}

#[tokio::test]
async fn tx_19_a_refusal_names_each_hop_to_the_owner_of_the_key() {
    for world in World::on_each_engine().await {
        let World { server, secret, .. } = &world;
        let front = world.party("front", vec![rule("urn:api", true)]).await;
        let first = token_of_key(server, secret).await;
        let second = token_of(&front.exchanges(server, &first, &[]).await);

        let refused = front.exchanges(server, &second, &[("scope", "admin")]).await;

        let [key] = &verified(server, &first).sources[..] else { panic!("one source") };
        let (one, two) = (verified(server, &first).token_id, verified(server, &second).token_id);
        let kind = ExchangeRule::kind(ISSUER, false);
        let expected = format!(
            "The secret is right; scope admin is not in role manager at resource urn:api; it came \
             through {key}, token:{one}, client:{}, exchange:{kind}, token:{two}.",
            front.id
        );
        assert_eq!(explained(&world, &refused).await, (expected, Some("ci".to_owned())));
    }
}

#[tokio::test]
async fn every_refusal_of_an_exchange_is_explained() {
    let world = World::new().await;
    let World { server, secret, .. } = &world;
    let none = world.party("none", Vec::new()).await;
    let acts = world.party("acts", vec![rule("urn:api", false)]).await;
    let token = token_of_key(server, secret).await;
    let other_actor = [("actor_token", &*token), ("actor_token_type", ACCESS_TOKEN)];

    let cases = [
        (
            exchange(server, (&token, ACCESS_TOKEN), &[]).await,
            "An access token is exchanged only for a client that proves who it is.".to_owned(),
        ),
        (
            none.exchanges(server, "nonsense", &[]).await,
            "The subject_token is not good: the token is malformed: ".to_owned(),
        ),
        (
            none.exchanges(server, &token, &[]).await,
            format!("No rule lets client {} exchange tokens of https://keyturn.test", none.id),
        ),
        (
            acts.exchanges(server, &token, &[]).await,
            format!(
                "Client {} may exchange tokens of https://keyturn.test only with an actor_token of \
                 its own",
                acts.id
            ),
        ),
        (
            acts.exchanges(server, &token, &other_actor).await,
            "The actor_token is not the client's own".to_owned(),
        ),
    ];

    for (answer, expected) in cases {
        assert!(answer.status.is_client_error(), "{expected}");
        let (sentence, _) = explained(&world, &answer).await;
        assert!(sentence.starts_with(&expected), "{sentence}");
        assert!(!sentence.contains(&token), "{sentence}");
    }
    let odd = [
        NotExchanged::TooManyActors,
        NotExchanged::TooLong,
        NotExchanged::TwoProofKeys,
        NotExchanged::NotTheKeys,
        NotExchanged::Untrusted(Part::Actor, keyturn::signing::Untrusted::Expired),
    ];
    for refusal in odd.map(Refusal::from) {
        let code = refusal.code();
        assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
        assert!(ExchangeError::from(refusal).to_string().starts_with("refused: "));
    }
}

#[tokio::test]
async fn an_exchange_is_a_use_of_the_key_and_of_the_clients_secret() {
    for world in World::on_each_engine().await {
        let World { server, key, secret, .. } = &world;
        let front = world.party("front", vec![rule("urn:api", true)]).await;

        let answer = front.exchanges(server, secret.reveal(), &[]).await;

        assert_eq!(answer.status, 200, "{}", answer.text);
        server.settle().await;
        let mut tx = server.app.store.read().await.unwrap();
        let of_key = store::usage::of_key(&mut tx, key.id).await.unwrap();
        let of_client = store::client_secrets::last_used(&mut tx, front.client.id).await.unwrap();
        let uses: Vec<_> = of_key.iter().map(|(_, uses)| *uses).collect();
        assert_eq!(uses, [1], "{}", server.engine);
        let [(_, minute)] = of_client[..] else { panic!("one secret") };
        assert!(minute.is_some(), "{}", server.engine);
    }
}
