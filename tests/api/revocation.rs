//! What is ended before its time: checks RV-01 to RV-11, INC-16.

use chrono::TimeDelta;
use keyturn::{
    domain::{
        Authentication, Ceiling, ClientId, ClientTerms, Family, FamilyId, Granted, OrganizationId,
        Owner, RefreshTerms, Secret, SecretPrefix, Source,
    },
    random::Random,
    signing::RefreshKey,
    store,
};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::support::{Answer, Client, Options, REVOKE, TestServer};

/// `acme` with a client that obtains tokens, another one, and a resource server.
struct Scene {
    server: TestServer,
    acme: OrganizationId,
    shop: Client,
    thief: Client,
    api: Client,
}

impl Scene {
    async fn on(server: TestServer) -> Self {
        let acme = server.acme().await;
        let shop = server.obtaining_client(acme, "shop").await;
        let thief = server.obtaining_client(acme, "thief").await;
        let api = server.resource_server(acme, "the-api", &["api"]).await;
        Self { server, acme, shop, thief, api }
    }

    async fn is_active(&self, token: &str) -> bool {
        is_active(&self.server, &self.api, token).await
    }

    /// A family of refresh tokens that the client was given, and the token of a generation.
    async fn family(&self, client: Option<&Client>, source: Source) -> (Family, String) {
        let now = self.server.app.clock.now();
        let family = Family {
            id: FamilyId(self.server.app.random.id(now)),
            salt: Random::System.bytes(),
            client_id: client.map(|client| client.id.parse().unwrap()),
            granted: Granted {
                sources: vec![source],
                subject: "client:x".to_owned(),
                ceiling: Ceiling::default(),
                actor: None,
                bound_to: None,
                terms: RefreshTerms { rotates: true, lifetime: 86_400, idle: 3600 },
            },
            generation: 2,
            answered_at: None,
            created_at: now,
            used_at: now,
            expires_at: now + TimeDelta::days(1),
            ended_at: None,
            status_index: 0,
        };
        let mut tx = self.server.app.store.write().await.unwrap();
        let begun = store::refresh_families::insert(&mut tx, family.clone(), None).await;
        assert!(begun.unwrap());
        self.server.app.commit(tx).await.unwrap();
        let key = RefreshKey::of(&self.server.app.key_encryption_key, &family);
        let token = key.token(&family, 1).reveal().expose_secret().to_owned();
        (family, token)
    }

    async fn has_ended(&self, family: &Family) -> bool {
        let family = store::refresh_families::find(&self.server.app.store, family.id).await;
        family.unwrap().unwrap().ended_at.is_some()
    }
}

async fn is_active(server: &TestServer, api: &Client, token: &str) -> bool {
    let answer = server.introspect(api, token).await;
    answer.body["active"].as_bool().unwrap_or_else(|| panic!("{}", answer.text))
}

fn source_of(client: &Client) -> Source {
    Source::Client(client.id.parse::<ClientId>().unwrap())
}

/// A well-formed secret that belongs to no key.
fn unknown() -> Secret {
    let prefix: SecretPrefix = "ktk".parse().unwrap();
    Secret::generate(&prefix, &Random::System)
}

fn assert_done(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn rv_04_a_revoked_access_token_is_inactive_and_only_that_one() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let first = scene.server.token_of(&scene.shop).await;
        let second = scene.server.token_of(&scene.shop).await;
        assert!(scene.is_active(&first).await, "{}", scene.server.engine);

        let answer = scene.server.end_token(&scene.shop, &first).await;

        assert_done(&answer);
        assert!(!scene.is_active(&first).await, "{}", scene.server.engine);
        assert!(scene.is_active(&second).await, "{}", scene.server.engine);
    }
}

#[tokio::test]
async fn rv_09_revoking_again_changes_nothing_and_is_recorded_once() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let token = scene.server.token_of(&scene.shop).await;
        let jti = scene.server.introspect(&scene.api, &token).await.body["jti"].clone();

        for _ in 0..3 {
            assert_done(&scene.server.end_token(&scene.shop, &token).await);
        }

        let subject = format!("token:{}", jti.as_str().unwrap());
        let trail = scene.server.audit_trail(&subject).await;
        assert_eq!(trail.len(), 1, "{}", scene.server.engine);
        assert_eq!(trail[0].action, "token.revoked");
        assert_eq!(trail[0].actor.to_string(), format!("client:{}", scene.shop.id));
        assert_eq!(trail[0].organization_id, Some(scene.acme));
        assert!(!trail[0].detail.to_string().contains(&token));
    }
}

#[tokio::test]
async fn rv_01_rv_05_what_is_no_token_was_ended_long_ago_whatever_the_hint() {
    let scene = Scene::on(TestServer::start().await).await;
    let old = scene.server.token_of(&scene.shop).await;
    scene.server.app.clock.advance(TimeDelta::minutes(6));

    for token in ["x", "a.b.c", "ktr_nonsense", "ktk_nonsense", &old] {
        for hint in ["", "access_token", "refresh_token", "something"] {
            let form = [("token", token), ("token_type_hint", hint)];
            let answer = scene.server.send(scene.shop.request(REVOKE, &form)).await;

            assert_done(&answer);
        }
    }
}

#[tokio::test]
async fn rv_05_a_wrong_hint_hides_no_token() {
    let scene = Scene::on(TestServer::start().await).await;
    let token = scene.server.token_of(&scene.shop).await;
    let form = [("token", token.as_str()), ("token_type_hint", "refresh_token")];

    let answer = scene.server.send(scene.shop.request(REVOKE, &form)).await;

    assert_done(&answer);
    assert!(!scene.is_active(&token).await);
}

#[tokio::test]
async fn rv_02_a_request_without_a_token_is_refused() {
    let scene = Scene::on(TestServer::start().await).await;

    let answer = scene.server.send(scene.shop.request(REVOKE, &[])).await;

    assert_eq!(answer.error(), (400, "invalid_request"));
    assert_eq!(scene.server.get(REVOKE).await.status, 405);
}

#[tokio::test]
async fn rv_03_what_was_issued_to_another_client_lives_on_and_the_attempt_is_recorded() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let token = scene.server.token_of(&scene.shop).await;
        let (family, refresh) = scene.family(Some(&scene.shop), source_of(&scene.shop)).await;

        let of_access = scene.server.end_token(&scene.thief, &token).await;
        let of_refresh = scene.server.end_token(&scene.thief, &refresh).await;

        assert_eq!(of_access.error(), (400, "unauthorized_client"), "{}", scene.server.engine);
        assert_eq!(of_refresh.error(), (400, "unauthorized_client"), "{}", scene.server.engine);
        assert!(scene.is_active(&token).await && !scene.has_ended(&family).await);
        scene.server.settle().await;
        for answer in [of_access, of_refresh] {
            let recorded = scene.server.refusal(&answer).await.unwrap();
            assert_eq!((&*recorded.reason, &*recorded.door), ("others_token", REVOKE));
        }
    }
}

#[tokio::test]
async fn rv_04_a_refresh_token_of_any_generation_ends_its_family_and_what_came_of_it() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let (family, refresh) = scene.family(Some(&scene.shop), source_of(&scene.shop)).await;

        let answer = scene.server.end_token(&scene.shop, &refresh).await;
        let again = scene.server.end_token(&scene.shop, &refresh).await;

        assert_done(&answer);
        assert_done(&again);
        assert!(scene.has_ended(&family).await, "{}", scene.server.engine);
        let trail = scene.server.audit_trail(&format!("family:{}", family.id)).await;
        assert_eq!(trail.len(), 1, "{}", scene.server.engine);
        assert_eq!(trail[0].action, "refresh.revoked");
    }
}

#[tokio::test]
async fn rv_04_a_refresh_token_that_we_did_not_make_ends_nothing() {
    let scene = Scene::on(TestServer::start().await).await;
    let (family, _) = scene.family(Some(&scene.shop), source_of(&scene.shop)).await;
    let other = Family { salt: [0; 16], ..family.clone() };
    let key = RefreshKey::of(&scene.server.app.key_encryption_key, &other);
    let forged = key.token(&other, 2).reveal().expose_secret().to_owned();

    let answer = scene.server.end_token(&scene.shop, &forged).await;

    assert_done(&answer);
    assert!(!scene.has_ended(&family).await);
}

#[tokio::test]
async fn a_refresh_token_that_a_key_was_given_is_ended_by_whoever_has_it() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let (key, secret) = scene.server.key(Owner::Organization(scene.acme), "ci").await;
        let presented = scene.server.app.directory.key(&secret.hash()).await.unwrap().unwrap();
        let source = Source::Secret(presented.secret.id);
        let (family, refresh) = scene.family(None, source).await;

        let answer = scene.server.post(REVOKE, &[("token", &refresh)]).await;

        assert_done(&answer);
        assert!(scene.has_ended(&family).await, "{}", scene.server.engine);
        let trail = scene.server.audit_trail(&format!("family:{}", family.id)).await;
        assert_eq!(trail[0].actor.to_string(), format!("key:{}", key.id));
        assert_eq!(scene.server.exchange("ci", &secret).await.status, 200);
    }
}

#[tokio::test]
async fn rv_08_clients_prove_who_they_are_and_public_ones_say_it() {
    let scene = Scene::on(TestServer::start().await).await;
    let server = &scene.server;
    let terms = ClientTerms { authentication: Authentication::None, ..ClientTerms::default() };
    let app: Client = server.client(scene.acme, "app", terms).await.into();
    let (family, refresh) = scene.family(Some(&app), source_of(&app)).await;
    let token = server.token_of(&scene.shop).await;
    let nobody = Client { id: scene.shop.id.clone(), secret: String::new() };
    let wrong = Client { secret: scene.thief.secret.clone(), ..scene.shop.clone() };

    let by_nobody = server.post(REVOKE, &[("token", &token)]).await;
    let by_name_alone = server.end_token(&nobody, &token).await;
    let by_wrong_secret = server.end_token(&wrong, &token).await;
    let by_public = server.end_token(&app, &refresh).await;

    for refused in [by_nobody, by_name_alone, by_wrong_secret] {
        assert_eq!(refused.error(), (401, "invalid_client"));
    }
    assert!(scene.is_active(&token).await);
    assert_done(&by_public);
    assert!(scene.has_ended(&family).await);
}

#[tokio::test]
async fn rv_08_pages_of_configured_origins_may_revoke() {
    let mut options = Options::default();
    options.edge.cors_origins = vec!["https://app.test".to_owned()];
    let scene = Scene::on(TestServer::with(options).await).await;
    let token = scene.server.token_of(&scene.shop).await;
    let mut request = scene.shop.request(REVOKE, &[("token", &token)]);
    request.headers_mut().insert("origin", "https://app.test".parse().unwrap());

    let answer = scene.server.send(request).await;

    assert_done(&answer);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.test");
}

#[tokio::test]
async fn a_key_revokes_the_tokens_it_was_given_and_no_others() {
    let scene = Scene::on(TestServer::start().await).await;
    let server = &scene.server;
    let (key, secret) = server.key(Owner::Organization(scene.acme), "ci").await;
    let ci = Client { id: key.id.to_string(), secret: secret.reveal().to_owned() };
    let (own, other) = (server.token_of(&ci).await, server.token_of(&scene.shop).await);

    let of_own = server.end_token(&ci, &own).await;
    let of_other = server.end_token(&ci, &other).await;

    assert_done(&of_own);
    assert_eq!(of_other.error(), (400, "unauthorized_client"));
    assert!(!scene.is_active(&own).await && scene.is_active(&other).await);
    assert_eq!(server.exchange("ci", &secret).await.status, 200, "the key itself lives on");
}

#[tokio::test]
async fn rv_11_the_secret_of_a_key_is_enough_to_revoke_it() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let (_, secret) = scene.server.key(Owner::Organization(scene.acme), "ci").await;

        let answer = scene.server.post(REVOKE, &[("token", secret.reveal())]).await;
        let again = scene.server.post(REVOKE, &[("token", secret.reveal())]).await;
        let of_unknown = scene.server.post(REVOKE, &[("token", unknown().reveal())]).await;

        assert_done(&answer);
        assert_done(&again);
        assert_done(&of_unknown);
        let refused = scene.server.exchange("ci", &secret).await;
        assert_eq!(refused.error(), (401, "invalid_client"), "{}", scene.server.engine);
        assert!(refused.text.contains("revoked"), "{}", refused.text);
    }
}

#[tokio::test]
async fn rv_06_inc_16_what_could_not_be_stored_was_not_revoked_and_is_not_said_to_be() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let token = scene.server.token_of(&scene.shop).await;
        let (_, refresh) = scene.family(Some(&scene.shop), source_of(&scene.shop)).await;
        scene.server.lose_the_database().await;

        for token in [token.as_str(), &refresh, unknown().reveal()] {
            let answer = scene.server.end_token(&scene.shop, token).await;

            let told = answer.error();
            assert_eq!(told, (503, "temporarily_unavailable"), "{}", scene.server.engine);
            assert_eq!(answer.header("retry-after"), "1");
        }
    }
}

#[tokio::test]
async fn p1_what_one_node_ends_is_inactive_on_the_other_once_that_has_looked() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let scene = Scene::on(server).await;
        let (key, secret) = scene.server.key(Owner::Organization(scene.acme), "ci").await;
        let ci = Client { id: key.id.to_string(), secret: secret.reveal().to_owned() };
        let by_key = scene.server.token_of(&ci).await;
        let by_client = scene.server.token_of(&scene.shop).await;
        let revoked = scene.server.token_of(&scene.shop).await;
        for token in [&by_key, &by_client, &revoked] {
            other.app.catch_up().await.unwrap();
            assert!(is_active(&other, &scene.api, token).await, "{}", other.engine);
        }

        scene.server.end_token(&scene.shop, &revoked).await;
        other.app.catch_up().await.unwrap();
        let after_token = is_active(&other, &scene.api, &revoked).await;
        scene.server.revoke(key.id).await;
        other.app.catch_up().await.unwrap();
        let after_key = is_active(&other, &scene.api, &by_key).await;
        let untouched = is_active(&other, &scene.api, &by_client).await;

        assert!(!after_token && !after_key, "{}", other.engine);
        assert!(untouched, "{}", other.engine);
    }
}

/// A token that a family gave: the family stands in its chain of sources.
fn with_family(family: &Family, client: &Client) -> Vec<Source> {
    vec![source_of(client), Source::Family(family.id)]
}

#[tokio::test]
async fn rv_04_tokens_of_an_ended_family_are_inactive_on_every_node() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let scene = Scene::on(server).await;
        let (family, refresh) = scene.family(Some(&scene.shop), source_of(&scene.shop)).await;
        let app = &scene.server.app;
        let now = app.clock.now();
        let claims = keyturn::signing::AccessToken {
            sub: &format!("client:{}", scene.shop.id),
            aud: "api",
            client_id: &scene.shop.id,
            iat: now,
            exp: now + TimeDelta::minutes(5),
            jti: Uuid::from_u128(9),
            scope: "read",
            roles: &[],
            src: &with_family(&family, &scene.shop),
            act: None,
            cnf: None,
            org: scene.acme.0,
            user_id: None,
            email: None,
        };
        let (by, typ) =
            (keyturn::domain::Algorithm::Es256, keyturn::signing::TokenType::AccessToken);
        let token = app.signer.sign(by, now, typ, &claims).unwrap();
        other.app.catch_up().await.unwrap();
        assert!(scene.is_active(&token).await, "{}", other.engine);
        assert!(is_active(&other, &scene.api, &token).await, "{}", other.engine);

        scene.server.end_token(&scene.shop, &refresh).await;
        other.app.catch_up().await.unwrap();

        assert!(!scene.is_active(&token).await, "{}", other.engine);
        assert!(!is_active(&other, &scene.api, &token).await, "{}", other.engine);
    }
}
