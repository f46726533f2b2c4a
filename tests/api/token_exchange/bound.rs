//! What is bound to a key, at an exchange: TX-18.

use serde_json::json;

use super::{
    ACCESS_TOKEN, API_KEY, GRANT, Party, REFRESH_TOKEN, World, party, refreshing, rule, terms,
    token_of, token_of_key,
};
use crate::support::{Answer, OAUTH, Options, ProofKey, TestServer};

/// Posts the grant with a proof by this key, or with none.
async fn exchange(
    server: &TestServer,
    key: Option<&ProofKey>,
    (token, token_type): (&str, &str),
    more: &[(&str, &str)],
) -> Answer {
    let mut form = vec![GRANT, ("subject_token", token), ("subject_token_type", token_type)];
    form.extend(more);
    match key {
        Some(key) => server.post_by(key, OAUTH, &form).await,
        None => server.post(OAUTH, &form).await,
    }
}

/// A token of the key `ci` that is bound to this key.
async fn bound(world: &World, key: &ProofKey) -> String {
    let subject = (world.secret.reveal(), API_KEY);
    let target = [("resource", "urn:api")];
    token_of(&exchange(&world.server, Some(key), subject, &target).await)
}

/// A client's token for itself that is bound to this key.
async fn bound_to(server: &TestServer, party: &Party, key: &ProofKey) -> String {
    let mut form = vec![("grant_type", "client_credentials"), ("resource", "urn:api")];
    form.extend(party.credentials());
    token_of(&server.post_by(key, OAUTH, &form).await)
}

async fn assert_bound(server: &TestServer, answer: &Answer, key: &ProofKey) {
    assert_eq!(answer.body["token_type"], "DPoP", "{}: {}", server.engine, answer.text);
    assert_eq!(server.claims(answer).await["cnf"], json!({ "jkt": key.thumbprint() }));
}

#[tokio::test]
async fn tx_18_a_bound_token_is_exchanged_only_with_a_proof_by_its_key() {
    for world in World::on_each_engine().await {
        let server = &world.server;
        let app = world.party("app", vec![rule("urn:api", true)]).await;
        let (own, thiefs) = (ProofKey::p256(), ProofKey::p256());
        let token = bound(&world, &own).await;
        let (subject, form) = ((&*token, ACCESS_TOKEN), app.credentials());

        let bare = exchange(server, None, subject, &form).await;
        let thief = exchange(server, Some(&thiefs), subject, &form).await;
        let holder = exchange(server, Some(&own), subject, &form).await;
        let next = token_of(&holder);
        let bare_again = exchange(server, None, (&next, ACCESS_TOKEN), &form).await;

        assert_eq!(bare.error(), (400, "invalid_dpop_proof"), "{}", server.engine);
        assert_eq!(thief.error(), (400, "invalid_request"));
        assert_eq!(thief.body["error_description"], "it is bound to another key");
        assert_bound(server, &holder, &own).await;
        assert_eq!(bare_again.error(), (400, "invalid_dpop_proof"), "the binding goes along");
        server.settle().await;
        let reason = server.refusal(&thief).await.unwrap().reason;
        assert_eq!(reason, "bound_to_other_key");
    }
}

#[tokio::test]
async fn tx_18_what_is_not_bound_is_bound_by_the_proof_that_comes_with_it() {
    let world = World::new().await;
    let server = &world.server;
    let app = world.party("app", vec![rule("urn:api", true)]).await;
    let token = token_of_key(server, &world.secret).await;
    let key = ProofKey::ed25519();

    let answer = exchange(server, Some(&key), (&token, ACCESS_TOKEN), &app.credentials()).await;

    assert_bound(server, &answer, &key).await;
}

#[tokio::test]
async fn tx_18_who_acts_proves_the_key_of_both_tokens() {
    let world = World::new().await;
    let server = &world.server;
    let app = world.party("app", vec![rule("urn:api", false)]).await;
    let (own, actors) = (ProofKey::p256(), ProofKey::p256());
    let (token, bearer) = (bound(&world, &own).await, token_of_key(server, &world.secret).await);
    let (with_actors, with_own) =
        (bound_to(server, &app, &actors).await, bound_to(server, &app, &own).await);
    let form = |actor| {
        let actor = [("actor_token", actor), ("actor_token_type", ACCESS_TOKEN)];
        [&app.credentials()[..], &actor].concat()
    };

    let (subject, of_nobody) = ((&*token, ACCESS_TOKEN), (&*bearer, ACCESS_TOKEN));
    let two_keys = exchange(server, Some(&own), subject, &form(&with_actors)).await;
    let of_actor = exchange(server, Some(&actors), subject, &form(&with_actors)).await;
    let one_key = exchange(server, Some(&own), subject, &form(&with_own)).await;
    let actor_unproved = exchange(server, None, of_nobody, &form(&with_actors)).await;
    let actor_proved = exchange(server, Some(&actors), of_nobody, &form(&with_actors)).await;

    assert_eq!(two_keys.error(), (400, "invalid_request"));
    assert_eq!(of_actor.error(), (400, "invalid_request"));
    assert_bound(server, &one_key, &own).await;
    assert_eq!(actor_unproved.error(), (400, "invalid_dpop_proof"));
    assert_bound(server, &actor_proved, &actors).await;
}

#[tokio::test]
async fn tx_18_a_bound_refresh_token_is_exchanged_only_with_a_proof_by_its_key() {
    let mut options = Options::default();
    options.settings.refresh.for_api_keys = refreshing(Vec::new()).refresh;
    let world = World::on(TestServer::with(options).await).await;
    let server = &world.server;
    let (own, thiefs) = (ProofKey::p256(), ProofKey::p256());
    let form = [("name", "ci"), ("secret", world.secret.reveal())];
    let given = server.post_by(&own, crate::support::API_KEY, &form).await;
    let subject = (given.body["refresh_token"].as_str().unwrap(), REFRESH_TOKEN);

    let bare = exchange(server, None, subject, &[]).await;
    let thief = exchange(server, Some(&thiefs), subject, &[]).await;
    let holder = exchange(server, Some(&own), subject, &[]).await;

    assert_eq!(bare.error(), (400, "invalid_dpop_proof"));
    assert_eq!(thief.error(), (400, "invalid_request"));
    assert_bound(server, &holder, &own).await;
}

/// A client that is known by its secret may still have to prove a key for what it exchanges.
#[tokio::test]
async fn tx_18_who_has_to_prove_a_key_exchanges_nothing_without() {
    let world = World::new().await;
    let server = &world.server;
    let mut demanding = terms(vec![rule("urn:api", true)]);
    demanding.proof = keyturn::domain::ProofDemand::Any;
    let app = party(server, world.acme, "app", demanding).await;
    let token = token_of_key(server, &world.secret).await;
    let (subject, form, key) = ((&*token, ACCESS_TOKEN), app.credentials(), ProofKey::p256());

    let bare = exchange(server, None, subject, &form).await;
    let proved = exchange(server, Some(&key), subject, &form).await;

    assert_eq!(bare.error(), (400, "invalid_dpop_proof"));
    assert_bound(server, &proved, &key).await;
}
