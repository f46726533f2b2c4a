//! How keys were used, over the API.

use chrono::TimeDelta;
use keyturn::{
    domain::{ApiKey, Circumstances, Owner, Reach, SecretId, UserAgent},
    store,
};
use serde_json::Value;

use super::{NOBODY, acme, owner_of, secret_of};
use crate::support::{TestServer, problem};

const USAGE: &str = "/api/v1/usage";

/// Midnight of the day that the clock of a test stands in, in minutes: 2027-01-15.
const DAY: i64 = 1_800_000_000 / 86_400 * 1440;

async fn secret_ids(server: &TestServer, key: &ApiKey) -> Vec<SecretId> {
    let mut tx = server.app.store.read().await.unwrap();
    let secrets = store::api_key_secrets::of_key(&mut tx, key.id).await.unwrap();
    secrets.into_iter().map(|secret| secret.id).collect()
}

/// Counts uses, as the ledger does.
async fn count(server: &TestServer, secret: SecretId, uses: &[(i64, &str, &'static str, i64)]) {
    let mut tx = server.app.store.write().await.unwrap();
    for &(minute, source, outcome, count) in uses {
        let circumstances = Circumstances {
            minute,
            source: source.parse().unwrap(),
            user_agent: UserAgent::new("curl/8"),
            outcome: outcome.into(),
        };
        store::usage::add(&mut tx, &circumstances, &[(secret, count)]).await.unwrap();
    }
    tx.commit(server.app.clock.now()).await.unwrap();
}

/// `at` without its year, where from, how it went, how often.
fn told(item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap();
    let at = text("at").strip_prefix("2027-").unwrap();
    format!("{at} {} {} {}", text("source"), text("outcome"), item["uses"])
}

fn all_told(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap_or_else(|| panic!("{list}")).iter().map(told).collect()
}

#[tokio::test]
async fn an_exchange_is_counted_with_its_address_client_and_outcome() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        for _ in 0..3 {
            server.exchange("ci", &secret).await;
        }
        server.disable(key.id).await;
        server.exchange("ci", &secret).await;
        server.settle().await;

        let answer = caller.get(&format!("{USAGE}?api_key_id={}", key.id)).await;

        let counts = all_told(&answer.body);
        let expected =
            ["01-15T08:00:00Z 127.0.0.1 issued 3", "01-15T08:00:00Z 127.0.0.1 key_disabled 1"];
        assert_eq!(counts, expected, "{}", server.engine);
        let secret = secret_ids(&server, &key).await[0];
        assert_eq!(answer.body["items"][0]["secret_id"], secret.to_string());
        assert_eq!(answer.body["next_cursor"], Value::Null);
    }
}

#[tokio::test]
async fn counts_are_summed_up_by_minute_hour_or_day_within_a_span() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let (key, _) = server.key(Owner::Organization(acme), "ci").await;
        let (other, _) = server.key(Owner::Organization(acme), "other").await;
        let uses = [
            (DAY - 1, "10.0.0.1", "issued", 1),
            (DAY, "10.0.0.1", "issued", 2),
            (DAY + 1, "10.0.0.1", "issued", 4),
            (DAY + 1, "10.0.0.2", "issued", 8),
            (DAY + 61, "10.0.0.1", "issued", 16),
        ];
        count(&server, secret_ids(&server, &key).await[0], &uses).await;
        count(&server, secret_ids(&server, &other).await[0], &uses).await;
        let told = async |by: &str, from: &str, until: &str| {
            let span = format!("from=2027-01-{from}:00Z&until=2027-01-{until}:00Z");
            let path = format!("{USAGE}?api_key_id={}&by={by}&{span}", key.id);
            all_told(&caller.get(&path).await.body)
        };

        let minutes = told("minute", "15T00:01", "15T01:01").await;
        let hours = told("hour", "15T00:30", "15T00:31").await;
        let days = told("day", "14T12:00", "15T12:00").await;

        assert_eq!(
            minutes,
            ["01-15T00:01:00Z 10.0.0.1 issued 4", "01-15T00:01:00Z 10.0.0.2 issued 8"],
            "{}",
            server.engine
        );
        assert_eq!(
            hours,
            ["01-15T00:00:00Z 10.0.0.1 issued 6", "01-15T00:00:00Z 10.0.0.2 issued 8"]
        );
        assert_eq!(
            days,
            [
                "01-14T00:00:00Z 10.0.0.1 issued 1",
                "01-15T00:00:00Z 10.0.0.1 issued 22",
                "01-15T00:00:00Z 10.0.0.2 issued 8",
            ]
        );
    }
}

#[tokio::test]
async fn the_parts_of_a_list_are_the_list_also_where_nothing_happened_for_months() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let (key, _) = server.key(Owner::Organization(acme), "ci").await;
        server.rotate(key.id, TimeDelta::days(1)).await;
        let (early, late) = (DAY - 100 * 1440, DAY + 10);
        let uses =
            [early, early + 1, late].map(|minute| [1, 2].map(|host| (minute, host))).concat();
        for secret in secret_ids(&server, &key).await {
            for (minute, host) in &uses {
                let source = format!("10.0.0.{host}");
                count(&server, secret, &[(*minute, &source, "issued", 1)]).await;
            }
        }
        let span = "from=2026-10-01T00:00:00Z&until=2027-01-16T00:00:00Z&by=minute";
        let path = format!("{USAGE}?api_key_id={}&{span}&limit=5", key.id);

        let (mut met, mut cursor, mut parts) = (Vec::new(), String::new(), 0);
        loop {
            let part = caller.get(&format!("{path}{cursor}")).await;
            met.extend(part.body["items"].as_array().unwrap().iter().map(Value::to_string));
            parts += 1;
            let Some(next) = part.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }

        assert_eq!(met.len(), 12, "{}", server.engine);
        assert!((4..10).contains(&parts), "{parts}");
        met.dedup();
        assert_eq!(met.len(), 12, "{}: something came twice", server.engine);
    }
}

#[tokio::test]
async fn usage_is_for_whoever_may_see_the_key_and_has_the_scope() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;
        let (key, _) = server.key(Owner::Organization(acme), "ci").await;
        let ada = server.user("ada@example.com", &[(acme, "viewer")]).await;
        let (of_ada, _) = server.key(Owner::User(ada), "own").await;
        let secret = secret_of(&server, acme, "owner", Reach::Own).await;
        let narrow = server.manage_with(&secret, &[("scope", "keys:read")]).await;
        let of = |id: &dyn std::fmt::Display| format!("{USAGE}?api_key_id={id}");

        assert_eq!(caller.get(&of(&key.id)).await.status, 200, "{}", server.engine);
        for hidden in [of(&of_ada.id), of(&NOBODY)] {
            assert_eq!(problem(&caller.get(&hidden).await), (404, "not-found"));
        }
        assert_eq!(problem(&stranger.get(&of(&key.id)).await), (404, "not-found"));
        assert_eq!(problem(&narrow.get(&of(&key.id)).await), (403, "insufficient-scope"));
    }
}

#[tokio::test]
async fn what_asks_for_no_usage_is_refused() {
    let server = TestServer::start().await;
    let (acme, caller) = acme(&server).await;
    let (key, _) = server.key(Owner::Organization(acme), "ci").await;

    for query in [
        String::new(),
        "?api_key_id=ci".to_owned(),
        format!("?api_key_id={}&by=week", key.id),
        format!("?api_key_id={}&limit=0", key.id),
        format!("?api_key_id={}&limit=201", key.id),
        format!("?api_key_id={}&cursor=AAAA", key.id),
        format!("?api_key_id={}&from=2027-01-02T00:00:00Z&until=2027-01-01T00:00:00Z", key.id),
        format!("?api_key_id={}&from=yesterday", key.id),
        format!("?api_key_id={}&color=red", key.id),
    ] {
        let answer = caller.get(&format!("{USAGE}{query}")).await;
        assert_eq!(problem(&answer), (400, "invalid-request"), "{query}");
    }
}
