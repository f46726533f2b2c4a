//! A record that cannot be counted costs no other its place, and is not lost itself.

use keyturn::{domain::Owner, ledger::Fold, random::Random, store};
use serde_json::json;

use crate::support::TestServer;

/// What the database refuses, in a batch between what it takes.
fn batch(server: &TestServer, secret: &str, uses: &[i64]) -> String {
    let minute = server.app.clock.now().timestamp() / 60;
    let alike = uses.iter().enumerate().map(|(number, count)| {
        json!({
            "circumstances": { "minute": minute, "source": format!("192.0.2.{number}"),
                "user_agent": "", "outcome": "issued" },
            "secrets": [[secret, count]],
        })
    });
    json!({ "uses": alike.collect::<Vec<_>>(), "refusals": [] }).to_string()
}

async fn append(server: &TestServer, batch: &str) {
    let id = Random::System.id(server.app.clock.now());
    store::usage_journal::append(&server.app.store, id, batch).await.unwrap();
}

async fn metric(server: &TestServer) -> String {
    let text = server.get("/metrics").await.text;
    let line = text.lines().find(|it| it.starts_with("keyturn_quarantined_records"));
    line.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn fx_10d_of_a_batch_that_is_refused_only_the_bad_record_goes_to_quarantine() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, _) = server.key(acme, "ci").await;
        let mut tx = server.app.store.read().await.unwrap();
        let secrets = store::api_key_secrets::of_key(&mut tx, key.id).await.unwrap();
        let secret = secrets[0].id.to_string();
        drop(tx);
        let mut fold = Fold::new(server.app.store.clone(), server.app.clock.clone())
            .counting(server.app.ledger.quarantined().clone());
        // As many uses as a number holds: one more is refused.
        append(&server, &batch(&server, &secret, &[1, 1, i64::MAX, 1, 1])).await;
        fold.fold_all().await.unwrap();

        append(&server, &batch(&server, &secret, &[1, 1, 7, 1, 1])).await;
        append(&server, &batch(&server, &secret, &[1])).await;
        fold.fold_all().await.unwrap();

        let mut tx = server.app.store.read().await.unwrap();
        let counted = store::usage::of_key(&mut tx, key.id).await.unwrap();
        let mut uses: Vec<_> = counted.into_iter().map(|(_, uses)| uses).collect();
        uses.sort_unstable();
        assert_eq!(uses, [2, 2, 2, 3, i64::MAX], "{}", server.engine);
        assert_eq!(store::usage_journal::first(&mut tx).await.unwrap(), None);
        assert_eq!(store::usage_quarantine::all(&mut tx).await.unwrap(), 1, "{}", server.engine);
        drop(tx);
        assert_eq!(metric(&server).await, "keyturn_quarantined_records 1");
        assert!(server.dump().await.contains("[[\""), "the record is kept as it was");
    }
}

#[tokio::test]
async fn fx_10e_a_batch_that_cannot_be_read_is_kept_and_holds_no_other_up() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        append(&server, "{").await;
        server.exchange("ci", &secret).await;

        server.settle().await;

        let mut tx = server.app.store.read().await.unwrap();
        let counted = store::usage::of_key(&mut tx, key.id).await.unwrap();
        assert_eq!(counted[0].1, 1, "{}", server.engine);
        assert_eq!(store::usage_quarantine::all(&mut tx).await.unwrap(), 1, "{}", server.engine);
    }
}
