//! Who fails again and again, with a credential that is right, fills nothing: checks FX-18.

use std::collections::HashSet;

use axum::{body::Body, http::Request};
use chrono::TimeDelta;
use keyturn::{
    clock::Timestamp,
    domain::{
        ApiKeyId, Circumstances, GrantType, Kept, Owner, RefusalRecord, Retention, Secret,
        SecretId, UserAgent,
    },
    manage::{Asker, clients, upkeep::Upkeep},
    random::Random,
    store,
};

use crate::support::{API_KEY, Answer, Ci, FORM, OAUTH, Options, TestServer, encoded, post};

/// With room for this many failures a minute.
fn failures(most: u32) -> impl Fn() -> Options {
    move || {
        let mut options = Options::default();
        options.settings.failures_per_minute = most.try_into().unwrap();
        options
    }
}

async fn exchange_as(server: &TestServer, agent: &str, form: &[(&str, &str)]) -> Answer {
    let request = Request::post(API_KEY).header("content-type", FORM).header("user-agent", agent);
    server.send(request.body(Body::from(encoded(form))).unwrap()).await
}

async fn uses(server: &TestServer, id: ApiKeyId) -> Vec<(Circumstances, i64)> {
    let mut tx = server.app.store.read().await.unwrap();
    let uses = store::usage::of_key(&mut tx, id).await.unwrap();
    uses.into_iter().map(|(used, count)| (used.circumstances, count)).collect()
}

async fn new_key(server: &TestServer) -> (ApiKeyId, Secret) {
    let acme = Owner::Organization(server.acme().await);
    let (key, secret) = server.key(acme, "ci").await;
    (key.id, secret)
}

#[tokio::test]
async fn fx_18a_a_revoked_key_is_told_to_slow_down_and_fills_no_table() {
    for server in TestServer::on_each_engine_with(failures(60)).await {
        let (id, secret) = new_key(&server).await;
        server.revoke(id).await;
        let form = [("name", "ci"), ("secret", secret.reveal())];

        let mut answers = Vec::new();
        for number in 0..300 {
            answers.push(exchange_as(&server, &format!("agent/{number}"), &form).await);
        }
        let count = answers.iter().filter(|it| it.status == 401).count();
        let told = answers.last().unwrap();
        server.app.clock.advance(TimeDelta::minutes(1));
        let later = exchange_as(&server, "agent/0", &form).await;
        server.settle().await;

        assert_eq!(count, 60, "{}", server.engine);
        assert_eq!(told.error(), (429, "slow_down"), "{}", server.engine);
        assert!((1..=2).contains(&told.header("retry-after").parse::<u64>().unwrap()));
        assert_eq!(later.body["error_description"], "the key was revoked");
        let uses = uses(&server, id).await;
        let agents: HashSet<_> = uses.iter().map(|(it, _)| it.user_agent.as_str()).collect();
        assert!(uses.len() < 20, "{}: {} rows", server.engine, uses.len());
        assert!(agents.contains("agent/0") && agents.contains("(others)"), "{agents:?}");
        assert_eq!(uses.iter().map(|(_, count)| count).sum::<i64>(), 301, "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_18b_the_budget_of_one_key_is_no_others_and_keeps_nothing_good_out() {
    for server in TestServer::on_each_engine_with(failures(3)).await {
        let (id, secret) = new_key(&server).await;
        let acme = server.root("other").await;
        let (_, other) = server.key(Owner::Organization(acme), "other").await;
        let wrong = [("name", "ci"), ("secret", secret.reveal()), ("scope", "admin")];
        let others = [("name", "other"), ("secret", other.reveal()), ("scope", "admin")];

        let mut statuses = Vec::new();
        for _ in 0..5 {
            statuses.push(server.post(API_KEY, &wrong).await.status.as_u16());
        }
        let right = server.exchange("ci", &secret).await;
        let neighbour = server.post(API_KEY, &others).await;
        let guess = server.post(API_KEY, &[("name", "ci"), ("secret", "typo")]).await;
        server.settle().await;

        assert_eq!(statuses, [400, 400, 400, 429, 429], "{}", server.engine);
        assert_eq!(right.status, 200, "{}", server.engine);
        assert_eq!(neighbour.error(), (400, "invalid_scope"), "{}", server.engine);
        assert_eq!(guess.error(), (401, "invalid_client"), "{}", server.engine);
        let refused = uses(&server, id).await.into_iter();
        let refused: Vec<_> = refused.filter(|(it, _)| it.outcome != "issued").collect();
        assert_eq!(refused.len(), 1, "{}: {refused:?}", server.engine);
        assert_eq!(refused[0].1, 5, "what is told to slow down is counted, too");
    }
}

/// The statuses of six requests that are all alike.
async fn six(server: &TestServer, request: impl Fn() -> Request<Body>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(server.send(request()).await.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn fx_18c_clients_assertions_and_refresh_tokens_have_such_a_budget_too() {
    for server in TestServer::on_each_engine_with(|| {
        let mut options = failures(3)();
        options.settings.refresh.for_api_keys = Some(keyturn::domain::RefreshTerms::default());
        options
    })
    .await
    {
        let (id, secret) = new_key(&server).await;
        let acme = server.root("other").await;
        let client = server.obtaining_client(acme, "shop").await;
        let asker = Asker::keyturn();
        let client_id = client.id.parse().unwrap();
        let any = keyturn::domain::Expected::Any;
        let edit = clients::Edit { enabled: Some(false), ..clients::Edit::default() };
        clients::update(&server.app, &asker, client_id, &any, edit).await.unwrap();
        let ci = Ci::at("https://ci.example.com");
        ci.trusted_by(&server, ci.rule(acme)).await;
        let job = ci.job(&server);
        let granted = server.exchange("ci", &secret).await;
        let refresh = granted.body["refresh_token"].as_str().unwrap();
        let bearer = GrantType::JwtBearer.as_str();
        let assertion = [("grant_type", bearer), ("assertion", &job), ("audience", "api")];
        assert_eq!(server.post(OAUTH, &assertion).await.status, 200, "{}", server.engine);
        server.revoke(id).await;

        let credentials = [("grant_type", "client_credentials")];
        let of_client = six(&server, || client.request(OAUTH, &credentials)).await;
        let of_assertion = six(&server, || post(OAUTH, &encoded(&assertion))).await;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let of_refresh = six(&server, || post(OAUTH, &encoded(&form))).await;

        assert_eq!(of_client, [401, 401, 401, 429, 429, 429], "{}", server.engine);
        assert_eq!(of_assertion, [400, 400, 400, 429, 429, 429], "{}", server.engine);
        assert_eq!(of_refresh, [400, 400, 400, 429, 429, 429], "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_18d_of_a_flood_from_one_address_only_so_many_refusals_are_kept() {
    for server in TestServer::on_each_engine_with(failures(60)).await {
        for _ in 0..1500 {
            let malformed = server.send(post(OAUTH, "grant_type=a&grant_type=b")).await;
            assert_eq!(malformed.status, 400);
        }
        server.settle().await;

        let kept = server.count("refusals").await;
        assert!((1..=600).contains(&kept), "{}: {kept}", server.engine);
    }
}

#[tokio::test]
async fn fx_18e_an_expired_token_at_the_management_api_has_a_budget() {
    for server in TestServer::on_each_engine_with(failures(3)).await {
        let (_, secret) = new_key(&server).await;
        let form =
            [("name", "ci"), ("secret", secret.reveal()), ("resource", "https://keyturn.test")];
        let answer = server.post(API_KEY, &form).await;
        let token = answer.body["access_token"].as_str().unwrap().to_owned();
        server.app.clock.advance(TimeDelta::minutes(10));

        let mut statuses = Vec::new();
        for _ in 0..5 {
            let answer = server.manage_by(&token).get("/api/v1/api-keys").await;
            statuses.push(answer.status.as_u16());
        }

        assert_eq!(statuses, [401, 401, 401, 429, 429], "{}", server.engine);
    }
}

fn upkeep(rows: u32) -> Upkeep {
    let kept = Kept { age: None, rows: Some(rows) };
    let for_ever = Kept { age: None, rows: None };
    Upkeep::new(Retention { usage: kept, refusals: kept, audit: for_ever })
}

/// So many rows of usage, one a minute, the last of them at this moment.
async fn used(server: &TestServer, secret: SecretId, last: Timestamp, rows: i64) {
    let mut tx = server.app.store.write().await.unwrap();
    for number in 0..rows {
        let circumstances = Circumstances {
            minute: last.timestamp() / 60 - number,
            source: "192.0.2.1".parse().unwrap(),
            user_agent: UserAgent::new("curl/8"),
            outcome: "issued".into(),
        };
        store::usage::add(&mut tx, &circumstances, &[(secret, 1)]).await.unwrap();
    }
    server.app.commit(tx).await.unwrap();
}

async fn refused(server: &TestServer, key: Option<ApiKeyId>, at: Timestamp, rows: i64) {
    let mut tx = server.app.store.write().await.unwrap();
    for number in 0..rows {
        let at = at - TimeDelta::minutes(number);
        let record = RefusalRecord {
            request_id: Random::System.id(at),
            at: at.timestamp(),
            reason: "key_expired".to_owned(),
            detail: "".into(),
            api_key_id: key,
            organization_id: None,
            source: "192.0.2.1".parse().unwrap(),
            user_agent: UserAgent::new("curl/8"),
            door: API_KEY.to_owned(),
        };
        store::refusals::insert(&mut tx, &record).await.unwrap();
    }
    server.app.commit(tx).await.unwrap();
}

async fn secret_of(server: &TestServer, id: ApiKeyId) -> SecretId {
    let mut tx = server.app.store.read().await.unwrap();
    store::api_key_secrets::of_key(&mut tx, id).await.unwrap()[0].id
}

#[tokio::test]
async fn fx_18f_who_fills_the_history_pushes_out_their_own_and_not_that_of_others() {
    for server in TestServer::on_each_engine().await {
        let (quiet, _) = new_key(&server).await;
        let other = server.root("other").await;
        let (loud, _) = server.key(Owner::Organization(other), "loud").await;
        let (quiet_secret, loud_secret) =
            (secret_of(&server, quiet).await, secret_of(&server, loud.id).await);
        let now = server.app.clock.now();
        used(&server, quiet_secret, now - TimeDelta::days(20), 30).await;
        used(&server, loud_secret, now, 3000).await;
        refused(&server, Some(quiet), now - TimeDelta::days(20), 30).await;
        refused(&server, Some(loud.id), now, 700).await;
        refused(&server, None, now - TimeDelta::days(1), 700).await;
        let mut upkeep = upkeep(500);

        upkeep.run(&server.app).await.unwrap();
        used(&server, loud_secret, now + TimeDelta::minutes(5), 5).await;
        upkeep.run(&server.app).await.unwrap();
        upkeep.run(&server.app).await.unwrap();

        let (of_quiet, of_loud) = (uses(&server, quiet).await, uses(&server, loud.id).await);
        assert_eq!((of_quiet.len(), of_loud.len()), (30, 470), "{}", server.engine);
        let newest = (now.timestamp() / 60) + 5;
        assert_eq!(of_loud.last().unwrap().0.minute, newest, "{}", server.engine);
        assert_eq!(of_loud[0].0.minute, newest - 469, "the oldest go first");
        let asked = async |key: &str| {
            let rows = format!("refusals where api_key_id {key}");
            server.count(&rows).await
        };
        assert_eq!(asked("is null").await, 235, "{}", server.engine);
        assert_eq!(asked("is not null").await, 30 + 235, "{}", server.engine);
    }
}
